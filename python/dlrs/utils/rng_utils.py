"""Reproducibility."""

import random as python_random

import numpy as np

from dlrs.backend import set_global_attribute


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator and dlrs, so that a program gives the same numbers again.

    Args:
        seed: an integer in [0, 2**32).

    >>> set_random_seed(7)
    >>> first = np.random.rand()
    >>> set_random_seed(7)
    >>> np.random.rand() == first
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(f"set_random_seed: `seed` must be an integer, got {seed!r}.")
    if not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: `seed` must be in [0, 2**32), got {seed}.")
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    set_global_attribute("global_random_seed", int(seed))
    set_global_attribute("global_seed_generator", None)
