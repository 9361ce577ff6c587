"""Sums, means, extremes and other values of whole axes.

`axis` is an integer, several of them, or None for all; with `keepdims` the reduced axes stay, with size 1.
"""

from collections.abc import Sequence
from typing import TypeAlias

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, standardize_dtype
from dlrs.ops.operation import op

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "logsumexp", "max", "mean", "min",
    "moments", "prod", "std", "sum", "var",
]  # fmt: skip

Axis: TypeAlias = int | Sequence[int] | None


def axes_of(axis: Axis) -> tuple[int, ...] | None:
    """`axis` as a tuple, or None for all axes."""
    if axis is None:
        return None
    return (axis,) if isinstance(axis, int) else tuple(axis)


@op
def sum(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
    [4.0, 6.0]
    """
    return _dlrs.sum(x, axes_of(axis), keepdims)


@op
def prod(x: TensorLike, axis: Axis = None, keepdims: bool = False, dtype: str | None = None) -> Tensor:
    """Product.

    >>> prod([2.0, 3.0, 4.0]).item()
    24.0
    """
    product = _dlrs.prod(x, axes_of(axis), keepdims)
    return product if dtype is None else _dlrs.cast(product, standardize_dtype(dtype))


@op
def mean(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean; of integers, a float.

    >>> mean([[1.0, 2.0], [3.0, 6.0]], axis=1).tolist()
    [1.5, 4.5]
    """
    return _dlrs.mean(x, axes_of(axis), keepdims)


@op
def max(x: TensorLike, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Tensor:
    """Largest element, at least `initial`.

    >>> max([[1.0, 5.0], [3.0, 2.0]], axis=1).tolist()
    [5.0, 3.0]
    """
    if initial is not None and as_tensor(x).size == 0:
        return _of_nothing(x, axis, keepdims, initial)
    largest = _dlrs.max(x, axes_of(axis), keepdims)
    return largest if initial is None else _dlrs.maximum(largest, initial)


@op
def min(x: TensorLike, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Tensor:
    """Smallest element, at most `initial`.

    >>> min([[1.0, 5.0], [3.0, 2.0]], axis=1).tolist()
    [1.0, 2.0]
    """
    if initial is not None and as_tensor(x).size == 0:
        return _of_nothing(x, axis, keepdims, initial)
    smallest = _dlrs.min(x, axes_of(axis), keepdims)
    return smallest if initial is None else _dlrs.minimum(smallest, initial)


def _of_nothing(x: TensorLike, axis: Axis, keepdims: bool, initial: float) -> Tensor:
    """The extreme of no elements, which is the initial value."""
    return _dlrs.full(_dlrs.any(x, axes_of(axis), keepdims).shape, initial, as_tensor(x).dtype)


@op
def amax(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element, as `max`.

    >>> amax([[1.0, 3.0], [2.0, 0.0]], axis=1).tolist()
    [3.0, 2.0]
    """
    return _dlrs.max(x, axes_of(axis), keepdims)


@op
def amin(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element, as `min`.

    >>> amin([[1.0, 3.0], [2.0, 0.0]], axis=1).tolist()
    [1.0, 0.0]
    """
    return _dlrs.min(x, axes_of(axis), keepdims)


@op
def any(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether some element is true.

    >>> any([[True, False], [False, False]], axis=1).tolist()
    [True, False]
    """
    return _dlrs.any(x, axes_of(axis), keepdims)


@op
def all(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether every element is true.

    >>> all([[True, False], [True, True]], axis=1).tolist()
    [False, True]
    """
    return _dlrs.all(x, axes_of(axis), keepdims)


@op
def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index (int32) of the largest element, the first if there are several; in the flattened tensor if `axis` is None.

    >>> argmax([[1.0, 5.0], [3.0, 2.0]], axis=1).tolist()
    [1, 0]
    """
    return _dlrs.argmax(x, axis, keepdims)


@op
def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index (int32) of the smallest element, the first if there are several; in the flattened tensor if `axis` is None.

    >>> argmin([[1.0, 5.0], [3.0, 2.0]], axis=1).tolist()
    [0, 1]
    """
    return _dlrs.argmin(x, axis, keepdims)


@op
def count_nonzero(x: TensorLike, axis: Axis = None) -> Tensor:
    """How many elements (int32) are not zero.

    >>> count_nonzero([0.0, 3.0, 4.0]).item()
    2
    """
    return _dlrs.sum(_dlrs.cast(_dlrs.not_equal(x, 0), "int32"), axes_of(axis), False)


@op
def var(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean squared distance from the mean.

    >>> var([1.0, 3.0]).item()
    1.0
    """
    # Two passes: E[x^2] - E[x]^2 cancels where the mean is large against the spread.
    axes = axes_of(axis)
    centred = _dlrs.subtract(x, _dlrs.mean(x, axes, True))
    return _dlrs.mean(_dlrs.square(centred), axes, keepdims)


@op
def std(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Square root of `var`.

    >>> std([1.0, 3.0]).item()
    1.0
    """
    return _dlrs.sqrt(var(x, axis, keepdims))


@op
def average(x: TensorLike, axis: int | None = None, weights: TensorLike | None = None) -> Tensor:
    """Mean weighted by `weights`, which have the shape of `x` or, for one axis, its length.

    >>> average([1.0, 3.0], weights=[3.0, 1.0]).item()
    1.5
    """
    if weights is None:
        return _dlrs.mean(x, axes_of(axis), False)
    x, weights = as_tensor(x), as_tensor(weights)
    if weights.shape != x.shape:
        if axis is None or weights.ndim != 1 or weights.shape[0] != x.shape[axis]:
            raise ValueError(
                f"average: `weights` of shape {weights.shape} fits neither `x` of shape {x.shape} nor its axis {axis}."
            )
        shape = [1] * x.ndim
        shape[axis] = weights.shape[0]
        weights = _dlrs.broadcast_to(_dlrs.reshape(weights, shape), x.shape)
    axes = axes_of(axis)
    return _dlrs.divide(_dlrs.sum(_dlrs.multiply(x, weights), axes, False), _dlrs.sum(weights, axes, False))


@op
def logsumexp(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))` without overflow.

    >>> logsumexp([1000.0, -1000.0]).item()
    1000.0
    """
    axes = axes_of(axis)
    largest = _dlrs.max(x, axes, True)
    # An infinite maximum would make inf - inf.
    largest = _dlrs.stop_gradient(_dlrs.where(_dlrs.isfinite(largest), largest, 0.0))
    logarithm = _dlrs.log(_dlrs.sum(_dlrs.exp(_dlrs.subtract(x, largest)), axes, True))
    result = _dlrs.add(logarithm, largest)
    if keepdims:
        return result
    return _dlrs.sum(result, axes, False)


@op
def moments(x: TensorLike, axes: Axis, keepdims: bool = False, synchronized: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over `axes`. Of float16 they are computed in float32 and limited to what float16 holds.

    >>> [m.item() for m in moments([1.0, 3.0], axes=0)]
    [2.0, 1.0]
    """
    if synchronized:
        raise ValueError("moments: `synchronized=True` needs several replicas; there is one.")
    x = as_tensor(x)
    leading = x.ndim > 1 and sorted(range(x.ndim)[i] for i in axes_of(axes) or ()) == list(range(x.ndim - 1))
    if leading and x.dtype in ("float32", "float64", "bfloat16"):
        mean, variance = _dlrs.column_moments(x)
        kept = (1,) * (x.ndim - 1) + (x.shape[-1],)
        return (_dlrs.reshape(mean, kept), _dlrs.reshape(variance, kept)) if keepdims else (mean, variance)
    if x.dtype != "float16":
        return _dlrs.mean(x, axes_of(axes), keepdims), var(x, axes, keepdims)
    wide = _dlrs.cast(x, "float32")
    mean, variance = _dlrs.mean(wide, axes_of(axes), keepdims), var(wide, axes, keepdims)
    most = 65504.0
    return _dlrs.cast(mean, x.dtype), _dlrs.cast(_dlrs.minimum(variance, most), x.dtype)
