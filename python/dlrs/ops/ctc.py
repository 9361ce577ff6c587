"""Connectionist temporal classification (Graves et al. 2006)."""

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.binary import logaddexp
from dlrs.ops.core import scan
from dlrs.ops.manipulation import take_along_axis
from dlrs.ops.operation import op

__all__ = ["ctc_loss"]

# The logarithm of zero, finite so that the slopes of sums of it are: far below that of any path, and in float32.
_LOG_ZERO = -1e30


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

    Errors: ValueError if the shapes do not fit.

    >>> round(ctc_loss([[1]], [[[0.0, 0.0], [0.0, 0.0]]], [1], [2]).item(), 4)
    0.2877
    """
    target, output = as_tensor(target), as_tensor(output)
    lengths = [_dlrs.cast(as_tensor(length), "int32") for length in (target_length, output_length)]
    if target.ndim != 2 or output.ndim != 3 or target.shape[0] != output.shape[0]:
        raise ValueError(
            "ctc_loss: `target` must have the shape (batch, labels) and `output` (batch, steps, classes), got"
            f" {target.shape} and {output.shape}."
        )
    if any(length.shape != target.shape[:1] for length in lengths):
        raise ValueError(
            f"ctc_loss: `target_length` and `output_length` must have the shape {target.shape[:1]}, got"
            f" {lengths[0].shape} and {lengths[1].shape}."
        )
    batch, steps, classes = output.shape
    if not 0 <= mask_index < classes:
        raise ValueError(f"ctc_loss: `mask_index` must be one of the {classes} classes, got {mask_index}.")
    states = _with_blanks(_dlrs.cast(target, "int32"), mask_index)
    count = states.shape[1]
    logs = _dlrs.log_softmax(output, -1)
    places = _dlrs.broadcast_to(_dlrs.reshape(states, (batch, 1, count)), (batch, steps, count))
    emitted = _dlrs.transpose(take_along_axis(logs, places, 2), [1, 0, 2])
    reached = _forward(emitted, _skips(states, output.dtype), lengths[1])
    return _total(reached, lengths[0])


def _with_blanks(target: Tensor, blank: int) -> Tensor:
    """Blank, label, blank, label, ..., blank: the states that an alignment goes through."""
    batch, labels = target.shape
    blanks = _dlrs.full((batch, labels, 1), blank, "int32")
    pairs = _dlrs.concatenate([blanks, _dlrs.reshape(target, (batch, labels, 1))], 2)
    return _dlrs.pad(_dlrs.reshape(pairs, (batch, 2 * labels)), [(0, 0), (0, 1)], blank)


def _shifted(x: Tensor, by: int, fill: float) -> Tensor:
    """Columns moved to the right, `fill` in the first ones."""
    rows, columns = x.shape
    by = min(by, columns)
    return _dlrs.pad(_dlrs.slice(x, [0, 0], [rows, columns - by], [1, 1]), [(0, 0), (by, 0)], fill)


def _skips(states: Tensor, dtype: str) -> Tensor:
    """0 where a state may follow the one before the last, as different labels may; else the logarithm of zero."""
    allowed = _dlrs.not_equal(states, _shifted(states, 2, -1))
    return _dlrs.where(allowed, _dlrs.full((), 0.0, dtype), _LOG_ZERO)


def _forward(emitted: Tensor, skips: Tensor, output_length: Tensor) -> Tensor:
    """Logarithms of the probabilities of all paths that end in each state, after the last step (equations 5 to 8)."""
    steps, batch, count = emitted.shape
    # Before the first step, a path stands in front of the first state, from which it may skip to the second.
    start = np.full((batch, count + 1), _LOG_ZERO)
    start[:, 0] = 0.0
    outside = _dlrs.full((batch, 1), _LOG_ZERO, emitted.dtype)
    skips = _dlrs.pad(skips, [(0, 0), (1, 0)], _LOG_ZERO)

    def step(reached: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, None]:
        number, logs = inputs
        came = logaddexp(reached, _shifted(reached, 1, _LOG_ZERO))
        came = logaddexp(came, _dlrs.add(_shifted(reached, 2, _LOG_ZERO), skips))
        moved = _dlrs.add(came, _dlrs.concatenate([outside, logs], 1))
        running = _dlrs.reshape(_dlrs.less(number, output_length), (batch, 1))
        return _dlrs.where(running, _dlrs.maximum(moved, _LOG_ZERO), reached), None

    first = _dlrs.cast(start, emitted.dtype)
    reached, _ = scan(step, first, (np.arange(steps, dtype=np.int32), emitted))
    return _dlrs.slice(reached, [0, 1], [batch, count + 1], [1, 1])


def _total(reached: Tensor, target_length: Tensor) -> Tensor:
    """The losses: an alignment ends in the last label that counts or in the blank behind it."""
    batch = reached.shape[0]
    last = _dlrs.multiply(_dlrs.reshape(target_length, (batch, 1)), 2)
    blank = take_along_axis(reached, last, 1)
    label = take_along_axis(reached, _dlrs.maximum(_dlrs.subtract(last, 1), 0), 1)
    label = _dlrs.where(_dlrs.equal(last, 0), _LOG_ZERO, label)
    total = _dlrs.reshape(logaddexp(blank, label), (batch,))
    possible = _dlrs.greater(total, 0.5 * _LOG_ZERO)
    return _dlrs.where(possible, _dlrs.negative(total), float("inf"))
