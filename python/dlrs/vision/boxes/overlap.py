"""Measures of overlap: intersection over union, and what generalises it to boxes that are apart.

Boxes may be arrays, lists or tensors, also symbolic ones; every measure is made of ops, so it has gradients. It is
computed in float64 if a tensor or array of float64 is among the boxes, else in float32; boxes may be as small and as
large as their type has numbers. A side whose end lies before its beginning counts as one without length at its
beginning; NaN gives NaN.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.utils.bounding_boxes.converters import check_partners
from dlrs.utils.bounding_boxes.geometry import corners

Sides = Sequence[Any]

# Lengths from the first number to the second have areas and squares that are ordinary numbers; those below are
# multiplied by the third one, those above by the fourth.
_ORDINARY = {
    "float32": (2.0**-40, 2.0**40, 2.0**100, 2.0**-80),
    "float64": (2.0**-300, 2.0**300, 2.0**700, 2.0**-600),
}


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
    return _of_partners("iou", _intersection_over_union, boxes1, boxes2, bounding_box_format, image_shape)


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
    return _of_partners("giou", _generalized, boxes1, boxes2, bounding_box_format, image_shape)


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
    return _of_partners("diou", _distance, boxes1, boxes2, bounding_box_format, image_shape)


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
    return _of_partners("ciou", _complete, boxes1, boxes2, bounding_box_format, image_shape)


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

    Source: Jaccard 1901.

    Raises:
        ValueError: as `iou`.

    >>> pairwise_iou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 2.0]]).tolist()
    [[1.0, 0.5]]
    """
    return _of_pairs("pairwise_iou", _intersection_over_union, boxes1, boxes2, bounding_box_format, image_shape)


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

    Source: Rezatofighi et al. 2019 (arXiv 1902.09630).

    Raises:
        ValueError: as `iou`.

    >>> pairwise_giou([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).tolist()
    [[-0.5, 1.0]]
    """
    return _of_pairs("pairwise_giou", _generalized, boxes1, boxes2, bounding_box_format, image_shape)


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

    Source: Zheng et al. 2020 (arXiv 1911.08287).

    Raises:
        ValueError: as `iou`.

    >>> pairwise_diou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0], [2.0, 2.0, 4.0, 4.0]]).tolist()
    [[1.0, -0.25]]
    """
    return _of_pairs("pairwise_diou", _distance, boxes1, boxes2, bounding_box_format, image_shape)


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

    Source: Zheng et al. 2020 (arXiv 1911.08287), equations 8 to 11.

    Raises:
        ValueError: as `iou`.

    >>> pairwise_ciou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 2.0], [2.0, 2.0, 4.0, 4.0]]).tolist()
    [[1.0, -0.25]]
    """
    return _of_pairs("pairwise_ciou", _complete, boxes1, boxes2, bounding_box_format, image_shape)


class _Pair:
    """Two sets of boxes, float32 or float64, whose sides broadcast against each other.

    What measures divide by each other is multiplied by the same powers of two first, as areas may over- or underflow.
    That rounds nothing, so where all boxes are seen to be of ordinary sizes it is left out.
    """

    def __init__(self, first: Sides, second: Sides) -> None:
        self.boxes = (first, second)
        self.ordinary = all(map(_is_ordinary, self.boxes))

    def own(self, axis: int) -> list[Any]:
        """The widths (0) or heights (1) of both."""
        return [box[axis + 2] - box[axis] for box in self.boxes]

    def shared(self, axis: int) -> Any:
        """The width or height of what they share."""
        first, second = self.boxes
        return ops.relu(ops.minimum(first[axis + 2], second[axis + 2]) - ops.maximum(first[axis], second[axis]))

    def around(self, axis: int) -> Any:
        """The width or height of the smallest box that holds both."""
        first, second = self.boxes
        return ops.maximum(first[axis + 2], second[axis + 2]) - ops.minimum(first[axis], second[axis])

    def apart(self, axis: int) -> Any:
        """Twice how far the centres are apart."""
        first, second = self.boxes
        return first[axis] + first[axis + 2] - second[axis] - second[axis + 2]

    def scaled(self, lengths: Sequence[Any], longest: Sequence[Any]) -> Sequence[Any]:
        """Lengths times a power of two that makes an ordinary number of the greatest of `longest`."""
        if self.ordinary:
            return lengths
        scale = _scale(longest[0])
        for length in longest[1:]:
            scale = ops.minimum(scale, _scale(length))
        return [length * scale for length in lengths]

    def shared_and_covered(self, around: bool = False) -> tuple[Any, Any, Any]:
        """The areas that they share, and cover, and if wanted that of the smallest box around both."""
        lengths = []
        for axis in (0, 1):
            own, whole = self.own(axis), [self.around(axis)] if around else []
            lengths.append(self.scaled([*own, self.shared(axis), *whole], whole or own))
        areas = [width * height for width, height in zip(*lengths, strict=True)]
        return areas[2], areas[0] + areas[1] - areas[2], areas[-1]


def _is_ordinary(sides: Sides) -> bool:
    """Whether boxes are known, and none of them is very small, large or far away."""
    if any(getattr(side, "is_symbolic", True) for side in sides):
        return False
    left, top, right, bottom = (side.numpy() for side in sides)
    least, most, _, _ = _ORDINARY[str(left.dtype)]
    near = all(((side >= -most / 2) & (side <= most / 2)).all() for side in (left, top, right, bottom))
    return near and all(((x >= least) | (x == 0)).all() for x in (right - left, bottom - top))


def _scale(length: Any) -> Any:
    """A power of two by which a length is neither very short nor very long; a constant in gradients."""
    dtype = str(length.dtype)
    least, most, *powers = _ORDINARY[dtype]
    up, down, one = (ops.convert_to_tensor(np.array(x, dtype)) for x in (*powers, 1.0))
    return ops.stop_gradient(ops.where(length < least, up, ops.where(length > most, down, one)))


def _intersection_over_union(pair: _Pair) -> Any:
    shared, covered, _ = pair.shared_and_covered()
    return _ratio(shared, covered)


def _generalized(pair: _Pair) -> Any:
    shared, covered, whole = pair.shared_and_covered(around=True)
    return _ratio(shared, covered) - _ratio(whole - covered, whole)


def _distance(pair: _Pair) -> Any:
    around = [pair.around(axis) for axis in (0, 1)]
    x, y, width, height = pair.scaled([pair.apart(0), pair.apart(1), *around], around)
    squares = (ops.square(x) + ops.square(y)) / 4.0
    return _intersection_over_union(pair) - _ratio(squares, ops.square(width) + ops.square(height))


def _complete(pair: _Pair) -> Any:
    angles = []
    for width, height in zip(pair.own(0), pair.own(1), strict=True):
        w, h = pair.scaled([width, height], [width, height])
        # A line has the angle π / 2 or 0, a point 0.
        angles.append(ops.arctan2(w, ops.where(ops.logical_or(w > 0, h > 0), h, 1.0)))
    v = 4 / math.pi**2 * ops.square(angles[1] - angles[0])
    missing = ops.stop_gradient(1.0 - _intersection_over_union(pair))
    fixed = ops.stop_gradient(v)
    return _distance(pair) - _ratio(fixed, missing + fixed) * v


Measure = Callable[[_Pair], Any]


def _ratio(part: Any, whole: Any) -> Any:
    """`part / whole`; 0, without a gradient, where there is no whole. NaN stays."""
    there = ops.logical_not(whole <= 0)
    return ops.where(there, part, 0.0) / ops.where(there, whole, 1.0)


def _sides_of(function: str, argument: str, boxes: Any, bounding_box_format: str, image_shape: Any, dtype: str) -> Any:
    """Left, top, right and bottom, none before its opposite."""
    left, top, right, bottom = corners(function, argument, boxes, bounding_box_format, image_shape, None, dtype)
    return [left, top, ops.maximum(left, right), ops.maximum(top, bottom)]


def _pair_of_sides(
    function: str, boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any
) -> list[list[Any]]:
    dtype = "float64" if "float64" in (str(getattr(boxes, "dtype", "")) for boxes in (boxes1, boxes2)) else "float32"
    return [
        _sides_of(function, name, boxes, bounding_box_format, image_shape, dtype)
        for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2))
    ]


def _of_partners(
    function: str, measure: Measure, boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any
) -> Any:
    first, second = _pair_of_sides(function, boxes1, boxes2, bounding_box_format, image_shape)
    check_partners(function, "boxes1", first[0], "boxes2", second[0])
    return ops.squeeze(measure(_Pair(first, second)), axis=-1)


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
    return measure(_Pair(first, [ops.swapaxes(side, -1, -2) for side in second]))
