"""What several metrics share: shapes of targets and weights, thresholds, counts of right and wrong predictions."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Self

import numpy as np

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.losses import squeeze_or_expand_to_same_rank

NEG_INF = -1e10


def same_shape(name: str, y_true: Any, y_pred: Any, dtype: Any = None) -> tuple[Tensor, Tensor]:
    """Targets and predictions of one float type and shape, up to a last axis of size 1; others are a ValueError."""
    pred = ops.convert_to_tensor(y_pred, dtype)
    if not backend.is_float_dtype(pred.dtype):
        pred = ops.cast(pred, backend.floatx())
    true = ops.convert_to_tensor(y_true, pred.dtype)
    given = true.shape, pred.shape
    true, pred = squeeze_or_expand_to_same_rank(true, pred)
    if true.shape != pred.shape:
        raise ValueError(f"{name}: `y_true` of shape {given[0]} does not fit `y_pred` of shape {given[1]}.")
    return true, pred


def weights_like(values: Tensor, sample_weight: Any) -> Tensor:
    """A weight for each value: given are one for all, one for each sample, or one for each value."""
    weights = ops.convert_to_tensor(sample_weight, values.dtype)
    given = weights.shape
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, -1)
    weights = ops.reshape(weights, weights.shape + (1,) * (values.ndim - weights.ndim))
    if weights.ndim > values.ndim or any(w not in (1, v) for w, v in zip(weights.shape, values.shape, strict=True)):
        raise ValueError(f"`sample_weight` of shape {given} does not fit values of shape {values.shape}.")
    return ops.broadcast_to(weights, values.shape)


def check_rank_2(name: str, y_true_shape: Sequence[int | None], y_pred_shape: Sequence[int | None]) -> None:
    """A ValueError if targets or predictions are not of shape (batch, outputs) with a known number of outputs."""
    shapes = y_pred_shape, y_true_shape
    defined = all(len(shape) == 2 for shape in shapes)
    if not defined or any(shape[1] is None for shape in shapes):
        raise ValueError(
            f"{name} expects 2D inputs with shape (batch_size, output_dim)"
            f"{', with output_dim fully defined (not None)' if defined else ''}. Received input shapes:"
            f" y_pred.shape={tuple(y_pred_shape)} and y_true.shape={tuple(y_true_shape)}."
        )


def check_columns(name: str, shape: Sequence[int], state: Sequence[int]) -> None:
    """A ValueError if a batch has another number of outputs than the batches before."""
    if state and shape[-1] != state[-1]:
        raise ValueError(
            f"{name}: `y_pred` has {shape[-1]} outputs, of shape {tuple(shape)}; before it had {state[-1]}."
        )


class _Named(Enum):
    """A choice that is written as a string."""

    @classmethod
    def chosen(cls, key: Any, what: str) -> Self:
        """The member `key`, or the one that it names."""
        for member in cls:
            if key is member or key in (member.value, member.value.lower(), member.value.capitalize()):
                return member
        raise ValueError(f'Invalid {what} value: "{key}". Expected values are {[member.value for member in cls]}.')


class AUCCurve(_Named):
    """What an area lies under: true over false positives, precision over recall, or their gains (Flach, Kull 2015)."""

    ROC = "ROC"
    PR = "PR"
    PRGAIN = "PRGAIN"

    @classmethod
    def from_str(cls, key: Any) -> Self:
        """The curve called `key`."""
        return cls.chosen(key, "AUC curve")


class AUCSummationMethod(_Named):
    """How heights between two points of a curve are chosen."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"

    @classmethod
    def from_str(cls, key: Any) -> Self:
        """The method called `key`."""
        return cls.chosen(key, "AUC summation method")


def parse_init_thresholds(thresholds: Any, default_threshold: float = 0.5) -> list[float]:
    """`thresholds`, a number or several from 0 to 1, as a list."""
    if thresholds is None:
        return [default_threshold]
    listed = list(thresholds) if isinstance(thresholds, Sequence | np.ndarray) else [thresholds]
    invalid = [t for t in listed if t is None or not 0 <= t <= 1]
    if invalid or not listed:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {invalid}")
    return listed


def even_thresholds(count: int) -> list[float]:
    """`count` numbers from 0 to 1 at equal distances."""
    numbers: list[float] = (np.arange(count) / (count - 1)).tolist()
    return numbers


class Counts(NamedTuple):
    """Weighted numbers of predictions that are right and wrong, for each threshold."""

    true_positives: Tensor
    false_positives: Tensor
    true_negatives: Tensor
    false_negatives: Tensor


def confusion_counts(
    name: str,
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    dtype: str,
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Any = None,
    by_label: bool = False,
) -> Counts:
    """How many predictions above, and how many not above, each of `thresholds` are right.

    Args:
        name: The metric, for messages.
        y_true: Targets: what is not 0 is positive.
        y_pred: Predictions, of the same shape.
        thresholds: Numbers, in any order.
        dtype: The type of the counts.
        sample_weight: What a sample, or each of its predictions, counts for.
        top_k: Only so many of the predictions of a sample, the largest, can be positive.
        class_id: Only this class counts, of the last axis.
        label_weights: What each class of the last axis counts for.
        by_label: Whether classes are counted apart; the counts then have the shape (thresholds, classes).
    """
    true, pred = same_shape(name, y_true, y_pred, dtype)
    weights = weights_like(pred, 1.0 if sample_weight is None else sample_weight)
    if label_weights is not None:
        weights = ops.multiply(weights, ops.broadcast_to(label_weights, weights.shape))
    if top_k is not None:
        pred = ops.where(_in_top_k(pred, top_k), pred, NEG_INF)
    # A prediction that is NaN is above no threshold.
    pred = ops.where(ops.isnan(pred), NEG_INF, pred)
    positive = ops.not_equal(true, 0)
    if class_id is not None:
        if pred.ndim == 1:
            raise ValueError(
                "When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes), found"
                f" shape: {pred.shape}"
            )
        if not -pred.shape[-1] <= class_id < pred.shape[-1]:
            raise ValueError(f"{name}: `class_id` {class_id} is not one of the {pred.shape[-1]} classes of `y_pred`.")
        positive, pred, weights = (ops.take(x, [class_id], axis=-1) for x in (positive, pred, weights))
    columns = (-1, pred.shape[-1]) if by_label else (-1, 1)
    positive, pred, weights = (ops.reshape(x, columns) for x in (positive, pred, weights))
    zero = ops.zeros((), dtype)
    hits, misses = ops.where(positive, weights, zero), ops.where(positive, zero, weights)
    order = np.argsort(thresholds, kind="stable")
    counts = _counts(pred, hits, misses, ops.convert_to_tensor(np.asarray(thresholds)[order], dtype))
    if (np.diff(order) < 0).any():
        counts = Counts(*(ops.take(count, np.argsort(order).astype(np.int32), axis=0) for count in counts))
    return counts if by_label else Counts(*(ops.squeeze(count, -1) for count in counts))


def _counts(pred: Tensor, hits: Tensor, misses: Tensor, thresholds: Tensor) -> Counts:
    """Sums of the weights `hits` and `misses` above and below each threshold, for each column.

    Weights are collected in the bins between thresholds; running sums of the bins are the counts, so the cost is that
    of the predictions plus that of the thresholds, not their product.
    """
    bins, columns = thresholds.shape[0] + 1, pred.shape[1]
    place = ops.searchsorted(thresholds, ops.reshape(pred, (-1,)), side="left")
    place = ops.add(ops.reshape(place, pred.shape), np.arange(columns, dtype=np.int32) * bins)
    sums = []
    for weights in (hits, misses):
        flat = ops.segment_sum(ops.reshape(weights, (-1,)), ops.reshape(place, (-1,)), bins * columns)
        collected = ops.transpose(ops.reshape(flat, (columns, bins)))
        below = ops.cumsum(collected, axis=0)[:-1]
        above = ops.flip(ops.cumsum(ops.flip(collected, axis=0), axis=0), axis=0)[1:]
        sums.append((above, below))
    (tp, fn), (fp, tn) = sums
    return Counts(tp, fp, tn, fn)


def _in_top_k(x: Tensor, k: int) -> Tensor:
    """Which elements are among the `k` largest of the last axis; of equal ones the first."""
    if not 1 <= k <= x.shape[-1]:
        raise ValueError(f"`top_k` must be from 1 to the number of classes, {x.shape[-1]}, got {k!r}.")
    _, places = ops.top_k(x, k)
    return ops.any(ops.one_hot(places, x.shape[-1], dtype="bool"), axis=-2)
