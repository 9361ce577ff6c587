"""Images of another size."""

from collections.abc import Sequence
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype
from dlrs.ops.core import saturate_cast
from dlrs.ops.image.arguments import apply_to_batch, is_channels_first, spatial_axes
from dlrs.ops.image.batches import check_rank
from dlrs.ops.operation import op

__all__ = ["resize"]

INTERPOLATIONS = ("area", "bicubic", "bilinear", "lanczos3", "lanczos5", "nearest")

# Types whose numbers single precision tells apart.
_SMALL = ("bool", "int8", "int16", "uint16")


@op
def resize(
    images: TensorLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images of another height and width.

    Args:
        images: Tensor of shape ([batch,] height, width, channels), or ([batch,] channels, height, width) for
            `"channels_first"`. Whole numbers stay whole: results are rounded, and bounded by what the type holds.
        size: The new height and width.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"` (Keys 1981, a = -1/2), `"lanczos3"`, `"lanczos5"` or
            `"area"` (the mean of what a new pixel covers). Pixel centres lie at halves.
        antialias: Whether images that become smaller are filtered first, so that fine patterns do not turn into others.
        crop_to_aspect_ratio: Keep proportions: cut away what `size` has no room for.
        pad_to_aspect_ratio: Keep proportions: add borders of `fill_value`.
        fill_mode: `"constant"`.
        fill_value: What borders are made of.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns:
        Tensor of the same rank and dtype.

    Errors: ValueError if the rank is neither 3 nor 4, `size` is not positive, or a method is not known.

    >>> resize([[[0.0], [1.0]]], (1, 4)).tolist()
    [[[0.0], [0.25], [0.75], [1.0]]]
    """
    height, width = _checked_size(size)
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"resize: Invalid value for argument `interpolation`. Expected one of {INTERPOLATIONS}. Received:"
            f" interpolation={interpolation}"
        )
    if fill_mode != "constant":
        raise ValueError(
            "resize: Invalid value for argument `fill_mode`. Only 'constant' is supported. Received:"
            f" fill_mode={fill_mode}"
        )
    if pad_to_aspect_ratio and crop_to_aspect_ratio:
        raise ValueError("resize: Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`.")
    images = as_tensor(images)
    check_rank("resize", images)
    first = is_channels_first("resize", data_format)
    if crop_to_aspect_ratio:
        images = _cropped(images, height, width, first)
    elif pad_to_aspect_ratio:
        images = _padded(images, height, width, first, fill_value)

    def resized(batch: Tensor) -> Tensor:
        return _dlrs.resize(batch, (height, width), interpolation, bool(antialias))

    dtype = images.dtype
    if dtype == "uint8" or is_float_dtype(dtype):
        return apply_to_batch(resized, images, first)
    # Other whole numbers may be larger than single precision tells apart.
    wide = _dlrs.cast(images, "float32" if dtype in _SMALL else "float64")
    return saturate_cast(_dlrs.round(apply_to_batch(resized, wide, first)), dtype)


def _checked_size(size: Any) -> tuple[int, int]:
    if not isinstance(size, list | tuple) or len(size) != 2 or any(not isinstance(n, int) for n in size):
        raise ValueError(f"resize: Expected `size` to be a tuple of 2 integers. Received: size={size}")
    if size[0] <= 0 or size[1] <= 0:
        raise ValueError(f"resize: `size` must have positive height and width. Received: size={size}")
    return size[0], size[1]


def _cropped(images: Tensor, height: int, width: int, first: bool) -> Tensor:
    """The largest part in the middle with the proportions of the new size."""
    rows, columns = spatial_axes(images, first)
    start, stop = [0] * images.ndim, list(images.shape)
    h, w = images.shape[rows], images.shape[columns]
    for axis, n, room in ((rows, h, w * height // width), (columns, w, h * width // height)):
        kept = max(min(n, room), 1)
        start[axis] = (n - kept) // 2
        stop[axis] = start[axis] + kept
    return _dlrs.slice(images, start, stop, [1] * images.ndim)


def _padded(images: Tensor, height: int, width: int, first: bool, fill_value: float) -> Tensor:
    """The images in the middle of larger ones with the proportions of the new size."""
    rows, columns = spatial_axes(images, first)
    h, w = images.shape[rows], images.shape[columns]
    borders = [(0, 0)] * images.ndim
    for axis, n, room in ((rows, h, w * height // width), (columns, w, h * width // height)):
        # As in Keras, both borders are as wide as the narrower one.
        borders[axis] = (max(room - n, 0) // 2,) * 2
    return _dlrs.pad(images, borders, fill_value)
