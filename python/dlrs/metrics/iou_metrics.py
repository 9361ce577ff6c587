"""Intersection over union of predicted and true regions."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.metrics.metric import Metric
from dlrs.metrics.metrics_utils import weights_like


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, dtype: str = "int32"
) -> Tensor:
    """How often, or with what weight, each label (row) was predicted as each class (column).

    Pairs with a class that is not from 0 to `num_classes - 1` do not count.

    >>> confusion_matrix([0, 1, 1], [0, 0, 1], 2).tolist()
    [[1, 0], [1, 1]]
    """
    true, pred = ops.cast(labels, "int32"), ops.cast(predictions, "int32")
    counts = ops.ones(true.shape, dtype) if weights is None else ops.cast(weights, dtype)
    known = ops.logical_and(_in_range(true, num_classes), _in_range(pred, num_classes))
    cells = ops.where(known, ops.add(ops.multiply(true, num_classes), pred), 0)
    sums = ops.segment_sum(ops.where(known, counts, ops.zeros((), dtype)), cells, num_classes * num_classes)
    return ops.reshape(sums, (num_classes, num_classes))


def _in_range(classes: Tensor, num_classes: int) -> Tensor:
    return ops.logical_and(ops.greater_equal(classes, 0), ops.less(classes, num_classes))


class _IoUBase(Metric):
    """The confusion matrix of all samples seen."""

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype or "int", name)
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), "zeros", name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        true, pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        true = true if self.sparse_y_true else ops.argmax(true, axis=self.axis)
        pred = pred if self.sparse_y_pred else ops.argmax(pred, axis=self.axis)
        if math.prod(true.shape) != math.prod(pred.shape):
            raise ValueError(
                f"{self.name}: `y_true` has {true.size} labels, of shape {true.shape}, `y_pred` {pred.size}."
            )
        weights = self._weights(sample_weight, true.shape)
        true, pred = (ops.reshape(ops.cast(x, "int32"), (-1,)) for x in (true, pred))
        if self.ignore_class is not None:
            true = ops.where(ops.equal(true, self.ignore_class), -1, true)
        self.total_cm.assign_add(confusion_matrix(true, pred, self.num_classes, weights, self.dtype))

    def _weights(self, sample_weight: Any, shape: tuple[int, ...]) -> Tensor:
        """One for each label, on one axis."""
        if sample_weight is None:
            return ops.ones((math.prod(shape),), self.dtype)
        given = ops.convert_to_tensor(sample_weight)
        if backend.is_float_dtype(given.dtype) and not backend.is_float_dtype(self.dtype):
            warnings.warn(
                f"{self.name}: `sample_weight` is `float`, but the metric counts in {self.dtype} (`int`), so casting"
                " cuts off fractions. Pass integer weights, or `dtype='float32'` to the metric.",
                stacklevel=3,
            )
        return ops.reshape(weights_like(ops.zeros(shape, self.dtype), given), (-1,))


class IoU(_IoUBase):
    """Mean over classes of `TP / (TP + FP + FN)`; classes that have not occurred do not count.

    Args:
        num_classes: Number of classes. Labels and predictions outside it do not count.
        target_class_ids: The classes to average.
        name: Name.
        dtype: Type of the counts; integers if None. Fractional sample weights need a float type.
        ignore_class: Targets of this class do not count.
        sparse_y_true: Whether targets are integers, rather than one-hot along `axis`.
        sparse_y_pred: Whether predictions are integers, rather than scores along `axis`.
        axis: The axis of the classes.

    >>> round(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]).item(), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)
        if not target_class_ids or not all(0 <= i < num_classes for i in target_class_ids):
            raise ValueError(
                f"Target class id is out of range: `target_class_ids` must be some of [0, {num_classes}), got"
                f" {list(target_class_ids)}."
            )
        self.target_class_ids = list(target_class_ids)

    def result(self) -> Tensor:
        """The mean so far; 0 before the first batch."""
        counts = self.total_cm.value
        both = ops.diagonal(counts)
        union = ops.subtract(ops.add(ops.sum(counts, axis=0), ops.sum(counts, axis=1)), both)
        kind = self.dtype if backend.is_float_dtype(self.dtype) else "float32"
        both, union = (ops.cast(ops.take(x, self.target_class_ids, axis=0), kind) for x in (both, union))
        occurred = ops.cast(ops.greater(union, 1e-9), kind)
        ratios = ops.multiply(ops.divide_no_nan(both, union), occurred)
        return ops.divide_no_nan(ops.sum(ratios), ops.sum(occurred))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }


def _without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in names}


class BinaryIoU(IoU):
    """Intersection over union of two classes, of which predictions of at least `threshold` mean the second.

    >>> round(BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]).item(), 4)
    0.5833
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        pred = ops.greater_equal(ops.convert_to_tensor(y_pred, "float32"), self.threshold)
        super().update_state(y_true, ops.cast(pred, "int32"), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        other = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return {**_without(super().get_config(), *other), "threshold": self.threshold}


class MeanIoU(IoU):
    """Mean over all classes of `TP / (TP + FP + FN)`; classes that have not occurred do not count.

    Args: as for `IoU`.

    >>> round(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]).item(), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return _without(super().get_config(), "target_class_ids")


class OneHotIoU(IoU):
    """`IoU` of targets that are one-hot along `axis`.

    >>> OneHotIoU(2, [0])([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).item()
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of targets that are one-hot along `axis`.

    >>> OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).item()
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return _without(super().get_config(), "sparse_y_true")
