"""How much of a bias words have (Bolukbasi et al. 2016, section 5)."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlrs.backend.checks import check_number
from dlrs.text.debias.subspace import basis, rows_as_float, rows_of
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]


def projections(vectors: WordVectors, direction: Any, words: Iterable[str]) -> Array:
    """cos(w, g) of words with the direction g of a bias, float64 (words,).

    Args:
        vectors: the words' vectors.
        direction: g, (dimensions,); or a basis of a subspace B, (k, dimensions), and then ‖w_B‖ / ‖w‖ is given, which
            has no sign.
        words: the words.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), section 5.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.

    >>> vectors = WordVectors.of(["nurse", "captain"], [[3, 4], [-4, 3]])
    >>> projections(vectors, [2, 0], ["nurse", "captain"])
    array([ 0.6, -0.8])
    """
    own = "projections"
    rows = basis(own, vectors, direction)
    inside = rows_as_float(vectors, rows_of(own, vectors, words), True) @ rows.T
    if len(rows) > 1:
        return np.linalg.norm(inside, axis=1)  # type: ignore[no-any-return]
    # The basis of a line has either sign.
    turned = rows[0] @ np.asarray(direction, np.float64).reshape(-1) < 0
    return -inside[:, 0] if turned else inside[:, 0]


def direct_bias(vectors: WordVectors, direction: Any, words: Iterable[str], c: float = 1.0) -> float:
    """DirectBias_c = 1/|N| Σ_{w ∈ N} |cos(w, g)|^c, the mean bias of words N that should have none.

    Args:
        vectors: the words' vectors.
        direction: g, or a basis of a subspace, see `projections`.
        words: N, such as names of professions.
        c: how strict the measure is: with 0 every word that is not perpendicular counts 1, with 1 in proportion.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), section 5.2.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: there are no words, or `c` is negative.

    >>> vectors = WordVectors.of(["nurse", "captain"], [[3, 4], [-4, 3]])
    >>> round(direct_bias(vectors, [1, 0], ["nurse", "captain"]), 6)
    0.7
    """
    check_number("direct_bias", "c", c, least=0)
    values = np.abs(projections(vectors, direction, words))
    if not len(values):
        raise ValueError("direct_bias: there are no words.")
    # 0⁰ counts as 0: a word without bias has none, however strict the measure.
    return float(np.where(values > 0, values**c, 0.0).mean())


def indirect_bias(vectors: WordVectors, direction: Any, first: str, second: str) -> float:
    """β(w, v) = (⟨w, v⟩ − ⟨w_⊥, v_⊥⟩ / (‖w_⊥‖ ‖v_⊥‖)) / ⟨w, v⟩: how much of a similarity is due to the bias.

    w and v are unit vectors, w_⊥ = w − w_B.

    Source: Bolukbasi et al. 2016 (arXiv 1607.06520), section 5.3.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: the words are perpendicular, or one lies in the subspace.

    >>> vectors = WordVectors.of(["receptionist", "softball"], [[3, 4, 0], [3, 0, 4]])
    >>> round(indirect_bias(vectors, [1, 0, 0], "receptionist", "softball"), 6)
    1.0
    """
    own = "indirect_bias"
    rows = basis(own, vectors, direction)
    w, v = rows_as_float(vectors, [vectors.row(first), vectors.row(second)], True)
    w_rest, v_rest = w - w @ rows.T @ rows, v - v @ rows.T @ rows
    lengths = np.linalg.norm(w_rest), np.linalg.norm(v_rest)
    if abs(w @ v) < 1e-12 or min(lengths) < 1e-6:
        raise ValueError(f"{own}: {first!r:.60} and {second!r:.60} are perpendicular, or one lies in the subspace.")
    return float((w @ v - (w_rest @ v_rest) / (lengths[0] * lengths[1])) / (w @ v))
