"""How well a language model tells what comes next."""

from typing import Any

import numpy as np

from dlrs.backend.checks import check_flags
from dlrs.backend.ragged import explained

Array = np.ndarray[Any, Any]


def perplexity(y_true: Any, y_pred: Any, mask: Any = None, from_logits: bool = False) -> float:
    """`exp` of the mean of `-log p(token)`: the number of equally likely tokens it is as hard to choose from.

    Args:
        y_true: token ids, shape (...).
        y_pred: probabilities, or logits, shape (..., tokens).
        mask: booleans of shape (...); where False, the token does not count.
        from_logits: whether `y_pred` are logits.

    Source: Jelinek et al. 1977, "Perplexity, a measure of the difficulty of speech recognition tasks".

    Raises:
        ValueError: shapes do not match, an id is out of range (the message names it and its position), probabilities
            are negative, or no token counts.

    >>> round(perplexity([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 6)
    2.0
    """
    check_flags("perplexity", from_logits=from_logits)
    truth, scores = _array("y_true", y_true), _array("y_pred", y_pred)
    if truth.dtype.kind not in "iu" or scores.dtype.kind not in "fiu" or scores.shape[:-1] != truth.shape:
        raise ValueError(
            f"perplexity: `y_true` must be integers of shape (...) and `y_pred` numbers of shape (..., tokens), "
            f"got {truth.dtype} of shape {truth.shape} and {scores.dtype} of shape {scores.shape}."
        )
    counts = np.ones(truth.shape, bool) if mask is None else _array("mask", mask)
    if counts.shape != truth.shape:
        raise ValueError(f"perplexity: `mask` must have shape {truth.shape}, got {counts.shape}.")
    if not np.isin(counts, (0, 1)).all():
        raise ValueError("perplexity: `mask` must hold booleans, or 0 and 1; weights are not known here.")
    counts = counts.astype(bool)
    tokens = scores.shape[-1]
    wrong = np.argwhere(counts & ((truth < 0) | (truth >= tokens)))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise ValueError(f"perplexity: token id {int(truth[place])} at position {place} is not in [0, {tokens}).")
    if not counts.any():
        raise ValueError("perplexity: there is no token to count.")
    chosen = scores[counts].astype(np.float64)
    if not from_logits and ((chosen < 0).any() or (chosen.sum(-1) == 0).any()):
        raise ValueError(
            "perplexity: `y_pred` are probabilities with `from_logits=False`; some are negative, or all of a row are 0."
        )
    picked = np.take_along_axis(chosen, truth[counts][:, None].astype(np.int64), -1)[:, 0]
    with np.errstate(divide="ignore"):
        losses = _log_sum_exp(chosen) - picked if from_logits else np.log(chosen.sum(-1)) - np.log(picked)
        return float(np.exp(losses.mean()))


def _array(argument: str, value: Any) -> Array:
    try:
        return np.asarray(value)
    except ValueError as error:
        raise explained(error, value, f"perplexity: `{argument}`: ") from None


def _log_sum_exp(logits: Array) -> Array:
    largest = logits.max(-1, keepdims=True)
    total: Array = np.log(np.exp(logits - largest).sum(-1)) + largest[:, 0]
    return total
