"""Taking a bias out of word vectors: neutralise and equalise (Bolukbasi et al. 2016, section 6, step 2a)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlrs.text.debias.subspace import basis, check_flag, check_vectors, rows_as_float, rows_of, word_sets
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_ROWS = 1 << 16  # that are in float64 at a time
_TINY = 1e-6  # what is left of a unit vector in float32 and is shorter than this is rounding


def neutralize(
    vectors: WordVectors, direction: Any, words: Iterable[str] | None = None, normalize: bool = True
) -> WordVectors:
    """New vectors in which words have no part in the bias subspace: w := (w − w_B) / ‖w − w_B‖.

    Args:
        vectors: the words' vectors, which stay as they are.
        direction: of the bias, (dimensions,), or a basis of the subspace, (k, dimensions); see `bias_direction`.
        words: the words to neutralise; all by default.
        normalize: whether all vectors, those of other words too, are made unit vectors, as the paper has it. With
            False, lengths are left alone and w := w − w_B, which is what the course's notebook computes.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), section 6.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: a word's vector lies in the subspace, so that nothing of it would be left (with `normalize`), or
            `direction` has another shape or is zero.

    >>> vectors = WordVectors.of(["she", "he", "nurse"], [[1, 1, 0], [-1, 1, 0], [0.5, 0, 1]])
    >>> neutralize(vectors, [1, 0, 0], ["nurse"])["nurse"]
    array([0., 0., 1.], dtype=float32)
    >>> neutralize(vectors, [3, 0, 0], ["she"], normalize=False).matrix.tolist()
    [[0.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.5, 0.0, 1.0]]
    """
    own = "neutralize"
    check_flag(own, "normalize", normalize)
    rows = basis(own, vectors, direction)
    chosen = np.ones(len(vectors), bool)
    if words is not None:
        chosen[:] = False
        chosen[rows_of(own, vectors, words)] = True
    matrix = vectors.matrix.copy()
    for start in range(0, len(matrix), _ROWS):
        part = slice(start, start + _ROWS)
        values = rows_as_float(vectors, part, normalize)
        at = np.flatnonzero(chosen[part])
        rest = values[at] - values[at] @ rows.T @ rows
        if normalize:
            before, after = (np.linalg.norm(v, axis=1) for v in (values[at], rest))
            lost = np.flatnonzero((after < _TINY) & (before > 0))
            if lost.size:
                word = _name(vectors, start + int(at[lost[0]]))
                raise ValueError(f"{own}: nothing is left of {word}: its vector lies in the bias subspace.")
            rest = np.divide(rest, after[:, None], out=np.zeros_like(rest), where=after[:, None] > 0)
        values[at] = rest
        matrix[part] = values
    return replace(vectors, matrix=matrix)


def equalize(
    vectors: WordVectors, direction: Any, sets: Iterable[Sequence[str]], normalize: bool = True
) -> WordVectors:
    """New unit vectors in which the words of a set differ in the bias subspace alone, and by the same amount.

    For each set E with mean μ = Σ_{w ∈ E} w / |E|, ν = μ − μ_B, and every w ∈ E becomes

        w := ν + √(1 − ‖ν‖²) (w_B − μ_B) / ‖w_B − μ_B‖.

    After it, every word that was neutralised is as near to one word of a pair as to the other.

    Args:
        vectors: the words' vectors, which stay as they are.
        direction: of the bias, (dimensions,), or a basis of the subspace, (k, dimensions); see `bias_direction`.
        sets: pairs, or sets of more words, such as ("grandmother", "grandfather"); a word may be in one.
        normalize: whether all vectors, those of other words too, are made unit vectors first, as the formula needs it.
            With False they are taken as they are, and what is computed is that of the course's first notebooks,
            w := ν + √|1 − ‖ν‖²| (w_B − μ_B) / ‖w − μ‖, which leaves no unit vectors.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), section 6.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: a set has fewer than two words, a word is in two sets, or a word of a set stands where the set's
            mean stands in the subspace, so that the formula says nothing of it (one that was neutralised).

    >>> vectors = WordVectors.of(["she", "he", "nurse"], [[3, 2, 0], [-1, 3, 1], [0, 1, 2]])
    >>> equal = equalize(vectors, [1, 0, 0], [("she", "he")])
    >>> round(equal.similarity("she", "nurse") - equal.similarity("he", "nurse"), 6) + 0.0
    0.0
    """
    own = "equalize"
    check_flag(own, "normalize", normalize)
    rows = basis(own, vectors, direction)
    matrix = vectors.matrix.copy()
    for start in range(0, len(matrix) if normalize else 0, _ROWS):
        part = slice(start, start + _ROWS)
        matrix[part] = rows_as_float(vectors, part, True)
    seen: set[int] = set()
    for words in word_sets(own, "sets", sets):
        members = rows_of(own, vectors, words)
        twice = seen.intersection(members)
        if twice:
            raise ValueError(f"{own}: {_name(vectors, min(twice))} is in two sets.")
        seen.update(members)
        values = rows_as_float(vectors, members, normalize)
        inside = values @ rows.T @ rows
        mean, mean_inside = values.mean(axis=0), inside.mean(axis=0)
        common, apart = mean - mean_inside, inside - mean_inside
        lengths = np.linalg.norm(apart, axis=1, keepdims=True)
        if (lengths <= _TINY * np.linalg.norm(values, axis=1).max()).any():
            raise ValueError(
                f"{own}: in the bias subspace, {words[int(lengths.argmin())]!r:.60} stands where the mean of "
                f"{words!r:.80} stands; there is no direction to move it in."
            )
        if not normalize:
            lengths = np.linalg.norm(values - mean, axis=1, keepdims=True)
        # Of unit vectors ‖ν‖ ≤ 1, but for rounding.
        matrix[members] = common + np.sqrt(abs(1.0 - common @ common)) * apart / lengths
    return replace(vectors, matrix=matrix)


def hard_debias(
    vectors: WordVectors, direction: Any, specific: Iterable[str], sets: Iterable[Sequence[str]]
) -> WordVectors:
    """Step 2a as a whole: neutralise all words but those that are about the attribute, then equalise sets.

    Args:
        vectors: the words' vectors, which stay as they are.
        direction: see `bias_direction`.
        specific: words that are not neutralised, being about the attribute by definition; see
            `definitional_classifier`.
        sets: see `equalize`; their words are not neutralised either.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), section 6.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: as of `neutralize` and `equalize`.

    >>> vectors = WordVectors.of(["she", "he", "nurse"], [[3, 2, 0], [-1, 3, 1], [1, 1, 2]])
    >>> after = hard_debias(vectors, [1, 0, 0], ["she", "he"], [("she", "he")])
    >>> (after.matrix @ [1, 0, 0]).round(2).tolist()
    [0.67, -0.67, 0.0]
    """
    own = "hard_debias"
    check_vectors(own, "vectors", vectors)
    members = word_sets(own, "sets", sets)
    kept = set(rows_of(own, vectors, specific))
    kept.update(row for words in members for row in rows_of(own, vectors, words))
    neutral = [word for row, word in enumerate(vectors.words) if row not in kept]
    return equalize(neutralize(vectors, direction, neutral), direction, members)


def _name(vectors: WordVectors, row: int) -> str:
    return f"{vectors.words[row]!r:.60}" if vectors.words else f"row {row}"
