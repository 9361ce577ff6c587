"""What the two data sets of house prices have in common."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]


def check_split(test_split: Any) -> None:
    """ValueError unless `test_split` is a share from 0 to below 1."""
    if isinstance(test_split, bool) or not isinstance(test_split, int | float) or not 0 <= test_split < 1:
        raise ValueError(f"Invalid `test_split` argument: {test_split!r}. It must be a number from 0 to below 1.")


def shuffled_split(x: Array, y: Array, test_split: float, seed: int) -> Split:
    """Examples in the order that Keras gives them with this seed; the last share is for testing.

    >>> (x_train, _), (x_test, _) = shuffled_split(np.arange(5), np.arange(5), 0.2, 113)
    >>> len(x_train), len(x_test)
    (4, 1)
    """
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    first, last = np.split(order, [int(len(x) * (1 - test_split))])
    return (x[first], y[first]), (x[last], y[last])
