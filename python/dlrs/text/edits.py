"""Edit distance, and the error rates of speech recognition that are made of it."""

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np

from dlrs import _dlrs
from dlrs.text.checks import check_sentences

Array = np.ndarray[Any, Any]


class ErrorRate(float):
    """A share of errors: a float that knows what it was computed from.

    Attributes:
        hits: words or characters recognised.
        substitutions: those taken for others.
        deletions: those of the references that are missing.
        insertions: those of the hypotheses that were not said.
        counts: these four of each sentence, int64, shape (sentences, 4).

    >>> rate = wer(["a cat", "dogs bark"], ["a cat", "dogs"])
    >>> float(rate), rate.hits, rate.counts.tolist()
    (0.25, 3, [[2, 0, 0, 0], [1, 0, 1, 0]])
    """

    hits: int
    substitutions: int
    deletions: int
    insertions: int
    counts: Array

    @classmethod
    def _of(cls, counts: Array) -> Self:
        hits, substitutions, deletions, insertions = counts.sum(0).tolist()
        said = hits + substitutions + deletions
        # Of nothing said, jiwer's convention: the number of what was heard.
        result = cls((substitutions + deletions + insertions) / said if said else insertions)
        result.hits, result.substitutions, result.deletions, result.insertions = (
            hits, substitutions, deletions, insertions,
        )  # fmt: skip
        result.counts = counts
        return result


def wer(references: str | Sequence[str], hypotheses: str | Sequence[str]) -> ErrorRate:
    """Word error rate: `(S + D + I) / (H + S + D)` for substitutions, deletions, insertions and hits, jiwer's.

    Words stand between blanks; runs of white space are one blank, that at the ends is left out. Counts of several
    sentences are added up before the ratio is taken.

    Args:
        references: what was said, a sentence or a list of sentences.
        hypotheses: what was understood, as many.

    Returns:
        The rate, with its counts. It may exceed 1. If the references have no word, it is the number of insertions.
        Among alignments with the fewest edits the counts are those of rapidfuzz, on which jiwer builds.

    Source: the distance is that of Levenshtein 1966, "Binary codes capable of correcting deletions, insertions and
    reversals", between words.

    Raises:
        TypeError: something is not a string.
        ValueError: numbers of sentences differ.

    >>> rate = wer("the cat sat on the mat", "the cat sit on mat")
    >>> round(rate, 4), rate.substitutions, rate.deletions, rate.insertions
    (0.3333, 1, 1, 0)
    """
    return _rate("wer", references, hypotheses, characters=False)


def cer(references: str | Sequence[str], hypotheses: str | Sequence[str]) -> ErrorRate:
    """Character error rate: as `wer`, of characters. White space counts as others do, but for that at the ends.

    Args:
        references: what was said, a sentence or a list of sentences.
        hypotheses: what was understood, as many.

    Returns:
        The rate, with its counts.

    Source: as of `wer`, between characters.

    Raises:
        TypeError: something is not a string.
        ValueError: numbers of sentences differ.

    >>> round(cer(["kitten", "ab"], ["sitting", "ab"]), 4)
    0.375
    """
    return _rate("cer", references, hypotheses, characters=True)


def _rate(function: str, references: Any, hypotheses: Any, characters: bool) -> ErrorRate:
    said, heard = (
        [value] if isinstance(value, str) else check_sentences(function, argument, value, least=0)
        for argument, value in (("references", references), ("hypotheses", hypotheses))
    )
    if len(said) != len(heard):
        raise ValueError(f"{function}: there are {len(said)} references and {len(heard)} hypotheses.")
    return ErrorRate._of(np.asarray(_dlrs.edit_counts(said, heard, characters)))


def edit_distance(first: Sequence[Hashable] | Array, second: Sequence[Hashable] | Array) -> int:
    """Levenshtein's distance: the fewest items to put in, take out or exchange that turn one sequence into the other.

    Computed 64 cells at a time by bit vectors (Myers 1999; Hyyrö 2003).

    Args:
        first, second: two strings, compared by characters; or two lists of tokens, or vectors of integers.

    Raises:
        TypeError: something is not a sequence of hashable items.
        ValueError: an array has other than one axis.

    >>> edit_distance("kitten", "sitting"), edit_distance(["the", "cat"], ["a", "cat"]), edit_distance([1, 2], [2, 3])
    (3, 1, 2)
    """
    return int(edit_distances([first], [second])[0])


def edit_distances(first: Sequence[Any], second: Sequence[Any]) -> Array:
    """The `edit_distance` of each pair of sequences.

    Args:
        first, second: lists of as many sequences.

    Returns:
        Distances, int64, shape (pairs,).

    Raises:
        TypeError: something is not a sequence of hashable items.
        ValueError: there are not as many, or an array has other than one axis.

    >>> edit_distances(["kitten", "flaw"], ["sitting", "lawn"]).tolist()
    [3, 2]
    """
    for argument, value in (("first", first), ("second", second)):
        if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
            raise TypeError(
                f"edit_distances: `{argument}` must be a list of sequences, got {type(value).__name__} {value!r:.60}."
            )
    if len(first) != len(second):
        raise ValueError(f"edit_distances: there are {len(first)} first and {len(second)} second sequences.")
    numbers: dict[Hashable, int] = {}
    return np.asarray(
        _dlrs.edit_distances([_numbered(one, numbers) for one in first], [_numbered(one, numbers) for one in second])
    )


def _numbered(items: Any, numbers: dict[Hashable, int]) -> Array:
    """Integers that are equal where the items are."""
    if not isinstance(items, Sequence | np.ndarray):
        raise TypeError(f"edit_distance: expected a sequence of tokens, got {type(items).__name__} {items!r:.60}.")
    if isinstance(items, np.ndarray):
        if items.ndim != 1:
            raise ValueError(f"edit_distance: an array must have one axis, got shape {items.shape}.")
        items = items.tolist()
    try:
        return np.fromiter((numbers.setdefault(item, len(numbers)) for item in items), np.int64, len(items))
    except TypeError as error:
        raise TypeError(f"edit_distance: items must be hashable: {error}") from error
