"""Borders cut away from images, and put around them."""

from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.image.arguments import is_channels_first, spatial_axes
from dlrs.ops.image.batches import check_rank
from dlrs.ops.operation import op, op_with_spec

__all__ = ["crop_images", "pad_images"]

Amount = int | None


@op
def pad_images(
    images: TensorLike,
    top_padding: Amount = None,
    left_padding: Amount = None,
    bottom_padding: Amount = None,
    right_padding: Amount = None,
    target_height: Amount = None,
    target_width: Amount = None,
    data_format: str | None = None,
) -> Tensor:
    """Images with borders of zeros.

    Args:
        images: Tensor of shape ([batch,] height, width, channels), or ([batch,] channels, height, width) for
            `"channels_first"`.
        top_padding, bottom_padding, target_height: Two of the rows above, the rows below and all rows.
        left_padding, right_padding, target_width: Two of the columns to the left, to the right and all columns.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Errors: ValueError if not exactly two of three are given, or a border would be negative.

    >>> pad_images([[[1.0]]], 0, 1, target_height=1, target_width=3).tolist()
    [[[0.0], [1.0], [0.0]]]
    """
    images = as_tensor(images)
    check_rank("pad_images", images)
    given = (top_padding, bottom_padding, target_height), (left_padding, right_padding, target_width)
    axes = spatial_axes(images, is_channels_first("pad_images", data_format))
    names = _names("pad_images", "padding", given)
    borders = [(0, 0)] * images.ndim
    for axis, (before, after, target), sides in zip(axes, given, names, strict=True):
        n = images.shape[axis]
        before = (target or 0) - n - (after or 0) if before is None else before
        after = (target or 0) - n - before if after is None else after
        _check_not_negative("pad_images", {sides[0]: before, sides[1]: after})
        borders[axis] = (before, after)
    return _dlrs.pad(images, borders)


def _cropped_spec(
    images: Any,
    top_cropping: Amount = None,
    left_cropping: Amount = None,
    bottom_cropping: Amount = None,
    right_cropping: Amount = None,
    target_height: Amount = None,
    target_width: Amount = None,
    data_format: str | None = None,
) -> KerasTensor:
    check_rank("crop_images", images)
    given = (top_cropping, bottom_cropping, target_height), (left_cropping, right_cropping, target_width)
    names = _names("crop_images", "cropping", given)
    shape = list(images.shape)
    axes = spatial_axes(images, is_channels_first("crop_images", data_format))
    for axis, (before, after, target), sides in zip(axes, given, names, strict=True):
        n, what = shape[axis], sides[2].removeprefix("target_")
        if n is None and target is None:
            raise ValueError(
                f"crop_images: When the {what} of the images is unknown, `{sides[2]}` must be specified. Received:"
                f" images.shape={images.shape}"
            )
        shape[axis] = target if n is None else _cropped(n, before, after, target, sides)[1]
    return KerasTensor(shape, images.dtype)


@op_with_spec(_cropped_spec)
def crop_images(
    images: TensorLike,
    top_cropping: Amount = None,
    left_cropping: Amount = None,
    bottom_cropping: Amount = None,
    right_cropping: Amount = None,
    target_height: Amount = None,
    target_width: Amount = None,
    data_format: str | None = None,
) -> Tensor:
    """Images without their borders.

    Args:
        images, data_format: As for `pad_images`.
        top_cropping, bottom_cropping, target_height: Two of the rows cut away above, below, and those that stay.
        left_cropping, right_cropping, target_width: Two of the columns cut away to the left, to the right, and those
            that stay.

    Errors: ValueError if not exactly two of three are given, or more is cut away than there is.

    >>> crop_images([[[1.0], [2.0], [3.0]]], 0, 1, target_height=1, target_width=1).tolist()
    [[[2.0]]]
    """
    images = as_tensor(images)
    check_rank("crop_images", images)
    given = (top_cropping, bottom_cropping, target_height), (left_cropping, right_cropping, target_width)
    names = _names("crop_images", "cropping", given)
    start, stop = [0] * images.ndim, list(images.shape)
    axes = spatial_axes(images, is_channels_first("crop_images", data_format))
    for axis, (before, after, target), sides in zip(axes, given, names, strict=True):
        start[axis], kept = _cropped(images.shape[axis], before, after, target, sides)
        stop[axis] = start[axis] + kept
    return _dlrs.slice(images, start, stop, [1] * images.ndim)


def _cropped(n: int, before: Amount, after: Amount, target: Amount, sides: tuple[str, ...]) -> tuple[int, int]:
    """How many of `n` entries are left out first, and how many are kept then."""
    if before is None:
        before = n - (target or 0) - (after or 0)
    kept = n - before - (after or 0) if target is None else target
    _check_not_negative("crop_images", {sides[0]: before, sides[2]: kept})
    if before + kept > n:
        raise ValueError(f"crop_images: {sides[0]}={before} and {sides[2]}={kept} of {n} entries are too many.")
    return before, kept


def _names(name: str, verb: str, given: tuple[tuple[Amount, ...], ...]) -> list[tuple[str, str, str]]:
    """The arguments' names, by axis, once it is seen that two are given for each."""
    names = [
        (f"top_{verb}", f"bottom_{verb}", "target_height"),
        (f"left_{verb}", f"right_{verb}", "target_width"),
    ]
    for values, sides in zip(given, names, strict=True):
        if sum(value is not None for value in values) != 2:
            received = ", ".join(f"{side}={value}" for side, value in zip(sides, values, strict=True))
            raise ValueError(f"{name}: Must specify exactly two of {', '.join(sides)}. Received: {received}")
        for side, value in zip(sides, values, strict=True):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise TypeError(f"{name}: {side} must be an integer. Received: {side}={value!r}")
            if value is not None:
                _check_not_negative(name, {side: value})
    return names


def _check_not_negative(name: str, amounts: dict[str, int]) -> None:
    for argument, value in amounts.items():
        if value < 0:
            raise ValueError(f"{name}: {argument} must be >= 0. Received: {argument}={value}")
