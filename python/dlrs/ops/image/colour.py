"""Colours: grey, and hue, saturation and value."""

from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type
from dlrs.ops.image.batches import channels_axis, check_rank
from dlrs.ops.manipulation import split, stack
from dlrs.ops.operation import op

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

# Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = (0.2989, 0.5870, 0.1140)


@op
def rgb_to_grayscale(images: TensorLike, data_format: str | None = None) -> Tensor:
    """The luma of images: one channel, 0.2989 r + 0.587 g + 0.114 b (ITU-R BT.601), of the images' type.

    Args:
        images: Images of three channels; of one, they are returned.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Errors: ValueError for another rank than 3 or 4 and for other channels.

    >>> rgb_to_grayscale([[[100.0, 0.0, 0.0]]]).shape
    (1, 1, 1)
    """
    images = as_tensor(images)
    check_rank("rgb_to_grayscale", images)
    axis = channels_axis(data_format)
    if images.shape[axis] not in (1, 3):
        raise ValueError(
            "rgb_to_grayscale: Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: "
            f"images.shape={images.shape}"
        )
    if images.shape[axis] == 1:
        return images
    floats = _dlrs.cast(images, result_type(images.dtype, "float32"))
    grey = _dlrs.sum(_dlrs.multiply(floats, _along(axis, floats.dtype)), [axis], True)
    return _dlrs.cast(grey, images.dtype)


def _along(axis: int, dtype: str) -> Any:
    return np.asarray(LUMA, dtype).reshape((-1, 1, 1) if axis == -3 else (-1,))


def _channels(name: str, images: TensorLike, data_format: str | None) -> tuple[list[Tensor], int, str]:
    """The three channels in single precision at least, their axis, and the images' type."""
    images = as_tensor(images)
    check_rank(name, images)
    axis = channels_axis(data_format)
    if images.shape[axis] != 3:
        raise ValueError(
            f"{name}: Input images must have 3 channels, but received images with {images.shape[axis]} channels. "
            f"Received input with shape: images.shape={images.shape}"
        )
    if not is_float_dtype(images.dtype):
        raise ValueError(f"{name}: Invalid images dtype: expected float dtype. Received: images.dtype={images.dtype}")
    floats = _dlrs.cast(images, result_type(images.dtype, "float32"))
    parts = [_dlrs.reshape(part, _without(part.shape, axis)) for part in split(floats, 3, axis)]
    return parts, axis, images.dtype


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    axis += len(shape)
    return (*shape[:axis], *shape[axis + 1 :])


@op
def rgb_to_hsv(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value, each from 0 to 1, of colours from 0 to 1 (Smith 1978, "Color gamut transform pairs").

    Args:
        images: Float images of three channels.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Errors: ValueError for another rank than 3 or 4, for other channels and for integers.

    >>> rgb_to_hsv([[[0.0, 0.5, 0.0]]]).numpy().round(4).tolist()
    [[[0.33329999446868896, 1.0, 0.5]]]
    """
    (r, g, b), axis, dtype = _channels("rgb_to_hsv", images, data_format)
    value = _dlrs.maximum(_dlrs.maximum(r, g), b)
    chroma = _dlrs.subtract(value, _dlrs.minimum(_dlrs.minimum(r, g), b))
    coloured, bright = _dlrs.greater(chroma, 0.0), _dlrs.greater(value, 0.0)
    # Where there is no colour, 1 keeps gradients finite.
    safe = _dlrs.where(coloured, chroma, 1.0)
    saturation = _dlrs.where(bright, _dlrs.divide(chroma, _dlrs.where(bright, value, 1.0)), 0.0)
    sixth = _dlrs.divide(1.0 / 6.0, safe)
    at_green = _dlrs.add(_dlrs.multiply(_dlrs.subtract(b, r), sixth), 2.0 / 6.0)
    at_blue = _dlrs.add(_dlrs.multiply(_dlrs.subtract(r, g), sixth), 4.0 / 6.0)
    at_red = _dlrs.multiply(_dlrs.subtract(g, b), sixth)
    hue = _dlrs.where(_dlrs.equal(value, r), at_red, _dlrs.where(_dlrs.equal(value, g), at_green, at_blue))
    hue = _dlrs.where(coloured, hue, 0.0)
    hue = _dlrs.where(_dlrs.less(hue, 0.0), _dlrs.add(hue, 1.0), hue)
    return _dlrs.cast(stack([hue, saturation, value], axis), dtype)


@op
def hsv_to_rgb(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Colours of hue, saturation and value: the inverse of `rgb_to_hsv`. Hues count modulo 1.

    Args:
        images: Float images of three channels.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Errors: ValueError for another rank than 3 or 4, for other channels and for integers.

    >>> hsv_to_rgb([[[0.5, 1.0, 0.25]]]).tolist()
    [[[0.0, 0.25, 0.25]]]
    """
    (hue, saturation, value), axis, dtype = _channels("hsv_to_rgb", images, data_format)
    turned = _dlrs.multiply(_dlrs.subtract(hue, _dlrs.floor(hue)), 6.0)

    def distance(centre: float) -> Tensor:
        return _dlrs.absolute(_dlrs.subtract(turned, centre))

    def channel(full: Tensor) -> Tensor:
        full = _dlrs.minimum(_dlrs.maximum(full, 0.0), 1.0)
        grey = _dlrs.subtract(1.0, saturation)
        return _dlrs.multiply(value, _dlrs.add(grey, _dlrs.multiply(saturation, full)))

    red = channel(_dlrs.subtract(distance(3.0), 1.0))
    green, blue = channel(_dlrs.subtract(2.0, distance(2.0))), channel(_dlrs.subtract(2.0, distance(4.0)))
    return _dlrs.cast(stack([red, green, blue], axis), dtype)
