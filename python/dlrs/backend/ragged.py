"""What is said where sequences of different lengths are given for one array."""

from typing import Any

import numpy as np

PAD = "`utils.pad_sequences` makes one array of sequences of different lengths."


def is_ragged(error: Exception) -> bool:
    """Whether NumPy raised `error` because lists, or arrays in a list, differ in length.

    >>> try: _ = np.asarray([[1, 2], [3]])
    ... except ValueError as error: is_ragged(error)
    True
    """
    return isinstance(error, ValueError) and "inhomogeneous" in str(error)


def holds_sequences(value: Any) -> bool:
    """Whether `value` is an array of objects some of which are lists or arrays, as rows of different lengths are kept.

    >>> holds_sequences(np.array([[1], None], object)), holds_sequences(np.array(["a", None], object))
    (True, False)
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind != "O":
        return False
    return any(hasattr(item, "__len__") and not isinstance(item, str | bytes) for item in value.reshape(-1))


def explained(error: Exception, value: Any, where: str = "") -> Exception:
    """`error`, which arose where `value` was made a tensor, or one of its type that says how such data are given.

    >>> print(explained(TypeError("of dtype object"), np.array([[1], [2, 3]], object), "sum: "))
    sum: the array holds sequences. `utils.pad_sequences` makes one array of sequences of different lengths.
    """
    if is_ragged(error):
        return ValueError(f"{where}lists or arrays of different lengths are no tensor. {PAD}")
    if isinstance(error, TypeError) and holds_sequences(value):
        return TypeError(f"{where}the array holds sequences. {PAD}")
    return error
