"""What a tensor is, and the parts of complex numbers, which real ones have too."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, result_type, standardize_dtype
from dlrs.ops.binary import isclose
from dlrs.ops.operation import op, op_with_spec
from dlrs.ops.sorting import known_values

__all__ = [
    "allclose", "angle", "conj", "conjugate", "copy", "imag", "isreal", "ndim", "real", "shape_equal", "size", "view",
]  # fmt: skip


@op
def allclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether all elements are close, as `isclose` says.

    >>> allclose([1.0, 2.0], [1.0, 2.000001]).item()
    True
    """
    return _dlrs.all(isclose(x1, x2, rtol, atol, equal_nan))


@op
def copy(x: TensorLike) -> Tensor:
    """`x` itself: tensors do not change.

    >>> copy([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@op
def ndim(x: TensorLike) -> Tensor:
    """The number of axes (int32).

    >>> ndim([[1.0, 2.0]]).item()
    2
    """
    return _dlrs.full((), as_tensor(x).ndim, "int32")


def _size_spec(x: Any) -> KerasTensor:
    return KerasTensor((), "int32")


@op_with_spec(_size_spec)
def size(x: TensorLike) -> Tensor:
    """The number of elements (int32).

    >>> size([[1.0, 2.0]]).item()
    2
    """
    return _dlrs.full((), as_tensor(x).size, "int32")


def shape_equal(
    shape1: Sequence[int | None],
    shape2: Sequence[int | None],
    axis: int | Sequence[int] | None = None,
    allow_none: bool = True,
) -> bool:
    """Whether two shapes agree, but for the sizes of `axis`.

    Args:
        shape1: A shape.
        shape2: A shape.
        axis: Axes that do not matter.
        allow_none: Whether an open size agrees with every size.

    >>> shape_equal((None, 3), (2, 3)), shape_equal((2, 3), (2, 4), axis=1)
    (True, True)
    """
    if len(shape1) != len(shape2):
        return False
    ignored = [axis] if isinstance(axis, int) else list(axis or ())
    places = {a % len(shape1) for a in ignored} if shape1 else set()
    return all(
        a == b or (allow_none and (a is None or b is None)) or place in places
        for place, (a, b) in enumerate(zip(shape1, shape2, strict=True))
    )


@op
def real(x: TensorLike) -> Tensor:
    """The real part: of real numbers, these.

    >>> real([1.0, -2.0]).tolist()
    [1.0, -2.0]
    """
    return as_tensor(x)


@op
def imag(x: TensorLike) -> Tensor:
    """The imaginary part: of real numbers, 0.

    >>> imag([1.0, -2.0]).tolist()
    [0.0, 0.0]
    """
    x = as_tensor(x)
    return _dlrs.full(x.shape, 0, x.dtype)


@op
def conjugate(x: TensorLike) -> Tensor:
    """The complex conjugate: of real numbers, these.

    >>> conjugate([1.0, -2.0]).tolist()
    [1.0, -2.0]
    """
    return as_tensor(x)


@op
def conj(x: TensorLike) -> Tensor:
    """The complex conjugate, as `conjugate`.

    >>> conj([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return as_tensor(x)


@op
def isreal(x: TensorLike) -> Tensor:
    """Whether each element has no imaginary part: True for real numbers.

    >>> isreal([1.0, -2.0]).tolist()
    [True, True]
    """
    return _dlrs.full(as_tensor(x).shape, True, "bool")


@op
def angle(x: TensorLike) -> Tensor:
    """The angle in the complex plane: 0 for positive numbers, pi for negative ones.

    >>> angle([1.0, -2.0]).tolist() == [0.0, np.float32(math.pi)]
    True
    """
    x = as_tensor(x)
    kind = result_type(x.dtype, float)
    straight = _dlrs.multiply(_dlrs.cast(_dlrs.less(x, 0), kind), math.pi)
    return _dlrs.where(_dlrs.isnan(x), math.nan, straight)


def _view_spec(x: Any, dtype: Any = None) -> KerasTensor:
    kind = x.dtype if dtype is None else standardize_dtype(dtype)
    return KerasTensor(_viewed_shape(tuple(x.shape), str(x.dtype), kind), kind)


@op_with_spec(_view_spec)
def view(x: TensorLike, dtype: Any = None) -> Tensor:
    """The bytes of `x` read as elements of type `dtype`; the last axis grows or shrinks with their width.

    Errors: ValueError if the bytes of the last axis are no whole number of elements; TracingError while a function is
    traced.

    >>> view([1.0], "int32").tolist()
    [1065353216]
    """
    x = as_tensor(x)
    kind = x.dtype if dtype is None else standardize_dtype(dtype)
    _viewed_shape(x.shape, x.dtype, kind)
    return _dlrs.tensor(known_values("view", x).view(np.dtype(kind)))


def _width(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _viewed_shape(shape: tuple[Any, ...], old: str, new: str) -> tuple[int | None, ...]:
    """The shape after the change of type."""
    before, after = _width(old), _width(new)
    if before == after:
        return shape
    if not shape or (shape[-1] is not None and shape[-1] * before % after):
        raise ValueError(f"view: the last axis of shape {shape} of {old} does not hold a whole number of {new}.")
    return (*shape[:-1], None if shape[-1] is None else shape[-1] * before // after)
