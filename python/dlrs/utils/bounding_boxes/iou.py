"""How far rectangles overlap."""

from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.config import epsilon
from dlrs.utils.bounding_boxes.converters import check_partners
from dlrs.utils.bounding_boxes.geometry import (
    area,
    around,
    corners,
    distance_of_centers,
    intersection,
    proportions_differ,
)

__all__ = ["compute_ciou", "compute_iou"]


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[Any] | None = None,
) -> Any:
    """Intersection over union of every box of one set with every box of the other.

    Args:
        boxes1: (m, 4) or (batch, m, 4).
        boxes2: (n, 4) or (batch, n, 4).
        bounding_box_format: as of `convert_format`.
        use_masking: whether a box all of whose corners are negative, as padding is, gives `mask_val`.
        mask_val: what it gives.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (m, n), or (batch, m, n) if one set has batches; float32. 0 for boxes without area.

    Raises:
        ValueError: another shape, an unknown format, or a relative one without `image_shape`.

    >>> compute_iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2]], "xyxy").numpy().round(4).tolist()
    [[1.0, 0.3333]]
    """
    first, second = (
        corners("compute_iou", name, boxes, bounding_box_format, image_shape, (2, 3))
        for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2))
    )
    # (..., m, 1) beside (..., 1, n)
    across = [ops.swapaxes(x, -1, -2) for x in second]
    inner = intersection(first, across)
    result = inner / (area(*first) + area(*across) - inner + epsilon())
    if not use_masking:
        return result
    padding = ops.logical_or(_is_padding(first), _is_padding(across))
    return ops.where(padding, ops.cast(mask_val, result.dtype), result)


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Sequence[Any] | None = None) -> Any:
    """Complete intersection over union of boxes with their partners: less by how far centres and proportions differ.

    iou - d² / c² - α v, with d the distance of the centres, c the diagonal of the rectangle around both,
    v = 4 / π² (arctan(w₂ / h₂) - arctan(w₁ / h₁))² and α = v / (1 - iou + v).

    Args:
        boxes1: (..., 4).
        boxes2: (..., 4), of the same or a broadcast shape.
        bounding_box_format: as of `convert_format`.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (...), float32, in (-1.5, 1]; 1 for equal boxes. `1 - compute_ciou(...)` serves as a loss.

    Source: Zheng et al. 2020, "Distance-IoU loss" (arXiv 1911.08287).

    Raises:
        ValueError: another shape, an unknown format, or a relative one without `image_shape`.

    >>> compute_ciou([[0, 0, 2, 2]], [[1, 0, 3, 2]], "xyxy").numpy().round(4).tolist()
    [0.2564]
    """
    first, second = (
        corners("compute_ciou", name, boxes, bounding_box_format, image_shape, None)
        for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2))
    )
    check_partners("compute_ciou", "boxes1", first[0], "boxes2", second[0])
    inner = intersection(first, second)
    iou = inner / (area(*first) + area(*second) - inner + epsilon())
    left, top, right, bottom = around(first, second)
    diagonal = ops.square(right - left) + ops.square(bottom - top) + epsilon()
    widths, heights = ([box[i + 2] - box[i] for box in (first, second)] for i in (0, 1))
    v = proportions_differ(widths, [height + epsilon() for height in heights])
    alpha = v / (1.0 - iou + v + epsilon())
    return ops.squeeze(iou - distance_of_centers(first, second) / diagonal - alpha * v, axis=-1)


def _is_padding(sides: Sequence[Any]) -> Any:
    return ops.logical_and(ops.logical_and(sides[0] < 0, sides[1] < 0), ops.logical_and(sides[2] < 0, sides[3] < 0))
