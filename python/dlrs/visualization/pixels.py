"""Batches of images as arrays of bytes, channels last."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend.checks import check_type
from dlrs.config import standardize_data_format

Array = np.ndarray[Any, Any]


def as_batch(function: str, images: Any, data_format: str | None) -> Array:
    """The images as an array (batch, height, width, channels), which may be the caller's own.

    Raises:
        ValueError: another rank, or other than 1, 3 or 4 channels.
    """
    check_type(function, "data_format", data_format, str, "a string", optional=True)
    batch = as_array(function, "images", images)
    if batch.ndim != 4:
        raise ValueError(f"{function}: `images` must be batched 4D tensor. Received: images.shape={batch.shape}")
    if standardize_data_format(data_format) == "channels_first":
        batch = batch.transpose(0, 2, 3, 1)
    if batch.shape[-1] not in (1, 3, 4):
        raise ValueError(f"{function}: `images` must have 1, 3 or 4 channels. Received: images.shape={batch.shape}")
    return batch


def as_array(function: str, argument: str, values: Any) -> Array:
    """The argument of a function as an array, which errors name."""
    try:
        array: Array = np.asarray(ops.convert_to_numpy(values))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{function}: `{argument}` is no array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{function}: `{argument}` must hold numbers, got {array.dtype}.")
    return array


def as_bytes(batch: Array) -> Array:
    """A copy of the images in [0, 255]; floats up to 1 are taken as shares of 255."""
    if batch.dtype.kind == "f" and batch.size:
        batch = np.nan_to_num(batch)
        batch = np.clip(batch, 0, 1) * 255 if batch.max() <= 1.0 else np.clip(batch, 0, 255)
    return np.array(batch, dtype="uint8", copy=True)


def bytes_in_range(function: str, batch: Array, value_range: Sequence[float]) -> Array:
    """The images with their values from `value_range` stretched to [0, 255], with three or four channels.

    Raises:
        ValueError: `value_range` is not two numbers, the smaller first.
    """
    right = isinstance(value_range, tuple | list) and len(value_range) == 2
    right = right and all(isinstance(v, int | float | np.number) and abs(v) < 1e300 for v in value_range)
    if not right or not value_range[0] < value_range[1]:
        raise ValueError(f"{function}: `value_range` must be two numbers, the smaller first, got {value_range!r}.")
    low, high = (float(v) for v in value_range)
    shares = (np.nan_to_num(batch.astype("float64")) - low) / (high - low)
    pixels: Array = np.clip(np.round(shares * 255), 0, 255).astype("uint8")
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def as_given(batch: Array, data_format: str | None) -> Array:
    """The images with their axes in the order of `data_format`."""
    return batch.transpose(0, 3, 1, 2) if standardize_data_format(data_format) == "channels_first" else batch


def check_color(function: str, argument: str, color: Any) -> tuple[int, int, int]:
    """Red, green and blue from 0 to 255.

    Raises:
        ValueError: anything else.
    """
    whole = isinstance(color, Sequence | np.ndarray) and not isinstance(color, str) and len(color) == 3
    if not whole or not all(isinstance(c, int | float | np.number) and 0 <= c <= 255 for c in color):
        raise ValueError(f"{function}: `{argument}` must be three numbers from 0 to 255, got {color!r}.")
    red, green, blue = (int(c) for c in color)
    return red, green, blue


def in_channels(color: Sequence[float], channels: int) -> Array:
    """A colour for images with so many channels: its brightness for one, opaque for four."""
    if channels == 1:
        return np.array([0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]])
    return np.array([*color, 255][:channels], dtype="float64")
