"""What measures of overlap are made of: sides, areas, intersections and the rectangle around two boxes.

A box is its left, top, right and bottom, four tensors that broadcast against those of the other box.
"""

import math
from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.utils.bounding_boxes.converters import image_size, in_format


def corners(
    function: str,
    argument: str,
    boxes: Any,
    bounding_box_format: str,
    image_shape: Sequence[Any] | None,
    ranks: tuple[int, ...] | None,
    dtype: str = "float32",
) -> list[Any]:
    """Left, top, right and bottom of each box, as tensors (..., 1).

    Args:
        function: whose argument it is; errors name both.
        argument: its name.
        boxes: (..., 4).
        bounding_box_format: as of `convert_format`.
        image_shape: (height, width, channels), for relative formats.
        ranks: numbers of axes that are allowed; None for all.
        dtype: of the result.

    Raises:
        ValueError: an unknown format, another shape, or no `image_shape` for a relative format.
        TypeError: the format is no string.
    """
    if not isinstance(bounding_box_format, str):
        raise TypeError(f"{function}: `bounding_box_format` must be a string, got {bounding_box_format!r}.")
    if bounding_box_format.lower().startswith("rel") and image_shape is None:
        raise ValueError(
            f"{function}: When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must "
            "be provided."
        )
    size = image_size(function, image_shape)
    sides = in_format(function, argument, boxes, bounding_box_format, "xyxy", *size, dtype=dtype)
    if ranks is not None and sides.ndim not in ranks:
        raise ValueError(f"{function}: `{argument}` must have the shape (n, 4) or (batch, n, 4), got {sides.shape}.")
    return list(ops.split(sides, 4, axis=-1))


def area(left: Any, top: Any, right: Any, bottom: Any) -> Any:
    """Width times height."""
    return (right - left) * (bottom - top)


def intersection(first: Sequence[Any], second: Sequence[Any]) -> Any:
    """The area that two boxes share."""
    width = ops.minimum(first[2], second[2]) - ops.maximum(first[0], second[0])
    height = ops.minimum(first[3], second[3]) - ops.maximum(first[1], second[1])
    return ops.relu(width) * ops.relu(height)


def around(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """The smallest box that holds both."""
    least = [ops.minimum(first[i], second[i]) for i in (0, 1)]
    return least + [ops.maximum(first[i], second[i]) for i in (2, 3)]


def distance_of_centers(first: Sequence[Any], second: Sequence[Any]) -> Any:
    """The squared distance of the centres."""
    x, y = ((first[i] + first[i + 2] - second[i] - second[i + 2]) / 2.0 for i in (0, 1))
    return ops.square(x) + ops.square(y)


def proportions_differ(widths: Sequence[Any], heights: Sequence[Any]) -> Any:
    """`4 / π² (arctan(w₂ / h₂) - arctan(w₁ / h₁))²` of the sizes of two boxes."""
    first, second = (ops.arctan(width / height) for width, height in zip(widths, heights, strict=True))
    return 4 / math.pi**2 * ops.square(second - first)
