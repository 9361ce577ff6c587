"""How good a detector is: precision and recall over its scores, and their mean average."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs.backend.checks import check_number, check_type
from dlrs.vision.boxes.arrays import Array, as_labels, as_numbers
from dlrs.vision.boxes.matching import checked_corners, exact_overlaps


def average_precision_all_point(recall: Any, precision: Any) -> float:
    """The area below the precision that is reached at any recall, made falling: VOC's measure from 2010 on.

    Args:
        recall: (n,), from 0 to 1, not falling.
        precision: (n,), from 0 to 1.

    Returns:
        `∑ (rᵢ - rᵢ₋₁) max(pⱼ, j ≥ i)`, from 0 to 1; 0 without any point.

    Raises:
        ValueError: shapes or numbers that do not fit.

    Source: Everingham et al. 2015, "The Pascal visual object classes challenge: a retrospective", section 2.

    >>> average_precision_all_point([0.5, 0.5, 1.0], [1.0, 0.5, 0.75])
    0.875
    """
    recall, envelope = _envelope("average_precision_all_point", recall, precision)
    return float((np.diff(recall, prepend=0.0) * envelope).sum())


def average_precision_11_point(recall: Any, precision: Any) -> float:
    """The mean of the best precision at a recall of at least 0, 0.1, …, 1: VOC's measure until 2009.

    Args:
        recall: (n,), from 0 to 1, not falling.
        precision: (n,), from 0 to 1.

    Returns:
        A number from 0 to 1; 0 without any point.

    Raises:
        ValueError: shapes or numbers that do not fit.

    Source: Everingham et al. 2010, "The Pascal visual object classes (VOC) challenge", section 4.2.

    >>> round(average_precision_11_point([0.5, 0.5, 1.0], [1.0, 0.5, 0.75]), 4)
    0.8864
    """
    recall, envelope = _envelope("average_precision_11_point", recall, precision)
    # Recalls are ratios of counts: a tenth that is reached must not be missed by a rounding.
    places = np.searchsorted(recall, np.arange(11) / 10 - 1e-12)
    return float(np.append(envelope, 0.0)[places].sum() / 11)


def _envelope(function: str, recall: Any, precision: Any) -> tuple[Array, Array]:
    """The points, with the best precision at each recall or a greater one."""
    x, y = (
        as_numbers(function, name, v).astype("float64") for name, v in (("recall", recall), ("precision", precision))
    )
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"{function}: `recall` and `precision` must both be (n,), got {x.shape} and {y.shape}.")
    if not (((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)).all() and (np.diff(x) >= 0).all()):
        raise ValueError(f"{function}: `recall` and `precision` must lie in [0, 1], and `recall` must not fall.")
    return x, np.maximum.accumulate(y[::-1])[::-1]


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of the detections of one class, as ever more of them are taken, the best first.

    Attributes:
        precision: (detections,), the share of detections taken so far that are right.
        recall: (detections,), the share of objects found so far; NaN if there are none.
        scores: (detections,), falling.
        objects: how many there are to find.

    >>> curve = PrecisionRecall(np.array([1.0, 0.5, 2 / 3]), np.array([0.5, 0.5, 1.0]), np.array([0.9, 0.8, 0.7]), 2)
    >>> round(curve.average(), 4)
    0.8333
    """

    precision: Array
    recall: Array
    scores: Array
    objects: int

    def average(self, average: Callable[[Any, Any], float] = average_precision_all_point) -> float:
        """The average precision; NaN if there is nothing to find."""
        return average(self.recall, self.precision) if self.objects else float("nan")


@dataclass(frozen=True)
class DetectionReport:
    """What `evaluate_detections` finds.

    Attributes:
        curves: precision and recall by class.
        average_precisions: by class; NaN for a class without objects.
        mean_average_precision: the mean over classes with objects; NaN if there are none.
        iou_threshold: the overlap from which on an object counts as found.

    >>> report = evaluate_detections([[[0, 0, 4, 4], [5, 5, 9, 9]]], [[0, 1]], [[[0, 0, 4, 3]]], [[0.9]], [[0]])
    >>> report.average_precisions, report.mean_average_precision, report.curves[1].objects
    ({0: 1.0, 1: 0.0}, 0.5, 1)
    """

    curves: dict[int, PrecisionRecall]
    average_precisions: dict[int, float]
    mean_average_precision: float
    iou_threshold: float

    def plot(
        self, class_names: Mapping[int, str] | Sequence[str] | None = None, path: str | os.PathLike[str] | None = None
    ) -> Any:
        """Precision over recall of each class, drawn by Matplotlib.

        Args:
            class_names: names of classes; their numbers by default.
            path: a file to write, in any format of Matplotlib.

        Returns:
            Matplotlib's figure, which notebooks show.

        Raises:
            ImportError: Matplotlib is not installed (the `plot` extra).
        """
        from dlrs.vision.boxes.drawing import plot_precision_recall

        return plot_precision_recall(self, class_names, path)


def evaluate_detections(
    true_boxes: Sequence[Any],
    true_classes: Sequence[Any],
    boxes: Sequence[Any],
    scores: Sequence[Any],
    classes: Sequence[Any],
    iou_threshold: float = 0.5,
    difficult: Sequence[Any] | None = None,
    average: Callable[[Any, Any], float] = average_precision_all_point,
    bounding_box_format: str = "xyxy",
) -> DetectionReport:
    """Precision, recall and mean average precision of a detector, as the Pascal VOC challenge defines them.

    The detections of a class are taken over all images, the best first, of equal scores the first. Each is compared
    with the object of its class in its image that it overlaps most, the first of equal ones: it is right if the overlap
    is at least `iou_threshold` and no detection before it has found that object, else wrong. A detection of a difficult
    object is neither.

    Args:
        true_boxes: of each image, (n, 4), also (0, 4).
        true_classes: of each image, integers (n,).
        boxes: of each image, (m, 4): what the detector found, after suppression.
        scores: of each image, (m,).
        classes: of each image, integers (m,).
        iou_threshold: above 0, up to 1.
        difficult: of each image, (n,): true for objects that need not be found.
        average: `average_precision_all_point`, `average_precision_11_point`, or another function of recall and
            precision.
        bounding_box_format: as of `convert_format`; of relative boxes the size of the image does not matter.

    Returns:
        A `DetectionReport`, whose `mean_average_precision` is the number that is published.

    Raises:
        ValueError: lengths or shapes that do not fit, numbers that are not finite, inverted boxes.
        TypeError: an argument of another kind.

    Source: Everingham et al. 2010, "The Pascal visual object classes (VOC) challenge", section 4.2. Coordinates are
    continuous here: a box from 3 to 5 is 2 wide.

    >>> report = evaluate_detections([[[0, 0, 4, 4]]], [[7]], [[[9, 9, 12, 12], [0, 0, 4, 3]]], [[0.9, 0.8]], [[7, 7]])
    >>> report.curves[7].precision.tolist(), report.curves[7].recall.tolist(), report.mean_average_precision
    ([0.0, 0.5], [0.0, 1.0], 0.5)
    """
    own = "evaluate_detections"
    check_number(own, "iou_threshold", iou_threshold, above=0, most=1)
    check_type(own, "average", average, Callable, "a function of recall and precision")
    lists = {
        "true_boxes": true_boxes,
        "true_classes": true_classes,
        "boxes": boxes,
        "scores": scores,
        "classes": classes,
    }
    if difficult is not None:
        lists["difficult"] = difficult
    for name, given in lists.items():
        check_type(own, name, given, Sequence | np.ndarray, "a list with an entry for each image")
        if len(given) != len(true_boxes):
            raise ValueError(f"{own}: `{name}` has {len(given)} entries for {len(true_boxes)} images.")
    images = [
        _Image(
            true_boxes[i],
            true_classes[i],
            boxes[i],
            scores[i],
            classes[i],
            None if difficult is None else difficult[i],
            bounding_box_format,
        )
        for i in range(len(true_boxes))
    ]
    labels = sorted({int(c) for image in images for c in (*image.true_classes, *image.classes)})
    curves = {label: _curve(images, label, float(iou_threshold)) for label in labels}
    averages = {label: float(curve.average(average)) for label, curve in curves.items()}
    counted = [averages[label] for label, curve in curves.items() if curve.objects]
    return DetectionReport(curves, averages, float(np.mean(counted)) if counted else float("nan"), float(iou_threshold))


class _Image:
    """The objects and detections of one image, checked."""

    def __init__(
        self, true_boxes: Any, true_classes: Any, boxes: Any, scores: Any, classes: Any, difficult: Any, form: str
    ) -> None:
        own = "evaluate_detections"
        self.true_boxes = checked_corners(own, "true_boxes", true_boxes, form)
        self.boxes = checked_corners(own, "boxes", boxes, form)
        self.true_classes = as_labels(own, "true_classes", true_classes, self.true_boxes.shape[:1])
        self.classes = as_labels(own, "classes", classes, self.boxes.shape[:1])
        self.scores = as_numbers(own, "scores", scores).astype("float64")
        if self.scores.shape != self.classes.shape:
            raise ValueError(f"{own}: `scores` must have the shape {self.classes.shape}, got {self.scores.shape}.")
        if not np.isfinite(self.scores).all():
            raise ValueError(f"{own}: `scores` must be finite.")
        if difficult is None:
            difficult = np.zeros(len(self.true_boxes), bool)
        self.difficult = as_numbers(own, "difficult", difficult).astype(bool)
        if self.difficult.shape != self.true_classes.shape:
            raise ValueError(
                f"{own}: `difficult` must have the shape {self.true_classes.shape}, got {self.difficult.shape}."
            )

    def found(self, label: int) -> tuple[Array, Array, Array, Array]:
        """Of the detections of a class: scores, the object of the greatest overlap, this, and whether it is difficult.

        Objects are numbered within their class and image.
        """
        ours, theirs = self.classes == label, self.true_classes == label
        count = int(ours.sum())
        if not theirs.any() or not count:
            nothing = np.zeros(count)
            return self.scores[ours], nothing.astype("int64"), nothing, nothing.astype(bool)
        table = exact_overlaps(self.boxes[ours], self.true_boxes[theirs])
        best = table.argmax(axis=1)
        return self.scores[ours], best, table.max(axis=1), self.difficult[theirs][best]


def _curve(images: Sequence[_Image], label: int, threshold: float) -> PrecisionRecall:
    """Precision and recall of one class."""
    found = [image.found(label) for image in images]
    objects = sum(int((~image.difficult[image.true_classes == label]).sum()) for image in images)
    scores, best, overlaps, difficult = (np.concatenate(parts) for parts in zip(*found, strict=True))
    image = np.repeat(np.arange(len(images)), [len(part[0]) for part in found])
    order = np.argsort(-scores, kind="stable")
    order = order[~((overlaps >= threshold) & difficult)[order]]
    hits = overlaps[order] >= threshold
    # Of the detections of one object the first is right.
    right = np.zeros(len(order), bool)
    places = np.flatnonzero(hits)
    _, first = np.unique(np.stack([image[order][places], best[order][places]]), axis=1, return_index=True)
    right[places[first]] = True
    count = np.cumsum(right)
    recall = count / objects if objects else np.full(len(order), np.nan)
    return PrecisionRecall(count / np.arange(1, len(order) + 1), recall, scores[order], objects)
