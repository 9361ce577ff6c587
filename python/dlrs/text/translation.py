"""BLEU: how many n-grams a translation shares with those of people."""

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from dlrs import _dlrs
from dlrs.text.checks import check_count, check_sentences

Tokenizer = Literal["13a", "char", "none"]
Smoothing = Literal["none", "floor", "add-k", "exp"]

_TOKENIZERS = ("13a", "char", "none")
# Methods of smoothing with the values they have by default (Chen & Cherry 2014).
_SMOOTHING: dict[str, float | None] = {"none": None, "floor": 0.1, "add-k": 1, "exp": None}
_LARGEST_ORDER = 1000
_LARGEST_VALUE = 1_000_000_000  # far from where counts would be lost beside it
# What sacreBLEU has for log 0; an int, as in its sums.
_LOG_OF_ZERO = -9999999999


class BleuScore(float):
    """A BLEU score, in per cent: a float that knows what it was computed from. As text it is sacreBLEU's line.

    Attributes:
        counts: by order, n-grams in common with the references, clipped.
        totals: by order, n-grams of the hypotheses.
        precisions: by order, their ratio in per cent, smoothed.
        brevity_penalty: `exp(1 - reference_length / hypothesis_length)` if hypotheses are shorter, otherwise 1.
        hypothesis_length: tokens of the hypotheses.
        reference_length: tokens of the references, of each sentence's the one nearest in length.

    >>> score = bleu(["a cat sat here"], ["the cat sat here"], max_order=2)
    >>> score
    BLEU = 70.71 75.0/66.7 (BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4)
    >>> score > 50, score.totals
    (True, [4, 3])
    """

    counts: list[int]
    totals: list[int]
    precisions: list[float]
    brevity_penalty: float
    hypothesis_length: int
    reference_length: int

    @classmethod
    def _of(cls, row: list[int], smoothing: str, value: float | None, effective_order: bool) -> Self:
        """The score of lengths, n-grams in common and all n-grams, as `_dlrs.bleu_counts` gives them."""
        orders = len(row) // 2 - 1
        length, reference_length, counts, totals = row[0], row[1], row[2 : 2 + orders], row[2 + orders :]
        penalty = 1.0
        if length < reference_length:
            penalty = math.exp(1 - reference_length / length) if length > 0 else 0.0
        precisions, used = _precisions(counts, totals, smoothing, value)
        score = 0.0
        if any(counts):
            used = used if effective_order else orders
            score = penalty * math.exp(sum(math.log(p) if p else _LOG_OF_ZERO for p in precisions[:used]) / used)
        result = cls(score)
        result.counts, result.totals, result.precisions = counts, totals, precisions
        result.brevity_penalty = penalty
        result.hypothesis_length, result.reference_length = length, reference_length
        return result

    def __repr__(self) -> str:
        precisions = "/".join(f"{p:.1f}" for p in self.precisions)
        ratio = self.hypothesis_length / self.reference_length if self.reference_length else 0
        return (
            f"BLEU = {float(self):.2f} {precisions} (BP = {self.brevity_penalty:.3f} ratio = {ratio:.3f} "
            f"hyp_len = {self.hypothesis_length:d} ref_len = {self.reference_length:d})"
        )


def _precisions(counts: list[int], totals: list[int], smoothing: str, value: float | None) -> tuple[list[float], int]:
    """By order, the smoothed precision in per cent, and the highest order that there are n-grams of."""
    precisions = [0.0] * len(counts)
    if not any(counts):
        return precisions, len(counts)
    used = len(counts)
    halving = 1.0
    for i, (count, total) in enumerate(zip(counts, totals, strict=True)):
        matched: float = count
        of: float = total
        if smoothing == "add-k" and i > 0 and value is not None:
            matched, of = matched + value, of + value
        if of == 0:
            break
        used = i + 1
        if matched:
            precisions[i] = 100.0 * matched / of
        elif smoothing == "exp":
            halving *= 2
            precisions[i] = 100.0 / (halving * of)
        elif smoothing == "floor" and value is not None:
            precisions[i] = 100.0 * value / of
    return precisions, used


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str | Sequence[str]],
    *,
    tokenizer: Tokenizer = "13a",
    max_order: int = 4,
    smoothing: Smoothing = "exp",
    smoothing_value: float | None = None,
    lowercase: bool = False,
    effective_order: bool = False,
) -> BleuScore:
    """BLEU of a corpus (Papineni et al. 2002), sacreBLEU's to the last digit (Post 2018, arXiv 1804.08771).

    `BP · exp(1/N Σ log p_n)`: p_n is the share of the hypotheses' n-grams that a reference has too, each counted at
    most as often as in the reference that has it most; BP, the brevity penalty, is `min(1, exp(1 - r/c))` for
    hypotheses of c tokens and references of r. The counts of all sentences are added up before ratios are taken.

    Args:
        hypotheses: sentences to judge.
        references: for each of them, a right translation or several. (sacreBLEU's streams are `zip(*references)`.)
        tokenizer: "13a", that of WMT's mteval-v13a; "char", every character but white space; "none", what stands
            between white space.
        max_order: N, the length of the longest n-grams.
        smoothing: what to do with orders that nothing is in common of (Chen & Cherry 2014): "none", the score is 0;
            "floor", `smoothing_value` takes the place of the count 0; "add-k", `smoothing_value` is added to counts and
            totals of orders from 2; "exp", the k-th such order counts 1/2^k.
        smoothing_value: 0.1 for "floor" and 1 for "add-k" by default.
        lowercase: whether case makes no difference.
        effective_order: whether to leave out orders longer than any hypothesis, instead of a score of 0.

    Returns:
        The score in per cent, with its parts. It is 0 if no token is in common, as when all hypotheses are empty.

    Raises:
        TypeError: something is not a string.
        ValueError: there is no sentence, a sentence has no reference, numbers of sentences differ, or an argument is
            out of range.

    >>> score = bleu(["The cat sat on the mat."], [["The cat is on the mat.", "A cat sat on the mat."]])
    >>> round(score, 2), score.counts, score.brevity_penalty
    (88.01, [7, 6, 4, 3], 1.0)
    """
    rows, value = _counts(
        "bleu",
        hypotheses,
        references,
        tokenizer,
        max_order,
        smoothing,
        smoothing_value,
        lowercase,
        effective_order,
        False,
    )
    return BleuScore._of(rows[0], smoothing, value, effective_order)


def sentence_bleu(
    hypotheses: str | Sequence[str],
    references: Sequence[str | Sequence[str]] | str,
    *,
    tokenizer: Tokenizer = "13a",
    max_order: int = 4,
    smoothing: Smoothing = "exp",
    smoothing_value: float | None = None,
    lowercase: bool = False,
    effective_order: bool = True,
) -> Any:
    """BLEU of a sentence, or of each of several. BLEU was made for corpora; of a sentence it says little.

    Args:
        hypotheses: a sentence, or a list of sentences.
        references: a right translation or several; for a list, of each.
        tokenizer, max_order, smoothing, smoothing_value, lowercase: see `bleu`.
        effective_order: see `bleu`; True by default as in sacreBLEU's `sentence_bleu`.

    Returns:
        A `BleuScore`, or a list of one for each sentence.

    Source: Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation"; smoothing: Chen and
    Cherry 2014, "A systematic comparison of smoothing techniques for sentence-level BLEU".

    Raises:
        TypeError, ValueError: as `bleu`.

    >>> sentence_bleu("Two for two.", "Two for one.")
    BLEU = 35.36 75.0/33.3/25.0/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4)
    """
    single = isinstance(hypotheses, str)
    rows, value = _counts(
        "sentence_bleu",
        [hypotheses] if isinstance(hypotheses, str) else hypotheses,
        [references] if single else references,  # type: ignore[list-item]
        tokenizer, max_order, smoothing, smoothing_value, lowercase, effective_order, each=True,
    )  # fmt: skip
    scores = [BleuScore._of(row, smoothing, value, effective_order) for row in rows]
    return scores[0] if single else scores


def _counts(
    function: str,
    hypotheses: Sequence[str],
    references: Sequence[str | Sequence[str]] | str,
    tokenizer: str,
    max_order: int,
    smoothing: str,
    value: float | None,
    lowercase: bool,
    effective_order: bool,
    each: bool,
) -> tuple[list[list[int]], float | None]:
    """Counts of each sentence or their sum, and the value to smooth with; arguments are checked."""
    if not isinstance(tokenizer, str) or tokenizer not in _TOKENIZERS:
        raise ValueError(f"{function}: `tokenizer` must be one of {_TOKENIZERS}, got {tokenizer!r:.60}.")
    orders = check_count(function, "max_order", max_order)
    if orders > _LARGEST_ORDER:
        raise ValueError(f"{function}: `max_order` must be at most {_LARGEST_ORDER}, got {orders}.")
    for argument, flag in (("lowercase", lowercase), ("effective_order", effective_order)):
        if not isinstance(flag, bool | np.bool_):
            raise TypeError(f"{function}: `{argument}` must be True or False, got {flag!r:.60}.")
    value = _smoothing_value(function, smoothing, value)
    own = check_sentences(function, "hypotheses", hypotheses)
    others = _references(function, references, len(own))
    if lowercase:
        own = [sentence.lower() for sentence in own]
        others = [[sentence.lower() for sentence in several] for several in others]
    rows: list[list[int]] = np.asarray(_dlrs.bleu_counts(own, others, tokenizer, orders, each)).tolist()
    return rows, value


def _references(function: str, references: Any, count: int) -> list[list[str]]:
    """For each sentence a list of references."""
    if isinstance(references, str) or not isinstance(references, Sequence | np.ndarray) or len(references) != count:
        got = f"{len(references)}" if isinstance(references, Sequence | np.ndarray) else type(references).__name__
        raise ValueError(
            f"{function}: `references` must be a list with one entry for each of {count} hypotheses, a sentence or a "
            f"list of sentences, got {got if not isinstance(references, str) else 'a string'}."
        )
    others = []
    for number, several in enumerate(references):
        if isinstance(several, str):
            others.append([several])
        else:
            others.append(check_sentences(function, f"references[{number}]", several))
    return others


def _smoothing_value(function: str, smoothing: str, value: float | None) -> float | None:
    if not isinstance(smoothing, str) or smoothing not in _SMOOTHING:
        raise ValueError(f"{function}: `smoothing` must be one of {tuple(_SMOOTHING)}, got {smoothing!r:.60}.")
    if value is None:
        return _SMOOTHING[smoothing]
    if _SMOOTHING[smoothing] is None:
        raise ValueError(f"{function}: smoothing {smoothing!r} takes no `smoothing_value`, got {value!r:.60}.")
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= _LARGEST_VALUE:
        raise ValueError(
            f"{function}: `smoothing_value` must be a number from 0 to {_LARGEST_VALUE:,}, got {value!r:.60}."
        )
    return value if isinstance(value, int) else float(value)
