"""Norms of vectors and matrices."""

import math
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op
from dlrs.ops.reductions import Axis, axes_of

__all__ = ["norm"]


@op
def norm(x: TensorLike, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Norm of the vectors along `axis`, or of the matrices in two axes; of all elements if None.

    Args:
        x: Tensor; integers are taken for floats.
        ord: For vectors 0 (number of elements that are not 0), 1, 2 (or None), another number, infinity or its
            negative. For matrices `"fro"` (or None), `"nuc"` (sum of the singular values), 2 (the largest one), -2 (the
            smallest one), 1 (largest column sum), infinity (largest row sum) or the negatives of these (smallest).
        axis: Axes of the vectors or matrices; if None, `x` is a vector or matrix, or `ord` must be None.
        keepdims: Whether they stay, with size 1.

    Errors: ValueError if there is no such norm.

    >>> norm([3.0, 4.0]).item()
    5.0
    """
    x = as_tensor(x)
    axes = tuple(range(x.ndim)) if axis is None else axes_of(axis) or ()
    axes = tuple(normalize_axis("norm", a, x.ndim) for a in axes)
    if len(set(axes)) != len(axes):
        raise ValueError(f"norm: `axis` {axis} names an axis twice.")
    if ord is None or (ord == "fro" and len(axes) == 2):
        return _euclidean(x, axes, keepdims)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2 and ord in ("nuc", 2, -2):
        return _spectral_norm(x, ord, axes, keepdims)
    if len(axes) != 2 or ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(f"norm: there is no norm {ord!r} over {len(axes)} axes.")
    summed, kept = (axes[0], axes[1]) if abs(ord) == 1 else (axes[1], axes[0])
    sums = _dlrs.sum(_dlrs.absolute(_floating(x)), (summed,), True)
    result = _dlrs.max(sums, (kept,), True) if ord > 0 else _dlrs.min(sums, (kept,), True)
    return result if keepdims else _dlrs.sum(result, axes, False)


def _floating(x: Tensor) -> Tensor:
    return _dlrs.multiply(x, 1.0)


def _euclidean(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """The square root has no gradient at 0, where 0 is one of the subgradients."""
    squares = _dlrs.sum(_dlrs.square(_floating(x)), axes, keepdims)
    zero = _dlrs.equal(squares, 0)
    return _dlrs.where(zero, 0, _dlrs.sqrt(_dlrs.where(zero, 1, squares)))


def _vector_norm(x: Tensor, order: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if order == 2:
        return _euclidean(x, axes, keepdims)
    size = _dlrs.absolute(_floating(x))
    if order == math.inf:
        return _dlrs.max(size, axes, keepdims)
    if order == -math.inf:
        return _dlrs.min(size, axes, keepdims)
    if order == 1:
        return _dlrs.sum(size, axes, keepdims)
    if order == 0:
        return _dlrs.sum(_dlrs.cast(_dlrs.not_equal(x, 0), size.dtype), axes, keepdims)
    if isinstance(order, bool) or not isinstance(order, int | float):
        raise ValueError(f"norm: there is no norm {order!r} of vectors.")
    return _dlrs.power(_dlrs.sum(_dlrs.power(size, order), axes, keepdims), 1.0 / order)


def _spectral_norm(x: Tensor, order: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """Norms of the singular values."""
    others = [a for a in range(x.ndim) if a not in axes]
    s = _dlrs.svd(_dlrs.transpose(x, [*others, *axes]), False)[1]
    if order == "nuc":
        result = _dlrs.sum(s, (-1,), False)
    else:
        result = _dlrs.max(s, (-1,), False) if order == 2 else _dlrs.min(s, (-1,), False)
    return _dlrs.reshape(result, [1 if a in axes else n for a, n in enumerate(x.shape)]) if keepdims else result
