"""Distances between vectors, and between signals."""

import math

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.operation import op

__all__ = ["cdist", "psnr"]


@op
def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """The Euclidean distance of each vector of `x` from each of `y`.

    Args:
        x: Tensor of shape `(..., m, d)`.
        y: Tensor of shape `(..., n, d)`; leading axes are broadcast.

    Returns:
        Tensor of shape `(..., m, n)`. The gradient at distance 0 is 0.

    >>> cdist([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0]]).tolist()
    [[4.0], [5.0]]
    """
    x, y = as_tensor(x), as_tensor(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"cdist: inputs must have rank >= 2 and vectors of one size in the last axis. Received: x.shape={x.shape},"
            f" y.shape={y.shape}"
        )
    left = _dlrs.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    right = _dlrs.reshape(y, (*y.shape[:-2], 1, *y.shape[-2:]))
    squares = _dlrs.sum(_dlrs.square(_dlrs.subtract(left, right)), (-1,), False)
    # The square root has no gradient at 0; one of a branch not taken must be finite.
    apart = _dlrs.greater(squares, 0)
    return _dlrs.where(apart, _dlrs.sqrt(_dlrs.where(apart, squares, 1)), 0)


@op
def psnr(x1: TensorLike, x2: TensorLike, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio `20 log10(max_val) - 10 log10(mean((x1 - x2)²))`, in decibels.

    Args:
        x1: Tensor.
        x2: Tensor of the same shape.
        max_val: The largest value that a signal can have.

    >>> round(psnr([0.0, 0.0], [0.1, 0.1], 1.0).item(), 4)
    20.0
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.shape != x2.shape:
        raise ValueError(f"psnr: `x1` and `x2` must have the same shape, got {x1.shape} and {x2.shape}.")
    error = _dlrs.mean(_dlrs.square(_dlrs.subtract(x1, x2)), None, False)
    return _dlrs.subtract(20.0 * math.log10(max_val), _dlrs.multiply(_dlrs.log(error), 10.0 / math.log(10.0)))
