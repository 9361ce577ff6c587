"""t-SNE: a map on which near neighbours stay near."""

from typing import Any

import numpy as np

from dlrs.backend.checks import check_number
from dlrs.text.checks import check_count

Array = np.ndarray[Any, Any]

_MOST_POINTS = 10_000
_MOST_STEPS = 1_000_000
_HALVINGS = 100  # of the interval that a bandwidth is sought in
_EXAGGERATED, _SLOW = 50, 250  # steps with exaggerated affinities, and with the lower momentum
_LEAST_GAIN = 0.01
_LEAST = 1e-12  # of a probability


def tsne(
    x: Any,
    dimensions: int = 2,
    perplexity: float = 30.0,
    iterations: int = 1000,
    learning_rate: float = 100.0,
    exaggeration: float = 4.0,
    seed: int | None = None,
) -> Array:
    """Points in few dimensions whose neighbours are those of the given ones (van der Maaten and Hinton 2008).

    p_{j|i} ∝ exp(−‖x_i − x_j‖² / 2σ_i²), with σ_i such that the perplexity of every p_{·|i} is the given one;
    p_ij = (p_{j|i} + p_{i|j}) / 2n and q_ij ∝ 1 / (1 + ‖y_i − y_j‖²). The divergence KL(P‖Q) is descended with
    momentum (0.5, and 0.8 from step 250 on), a step size for each coordinate (Jacobs 1988), and P multiplied by
    `exaggeration` for the first 50 steps. All pairs are computed: time and memory are O(n²).

    Args:
        x: points, (n, d).
        dimensions: of the map, at most n.
        perplexity: how many neighbours a point has, in effect; at least 1 and below n − 1.
        iterations: steps, at most a million.
        learning_rate: η.
        exaggeration: of P at the start, which lets clusters form.
        seed: of the points at the start, drawn from N(0, 10⁻⁴).

    Returns:
        float64 (n, dimensions), its mean 0. Distances between far points, and sizes of clusters, mean little.

    Raises:
        ValueError: `x` is no finite matrix of 3 to 10,000 rows, an argument is not as above, or `learning_rate` is so
            large that the map does not stay finite.

    >>> x = np.concatenate([np.eye(20)[:10], np.eye(20)[10:] + 5])
    >>> y = tsne(x, perplexity=4, iterations=300, seed=0)
    >>> apart = np.linalg.norm(y[:10].mean(0) - y[10:].mean(0))
    >>> y.shape, bool(apart > 2 * y[:10].std())
    ((20, 2), True)
    """
    own = "tsne"
    points = check_points(own, x)
    n = len(points)
    if not 3 <= n <= _MOST_POINTS:
        raise ValueError(f"{own}: `x` must have 3 to {_MOST_POINTS} points, got {n}.")
    dimensions = check_count(own, "dimensions", dimensions)
    iterations = check_count(own, "iterations", iterations, 0)
    for name, value, most in (("dimensions", dimensions, n), ("iterations", iterations, _MOST_STEPS)):
        if value > most:
            raise ValueError(f"{own}: `{name}` must be at most {most}, got {value!r:.60}.")
    check_number(own, "perplexity", perplexity, least=1, below=n - 1)
    check_number(own, "learning_rate", learning_rate, above=0)
    check_number(own, "exaggeration", exaggeration, least=1)
    start = None if seed is None else check_count(own, "seed", seed, 0)
    y = np.random.default_rng(start).normal(scale=0.01, size=(n, dimensions))
    p = affinities(points, float(perplexity))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _descended(p, y, iterations, float(learning_rate), float(exaggeration))


def affinities(points: Array, perplexity: float) -> Array:
    """P: symmetric, its sum 1, its diagonal 0."""
    distances = _squared_distances(points)
    np.fill_diagonal(distances, np.inf)
    # Bandwidths are relative: with the nearest neighbour at 0 and the mean at 1 none over- or underflows.
    distances -= distances.min(axis=1, keepdims=True)
    np.fill_diagonal(distances, 0)
    means = distances.sum(axis=1, keepdims=True) / (len(points) - 1)
    distances = np.divide(distances, means, out=np.zeros_like(distances), where=means > 0)
    low, high = np.full((len(points), 1), -100.0), np.full((len(points), 1), 100.0)  # log₂ of 1/2σ²
    target = np.log(perplexity)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        conditional, entropy = _conditional(distances, np.exp2(middle))
        too_wide = entropy > target
        low, high = np.where(too_wide, middle, low), np.where(too_wide, high, middle)
        if (np.abs(entropy - target) < 1e-9).all():
            break
    return (conditional + conditional.T) / (2 * len(points))


def _conditional(distances: Array, precisions: Array) -> tuple[Array, Array]:
    """p_{j|i} and its entropy, (n, n) and (n, 1)."""
    exponents = distances * precisions
    weights = np.exp(-exponents)
    np.fill_diagonal(weights, 0)
    sums = weights.sum(axis=1, keepdims=True)
    entropy = np.log(sums) + (exponents * weights).sum(axis=1, keepdims=True) / sums
    return weights / sums, entropy


def divergence(p: Array, y: Array) -> float:
    """KL(P‖Q) of a map y."""
    weights = 1 / (1 + _squared_distances(y))
    np.fill_diagonal(weights, 0)
    q = np.maximum(weights / weights.sum(), _LEAST)
    return float((p * np.log(np.maximum(p, _LEAST) / q)).sum())


def gradient(p: Array, y: Array) -> Array:
    """4 Σ_j (p_ij − q_ij) (y_i − y_j) / (1 + ‖y_i − y_j‖²)."""
    weights = 1 / (1 + _squared_distances(y))
    np.fill_diagonal(weights, 0)
    forces = (p - weights / weights.sum()) * weights
    return 4 * (forces.sum(axis=1)[:, None] * y - forces @ y)  # type: ignore[no-any-return]


def _descended(p: Array, y: Array, iterations: int, rate: float, exaggeration: float) -> Array:
    velocity, gains = np.zeros_like(y), np.ones_like(y)
    for step in range(iterations):
        slope = gradient(p * exaggeration if step < _EXAGGERATED else p, y)
        # Larger where the slope goes on in the direction of the movement, smaller where it has turned.
        gains = np.maximum(np.where(slope * velocity < 0, gains + 0.2, gains * 0.8), _LEAST_GAIN)
        velocity = (0.5 if step < _SLOW else 0.8) * velocity - rate * gains * slope
        y = y + velocity
        y -= y.mean(axis=0)
        if not np.isfinite(y).all():
            raise ValueError(
                f"tsne: the map is not finite after {step + 1} steps; `learning_rate` = {rate} is too large, or "
                f"`exaggeration` = {exaggeration}."
            )
    return y


def _squared_distances(points: Array) -> Array:
    lengths = np.einsum("ij,ij->i", points, points)
    distances = lengths[:, None] + lengths - 2 * (points @ points.T)
    np.fill_diagonal(distances, 0)
    return np.maximum(distances, 0, out=distances)  # type: ignore[no-any-return]


def check_points(own: str, x: Any) -> Array:
    """Finite rows of numbers, float64, moved to their mean and scaled so that squares stay finite."""
    try:
        given = np.asarray(x)
        if given.dtype.kind == "c":
            raise ValueError("they are complex")
        points = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{own}: `x` must be a matrix of numbers: {error}.") from None
    if points.ndim != 2 or not points.size or not np.isfinite(points).all():
        raise ValueError(f"{own}: `x` must be a finite matrix of shape (points, dimensions), got shape {points.shape}.")
    largest = float(np.abs(points).max()) or 1.0
    points = points / largest
    return points - points.mean(axis=0)  # type: ignore[no-any-return]
