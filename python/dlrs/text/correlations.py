"""Correlations of two rows of numbers."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def pearson(x: Array, y: Array) -> float:
    """Pearson's correlation; NaN where there are fewer than two numbers or all are equal.

    >>> pearson(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))
    1.0
    """
    if len(x) < 2 or (x == x[0]).all() or (y == y[0]).all():
        return float("nan")
    # Each is divided by its largest difference first, so that squares of tiny or huge numbers stay finite.
    a, b = ((values - values.mean()) for values in (np.asarray(x, np.float64), np.asarray(y, np.float64)))
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def ranks(x: Array) -> Array:
    """Ranks from 1, float64; equal numbers have the mean of theirs.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2.0)[place.reshape(-1)]


def spearman(x: Array, y: Array) -> float:
    """Spearman's correlation: Pearson's of the ranks.

    >>> spearman(np.array([1.0, 2, 3]), np.array([1.0, 10, 100]))
    1.0
    """
    return pearson(ranks(x), ranks(y))
