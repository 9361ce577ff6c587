"""Boxes, scores and classes as the arrays that algorithms on the host take."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend.checks import check_type
from dlrs.utils.bounding_boxes import convert_format

Array = np.ndarray[Any, Any]


def as_numbers(function: str, argument: str, values: Any) -> Array:
    """An argument as an array of numbers.

    Raises:
        TypeError: it is None, symbolic, or holds something else.
        ValueError: it is ragged.
    """
    if values is None:
        raise TypeError(f"{function}: `{argument}` must be an array or a tensor, got None.")
    try:
        array: Array = np.asarray(ops.convert_to_numpy(values))
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"{function}: `{argument}` is no array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{function}: `{argument}` must hold numbers, got {array.dtype}.")
    return array


def as_corners(function: str, argument: str, boxes: Any, bounding_box_format: str) -> Array:
    """Boxes (..., 4) as left, top, right, bottom; float64 if they came so, else float32. An empty list is (0, 4).

    The formats that start with `rel_` stay relative.

    Raises:
        TypeError: they are no numbers, or the format is no string.
        ValueError: another shape, or an unknown format.
    """
    array = as_numbers(function, argument, boxes)
    if array.shape == (0,):
        array = array.reshape(0, 4)
    if array.ndim == 0 or array.shape[-1] != 4:
        raise ValueError(f"{function}: `{argument}` must have the shape (..., 4), got {array.shape}.")
    dtype = "float64" if array.dtype == np.float64 and isinstance(boxes, np.ndarray | np.generic) else "float32"
    if array.dtype == np.float64 and ops.is_tensor(boxes):
        dtype = "float64"
    check_type(function, "bounding_box_format", bounding_box_format, str, "a string")
    own = bounding_box_format.lower().removeprefix("rel_")
    if own == "xyxy":
        return np.ascontiguousarray(array, dtype=dtype)
    try:
        corners = convert_format(array, own, "xyxy", dtype=dtype)
    except ValueError as error:
        raise ValueError(f"{function}, `bounding_box_format`: {error}") from error
    return np.ascontiguousarray(ops.convert_to_numpy(corners))


def as_labels(function: str, argument: str, labels: Any, shape: tuple[int, ...]) -> Array:
    """Integer labels of a shape, as int64.

    Raises:
        TypeError: they are no integers.
        ValueError: another shape.
    """
    array = as_numbers(function, argument, labels)
    if array.size == 0:
        array = array.astype("int64")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{function}: `{argument}` must be integers, got {array.dtype}.")
    if array.shape != shape:
        raise ValueError(f"{function}: `{argument}` must have the shape {shape}, got {array.shape}.")
    return np.ascontiguousarray(array, dtype="int64")
