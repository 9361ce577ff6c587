"""Which anchor is to find which object: the targets of a detector's training."""

from typing import Any, NamedTuple

import numpy as np

from dlrs import ops
from dlrs.backend.checks import check_flags, check_number
from dlrs.vision.boxes.arrays import Array, as_corners, as_numbers
from dlrs.vision.boxes.overlap import pairwise_iou

NEGATIVE, IGNORED = -1, -2


class Matches(NamedTuple):
    """What `match` finds for each anchor.

    Attributes:
        indices: int64 (anchors,): the box that the anchor is to find, -1 for background, -2 if it counts as neither.
        overlaps: (anchors,): intersection over union with that box, or else with the box that the anchor overlaps most;
            float64 if one of both came so, else float32. Thresholds are compared with what was computed in float64.

    >>> matches = match([[0, 0, 4, 4], [0, 1, 4, 5], [9, 9, 12, 12]], [[0, 0, 4, 4]], positive=None, negative=0.5)
    >>> matches.indices.tolist(), matches.overlaps.round(2).tolist()
    ([0, -2, -1], [1.0, 0.6000000238418579, 0.0])
    """

    indices: Array
    overlaps: Array


def match(
    anchors: Any,
    boxes: Any,
    positive: float | None = 0.5,
    negative: float | None = None,
    force: bool = True,
    bounding_box_format: str = "xyxy",
) -> Any:
    """The box that each anchor is to find.

    With `force`, each box first gets an anchor of its own: of all pairs of a box and an anchor that overlap, the one
    that overlaps most is matched and both leave, then the next one, until every box has an anchor or overlaps none that
    is left (of equal overlaps the first box, then the first anchor). Then every other anchor goes to the box that it
    overlaps most, the first of equal ones, if that is by at least `positive`; it is background if it is by less than
    `negative`, and ignored in between.

    - SSD (Liu et al. 2016, arXiv 1512.02325): the defaults, `positive=0.5` and `force=True`.
    - The region proposals of Faster R-CNN (Ren et al. 2015, arXiv 1506.01497): `positive=0.7, negative=0.3`.
    - YOLOv3 (Redmon and Farhadi 2018, arXiv 1804.02767): `positive=None, negative=0.5`: one anchor for each box, and
      those that overlap a box well without being the best are ignored. To match by shape alone see `match_shapes`.

    Args:
        anchors: (anchors, 4).
        boxes: (n, 4), the ground truth, also none; or of several images, (images, n, 4) or a list of arrays (n, 4).
        positive: from 0 to 1; None if only forced matches count.
        negative: from 0 to `positive`, which it is by default: then no anchor is ignored. Needed if `positive` is None.
        force: whether each box gets an anchor however little they overlap.
        bounding_box_format: as of `convert_format`; of relative boxes the size of the image does not matter.

    Returns:
        `Matches`: the box of each anchor, -1 for background, -2 for ignored ones; and the overlaps. A list of them for
        several images.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, a right or bottom side before its opposite, or
            thresholds out of their bounds.
        TypeError: an argument of another kind.

    >>> anchors = [[0, 0, 4, 4], [0, 1, 4, 5], [8, 8, 12, 12], [20, 20, 24, 24]]
    >>> match(anchors, [[0, 0, 4, 4], [10, 10, 14, 14]]).indices.tolist()
    [0, 0, 1, -1]
    >>> match(anchors, [[0, 0, 4, 4]], positive=None, negative=0.5).indices.tolist()
    [0, -2, -1, -1]
    >>> [found.indices.tolist() for found in match(anchors, [[[0, 0, 4, 4]], [], [[9, 9, 12, 12], [0, 0, 4, 2]]])]
    [[0, 0, -1, -1], [-1, -1, -1, -1], [1, -1, 0, -1]]
    """
    check_flags("match", force=force)
    check_number("match", "positive", positive, least=0, most=1, optional=True)
    most = 1 if positive is None else float(positive)
    check_number("match", "negative", negative, least=0, most=most, optional=positive is not None)
    low = most if negative is None else float(negative)
    first = checked_corners("match", "anchors", anchors, bounding_box_format)
    images = _images(boxes)
    names = ["boxes"] if images is None else [f"boxes[{i}]" for i in range(len(images))]
    found = [
        _matched(first, checked_corners("match", name, given, bounding_box_format), positive, low, force)
        for name, given in zip(names, [boxes] if images is None else images, strict=True)
    ]
    return found[0] if images is None else found


def _images(boxes: Any) -> list[Any] | None:
    """The boxes of each of several images; None if they are of one."""
    if isinstance(boxes, list | tuple):
        return list(boxes) if boxes and all(map(_are_boxes, boxes)) else None
    return list(boxes) if getattr(boxes, "ndim", 0) == 3 else None


def _are_boxes(given: Any) -> bool:
    """Whether it is, or may be, a matrix and not one box."""
    if isinstance(given, list | tuple):
        return not given or isinstance(given[0], list | tuple) or getattr(given[0], "ndim", 0) > 0
    return getattr(given, "ndim", 0) > 1


def _matched(anchors: Array, boxes: Array, positive: float | None, negative: float, force: bool) -> Matches:
    """The matches of one image."""
    table = exact_overlaps(anchors, boxes)
    best = table.argmax(axis=1) if len(boxes) else np.zeros(len(anchors), "int64")
    overlaps = table.max(axis=1, initial=0)
    indices = np.where(overlaps < negative, NEGATIVE, IGNORED)
    if positive is not None:
        indices = np.where((overlaps >= float(positive)) & (overlaps > 0), best, indices)
    if force:
        _force(table, indices, overlaps)
    return Matches(indices.astype("int64"), overlaps.astype(np.result_type(anchors, boxes)))


def _force(table: Array, indices: Array, overlaps: Array) -> None:
    """Gives each column of the table a row of its own, the greatest number first."""
    table = table.T.copy()
    waiting = list(range(len(table)))
    # Each box's best anchor among those that are left; only boxes whose anchor goes away look again.
    rows = table.argmax(axis=1) if table.size else np.zeros(0, "int64")
    while waiting and table.size:
        box = max(waiting, key=lambda i: (table[i, rows[i]], -i))
        anchor = rows[box]
        if table[box, anchor] <= 0:
            return
        indices[anchor], overlaps[anchor] = box, table[box, anchor]
        waiting.remove(box)
        table[:, anchor] = -1
        for i in waiting:
            if rows[i] == anchor:
                rows[i] = table[i].argmax()


def match_shapes(sizes: Any, anchor_sizes: Any) -> Array:
    """The anchor box of the best shape for each object: the overlap counts as if both had the same centre.

    So YOLO picks one of the anchor boxes of the cell in which an object's midpoint lies.

    Args:
        sizes: (n, 2), widths and heights of objects, none negative.
        anchor_sizes: (anchors, 2), those of anchor boxes.

    Returns:
        int64 (n,): the anchor of the greatest intersection over union, of equal ones the first.

    Raises:
        ValueError: another shape, no anchors, or sizes that are negative or not finite.
        TypeError: an argument of another kind.

    Source: Redmon and Farhadi 2017, "YOLO9000" (arXiv 1612.08242), section 2.

    >>> match_shapes([[10, 30], [40, 20]], [[16, 16], [12, 36], [50, 25]]).tolist()
    [1, 2]
    """
    shapes = []
    for name, given in (("sizes", sizes), ("anchor_sizes", anchor_sizes)):
        array = as_numbers("match_shapes", name, given)
        array = array.reshape(0, 2) if array.shape == (0,) else array
        if array.ndim != 2 or array.shape[1] != 2:
            raise ValueError(f"match_shapes: `{name}` must have the shape (n, 2), got {array.shape}.")
        array = array.astype("float64")
        if not np.isfinite(array).all() or (array < 0).any():
            raise ValueError(f"match_shapes: `{name}` must hold finite numbers that are not negative.")
        shapes.append(np.concatenate([np.zeros_like(array), array], axis=1))
    objects, anchors = shapes
    if not len(anchors):
        raise ValueError("match_shapes: `anchor_sizes` must name at least one anchor.")
    best: Array = ops.convert_to_numpy(pairwise_iou(objects, anchors)).argmax(axis=1)
    return best.astype("int64")


def exact_overlaps(first: Array, second: Array) -> Array:
    """`pairwise_iou` (m, n) in float64, also of float32: in float32 an overlap of 7/10 would be less than 0.7."""
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    table: Array = ops.convert_to_numpy(pairwise_iou(first.astype("float64"), second.astype("float64")))
    return table


def checked_corners(function: str, argument: str, boxes: Any, bounding_box_format: str) -> Array:
    """Boxes (n, 4) as left, top, right, bottom, finite and not inverted.

    Raises:
        ValueError: they are not.
        TypeError: they are no numbers.
    """
    corners = as_corners(function, argument, boxes, bounding_box_format)
    if corners.ndim != 2:
        raise ValueError(f"{function}: `{argument}` must have the shape (n, 4), got {corners.shape}.")
    for wrong, what in (
        (~np.isfinite(corners).all(axis=1), "side that is not finite"),
        ((corners[:, :2] > corners[:, 2:]).any(axis=1), "side before its opposite"),
    ):
        if wrong.any():
            raise ValueError(f"{function}: box {int(wrong.argmax())} of `{argument}` has a {what}.")
    return corners
