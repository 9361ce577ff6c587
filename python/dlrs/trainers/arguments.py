"""Plain arguments of `fit`, `evaluate` and `predict`, checked while nothing has changed yet."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def check_integer(value: Any, argument: str, minimum: int) -> int:
    """`value` as an int of at least `minimum`; ValueError that names `argument` otherwise.

    >>> check_integer(1.5, "epochs", 0)
    Traceback (most recent call last):
        ...
    ValueError: `epochs` must be an integer of at least 0, got 1.5.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise ValueError(f"`{argument}` must be an integer of at least {minimum}, got {value!r}.")
    return int(value)


def verbosity(verbose: Any) -> int:
    """The level 0, 1 or 2 that `verbose` means.

    >>> verbosity("auto"), verbosity(2)
    (1, 2)
    """
    if isinstance(verbose, str) and verbose == "auto":
        return 1
    if not isinstance(verbose, int | np.integer) or not 0 <= verbose <= 2:
        raise ValueError(f"`verbose` must be 'auto', 0, 1 or 2, got {verbose!r}.")
    return int(verbose)


def check_validation_freq(frequency: Any) -> None:
    """ValueError unless `frequency` is a positive integer or a list of epochs."""
    if isinstance(frequency, Sequence) and not isinstance(frequency, str):
        for epoch in frequency:
            check_integer(epoch, "validation_freq", 1)
    else:
        check_integer(frequency, "validation_freq", 1)
