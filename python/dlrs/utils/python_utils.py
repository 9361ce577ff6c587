"""Small helpers on Python's own objects."""

import itertools
from collections.abc import Sequence
from typing import Any


def is_continuous_axis(axis: int | Sequence[int]) -> bool:
    """Whether axes lie side by side, in rising or falling order.

    >>> is_continuous_axis([2, 1, 0]), is_continuous_axis([0, 2])
    (True, False)
    """
    if isinstance(axis, int) or len(axis) <= 1:
        return True
    steps = {after - before for before, after in itertools.pairwise(axis)}
    return steps in ({1}, {-1})


def remove_long_seq(maxlen: int, seq: Sequence[Any], label: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The sequences that are shorter than `maxlen`, and their labels.

    >>> remove_long_seq(3, [[1], [2, 2], [3, 3, 3]], ["a", "b", "c"])
    ([[1], [2, 2]], ['a', 'b'])
    """
    kept = [(x, y) for x, y in zip(seq, label, strict=True) if len(x) < maxlen]
    return [x for x, _ in kept], [y for _, y in kept]


def removeprefix(x: str, prefix: str) -> str:
    """`x` without `prefix` if it begins with it.

    >>> removeprefix("model.keras", "model")
    '.keras'
    """
    return x.removeprefix(prefix)


def removesuffix(x: str, suffix: str) -> str:
    """`x` without `suffix` if it ends with it.

    >>> removesuffix("model.keras", ".keras")
    'model'
    """
    return x.removesuffix(suffix)
