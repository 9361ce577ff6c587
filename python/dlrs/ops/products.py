"""Products of vectors, matrices and tensors, and diagonals of matrices."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.manipulation import flip, normalize_axis, stack
from dlrs.ops.operation import op, primitive, symbolic

__all__ = [
    "cross", "diag", "diagflat", "diagonal", "dot", "inner", "kron", "matmul", "outer", "tensordot", "trace", "vander",
    "vdot",
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
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(f"inner: the last dimension of shapes {x1.shape} and {x2.shape} must be the same.")
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
def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The Kronecker product: each element of `x1` times the whole of `x2`, in its place.

    >>> kron([1.0, 2.0], [3.0, 4.0]).tolist()
    [3.0, 4.0, 6.0, 8.0]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    ndim = max(x1.ndim, x2.ndim)
    first, second = ([1] * (ndim - x.ndim) + list(x.shape) for x in (x1, x2))
    left = _dlrs.reshape(x1, [n for size in first for n in (size, 1)])
    right = _dlrs.reshape(x2, [n for size in second for n in (1, size)])
    return _dlrs.reshape(_dlrs.multiply(left, right), [a * b for a, b in zip(first, second, strict=True)])


@op
def cross(
    x1: TensorLike, x2: TensorLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors of 3 elements, or of 2 (the third is taken for 0).

    Args:
        x1, x2: Tensors, which are broadcast but for the vectors' axis.
        axisa, axisb: The axis of the vectors in `x1` and in `x2`.
        axisc: Their axis in the result. Of two vectors of 2 elements the result is a number: the third element.
        axis: All three of these.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = _components(x1, axisa), _components(x2, axisb)
    third = _dlrs.subtract(_dlrs.multiply(a[0], b[1]), _dlrs.multiply(a[1], b[0]))
    if len(a) == len(b) == 2:
        return third
    if len(a) == 3 and len(b) == 3:
        first = _dlrs.subtract(_dlrs.multiply(a[1], b[2]), _dlrs.multiply(a[2], b[1]))
        second = _dlrs.subtract(_dlrs.multiply(a[2], b[0]), _dlrs.multiply(a[0], b[2]))
    elif len(a) == 3:
        first, second = _dlrs.negative(_dlrs.multiply(a[2], b[1])), _dlrs.multiply(a[2], b[0])
    else:
        first, second = _dlrs.multiply(a[1], b[2]), _dlrs.negative(_dlrs.multiply(a[0], b[2]))
    return stack([first, second, third], axisc)


def _components(x: TensorLike, axis: int) -> list[Tensor]:
    """The 2 or 3 slices of `x` along `axis`."""
    x = as_tensor(x)
    axis = normalize_axis("cross", axis, x.ndim)
    if x.shape[axis] not in (2, 3):
        raise ValueError(f"cross: vectors must have 2 or 3 elements, got axis {axis} of shape {x.shape}.")
    return [_dlrs.take(x, i, axis) for i in range(x.shape[axis])]


@op
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements, as columns: the Vandermonde matrix.

    Args:
        x: Vector.
        N: Number of columns; as many as rows if None.
        increasing: Whether the powers rise from the left to the right.

    >>> vander([2.0, 3.0], 3).tolist()
    [[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]]
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"vander: `x` must be a vector, got shape {x.shape}.")
    count = x.size if N is None else N
    if count < 0:
        raise ValueError(f"vander: `N` must not be negative, got {N}.")
    if count == 0:
        return _dlrs.full((x.size, 0), 0, x.dtype)
    factors = _dlrs.broadcast_to(_dlrs.reshape(x, (x.size, 1)), (x.size, count - 1))
    powers = _dlrs.cumprod(_dlrs.concatenate([_dlrs.full((x.size, 1), 1, x.dtype), factors], 1), 1)
    return powers if increasing else flip(powers, 1)


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
    # Beyond the corners all diagonals are empty; NumPy's own would leave the array at offsets near -2^31.
    offset = min(max(offset, -rows), columns)
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
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """The matrix with the elements of `x` on its `k`-th diagonal.

    >>> diagflat([[1.0], [2.0]]).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    x = as_tensor(x)
    return diag(_dlrs.reshape(x, (x.size,)), k)


@op
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum of a diagonal.

    >>> trace([[1.0, 2.0], [3.0, 4.0]]).item()
    5.0
    """
    return _dlrs.sum(diagonal(x, offset, axis1, axis2), (-1,), False)
