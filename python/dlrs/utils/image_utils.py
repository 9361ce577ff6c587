"""Image files and arrays; Pillow, of the extra `image`, reads and writes the files."""

import io
import os
import pathlib
from typing import Any

import numpy as np

from dlrs.backend import Tensor, Variable, floatx
from dlrs.config import standardize_data_format

Array = np.ndarray[Any, Any]

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_RESAMPLING = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow() -> Any:
    """The module `PIL.Image`; ImportError that names the extra if it is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Image files need Pillow. Install it with `pip install dlrs[image]`.") from error
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """An image from a file, as a Pillow image.

    Args:
        path: path, or an `io.BytesIO` with the file's bytes.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        target_size: (height, width) to resize to.
        interpolation: how pixels are resampled: `"nearest"`, `"bilinear"`, `"bicubic"`, `"hamming"`, `"box"` or
            `"lanczos"`.
        keep_aspect_ratio: whether the middle of the image is cut to the target's aspect ratio before.

    Raises:
        ValueError: an argument has no valid value, or the file, which is named, holds no image that can be decoded.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_img(folder + "/grey.png", np.full((4, 6, 1), 128.0), scale=False)
    ...     image = load_img(folder + "/grey.png", color_mode="grayscale", target_size=(2, 3))
    >>> image.size, image.getpixel((0, 0))  # Pillow's sizes are (width, height)
    ((3, 2), 128)
    """
    sizes = (1, 1) if target_size is None else target_size
    if (
        not isinstance(sizes, list | tuple)
        or len(sizes) != 2
        or not all(type(n) is int and 0 < n < 2**31 for n in sizes)
    ):
        raise ValueError(f"load_img: `target_size` must be two positive integers, got {target_size!r}.")
    image = decode(path, color_mode)
    if interpolation not in _RESAMPLING:
        raise ValueError(f"load_img: `interpolation` must be one of {', '.join(_RESAMPLING)}, got {interpolation!r}.")
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    height, width = target_size
    method = pillow().Resampling[interpolation.upper()]
    box = None
    if keep_aspect_ratio:
        cut_width = min(image.width, image.height * width // height)
        cut_height = min(image.height, image.width * height // width)
        left, top = (image.width - cut_width) // 2, (image.height - cut_height) // 2
        box = (left, top, left + cut_width, top + cut_height)
    return image.resize((width, height), method, box=box)


def decode(path: Any, color_mode: str) -> Any:
    """The decoded image of a file in one of the colour modes; ValueError that names the file if it holds none."""
    if color_mode not in _MODES:
        raise ValueError(f'`color_mode` must be "grayscale", "rgb", or "rgba". Received: color_mode={color_mode!r}.')
    images = pillow()
    if isinstance(path, io.BytesIO):
        content, name = io.BytesIO(path.getvalue()), "the bytes"
    elif isinstance(path, str | os.PathLike):
        name = os.fspath(path)
        content = io.BytesIO(pathlib.Path(path).read_bytes())
    else:
        raise TypeError(f"path should be path-like or io.BytesIO, not {type(path)}")
    try:
        with images.open(content) as image:
            if image.mode.startswith("I"):  # 16 bits: the upper 8
                bytes_ = images.fromarray((np.asarray(image) >> 8).astype(np.uint8))
                return bytes_.convert(_MODES[color_mode])
            return image.convert(_MODES[color_mode])
    except images.UnidentifiedImageError as error:
        # Pillow's message shows an address in memory.
        raise ValueError(f"{name}: no image that can be decoded (of no format that Pillow knows).") from error
    except (OSError, SyntaxError, ValueError, EOFError, images.DecompressionBombError) as error:
        raise ValueError(f"{name}: no image that can be decoded ({error}).") from error


def _numbers(function: str, argument: str, value: Any, dtype: str | None) -> Array:
    try:
        return np.asarray(value, dtype=dtype or floatx())
    except OverflowError:
        raise ValueError(f"{function}: `{argument}` holds a number larger than a float can be.") from None


def img_to_array(img: Any, data_format: str | None = None, dtype: str | None = None) -> Array:
    """A Pillow image as an array of shape (height, width, channels), or channels first.

    Args:
        img: image.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.
        dtype: type of the elements; `config.floatx()` if None.

    Returns:
        The array; one channel for an image in shades of grey.

    Raises:
        ValueError: neither two nor three axes.

    >>> img_to_array(array_to_img(np.full((2, 4, 3), 7.0), scale=False)).shape
    (2, 4, 3)
    """
    first = standardize_data_format(data_format) == "channels_first"
    array = _numbers("img_to_array", "img", img, dtype)
    if array.ndim not in (2, 3):
        raise ValueError(f"Unsupported image shape: {array.shape}")
    array = array[:, :, None] if array.ndim == 2 else array
    return np.ascontiguousarray(array.transpose(2, 0, 1)) if first else array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: str | None = None) -> Any:
    """An array as a Pillow image.

    Args:
        x: array of shape (height, width, channels) with 1, 3 or 4 channels, or channels first.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.
        scale: whether the values are stretched to [0, 255].
        dtype: type in which to compute; `config.floatx()` if None.

    Raises:
        ImportError: Pillow is not installed (the `image` extra).
        ValueError: another shape.

    >>> array_to_img(np.zeros((2, 4, 1))).size
    (4, 2)
    """
    first = standardize_data_format(data_format) == "channels_first"
    values = x.numpy() if isinstance(x, Tensor | Variable) else x
    array = _numbers("array_to_img", "x", values, dtype)
    if array.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {array.shape}")
    array = array.transpose(1, 2, 0) if first else array
    if scale:
        array = array - array.min()
        largest = array.max()
        array = array / largest * 255 if largest != 0 else array
    channels = array.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {channels}")
    if channels == 1:
        array = array[:, :, 0]
        if array.size and array.max() > 255:  # 32-bit integers
            return pillow().fromarray(array.astype(np.int32))
    return pillow().fromarray(array.astype(np.uint8))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as an image file.

    Args:
        path: path or file object.
        x, data_format, scale: as for `array_to_img`.
        file_format: format; by the path's extension if None.
        **kwargs: for Pillow's `save`.

    Raises:
        ImportError: Pillow is not installed (the `image` extra).
        OSError: the file cannot be written.
        ValueError: another shape, or an unknown format.

    >>> file = io.BytesIO()
    >>> save_img(file, np.zeros((2, 4, 3)), file_format="png")
    >>> file.getvalue()[1:4]
    b'PNG'
    """
    if not isinstance(path, str | os.PathLike) and not hasattr(path, "write"):
        raise TypeError(f"save_img: `path` must be a path or a file object, got {path!r}.")
    if file_format is not None and not isinstance(file_format, str):
        raise TypeError(f"save_img: `file_format` must be a string, got {file_format!r}.")
    image = array_to_img(x, data_format, scale)
    jpeg = (file_format or pathlib.Path(str(path)).suffix.removeprefix(".")).lower() in ("jpg", "jpeg")
    if jpeg and image.mode == "RGBA":
        image = image.convert("RGB")
    try:
        image.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)
    except KeyError as error:
        raise ValueError(f"save_img: no image can be written in the format {file_format!r} ({error}).") from None
