"""Connectionist temporal classification (Graves et al. 2006)."""

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike
from dlrs.ops.operation import op

__all__ = ["ctc_loss"]


@op
def ctc_loss(
    target: TensorLike,
    output: TensorLike,
    target_length: TensorLike,
    output_length: TensorLike,
    mask_index: int = 0,
) -> Tensor:
    """`-log` of the probability of a label sequence, summed over all its alignments with the steps of the output.

    An alignment gives each step a label or the blank; repeated labels, then blanks are dropped from it. The loss is
    infinite, without a slope, where the output has too few steps for the labels.

    Args:
        target: Integer labels, of shape (batch, labels).
        output: Logits, of shape (batch, steps, classes).
        target_length: How many labels of each sequence count, of shape (batch,).
        output_length: How many steps of each output count, of shape (batch,).
        mask_index: The class that is the blank.

    Returns:
        The losses, of shape (batch,).

    Errors: ValueError if the shapes do not fit; IndexError, with the place, for a length beyond its array and a label
    that counts and is no class. It has no second derivative.

    >>> round(ctc_loss([[1]], [[[0.0, 0.0], [0.0, 0.0]]], [1], [2]).item(), 4)
    0.2877
    """
    if not isinstance(mask_index, int | np.integer) or isinstance(mask_index, bool) or mask_index < 0:
        raise ValueError(f"ctc_loss: `mask_index` must be one of the classes, got {mask_index!r}.")
    return _dlrs.ctc_loss(target, output, target_length, output_length, int(mask_index))
