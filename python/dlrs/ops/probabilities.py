"""Functions that turn numbers into probabilities: softmax, its logarithm, and sparsemax."""

import warnings
from collections.abc import Callable, Sequence

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.cumulative import cumsum
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op, primitive, symbolic
from dlrs.ops.reductions import Axis
from dlrs.ops.sorting import sort

__all__ = ["log_softmax", "softmax", "sparsemax"]


@primitive
def softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along `axis`, without overflow; over several axes, or all if None, together.

    A size of 1 along `axis`, where the result is always 1, gives a warning.

    >>> softmax([1.0, 1.0]).tolist()
    [0.5, 0.5]
    """
    if not isinstance(x, KerasTensor):
        x = as_tensor(x)
    shape = x.shape
    if isinstance(axis, int) and -len(shape) <= axis < len(shape) and shape[axis] == 1 and not _is_traced(x):
        warnings.warn(
            f"You are using a softmax over axis {axis} of a tensor of shape {shape}. This axis has size 1. The softmax"
            " operation will always return the value 1, which is likely not what you intended. Did you mean to use a"
            " sigmoid instead?",
            stacklevel=2,
        )
    if isinstance(x, KerasTensor):
        return symbolic(softmax, x, axis)
    return _along("softmax", _dlrs.softmax, x, axis)


def _is_traced(x: Tensor | KerasTensor) -> bool:
    """Whether the sizes of `x` may be stand-ins for open ones."""
    return isinstance(x, Tensor) and x.is_symbolic


@op
def log_softmax(x: TensorLike, axis: Axis = -1) -> Tensor:
    """`log(softmax(x))` along `axis`, without underflow; over several axes, or all if None, together.

    >>> log_softmax([1000.0, -1000.0]).tolist()
    [0.0, -2000.0]
    """
    return _along("log_softmax", _dlrs.log_softmax, as_tensor(x), axis)


def _along(name: str, function: Callable[[Tensor, int], Tensor], x: Tensor, axis: Axis) -> Tensor:
    """`function` over the elements of one or several axes."""
    if isinstance(axis, int):
        return function(x, normalize_axis(name, axis, x.ndim))
    axes: Sequence[int] = range(x.ndim) if axis is None else [normalize_axis(name, a, x.ndim) for a in axis]
    order = [*(a for a in range(x.ndim) if a not in axes), *axes]
    kept = [x.shape[a] for a in order[: x.ndim - len(axes)]]
    moved = _dlrs.transpose(x, order)
    size = 1
    for a in axes:
        size *= x.shape[a]
    y = _dlrs.reshape(function(_dlrs.reshape(moved, [*kept, size]), len(kept)), moved.shape)
    return _dlrs.transpose(y, [order.index(a) for a in range(x.ndim)])


@op
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The probabilities nearest to `x` along `axis`, many of them 0 (Martins and Astudillo 2016, arXiv 1602.02068).

    >>> sparsemax([0.5, 1.0, -3.0]).tolist()
    [0.25, 0.75, 0.0]
    """
    x = as_tensor(x)
    axis = normalize_axis("sparsemax", axis, x.ndim)
    if x.shape[axis] == 0:
        return x
    # The support: the k largest numbers, with the largest k for which number k exceeds (sum of these k - 1) / k.
    descending = _dlrs.negative(sort(_dlrs.negative(_dlrs.stop_gradient(x)), axis))
    counts = _dlrs.reshape(
        _dlrs.tensor([float(k + 1) for k in range(x.shape[axis])]), [-1 if a == axis else 1 for a in range(x.ndim)]
    )
    counts = _dlrs.cast(counts, descending.dtype)
    excess = _dlrs.subtract(cumsum(descending, axis), 1.0)
    inside = _dlrs.greater(_dlrs.multiply(descending, counts), excess)
    # Equal numbers are in the support together.
    least = _dlrs.min(_dlrs.where(inside, descending, _dlrs.max(descending, (axis,), True)), (axis,), True)
    chosen = _dlrs.greater_equal(x, least)
    total = _dlrs.sum(_dlrs.where(chosen, x, 0), (axis,), True)
    k = _dlrs.sum(_dlrs.cast(chosen, descending.dtype), (axis,), True)
    return _dlrs.relu(_dlrs.subtract(x, _dlrs.divide(_dlrs.subtract(total, 1.0), k)))
