"""Arguments of layers that treat the spatial axes of a batch one by one."""

from typing import Any

import numpy as np

from dlrs.ops.spatial import LARGEST


def standardize_integer(value: Any, name: str, *, allow_zero: bool = False) -> int:
    """`value` as an int; TypeError unless it is an integer, ValueError unless it is positive (or 0, where allowed)."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"Expected an integer value for `{name}`, got {value!r} of type {type(value).__name__}.")
    if value < 0 or (value == 0 and not allow_zero):
        raise ValueError(f"`{name}` should be a {'non-negative' if allow_zero else 'positive'} integer, got {value}.")
    return int(value)


def standardize_sizes(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """A positive integer for each of `rank` axes, from one for all or a sequence of them; else a ValueError."""
    message = f"The `{name}` argument must be a tuple of {rank} integers. Received {name}={value}"
    values = (value,) * rank if isinstance(value, int | np.integer) else value
    if not isinstance(values, list | tuple) or len(values) != rank:
        raise ValueError(message)
    for size in values:
        if isinstance(size, bool | np.bool_) or not isinstance(size, int | np.integer):
            raise ValueError(f"{message}, including element {size!r} of type {type(size).__name__}")
    if low := {int(size) for size in values if size <= 0}:
        raise ValueError(f"{message}, including values {low} that do not satisfy `value > 0`")
    if high := {int(size) for size in values if size > LARGEST}:
        raise ValueError(f"{message}, including values {high} that are larger than {LARGEST}")
    return tuple(map(int, values))


def _pair(value: Any, name: str, whole: Any) -> tuple[int, int]:
    """The amounts before and after the entries of one axis."""
    pair = (value, value) if isinstance(value, int | np.integer) else value
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(f"`{name}` should have an integer or two for each axis, got {whole!r}.")
    try:
        before, after = (standardize_integer(amount, name, allow_zero=True) for amount in pair)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` should be made of non-negative integers, got {whole!r}.") from None
    return before, after


def standardize_margins(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """The amounts before and after each of `rank` axes.

    `value` is one integer for all; for one axis a pair; for several axes one integer or one pair for each.

    >>> standardize_margins((1, (2, 3)), 2, "padding")
    ((1, 1), (2, 3))
    """
    if rank == 1:
        return (_pair(value, name, value),)
    values = (value,) * rank if isinstance(value, int | np.integer) else value
    if not isinstance(values, list | tuple) or len(values) != rank:
        raise ValueError(f"`{name}` should be an integer or a tuple of {rank} entries, got {value!r}.")
    return tuple(_pair(part, name, value) for part in values)


def first_spatial_axis(data_format: str) -> int:
    """Where the spatial axes of a batch begin."""
    return 2 if data_format == "channels_first" else 1
