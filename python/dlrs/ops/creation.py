"""New tensors: constants, ranges, identity matrices."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import (
    TensorLike,
    as_tensor,
    convert_to_tensor,
    is_float_dtype,
    result_type,
    standardize_dtype,
    standardize_shape,
)
from dlrs.ops.operation import op

__all__ = [
    "arange", "array", "empty", "empty_like", "eye", "full", "full_like", "identity", "meshgrid", "ones", "ones_like",
    "tri", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def _shape(name: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    dims = standardize_shape((shape,) if isinstance(shape, int) else shape)
    known = tuple(dim for dim in dims if dim is not None)
    if len(known) != len(dims):
        raise ValueError(f"{name}: `shape` must be fully known, got {dims}.")
    return known


def zeros(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor of zeros.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return _dlrs.full(_shape("zeros", shape), 0, standardize_dtype(dtype))


def ones(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor of ones.

    >>> ones((2,), dtype="int32").tolist()
    [1, 1]
    """
    return _dlrs.full(_shape("ones", shape), 1, standardize_dtype(dtype))


def full(shape: int | Sequence[int], fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor of `fill_value`, which is broadcast to `shape`.

    >>> full((2,), 7.0).tolist()
    [7.0, 7.0]
    """
    name = standardize_dtype(dtype)
    if isinstance(fill_value, int | float):
        return _dlrs.full(_shape("full", shape), fill_value, name)
    return _dlrs.broadcast_to(_dlrs.cast(fill_value, name), _shape("full", shape))


def empty(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor whose values do not matter; they are zeros.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype)


@op
def empty_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor with the shape, and unless `dtype` is given the type, of `x`, whose values do not matter.

    >>> empty_like([1.0, 2.0]).shape
    (2,)
    """
    return full_like(x, 0, dtype)


@op
def zeros_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Zeros with the shape, and unless `dtype` is given the type, of `x`.

    >>> zeros_like([1.0, 2.0]).tolist()
    [0.0, 0.0]
    """
    return full_like(x, 0, dtype)


@op
def ones_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Ones with the shape, and unless `dtype` is given the type, of `x`.

    >>> ones_like([1.0, 2.0]).tolist()
    [1.0, 1.0]
    """
    return full_like(x, 1, dtype)


@op
def full_like(x: TensorLike, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """`fill_value` with the shape, and unless `dtype` is given the type, of `x`.

    >>> full_like([1.0, 2.0], 7).tolist()
    [7.0, 7.0]
    """
    x = as_tensor(x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


@op
def array(x: TensorLike, dtype: Any = None) -> Tensor:
    """`x` as a tensor, as `convert_to_tensor`.

    >>> array([1.0, 2.0]).shape
    (2,)
    """
    return convert_to_tensor(x, dtype)


def arange(
    start: TensorLike, stop: TensorLike | None = None, step: TensorLike | None = None, dtype: Any = None
) -> Tensor:
    """`start`, `start + step`, ... below `stop`; from 0 if one number is given. int32 if the numbers are integers.

    They must be known while a function is traced, as they give the shape of the result.

    >>> arange(3).tolist(), arange(1.0, 2.0, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    if dtype is None:
        dtype = result_type(*(_number_type(value) for value in (start, stop, step) if value is not None))
    first, last = (0, start) if stop is None else (start, stop)
    ends = [np.asarray(value).item() for value in (first, last, 1 if step is None else step)]
    if ends[2] == 0:
        raise ValueError("arange: `step` must not be 0.")
    return convert_to_tensor(np.arange(*ends), standardize_dtype(dtype))


def _number_type(value: TensorLike) -> Any:
    """The type of a number for promotion: single ones are weak, tensors and arrays are not."""
    if isinstance(value, int | np.integer):
        return int
    return float if isinstance(value, float | np.floating) else as_tensor(value).dtype


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the `k`-th diagonal of an `N` by `M` matrix of zeros.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = N if M is None else M
    return convert_to_tensor(
        np.eye(N, columns, _diagonal(k, N, columns), dtype=_host_type(dtype)), standardize_dtype(dtype)
    )


def identity(n: int, dtype: Any = None) -> Tensor:
    """The `n` by `n` identity matrix.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones at and below the `k`-th diagonal of an `N` by `M` matrix of zeros.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    columns = N if M is None else M
    return convert_to_tensor(
        np.tri(N, columns, _diagonal(k, N, columns), dtype=_host_type(dtype)), standardize_dtype(dtype)
    )


def _diagonal(k: int, rows: int, columns: int) -> int:
    """`k`, or the nearest diagonal that is just outside the matrix: NumPy counts only so far."""
    return max(-rows, min(columns, operator.index(k)))


def _host_type(dtype: Any) -> Any:
    """A NumPy type that holds zeros and ones of `dtype`; NumPy has no bfloat16."""
    return np.float32 if is_float_dtype(dtype) else standardize_dtype(dtype)


@op
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """`x` with zeros above the `k`-th diagonal of its last two axes.

    >>> tril([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    x = as_tensor(x)
    shape = _matrix_shape("tril", x)
    mask = _dlrs.tensor(np.tri(*shape, _diagonal(k, *shape), dtype=bool))
    return _dlrs.where(mask, x, 0)


@op
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """`x` with zeros below the `k`-th diagonal of its last two axes.

    >>> triu([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [0.0, 4.0]]
    """
    x = as_tensor(x)
    shape = _matrix_shape("triu", x)
    mask = _dlrs.tensor(np.tri(*shape, _diagonal(operator.index(k) - 1, *shape), dtype=bool))
    return _dlrs.where(mask, 0, x)


def _matrix_shape(name: str, x: Tensor) -> tuple[int, int]:
    if x.ndim < 2:
        raise ValueError(f"{name}: `x` must have at least two axes, got shape {x.shape}.")
    return x.shape[-2], x.shape[-1]


@op
def meshgrid(*x: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid: each vector of `x` broadcast over the axes of the others.

    >>> [g.tolist() for g in meshgrid([1, 2], [3])]
    [[[1, 2]], [[3, 3]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: `indexing` must be 'xy' or 'ij', got {indexing!r}.")
    vectors = [_dlrs.reshape(v, (as_tensor(v).size,)) for v in x]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = [1, 0]
    shape = [0] * len(vectors)
    for vector, axis in zip(vectors, order, strict=True):
        shape[axis] = vector.size
    grids = []
    for vector, axis in zip(vectors, order, strict=True):
        along = [1] * len(vectors)
        along[axis] = vector.size
        grids.append(_dlrs.broadcast_to(_dlrs.reshape(vector, along), shape))
    return grids
