"""Words that are about an attribute by definition ("grandmother"), told from the others by a linear classifier."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs.backend.checks import check_number
from dlrs.text.checks import check_count
from dlrs.text.debias.subspace import check_vectors, rows_as_float, rows_of
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_ROWS = 1 << 16  # that are in float64 at a time
_STEPS = 100
_MOST_COST = 1e9  # with more, what keeps the problem regular is rounded away


@dataclass(frozen=True, eq=False)
class DefinitionalClassifier:
    """A hyperplane between words that are about an attribute and words that are not.

    Attributes:
        weights: float64 (dimensions,).
        bias: a number; a word with unit vector w is one of them if ⟨weights, w⟩ + bias > 0.
        seeds: words that are known to be, whatever the classifier says.

    >>> classifier = DefinitionalClassifier(np.array([1.0, 0.0]), -0.5, ("he",))
    >>> vectors = WordVectors.of(["he", "king", "table"], [[0, 1], [2, 0], [-1, 3]])
    >>> classifier.scores(vectors)
    array([-0.5       ,  0.5       , -0.81622777])
    >>> classifier.words(vectors)
    ['he', 'king']
    """

    weights: Array
    bias: float
    seeds: tuple[str, ...] = ()

    def scores(self, vectors: WordVectors) -> Array:
        """⟨weights, w⟩ + bias of the unit vector w of every word, float64 (words,)."""
        own = "DefinitionalClassifier.scores"
        check_vectors(own, "vectors", vectors)
        if np.shape(self.weights) != vectors.matrix.shape[1:]:
            shape = vectors.matrix.shape[1:]
            raise ValueError(f"{own}: `weights` have shape {np.shape(self.weights)}, the vectors {shape}.")
        parts = [slice(start, start + _ROWS) for start in range(0, len(vectors), _ROWS)]
        values = [rows_as_float(vectors, part, True) @ self.weights + self.bias for part in parts]
        return np.concatenate(values) if values else np.zeros(0)

    def words(self, vectors: WordVectors) -> list[str]:
        """Seeds and words with a score above 0, in the vocabulary's order."""
        scores, known = self.scores(vectors), set(self.seeds)
        return [word for word, score in zip(vectors.words, scores, strict=False) if score > 0 or word in known]

    def __repr__(self) -> str:
        return f"DefinitionalClassifier({len(self.weights)} dimensions, {len(self.seeds)} seeds)"


def definitional_classifier(
    vectors: WordVectors,
    seeds: Iterable[str],
    others: Iterable[str] | None = None,
    C: float = 1.0,
    limit: int | None = 50_000,
) -> DefinitionalClassifier:
    """A linear support vector machine that finds more words like the seeds (Bolukbasi et al. 2016, section 7).

    Minimised is ½ ‖(u, b)‖² + C Σ max(0, 1 − y (⟨u, w⟩ + b))² over unit vectors w, y being 1 for seeds and −1 for
    others, by Newton's method on the primal problem (Chapelle 2007). scikit-learn's `LinearSVC` minimises the same.

    Args:
        vectors: the words' vectors.
        seeds: words that are about the attribute by definition.
        others: words that are not; by default the first `limit` words of the vocabulary but the seeds.
        C: weight of errors against that of a wide margin.
        limit: how many words of the vocabulary are trained on; None for all.

    Raises:
        KeyError: a word is not in the vocabulary; the message names words spelt like it.
        ValueError: there are no seeds or no others, a word is both, or `C` is not in (0, 10⁹].

    >>> vectors = WordVectors.of(["he", "she", "king", "table", "cloud"], [[2, 1], [3, 1], [4, 1], [-1, 3], [-1, 5]])
    >>> definitional_classifier(vectors, ["he", "she"], ["table", "cloud"]).words(vectors)
    ['he', 'she', 'king']
    """
    own = "definitional_classifier"
    check_vectors(own, "vectors", vectors)
    check_number(own, "C", C, above=0, most=_MOST_COST)
    seeds = list(seeds) if not isinstance(seeds, str) and isinstance(seeds, Iterable) else seeds
    positive = list(dict.fromkeys(rows_of(own, vectors, seeds)))
    if others is None:
        count = len(vectors.words) if limit is None else min(check_count(own, "limit", limit), len(vectors.words))
        inside = set(positive)
        negative = [row for row in range(count) if row not in inside]
    else:
        negative = list(dict.fromkeys(rows_of(own, vectors, others)))
        both = set(positive).intersection(negative)
        if both:
            raise ValueError(f"{own}: {vectors.words[min(both)]!r:.60} is both a seed and one of the others.")
    if not positive or not negative:
        raise ValueError(f"{own}: there are {len(positive)} seeds and {len(negative)} other words; both are needed.")
    inputs = rows_as_float(vectors, positive + negative, True)
    inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    labels = np.concatenate([np.ones(len(positive)), -np.ones(len(negative))])
    weights = _support_vector_machine(inputs, labels, float(C))
    return DefinitionalClassifier(weights[:-1], float(weights[-1]), tuple(vectors.words[row] for row in positive))


def _support_vector_machine(inputs: Array, labels: Array, cost: float) -> Array:
    """The minimum of ½ ‖u‖² + cost Σ max(0, 1 − y ⟨u, x⟩)², which is strictly convex."""
    weights = np.zeros(inputs.shape[1])
    value, gaps = _objective(inputs, labels, cost, weights)
    for _ in range(_STEPS):
        active = inputs[gaps > 0]
        gradient = weights - 2 * cost * (active.T @ (labels * gaps)[gaps > 0])
        if np.linalg.norm(gradient) <= 1e-10 * max(1.0, cost * len(active)):
            break
        hessian = np.eye(len(weights)) + 2 * cost * (active.T @ active)
        step = np.linalg.solve(hessian, gradient)
        # The objective is quadratic between the hyperplanes where a word's margin is 1: full steps but for some.
        size, decrease = 1.0, float(gradient @ step)
        while size > 1e-10:
            trial = weights - size * step
            trial_value, trial_gaps = _objective(inputs, labels, cost, trial)
            if trial_value <= value - 1e-4 * size * decrease:
                break
            size /= 2
        else:
            break  # no decrease that rounding would show
        weights, value, gaps = trial, trial_value, trial_gaps
    return weights


def _objective(inputs: Array, labels: Array, cost: float, weights: Array) -> tuple[float, Array]:
    gaps = np.maximum(0.0, 1.0 - labels * (inputs @ weights))
    return float(weights @ weights / 2 + cost * gaps @ gaps), gaps
