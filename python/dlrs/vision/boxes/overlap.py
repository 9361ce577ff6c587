"""Measures of overlap: intersection over union, and what generalises it to boxes that are apart.

Boxes may be arrays, lists or tensors, also symbolic ones; every measure is made of ops, so it has gradients. It is
computed in float64 if a tensor or array of float64 is among the boxes, else in float32. A side whose end lies before
its beginning counts as one without length at its beginning; NaN gives NaN.
"""

from collections.abc import Callable, Sequence
from typing import Any

from dlrs import ops
from dlrs.utils.bounding_boxes.converters import check_partners
from dlrs.utils.bounding_boxes.geometry import (
    area,
    around,
    corners,
    distance_of_centers,
    intersection,
    proportions_differ,
)

Sides = Sequence[Any]
Measure = Callable[[Sides, Sides], Any]


def iou(boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None) -> Any:
    """Intersection over union of boxes with their partners: the area they share by the area they cover.

    Args:
        boxes1: (..., 4).
        boxes2: (..., 4), of the same or a broadcast shape.
        bounding_box_format: as of `convert_format`.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (...), float32 or float64, in [0, 1]; 0 for two boxes without area.

    Source: Jaccard 1901; of detectors, Everingham et al. 2010, "The Pascal visual object classes challenge".

    Raises:
        ValueError: shapes that do not fit, an unknown format, or a relative one without `image_shape`.

    >>> iou([[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.0, 3.0, 2.0]]).numpy().round(4).tolist()
    [0.3333]
    """
    return _of_partners("iou", intersection_over_union, boxes1, boxes2, bounding_box_format, image_shape)


def giou(boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None) -> Any:
    """Generalized intersection over union of boxes with their partners: `iou - (c - u) / c`.

    Here u is the area that the two boxes cover, and c that of the smallest box around both: boxes that are apart still
    differ by how far.

    Args:
        boxes1: as of `iou`, like the other arguments.
        boxes2: likewise.
        bounding_box_format: likewise.
        image_shape: likewise.

    Returns:
        (...), in (-1, 1].

    Source: Rezatofighi et al. 2019, "Generalized intersection over union" (arXiv 1902.09630).

    Raises:
        ValueError: as `iou`.

    >>> giou([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0]]).tolist()
    [-0.5]
    """
    return _of_partners("giou", generalized, boxes1, boxes2, bounding_box_format, image_shape)


def diou(boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None) -> Any:
    """Distance intersection over union of boxes with their partners: `iou - d² / c²`.

    Here d is the distance of the centres and c the diagonal of the smallest box around both.

    Args:
        boxes1: as of `iou`, like the other arguments.
        boxes2: likewise.
        bounding_box_format: likewise.
        image_shape: likewise.

    Returns:
        (...), in (-1, 1].

    Source: Zheng et al. 2020, "Distance-IoU loss" (arXiv 1911.08287).

    Raises:
        ValueError: as `iou`.

    >>> diou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 4.0]]).tolist()
    [0.44999998807907104]
    """
    return _of_partners("diou", distance, boxes1, boxes2, bounding_box_format, image_shape)


def ciou(boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None) -> Any:
    """Complete intersection over union of boxes with their partners: `diou - α v`.

    Here v = 4 / π² (arctan(w₂ / h₂) - arctan(w₁ / h₁))² says how far the proportions differ, and α = v / (1 - iou + v)
    weighs it. As in the paper, α counts as a constant in gradients.

    Args:
        boxes1: as of `iou`, like the other arguments.
        boxes2: likewise.
        bounding_box_format: likewise.
        image_shape: likewise.

    Returns:
        (...), in (-1.5, 1].

    Source: Zheng et al. 2020, "Distance-IoU loss" (arXiv 1911.08287), equations 8 to 11.

    Raises:
        ValueError: as `iou`.

    >>> ciou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 4.0]]).numpy().round(4).tolist()
    [0.4468]
    """
    return _of_partners("ciou", complete, boxes1, boxes2, bounding_box_format, image_shape)


def pairwise_iou(
    boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None
) -> Any:
    """`iou` of every box of one set with every box of the other.

    Args:
        boxes1: (m, 4) or (batch, m, 4).
        boxes2: (n, 4) or (batch, n, 4).
        bounding_box_format: as of `convert_format`.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (m, n), or (batch, m, n) if one set has batches; float32 or float64.

    Raises:
        ValueError: as `iou`.

    >>> pairwise_iou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 2.0]]).tolist()
    [[1.0, 0.5]]
    """
    return _of_pairs("pairwise_iou", intersection_over_union, boxes1, boxes2, bounding_box_format, image_shape)


def pairwise_giou(
    boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None
) -> Any:
    """`giou` of every box of one set with every box of the other.

    Args:
        boxes1: as of `pairwise_iou`, like the other arguments.
        boxes2: likewise.
        bounding_box_format: likewise.
        image_shape: likewise.

    Returns:
        (m, n) or (batch, m, n).

    Raises:
        ValueError: as `iou`.

    >>> pairwise_giou([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).tolist()
    [[-0.5, 1.0]]
    """
    return _of_pairs("pairwise_giou", generalized, boxes1, boxes2, bounding_box_format, image_shape)


def pairwise_diou(
    boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None
) -> Any:
    """`diou` of every box of one set with every box of the other.

    Args:
        boxes1: as of `pairwise_iou`, like the other arguments.
        boxes2: likewise.
        bounding_box_format: likewise.
        image_shape: likewise.

    Returns:
        (m, n) or (batch, m, n).

    Raises:
        ValueError: as `iou`.

    >>> pairwise_diou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0], [2.0, 2.0, 4.0, 4.0]]).tolist()
    [[1.0, -0.25]]
    """
    return _of_pairs("pairwise_diou", distance, boxes1, boxes2, bounding_box_format, image_shape)


def pairwise_ciou(
    boxes1: Any, boxes2: Any, bounding_box_format: str = "xyxy", image_shape: Sequence[Any] | None = None
) -> Any:
    """`ciou` of every box of one set with every box of the other.

    Args:
        boxes1: as of `pairwise_iou`, like the other arguments.
        boxes2: likewise.
        bounding_box_format: likewise.
        image_shape: likewise.

    Returns:
        (m, n) or (batch, m, n).

    Raises:
        ValueError: as `iou`.

    >>> pairwise_ciou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0], [2.0, 2.0, 4.0, 4.0]]).tolist()
    [[1.0, -0.25]]
    """
    return _of_pairs("pairwise_ciou", complete, boxes1, boxes2, bounding_box_format, image_shape)


def intersection_over_union(first: Sides, second: Sides) -> Any:
    """`iou` of boxes given by their sides."""
    shared, covered = _shared_and_covered(first, second)
    return _ratio(shared, covered)


def generalized(first: Sides, second: Sides) -> Any:
    """`giou` of boxes given by their sides."""
    shared, covered = _shared_and_covered(first, second)
    whole = area(*around(first, second))
    return _ratio(shared, covered) - _ratio(whole - covered, whole)


def distance(first: Sides, second: Sides) -> Any:
    """`diou` of boxes given by their sides."""
    left, top, right, bottom = around(first, second)
    diagonal = ops.square(right - left) + ops.square(bottom - top)
    return intersection_over_union(first, second) - _ratio(distance_of_centers(first, second), diagonal)


def complete(first: Sides, second: Sides) -> Any:
    """`ciou` of boxes given by their sides."""
    widths, heights = ([box[i + 2] - box[i] for box in (first, second)] for i in (0, 1))
    # A line has the angle π / 2, a point 0; what divides must be small, but its square must not vanish.
    v = proportions_differ(widths, [ops.where(height > 0, height, 1e-15) for height in heights])
    missing = ops.stop_gradient(1.0 - intersection_over_union(first, second))
    fixed = ops.stop_gradient(v)
    return distance(first, second) - _ratio(fixed, missing + fixed) * v


def _shared_and_covered(first: Sides, second: Sides) -> tuple[Any, Any]:
    shared = intersection(first, second)
    return shared, area(*first) + area(*second) - shared


def _ratio(part: Any, whole: Any) -> Any:
    """`part / whole`; 0, without a gradient, where there is no whole. NaN stays."""
    there = ops.logical_not(whole <= 0)
    return ops.where(there, part, 0.0) / ops.where(there, whole, 1.0)


def sides_of(
    function: str, argument: str, boxes: Any, bounding_box_format: str, image_shape: Any, dtype: str
) -> list[Any]:
    """Left, top, right and bottom, none before its opposite."""
    left, top, right, bottom = corners(function, argument, boxes, bounding_box_format, image_shape, None, dtype)
    return [left, top, ops.maximum(left, right), ops.maximum(top, bottom)]


def _pair_of_sides(
    function: str, boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any
) -> list[list[Any]]:
    dtype = "float64" if "float64" in (str(getattr(boxes, "dtype", "")) for boxes in (boxes1, boxes2)) else "float32"
    return [
        sides_of(function, name, boxes, bounding_box_format, image_shape, dtype)
        for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2))
    ]


def _of_partners(
    function: str, measure: Measure, boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any
) -> Any:
    first, second = _pair_of_sides(function, boxes1, boxes2, bounding_box_format, image_shape)
    check_partners(function, "boxes1", first[0], "boxes2", second[0])
    return ops.squeeze(measure(first, second), axis=-1)


def _of_pairs(
    function: str, measure: Measure, boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any
) -> Any:
    first, second = _pair_of_sides(function, boxes1, boxes2, bounding_box_format, image_shape)
    for name, sides in (("boxes1", first), ("boxes2", second)):
        if sides[0].ndim not in (2, 3):
            shape = (*sides[0].shape[:-1], 4)
            raise ValueError(f"{function}: `{name}` must have the shape (n, 4) or (batch, n, 4), got {shape}.")
    if first[0].ndim == second[0].ndim == 3:
        check_partners(function, "boxes1", first[0][:, :1], "boxes2", second[0][:, :1])
    # (..., m, 1) beside (..., 1, n)
    return measure(first, [ops.swapaxes(side, -1, -2) for side in second])
