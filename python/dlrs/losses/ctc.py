"""Connectionist temporal classification as a loss."""

from typing import Any

from dlrs import ops
from dlrs.backend import Tensor
from dlrs.backend.checks import check_flags
from dlrs.losses.loss import LabelLoss


def ctc(y_true: Any, y_pred: Any, zero_infinity: bool = False) -> Tensor:
    """`-log` of the probability of the labels, summed over all their alignments with the steps (Graves et al. 2006).

    Args:
        y_true: Integer labels, of shape (batch, labels). 0 is the blank and fills the
            rows: as many labels count, from the first, as are not 0.
        y_pred: Logits, of shape (batch, steps, classes).
        zero_infinity: Whether the loss of labels that are too many for the steps is 0, not infinite.

    >>> [round(v, 4) for v in ctc([[1, 0]], [[[0.0, 0.0], [0.0, 0.0]]]).tolist()]
    [0.2877]
    """
    labels, y_pred = ops.cast(y_true, "int32"), ops.convert_to_tensor(y_pred)
    if labels.ndim != 2 or y_pred.ndim != 3 or labels.shape[0] != y_pred.shape[0]:
        raise ValueError(
            "ctc: `y_true` must have the shape (batch, labels) and `y_pred` (batch, steps, classes), got"
            f" {labels.shape} and {y_pred.shape}."
        )
    batch, steps, _ = y_pred.shape
    lengths = ops.count_nonzero(labels, axis=-1), ops.full((batch,), steps, "int32")
    return ops.ctc_loss(labels, y_pred, *lengths, zero_infinity=zero_infinity)


class CTC(LabelLoss):
    """Connectionist temporal classification of integer labels and logits (Graves et al. 2006).

    Targets have the shape (batch, labels), 0 being the blank; predictions (batch, steps, classes). The loss of labels
    that are too many for the steps is infinite, or 0 with `zero_infinity`; it has no slope either way.

    >>> round(CTC()([[1, 0]], [[[0.0, 0.0], [0.0, 0.0]]]).item(), 4)
    0.2877
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: Any = None,
        zero_infinity: bool = False,
    ) -> None:
        check_flags("CTC", zero_infinity=zero_infinity)
        # Keras, which does not know the argument, reads configurations without it.
        super().__init__(ctc, reduction, name, dtype, **({"zero_infinity": True} if zero_infinity else {}))
