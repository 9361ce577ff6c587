"""Products of vectors, matrices and tensors, and diagonals of matrices."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op, primitive, symbolic

__all__ = [
    "diag", "diagonal", "dot", "inner", "matmul", "outer", "tensordot", "trace", "vdot",
]  # fmt: skip


@primitive
def matmul(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Product of matrices, the last two axes of each; leading axes are broadcast. A vector is a row or a column.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(matmul, x1, x2)
    return _dlrs.matmul(x1, x2)


@op
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of products over the last axis of `x1` and the last but one of `x2` (or its only one); a product for scalars.

    >>> dot([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return _dlrs.multiply(x1, x2)
    return _contract("dot", x1, x2, [x1.ndim - 1], [max(x2.ndim - 2, 0)])


@op
def tensordot(x1: TensorLike, x2: TensorLike, axes: int | Sequence[Any] = 2) -> Tensor:
    """Sum of products over several axes: the last `axes` of `x1` and the first of `x2`, or a pair of lists of axes.

    >>> tensordot([[1.0, 2.0]], [[3.0, 4.0]], axes=[[1], [1]]).tolist()
    [[11.0]]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if isinstance(axes, int):
        if not 0 <= axes <= min(x1.ndim, x2.ndim):
            raise ValueError(f"tensordot: `axes` is {axes}, the tensors have {x1.ndim} and {x2.ndim} axes.")
        return _contract("tensordot", x1, x2, list(range(x1.ndim - axes, x1.ndim)), list(range(axes)))
    first, second = ([a] if isinstance(a, int) else list(a) for a in axes)
    return _contract(
        "tensordot",
        x1,
        x2,
        [normalize_axis("tensordot", a, x1.ndim) for a in first],
        [normalize_axis("tensordot", a, x2.ndim) for a in second],
    )


def _contract(name: str, x1: Tensor, x2: Tensor, axes1: list[int], axes2: list[int]) -> Tensor:
    """Sum of products over `axes1` and `axes2`, as one product of matrices."""
    sizes1, sizes2 = [x1.shape[a] for a in axes1], [x2.shape[a] for a in axes2]
    if sizes1 != sizes2:
        raise ValueError(
            f"{name}: axes {axes1} of shape {x1.shape} and {axes2} of shape {x2.shape} have different sizes:"
            f" {sizes1}, {sizes2}."
        )
    free1 = [a for a in range(x1.ndim) if a not in axes1]
    free2 = [a for a in range(x2.ndim) if a not in axes2]
    depth = math.prod(sizes1)
    rows, columns = [x1.shape[a] for a in free1], [x2.shape[a] for a in free2]
    left = _dlrs.reshape(_dlrs.transpose(x1, free1 + axes1), (math.prod(rows), depth))
    right = _dlrs.reshape(_dlrs.transpose(x2, axes2 + free2), (depth, math.prod(columns)))
    return _dlrs.reshape(_dlrs.matmul(left, right), rows + columns)


@op
def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of the products of all elements.

    >>> vdot([[1.0], [2.0]], [[3.0], [4.0]]).item()
    11.0
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.size != x2.size:
        raise ValueError(f"vdot: the tensors have {x1.size} and {x2.size} elements.")
    return _dlrs.sum(_dlrs.multiply(_dlrs.reshape(x1, (x1.size,)), _dlrs.reshape(x2, (x2.size,))), None, False)


@op
def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of products over the last axes.

    >>> inner([1.0, 2.0], [[3.0, 4.0], [5.0, 6.0]]).tolist()
    [11.0, 17.0]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return _dlrs.multiply(x1, x2)
    return _contract("inner", x1, x2, [x1.ndim - 1], [x2.ndim - 1])


@op
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The product of each element of `x1` with each of `x2`, a matrix.

    >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    return _dlrs.multiply(_dlrs.reshape(x1, (x1.size, 1)), _dlrs.reshape(x2, (1, x2.size)))


@op
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements of `x` whose indices along `axis1` and `axis2` differ by `offset`, along a new last axis.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [1.0, 4.0]
    """
    x = as_tensor(x)
    a, b = normalize_axis("diagonal", axis1, x.ndim), normalize_axis("diagonal", axis2, x.ndim)
    if a == b:
        raise ValueError("diagonal: `axis1` and `axis2` are the same axis.")
    rest = [axis for axis in range(x.ndim) if axis not in (a, b)]
    rows, columns = x.shape[a], x.shape[b]
    places = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns).diagonal(offset)
    lead = [x.shape[axis] for axis in rest]
    flat = _dlrs.reshape(_dlrs.transpose(x, [*rest, a, b]), [*lead, rows * columns])
    return _dlrs.take(flat, np.ascontiguousarray(places), len(lead))


@op
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """The `k`-th diagonal of a matrix, or the matrix with a vector on its `k`-th diagonal.

    >>> diag([1.0, 2.0]).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag: `x` must be a vector or a matrix, got shape {x.shape}.")
    side = x.size + abs(k)
    rows = np.arange(x.size) + max(-k, 0)
    places = (rows * side + rows + k).astype(np.int32)
    flat = _dlrs.segment_sum(x, places, side * side)
    return _dlrs.reshape(flat, (side, side))


@op
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum of a diagonal.

    >>> trace([[1.0, 2.0], [3.0, 4.0]]).item()
    5.0
    """
    return _dlrs.sum(diagonal(x, offset, axis1, axis2), (-1,), False)
