"""Accuracies as functions of targets and predictions: 1 for each sample that is right, 0 for each that is wrong."""

from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.losses import squeeze_or_expand_to_same_rank


def _same_shape(name: str, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    true, pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    given = true.shape, pred.shape
    true, pred = squeeze_or_expand_to_same_rank(true, pred)
    if true.shape != pred.shape:
        raise ValueError(f"{name}: `y_true` of shape {given[0]} does not fit `y_pred` of shape {given[1]}.")
    return true, pred


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether `y_true` equals `y_pred`.

    >>> accuracy([1.0, 2.0], [1.0, 3.0]).tolist()
    [1.0, 0.0]
    """
    true, pred = _same_shape("accuracy", y_true, y_pred)
    return ops.cast(ops.equal(ops.cast(true, pred.dtype), pred), backend.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Whether `y_true`, 0 or 1, says that `y_pred` is above `threshold`.

    >>> binary_accuracy([1.0, 0.0], [0.7, 0.6]).tolist()
    [1.0, 0.0]
    """
    true, pred = _same_shape("binary_accuracy", y_true, y_pred)
    return ops.cast(ops.equal(true, ops.cast(ops.greater(pred, threshold), true.dtype)), backend.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the class with the largest prediction is the one with the largest target, along the last axis.

    >>> categorical_accuracy([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.1, 0.9]]).tolist()
    [1.0, 0.0]
    """
    true, pred = _same_shape("categorical_accuracy", y_true, y_pred)
    return ops.cast(ops.equal(ops.argmax(true, -1), ops.argmax(pred, -1)), backend.floatx())


def _labels(name: str, y_true: Any, y_pred: Tensor) -> Tensor:
    """Integer labels with one axis less than the predictions."""
    labels = ops.cast(y_true, "int32")
    if labels.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    if labels.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"{name}: `y_true` of shape {ops.shape(y_true)} does not fit `y_pred` of shape {y_pred.shape}."
        )
    return labels


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the class with the largest prediction, along the last axis, is `y_true`.

    >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.1, 0.9]]).tolist()
    [1.0, 0.0]
    """
    pred = ops.convert_to_tensor(y_pred)
    labels = _labels("sparse_categorical_accuracy", y_true, pred)
    return ops.cast(ops.equal(labels, ops.argmax(pred, -1)), backend.floatx())


def _in_top_k(labels: Tensor, y_pred: Tensor, k: int) -> Tensor:
    """Whether fewer than `k` classes have a larger prediction than the labelled one."""
    chosen = ops.take_along_axis(y_pred, ops.expand_dims(labels, -1), axis=-1)
    larger = ops.sum(ops.cast(ops.greater(y_pred, chosen), "int32"), axis=-1)
    return ops.cast(ops.less(larger, k), backend.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether the class with the largest target is among the `k` with the largest predictions.

    >>> top_k_categorical_accuracy([[0.0, 0.0, 1.0]], [[0.5, 0.2, 0.3]], k=2).tolist()
    [1.0]
    """
    true, pred = _same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(ops.argmax(true, -1), pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Tensor:
    """Whether the class `y_true` is among the `k` with the largest predictions.

    With `from_sorted_ids`, `y_pred` holds classes, the best first, instead of predictions for all classes.

    >>> sparse_top_k_categorical_accuracy([2], [[0.5, 0.2, 0.3]], k=2).tolist()
    [1.0]
    """
    pred = ops.convert_to_tensor(y_pred)
    labels = _labels("sparse_top_k_categorical_accuracy", y_true, pred)
    if not from_sorted_ids:
        return _in_top_k(labels, pred, k)
    best = ops.cast(pred[..., :k], "int32")
    return ops.cast(ops.any(ops.equal(best, ops.expand_dims(labels, -1)), axis=-1), backend.floatx())
