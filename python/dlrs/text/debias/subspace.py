"""The direction, or subspace, in which word vectors differ by gender or another attribute."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlrs.text.checks import check_count
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_TINY = 1e-6  # of unit vectors in float32: shorter than this is rounding


def bias_direction(
    vectors: WordVectors, pairs: Iterable[Sequence[str]], method: str = "pca", k: int = 1, normalize: bool = True
) -> Array:
    """The direction of a bias, from pairs of words that differ in nothing else ("she", "he").

    "pca" is step 1 of Bolukbasi et al. 2016, section 6: of defining sets D_i (pairs, or larger sets) with means μ_i,
    the first k right singular vectors of C = Σ_i Σ_{w ∈ D_i} (w − μ_i)ᵀ(w − μ_i) / |D_i|. "mean" is the mean of the
    differences first − second of the pairs.

    Args:
        vectors: the words' vectors.
        pairs: sets of at least two words; exactly two for "mean".
        method: "pca" or "mean".
        k: dimensions of the subspace; 1 for "mean".
        normalize: whether vectors are made unit vectors first, as the paper has it. The course's direction
            e_woman − e_man is `bias_direction(vectors, [("woman", "man")], "mean", normalize=False)`, but for its
            length, which no function here depends on.

    Returns:
        float64 unit vector of shape (dimensions,), or for k > 1 orthonormal rows of shape (k, dimensions), the largest
        variance first. A direction points to the pairs' first words.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: a set has fewer than two words, the words of all sets are equal, or there are fewer than `k`
            directions in which they differ.

    >>> vectors = WordVectors.of(["she", "he", "her", "him"], [[1, 1, 0], [-1, 1, 0], [1, 0, 1], [-1, 0, 1]])
    >>> bias_direction(vectors, [("she", "he"), ("her", "him")]).round(3) + 0.0
    array([1., 0., 0.])
    """
    own = "bias_direction"
    check_vectors(own, "vectors", vectors)
    if not isinstance(method, str) or method not in ("pca", "mean"):
        raise ValueError(f'{own}: `method` must be "pca" or "mean", got {method!r:.60}.')
    check_flag(own, "normalize", normalize)
    k = check_count(own, "k", k)
    sets = [rows_of(own, vectors, words) for words in word_sets(own, "pairs", pairs)]
    if method == "mean" and (k != 1 or any(len(rows) != 2 for rows in sets)):
        raise ValueError(f'{own}: method "mean" takes pairs of two words, and `k` is 1.')
    members = [rows_as_float(vectors, rows, normalize) for rows in sets]
    largest = max(float(np.abs(words).max()) for words in members) or 1.0
    members = [words / largest for words in members]  # squares stay finite
    ends = np.mean([words[0] - words[1] for words in members], axis=0)
    if method == "mean":
        length = np.linalg.norm(ends)
        if length < _TINY:
            raise ValueError(f"{own}: the mean of the pairs' differences is zero.")
        return ends / length  # type: ignore[no-any-return]
    deviations = np.concatenate([(words - words.mean(axis=0)) / np.sqrt(len(words)) for words in members])
    _, sizes, directions = np.linalg.svd(deviations, full_matrices=False)
    found = int((sizes > _TINY).sum())
    if found < k:
        raise ValueError(f"{own}: `k` is {k}, but the words of the sets differ in {found} directions.")
    directions = directions[:k]
    # A singular vector has no sign; it gets that of first − second, or where this is 0 of its largest number.
    signs = directions @ ends
    peaks = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], 1)[:, 0]
    directions = directions * np.where(np.where(np.abs(signs) > _TINY, signs, peaks) < 0, -1.0, 1.0)[:, None]
    return directions[0] if k == 1 else directions


def basis(own: str, vectors: WordVectors, direction: Any) -> Array:
    """Orthonormal rows, float64, that span what was given: a vector or rows."""
    check_vectors(own, "vectors", vectors)
    try:
        given = np.asarray(direction)
        if given.dtype.kind == "c":
            raise TypeError("they are complex")
        rows = np.atleast_2d(given.astype(np.float64))
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{own}: `direction` must be a vector or a matrix of numbers: {error}.") from None
    dimensions = vectors.matrix.shape[1]
    if rows.ndim != 2 or rows.shape[1] != dimensions or not len(rows) or not np.isfinite(rows).all():
        shape = np.shape(direction)
        raise ValueError(
            f"{own}: `direction` must be finite and have shape ({dimensions},) or (k, {dimensions}), got {shape}."
        )
    lengths = np.abs(rows).max(axis=1)
    if not lengths.all():
        raise ValueError(f"{own}: `direction` has a vector of zeros.")
    rows = rows / lengths[:, None]
    _, sizes, spanning = np.linalg.svd(rows, full_matrices=False)
    if len(rows) > dimensions or sizes[-1] < 1e-9 * sizes[0]:
        raise ValueError(f"{own}: the rows of `direction` are not independent.")
    return spanning


def rows_as_float(vectors: WordVectors, rows: Any, normalize: bool) -> Array:
    """Rows in float64, of unit length if asked for; zeros stay zeros."""
    values: Array = vectors.matrix[rows].astype(np.float64)
    if not normalize:
        return values
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    unit: Array = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return unit


def rows_of(own: str, vectors: WordVectors, words: Iterable[str]) -> list[int]:
    """The rows of words, which must be strings of the vocabulary."""
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise TypeError(f"{own}: expected a sequence of words, got {words!r:.60}.")
    return [vectors.row(word) for word in words]


def word_sets(own: str, argument: str, sets: Any) -> list[list[str]]:
    """Sets of at least two different words."""
    if isinstance(sets, str) or not isinstance(sets, Iterable):
        raise TypeError(f"{own}: `{argument}` must be a sequence of pairs of words, got {sets!r:.60}.")
    found = []
    for words in sets:
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise TypeError(f"{own}: a member of `{argument}` must be a pair of words, got {words!r:.60}.")
        members = list(words)
        if not all(isinstance(word, str) for word in members):
            raise TypeError(f"{own}: a member of `{argument}` must be a pair of words, got {members!r:.60}.")
        if len(members) < 2 or len(set(members)) != len(members):
            raise ValueError(
                f"{own}: a member of `{argument}` must be two or more different words, got {members!r:.60}."
            )
        found.append(members)
    if not found:
        raise ValueError(f"{own}: `{argument}` is empty.")
    return found


def check_vectors(own: str, argument: str, value: Any) -> None:
    """A TypeError unless the value is `WordVectors`."""
    if not isinstance(value, WordVectors):
        raise TypeError(f"{own}: `{argument}` must be `WordVectors`, got {type(value).__name__} {value!r:.60}.")


def check_flag(own: str, argument: str, value: Any) -> None:
    """A TypeError unless the value is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{own}: `{argument}` must be True or False, got {value!r:.60}.")
