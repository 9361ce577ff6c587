"""Cutting, turning and choosing: the rarer arrangements of elements, made of those in `manipulation`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.manipulation import flip, normalize_axis, split, swapaxes
from dlrs.ops.operation import op

__all__ = [
    "array_split", "diff", "dsplit", "dstack", "fliplr", "flipud", "hsplit", "rot90", "select", "unravel_index",
    "vsplit",
]  # fmt: skip


@op
def array_split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` as by `split`, but into a number of parts of which the first may be longer by one.

    >>> [part.tolist() for part in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    x = as_tensor(x)
    axis = normalize_axis("array_split", axis, x.ndim)
    if indices_or_sections <= 0:
        raise ValueError(f"array_split: the number of parts must be positive, got {indices_or_sections}.")
    short, longer = divmod(x.shape[axis], indices_or_sections)
    sizes = [short + 1] * longer + [short] * (indices_or_sections - longer)
    return split(x, np.cumsum(sizes)[:-1].tolist(), axis)


@op
def hsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`x` cut along its second axis, a vector along its only one, as by `split`.

    >>> [part.tolist() for part in hsplit([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    x = _with_rank("hsplit", x, 1)
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@op
def vsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`x`, of two axes or more, cut along the first, as by `split`.

    >>> [part.tolist() for part in vsplit([[1, 2], [3, 4]], 2)]
    [[[1, 2]], [[3, 4]]]
    """
    return split(_with_rank("vsplit", x, 2), indices_or_sections, 0)


@op
def dsplit(x: TensorLike, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`x`, of three axes or more, cut along the third, as by `split`.

    >>> [part.tolist() for part in dsplit([[[1, 2]]], 2)]
    [[[[1]]], [[[2]]]]
    """
    return split(_with_rank("dsplit", x, 3), indices_or_sections, 2)


def _with_rank(name: str, x: TensorLike, least: int) -> Tensor:
    x = as_tensor(x)
    if x.ndim < least:
        raise ValueError(f"{name}: `x` must have at least {least} axes, got shape {x.shape}.")
    return x


@op
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """The tensors `xs` joined along their third axis; vectors count as (1, n, 1), matrices as (m, n, 1).

    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    tensors = []
    for x in map(as_tensor, xs):
        shape = (1, x.size, 1) if x.ndim < 2 else (*x.shape, 1) if x.ndim == 2 else x.shape
        tensors.append(_dlrs.reshape(x, shape))
    return _dlrs.concatenate(tensors, 2)


@op
def fliplr(x: TensorLike) -> Tensor:
    """`x`, of two axes or more, with its columns in reverse order.

    >>> fliplr([[1, 2], [3, 4]]).tolist()
    [[2, 1], [4, 3]]
    """
    return flip(_with_rank("fliplr", x, 2), 1)


@op
def flipud(x: TensorLike) -> Tensor:
    """`x` with its rows in reverse order.

    >>> flipud([[1, 2], [3, 4]]).tolist()
    [[3, 4], [1, 2]]
    """
    return flip(_with_rank("flipud", x, 1), 0)


@op
def rot90(array: TensorLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """`array` turned `k` times by a right angle, from the first of `axes` towards the second.

    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    x = _with_rank("rot90", array, 2)
    if not isinstance(k, int | np.integer):
        raise ValueError(f"rot90: `k` must be an integer, got {k!r}.")
    if len(axes) != 2:
        raise ValueError(f"rot90: `axes` must be two axes, got {axes}.")
    first, second = (normalize_axis("rot90", axis, x.ndim) for axis in axes)
    if first == second:
        raise ValueError(f"rot90: `axes` must be two different axes, got {axes}.")
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns else x


@op
def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along `axis`, taken `n` times. Of bools, whether they differ.

    >>> diff([1, 2, 4, 7]).tolist(), diff([1, 2, 4, 7], n=2).tolist()
    ([1, 2, 3], [1, 1])
    """
    a = as_tensor(a)
    if n < 0:
        raise ValueError(f"diff: `n` must not be negative, got {n}.")
    axis = normalize_axis("diff", axis, a.ndim)
    for _ in range(n):
        size, ones = a.shape[axis], [1] * a.ndim
        if size == 0:
            break
        begins, ends = [0] * a.ndim, list(a.shape)
        begins[axis], ends[axis] = min(1, size), max(size - 1, 0)
        later, earlier = _dlrs.slice(a, begins, a.shape, ones), _dlrs.slice(a, [0] * a.ndim, ends, ones)
        a = _dlrs.not_equal(later, earlier) if a.dtype == "bool" else _dlrs.subtract(later, earlier)
    return a


@op
def select(condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0) -> Tensor:
    """At each place the element of the first of `choicelist` whose condition holds, else that of `default`.

    >>> select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            "select: `condlist` and `choicelist` must have one length, and not be empty;"
            f" got {len(condlist)} and {len(choicelist)}."
        )
    result: Any = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _dlrs.where(condition, choice, result)
    return as_tensor(result)


@op
def unravel_index(indices: TensorLike, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The places in a tensor of shape `shape` of elements of its flattened form: one tensor of indices for each axis.

    >>> [index.tolist() for index in unravel_index([1, 5], (2, 3))]
    [[0, 1], [1, 2]]
    """
    rest = as_tensor(indices)
    sizes = [shape] if isinstance(shape, int) else list(shape)
    places: list[Tensor] = []
    for size in reversed(sizes):
        places.append(_dlrs.mod(rest, size))
        rest = _dlrs.floor_divide(rest, size)
    return tuple(reversed(places))
