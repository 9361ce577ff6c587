"""Generalized cross-entropy, which wrong labels disturb less."""

from typing import Any

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.losses.functions import label_tensor
from dlrs.losses.loss import LabelLoss

# Small enough to leave p^q as it is, large enough for p^(q - 1) to be finite in float32.
_SMALLEST = 1e-30


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """`(1 - p^q) / q`, with `p` the probability of the class `y_true` (Zhang, Sabuncu 2018, arXiv 1805.07836).

    Args:
        y_true: Integer labels, of the shape of `y_pred` without its last axis, or with size 1 there.
        y_pred: Probabilities of the classes along the last axis.
        q: Between 0, where it is the cross-entropy, and 1, where it is the mean absolute error.

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()
    [1.0]
    """
    if not 0 < q < 1:
        raise ValueError(f"categorical_generalized_cross_entropy: `q` must be between 0 and 1, got {q!r}.")
    y_pred = ops.convert_to_tensor(y_pred)
    if not backend.is_float_dtype(y_pred.dtype):
        y_pred = ops.cast(y_pred, backend.floatx())
    labels = label_tensor("categorical_generalized_cross_entropy", y_true, y_pred.shape[:-1])
    chosen = ops.where(ops.one_hot(labels, y_pred.shape[-1], dtype="bool"), y_pred, 0.0)
    # At p = 0 the slope is infinite; a probability that has vanished has none instead.
    p = ops.maximum(ops.sum(chosen, axis=-1), _SMALLEST)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


class CategoricalGeneralizedCrossEntropy(LabelLoss):
    """`(1 - p^q) / q`, with `p` the predicted probability of the target (arXiv 1805.07836).

    Args:
        q: Between 0, where it is the cross-entropy, and 1, where it is the mean absolute error.

    >>> CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]).item()
    1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: `q` must be between 0 and 1, got {q!r}.")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
