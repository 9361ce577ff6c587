"""How far rectangles overlap."""

import math
from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.config import epsilon
from dlrs.utils.bounding_boxes.converters import check_partners, image_size, in_format

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
        _corners("compute_iou", name, boxes, bounding_box_format, image_shape, (2, 3))
        for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2))
    )
    # (..., m, 1) beside (..., 1, n)
    across = [ops.swapaxes(x, -1, -2) for x in second]
    inner = _intersection(first, across)
    result = inner / (_area(*first) + _area(*across) - inner + epsilon())
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
        _corners("compute_ciou", name, boxes, bounding_box_format, image_shape, None)
        for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2))
    )
    check_partners("compute_ciou", "boxes1", first[0], "boxes2", second[0])
    inner = _intersection(first, second)
    iou = inner / (_area(*first) + _area(*second) - inner + epsilon())
    around = [ops.minimum(first[i], second[i]) for i in (0, 1)] + [ops.maximum(first[i], second[i]) for i in (2, 3)]
    diagonal = ops.square(around[2] - around[0]) + ops.square(around[3] - around[1]) + epsilon()
    centers = [(first[i] + first[i + 2] - second[i] - second[i + 2]) / 2.0 for i in (0, 1)]
    distance = ops.square(centers[0]) + ops.square(centers[1])
    v = 4 / math.pi**2 * ops.square(_proportion(*second) - _proportion(*first))
    alpha = v / (1.0 - iou + v + epsilon())
    return ops.squeeze(iou - distance / diagonal - alpha * v, axis=-1)


def _corners(
    function: str,
    argument: str,
    boxes: Any,
    bounding_box_format: str,
    image_shape: Sequence[Any] | None,
    ranks: tuple[int, ...] | None,
) -> list[Any]:
    """Left, top, right and bottom of each box, as tensors (..., 1)."""
    if not isinstance(bounding_box_format, str):
        raise TypeError(f"{function}: `bounding_box_format` must be a string, got {bounding_box_format!r}.")
    if bounding_box_format.lower().startswith("rel") and image_shape is None:
        raise ValueError(
            f"{function}: When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must "
            "be provided."
        )
    corners = in_format(function, argument, boxes, bounding_box_format, "xyxy", *image_size(function, image_shape))
    if ranks is not None and corners.ndim not in ranks:
        raise ValueError(f"{function}: `{argument}` must have the shape (n, 4) or (batch, n, 4), got {corners.shape}.")
    return list(ops.split(corners, 4, axis=-1))


def _area(left: Any, top: Any, right: Any, bottom: Any) -> Any:
    return (right - left) * (bottom - top)


def _intersection(first: Sequence[Any], second: Sequence[Any]) -> Any:
    width = ops.minimum(first[2], second[2]) - ops.maximum(first[0], second[0])
    height = ops.minimum(first[3], second[3]) - ops.maximum(first[1], second[1])
    return ops.relu(width) * ops.relu(height)


def _proportion(left: Any, top: Any, right: Any, bottom: Any) -> Any:
    return ops.arctan((right - left) / (bottom - top + epsilon()))


def _is_padding(corners: Sequence[Any]) -> Any:
    return ops.logical_and(
        ops.logical_and(corners[0] < 0, corners[1] < 0), ops.logical_and(corners[2] < 0, corners[3] < 0)
    )
