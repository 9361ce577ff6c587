"""Losses of segmentation: how little targets and predictions overlap."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from dlrs import backend, ops
from dlrs.backend import Tensor
from dlrs.losses.functions import aligned
from dlrs.losses.loss import LossFunctionWrapper

Axis: TypeAlias = int | Sequence[int] | None


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Tensor:
    """`1 - 2 sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))` over `axis`, by default over all (Dice 1945).

    >>> round(dice([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]).item(), 4)
    0.3333
    """
    y_true, y_pred = aligned("dice", y_true, y_pred)
    overlap = ops.multiply(ops.sum(ops.multiply(y_true, y_pred), axis=axis), 2.0)
    total = ops.add(ops.sum(y_true, axis=axis), ops.sum(y_pred, axis=axis))
    return ops.subtract(1.0, ops.divide(overlap, ops.add(total, backend.epsilon())))


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None) -> Tensor:
    """`1 - TP / (TP + alpha FP + beta FN)` over `axis`, by default over all (Salehi et al. 2017, arXiv 1706.05721).

    As in Keras, `alpha` weighs targets that were not predicted and `beta` predictions that were not targets.

    >>> round(tversky([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], alpha=1.0, beta=0.0).item(), 4)
    0.5
    """
    y_true, y_pred = aligned("tversky", y_true, y_pred)
    overlap = ops.sum(ops.multiply(y_true, y_pred), axis=axis)
    missed = ops.sum(ops.multiply(y_true, ops.subtract(1.0, y_pred)), axis=axis)
    extra = ops.sum(ops.multiply(y_pred, ops.subtract(1.0, y_true)), axis=axis)
    wrong = ops.add(ops.multiply(missed, alpha), ops.multiply(extra, beta))
    return ops.subtract(1.0, ops.divide(overlap, ops.add(ops.add(overlap, wrong), backend.epsilon())))


class Dice(LossFunctionWrapper):
    """`1 - 2 sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))` over `axis`, by default over the whole batch.

    Sample weights need a loss for each sample: leave the first axis out of `axis`.

    >>> round(Dice()([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]).item(), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """`1 - TP / (TP + alpha FP + beta FN)` over `axis`, by default over the whole batch (arXiv 1706.05721).

    Args:
        alpha: Weight of targets that were not predicted.
        beta: Weight of predictions that were not targets.
        axis: The axes to sum over. Sample weights need a loss for each sample: leave the first axis out.

    >>> round(Tversky(alpha=1.0, beta=0.0)([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]).item(), 4)
    0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
