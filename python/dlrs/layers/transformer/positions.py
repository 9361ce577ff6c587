"""Where in a sequence steps lie, when it is known and when it is not known until the program runs."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import Tensor, Variable


def known_index(name: str, index: Any) -> int | None:
    """`index` as an integer, None if it is not known yet.

    Raises:
        ValueError: it is not one integer of at least 0.

    >>> known_index("start_index", np.int64(3))
    3
    """
    value = index.value if isinstance(index, Variable) else index
    if isinstance(value, Tensor | np.ndarray | np.generic):
        if tuple(value.shape) != () or not str(value.dtype).startswith(("int", "uint")):
            raise ValueError(
                f"`{name}` must be a single integer, got a tensor of shape {tuple(value.shape)} and dtype "
                f"{value.dtype}."
            )
        if isinstance(value, Tensor) and value.is_symbolic:
            return None
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"`{name}` must be an integer of at least 0, got {index!r}.")
    return value


def steps_from(index: Any, count: int) -> Any:
    """The positions `index`, `index + 1`, ..., as an array, or as a tensor if `index` is not known yet.

    >>> steps_from(2, 3).tolist()
    [2, 3, 4]
    """
    steps = np.arange(count, dtype=np.int32)
    if isinstance(index, int):
        return steps + np.int32(index)
    return ops.add(ops.cast(index, "int32"), steps)


def check_sequence(layer: Any, what: str, shape: Any) -> None:
    """ValueError unless `shape` is that of a batch of sequences of vectors."""
    if len(shape) != 3:
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}): `{what}` must have the shape (batch, time, features), got "
            f"{tuple(shape)}."
        )
