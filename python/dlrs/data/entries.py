"""Arithmetic on many entries of a dataset at once, as if it were done on each."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Ufuncs whose results are rounded exactly: they do not depend on where in an array a number stands.
EXACT = frozenset(
    getattr(np, name)
    for name in (
        "add", "subtract", "multiply", "divide", "negative", "positive", "absolute", "sqrt", "floor", "ceil", "rint",
        "maximum", "minimum", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
        "logical_and", "logical_or", "logical_not",
    )
)  # fmt: skip


class NotTogetherError(Exception):
    """What is asked of entries cannot be done with all of them at once."""


class Entries(np.lib.mixins.NDArrayOperatorsMixin):
    """The entries of an array along its first axis, in the place of one of them: it knows arithmetic, and nothing else.

    >>> (Entries(np.float32([[1, 2], [3, 4]])) / np.float32(2)).array.tolist()
    [[0.5, 1.0], [1.5, 2.0]]
    """

    def __init__(self, array: Array) -> None:
        self.array = array

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc not in EXACT or method != "__call__" or kwargs:
            raise NotTogetherError
        rank = max(x.array.ndim - 1 if isinstance(x, Entries) else np.ndim(x) for x in inputs)
        return Entries(ufunc(*[_aligned(x, rank) for x in inputs]))

    def astype(self, dtype: Any) -> "Entries":
        """The entries with elements of another type."""
        return Entries(self.array.astype(dtype))

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise NotTogetherError

    def __bool__(self) -> bool:
        raise NotTogetherError

    def __getattr__(self, name: str) -> Any:
        raise NotTogetherError


def _aligned(x: Any, rank: int) -> Any:
    """Entries with axes of one between the first and theirs, so that those line up with axes of `rank`."""
    if not isinstance(x, Entries):
        if isinstance(x, list | tuple):
            raise NotTogetherError
        return x
    count, *shape = x.array.shape
    return x.array.reshape(count, *[1] * (rank - len(shape)), *shape)
