"""Non-maximum suppression: of boxes that overlap, the best is kept."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend.checks import check_count, check_flags, check_number
from dlrs.vision.boxes.arrays import Array, as_corners, as_labels, as_numbers

# More than any number of boxes.
_ALL = 2**32 - 1


def nms(
    boxes: Any,
    scores: Any,
    iou_threshold: float = 0.5,
    score_threshold: float | None = None,
    top_k: int | None = None,
    classes: Any = None,
    inclusive: bool = False,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Indices of the boxes that stay when, from the best on, each box drops those that overlap it too much.

    Args:
        boxes: (n, 4), or (batch, n, 4) for several images.
        scores: (n,) or (batch, n): how likely each box holds something.
        iou_threshold: a box is dropped if its intersection over union with a kept box of a higher score is above this,
            a number from 0 to 1.
        score_threshold: boxes with scores up to and including this are dropped first.
        top_k: how many boxes stay at most, in each image.
        classes: integers of the shape of `scores`; boxes of different classes leave each other alone. None if there is
            one class.
        inclusive: whether a box goes also when the overlap is just `iou_threshold`, as the course has it. In float32
            the threshold is rounded to float32 as overlaps are, so that an overlap of 7/10 is just 0.7.
        bounding_box_format: as of `convert_format`; of relative boxes the size of the image does not matter.

    Returns:
        An int64 array, the best box first, of equal scores the first; a list of arrays for several images.

    Boxes without area overlap nothing. The overlap is i / (a + b - i), i the shared area, each step rounded to float64
    if boxes or scores are an array or tensor of float64, else to float32; it is compared with the threshold as given.
    In a class of an image with widths or heights outside of [2⁻⁴⁰, 2⁶⁰], whose areas float32 might not hold, overlaps
    are computed in float64 and rounded to float32. The result is the same for any number of threads.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, a right or bottom side before its opposite, a
            threshold out of its bounds.
        TypeError: an argument of another kind.

    Source: Girshick et al. 2014 (arXiv 1311.2524), section 2.2.

    >>> boxes = [[0, 0, 4, 4], [0, 1, 4, 5], [6, 6, 9, 9]]
    >>> nms(boxes, [0.8, 0.9, 0.7]).tolist()
    [1, 2]
    >>> nms(boxes, [0.8, 0.9, 0.7], classes=[0, 1, 1]).tolist()
    [1, 0, 2]
    """
    check_flags("nms", inclusive=inclusive)
    check_number("nms", "iou_threshold", iou_threshold, least=0, most=1)
    check_number("nms", "score_threshold", score_threshold, optional=True)
    if inclusive:
        check_number("nms", "iou_threshold", iou_threshold, above=0, most=1)

    def suppress(corners: Array, values: Array, labels: Array | None, most: int) -> Any:
        threshold = float(iou_threshold)
        if inclusive:
            threshold = float(np.nextafter(corners.dtype.type(threshold), corners.dtype.type(0)))
        return _dlrs.box_nms(corners, values, labels, threshold, score_threshold, most)

    found, several = _in_images("nms", suppress, boxes, scores, top_k, classes, bounding_box_format)
    kept = [indices for indices, _ in found]
    return kept if several else kept[0]


def soft_nms_linear(
    boxes: Any,
    scores: Any,
    iou_threshold: float = 0.3,
    score_threshold: float = 0.001,
    top_k: int | None = None,
    classes: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Boxes lose score beside better ones: of a score s, `s (1 - iou)` is left if the overlap is above a threshold.

    Each time the box of the highest score is kept and the scores of the others fall.

    Args:
        boxes: (n, 4), or (batch, n, 4) for several images.
        scores: (n,) or (batch, n), not negative.
        iou_threshold: the overlap from which on scores fall, a number from 0 to 1.
        score_threshold: boxes whose scores are, or fall, to this or below are dropped; not negative.
        top_k: as of `nms`, like the other arguments.
        classes: likewise.
        bounding_box_format: likewise.

    Returns:
        Indices, int64, and the scores that are left, the highest first, of equal ones the first box; a list of such
        pairs for several images.

    Raises:
        ValueError: as `nms`, and negative scores.
        TypeError: an argument of another kind.

    Source: Bodla et al. 2017, "Soft-NMS" (arXiv 1704.04503), equation 3.

    >>> indices, left = soft_nms_linear([[0, 0, 4, 4], [0, 2, 4, 6], [6, 6, 9, 9]], [0.9, 0.75, 0.7])
    >>> indices.tolist(), left.round(2).tolist()
    ([0, 2, 1], [0.9, 0.7, 0.5])
    """
    check_number("soft_nms_linear", "iou_threshold", iou_threshold, least=0, most=1)
    arguments = (boxes, scores, score_threshold, top_k, classes, bounding_box_format)
    return _softly("soft_nms_linear", float(iou_threshold), 1.0, *arguments)


def soft_nms_gaussian(
    boxes: Any,
    scores: Any,
    sigma: float = 0.5,
    score_threshold: float = 0.001,
    top_k: int | None = None,
    classes: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Boxes lose score beside better ones: of a score s, `s exp(-iou² / sigma)` is left.

    Args:
        boxes: as of `soft_nms_linear`, like the other arguments.
        scores: likewise.
        sigma: how slowly scores fall, above 0.
        score_threshold: likewise.
        top_k: likewise.
        classes: likewise.
        bounding_box_format: likewise.

    Returns:
        As `soft_nms_linear`.

    Raises:
        ValueError: as `soft_nms_linear`, and `sigma` is not positive.
        TypeError: an argument of another kind.

    Source: Bodla et al. 2017, "Soft-NMS" (arXiv 1704.04503), equation 4.

    >>> indices, left = soft_nms_gaussian([[0, 0, 4, 4], [0, 2, 4, 6], [6, 6, 9, 9]], [0.9, 0.75, 0.7])
    >>> indices.tolist(), left.round(2).tolist()
    ([0, 2, 1], [0.9, 0.7, 0.6])
    """
    check_number("soft_nms_gaussian", "sigma", sigma, above=0)
    arguments = (boxes, scores, score_threshold, top_k, classes, bounding_box_format)
    return _softly("soft_nms_gaussian", None, float(sigma), *arguments)


def _softly(
    function: str,
    threshold: float | None,
    sigma: float,
    boxes: Any,
    scores: Any,
    score_threshold: float,
    top_k: int | None,
    classes: Any,
    bounding_box_format: str,
) -> Any:
    check_number(function, "score_threshold", score_threshold, least=0)

    def suppress(corners: Array, values: Array, labels: Array | None, most: int) -> Any:
        if (values < 0).any():
            raise ValueError(f"{function}: `scores` must not be negative, got {values.min()}.")
        return _dlrs.box_soft_nms(corners, values, labels, threshold, sigma, score_threshold, most)

    found, several = _in_images(function, suppress, boxes, scores, top_k, classes, bounding_box_format)
    return found if several else found[0]


def _in_images(
    function: str,
    suppress: Callable[[Array, Array, Array | None, int], Any],
    boxes: Any,
    scores: Any,
    top_k: int | None,
    classes: Any,
    bounding_box_format: str,
) -> tuple[list[tuple[Array, Array]], bool]:
    """What `suppress` finds in each image, and whether there were several."""
    check_count(function, "top_k", top_k, 0, optional=True)
    corners = as_corners(function, "boxes", boxes, bounding_box_format)
    if corners.ndim not in (2, 3):
        raise ValueError(f"{function}: `boxes` must have the shape (n, 4) or (batch, n, 4), got {corners.shape}.")
    values = as_numbers(function, "scores", scores)
    if values.shape != corners.shape[:-1]:
        raise ValueError(
            f"{function}: `scores` must have a number for each box, the shape {corners.shape[:-1]}, got {values.shape}."
        )
    doubles = corners.dtype == np.float64 or (values.dtype == np.float64 and hasattr(scores, "dtype"))
    dtype = np.float64 if doubles else np.float32
    labels = None if classes is None else as_labels(function, "classes", classes, corners.shape[:-1])
    several = corners.ndim == 3
    shape = corners.shape if several else (1, *corners.shape)
    found = suppress(
        corners.astype(dtype, copy=False).reshape(shape),
        np.ascontiguousarray(values, dtype=dtype).reshape(shape[:-1]),
        None if labels is None else labels.reshape(shape[:-1]),
        _ALL if top_k is None else min(int(top_k), _ALL),
    )
    return [(indices.numpy(), left.numpy()) for indices, left in found], several
