"""Decoding of connectionist temporal classification with a language model."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend.checks import check_number
from dlrs.text.beam import Hypothesis
from dlrs.text.checks import check_count

Array = np.ndarray[Any, Any]
# Beginnings, each a tuple of tokens, to log-probabilities of the class that is next, (beginnings, classes).
LanguageModel = Callable[[Sequence[tuple[int, ...]]], Any]


def ctc_beam_search(
    scores: Any,
    lengths: Any = None,
    *,
    width: int = 100,
    n_best: int = 1,
    blank: int = 0,
    language_model: LanguageModel | None = None,
    alpha: float = 1.0,
    beta: float = 0.0,
) -> Any:
    """The likeliest label sequences of an output trained with `losses.CTC`, by prefix beam search.

    Hannun, Maas, Jurafsky and Ng 2014 (arXiv 1408.2873), algorithm 1: after each step the `width` best beginnings are
    kept, by ln P(beginning | output) + α ln P_LM(beginning) + β · length, where P sums the probabilities of all
    alignments. Without a language model `ops.ctc_decode` does the same for a batch at once. Of equally good beginnings
    the one with the smaller labels goes first, then the longer one.

    Args:
        scores: the output of a network, logits of shape (steps, classes); or of a batch, (batch, steps, classes).
        lengths: how many steps count, one number for each of a batch; all by default.
        width: how many beginnings are kept.
        n_best: how many sequences to return.
        blank: the class that is the blank.
        language_model: given a list of beginnings, tuples of labels, returns ln P of the label that comes next, of
            shape (beginnings, classes); what it says of the blank does not matter. It is asked once for each beginning.
        alpha: α, the weight of the language model.
        beta: β, what each label adds.

    Returns:
        A `Hypothesis`: `log_probability` is the logarithm that beginnings are ranked by, and so is `score`. With
        `n_best` above 1 a list of them, the best first, shorter if there are no more; for a batch a list with one entry
        for each example.

    Raises:
        ValueError: shapes do not fit, scores are NaN or infinite, `n_best` is above `width`, or the language model
            returns something else than log-probabilities for each beginning.

    >>> logits = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> ctc_beam_search(logits).tokens.tolist()  # 0.64 are all alignments of label 1, 0.36 those of none
    [1]
    >>> never = lambda beginnings: np.full((len(beginnings), 2), -9.0)
    >>> ctc_beam_search(logits, language_model=never).tokens.tolist()
    []
    """
    width, n_best = check_count("ctc_beam_search", "width", width), check_count("ctc_beam_search", "n_best", n_best)
    blank = check_count("ctc_beam_search", "blank", blank, 0)
    if n_best > width:
        raise ValueError(f"ctc_beam_search: `n_best` = {n_best} is more than `width` = {width}.")
    for name, number in (("alpha", alpha), ("beta", beta)):
        check_number("ctc_beam_search", name, number)
    if language_model is not None and not callable(language_model):
        raise TypeError(f"ctc_beam_search: `language_model` must be a function, got {language_model!r:.60}.")
    batch, single = _batch(scores, blank)
    counts = _lengths(lengths, len(batch), batch.shape[1])
    found = []
    for example, count in zip(batch, counts, strict=True):
        best = _searched(example[:count], width, blank, language_model, float(alpha), float(beta))[:n_best]
        found.append(best if n_best > 1 else best[0])
    return found[0] if single else found


def _batch(scores: Any, blank: int) -> tuple[Array, bool]:
    try:
        array = np.asarray(scores, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"ctc_beam_search: `scores` must be an array of numbers: {error}.") from None
    if array.ndim not in (2, 3) or array.shape[-1] < 1:
        raise ValueError(
            f"ctc_beam_search: `scores` must have shape (steps, classes) or (batch, steps, classes), got {array.shape}."
        )
    if blank >= array.shape[-1]:
        raise ValueError(f"ctc_beam_search: `blank` must be one of the {array.shape[-1]} classes, got {blank}.")
    single = array.ndim == 2
    return (array[None] if single else array), single


def _lengths(lengths: Any, batch: int, steps: int) -> Array:
    if lengths is None:
        return np.full(batch, steps)
    counts = np.asarray(lengths)
    if counts.dtype.kind not in "iu" or counts.reshape(-1).shape != (batch,) or ((counts < 0) | (counts > steps)).any():
        raise ValueError(
            f"ctc_beam_search: `lengths` must be {batch} integers in [0, {steps}], got {np.array2string(counts):.60}."
        )
    return counts.reshape(-1)


def _searched(
    logits: Array, width: int, blank: int, model: LanguageModel | None, alpha: float, beta: float
) -> list[Hypothesis]:
    """The beam after the last step of an example."""
    if not np.isfinite(logits).all():
        step = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise ValueError(f"ctc_beam_search: the scores of step {step} are not finite.")
    classes = logits.shape[1]
    search = _dlrs.PrefixSearch(width, classes, blank)
    largest = logits.max(axis=1, keepdims=True)
    rows = logits - largest - np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    known: dict[int, Array] = {}
    for row in rows:
        bonus = None
        if model is not None:
            numbers = search.numbers()
            _ask(model, search, [number for number in numbers if number not in known], classes, known)
            bonus = alpha * np.stack([known[number] for number in numbers]) + beta
        elif beta:
            bonus = np.full((len(search.numbers()), classes), beta)
        search.step(row, bonus)
    found = search.found()
    return [Hypothesis(np.asarray(tokens), score, score, True) for tokens, score in found]


def _ask(model: LanguageModel, search: Any, numbers: list[int], classes: int, known: dict[int, Array]) -> None:
    """Asks the language model for the beginnings with these numbers."""
    if not numbers:
        return
    beginnings = [tuple(tokens) for tokens in search.tokens(numbers)]
    answer = np.asarray(model(beginnings), np.float64)
    if answer.shape != (len(beginnings), classes):
        raise ValueError(
            f"ctc_beam_search: `language_model` must return shape ({len(beginnings)}, {classes}) for "
            f"{len(beginnings)} beginnings, got {answer.shape}."
        )
    if np.isnan(answer).any() or (answer > 1e-6).any():
        raise ValueError("ctc_beam_search: `language_model` must return log-probabilities, which are at most 0.")
    known.update(zip(numbers, np.minimum(answer, 0.0), strict=True))
