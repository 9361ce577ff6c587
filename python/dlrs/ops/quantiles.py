"""Quantiles: places between the sorted elements.

Of `n` sorted elements, the quantile `q` lies at the place `q (n - 1)`. Where that is no whole number, `method` says
what is taken: `"linear"` the value on the line between the two neighbours, `"lower"`, `"higher"`, `"midpoint"` or
`"nearest"` (the even one of two equally near).
"""

import math

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, result_type
from dlrs.ops.manipulation import normalize_axis, take_along_axis
from dlrs.ops.operation import op
from dlrs.ops.reductions import Axis, axes_of
from dlrs.ops.sorting import sort

__all__ = ["median", "nanpercentile", "nanquantile", "percentile", "quantile"]

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op
def quantile(x: TensorLike, q: TensorLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The quantiles `q` (numbers from 0 to 1, one or a vector) along `axis`; the axis of `q` comes first.

    A slice that holds NaN has the quantile NaN.

    >>> quantile([1.0, 2.0, 4.0, 3.0], [0.0, 0.5]).tolist()
    [1.0, 2.5]
    """
    rows, fractions = _rows("quantile", x, axis), _fractions("quantile", q, x)
    last = rows.shape[1] - 1
    result = _between("quantile", rows, _dlrs.multiply(fractions, float(last)), method)
    # NaN stands behind all other elements once they are sorted.
    spoilt = _dlrs.isnan(_dlrs.slice(rows, [0, last], rows.shape, [1, 1]))
    return _arranged(_dlrs.where(spoilt, math.nan, result), x, q, axis, keepdims)


@op
def nanquantile(
    x: TensorLike, q: TensorLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN if there are none.

    >>> nanquantile([1.0, math.nan, 3.0], 0.5).item()
    2.0
    """
    rows, fractions = _rows("nanquantile", x, axis), _fractions("nanquantile", q, x)
    count = _dlrs.sum(_dlrs.cast(_dlrs.logical_not(_dlrs.isnan(rows)), rows.dtype), [1], True)
    # NaN stands behind all other elements once they are sorted.
    place = _dlrs.multiply(fractions, _dlrs.maximum(_dlrs.subtract(count, 1.0), 0.0))
    result = _between("nanquantile", rows, place, method)
    return _arranged(_dlrs.where(_dlrs.equal(count, 0.0), math.nan, result), x, q, axis, keepdims)


@op
def percentile(
    x: TensorLike, q: TensorLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with `q` from 0 to 100.

    >>> percentile([1.0, 2.0, 3.0], 50).item()
    2.0
    """
    return quantile(x, _dlrs.divide(_numbers(q), 100.0), axis, method, keepdims)


@op
def nanpercentile(
    x: TensorLike, q: TensorLike, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`nanquantile` with `q` from 0 to 100.

    >>> nanpercentile([1.0, math.nan, 3.0], 50).item()
    2.0
    """
    return nanquantile(x, _dlrs.divide(_numbers(q), 100.0), axis, method, keepdims)


@op
def median(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Middle of the sorted elements, between two their mean.

    >>> median([1.0, 4.0, 2.0, 3.0]).item()
    2.5
    """
    return quantile(x, 0.5, axis, keepdims=keepdims)


def _kept(name: str, x: Tensor, axis: Axis) -> list[int]:
    """The axes of `x` that are not reduced."""
    axes = axes_of(axis)
    reduced = range(x.ndim) if axes is None else [normalize_axis(name, a, x.ndim) for a in axes]
    return [a for a in range(x.ndim) if a not in reduced]


def _rows(name: str, x: TensorLike, axis: Axis) -> Tensor:
    """`x` as floats, the reduced axes as one, sorted: a matrix with a row for each result."""
    x = as_tensor(x)
    kept = _kept(name, x, axis)
    reduced = [a for a in range(x.ndim) if a not in kept]
    rows = _dlrs.transpose(_dlrs.cast(x, result_type(x.dtype, float)), kept + reduced)
    count = math.prod(x.shape[a] for a in kept)
    size = math.prod(x.shape[a] for a in reduced)
    if size == 0:
        raise ValueError(f"{name}: there is nothing to reduce along axis {axis} of shape {x.shape}.")
    return sort(_dlrs.reshape(rows, (count, size)), -1)


def _numbers(q: TensorLike) -> Tensor:
    """`q` as a tensor; Python's numbers in double precision, so that 0.3 loses nothing on the way."""
    if isinstance(q, Tensor | _dlrs.Variable):
        return as_tensor(q)
    return _dlrs.tensor(np.asarray(q, np.float64))


def _fractions(name: str, q: TensorLike, x: TensorLike) -> Tensor:
    """`q` as a row of the type of the results."""
    q = _numbers(q)
    if q.ndim > 1:
        raise ValueError(f"{name}: `q` must be a number or a vector, got shape {q.shape}.")
    if not q.is_symbolic and not np.all((q.numpy() >= 0) & (q.numpy() <= 1)):
        raise ValueError(f"{name}: `q` must lie between 0 and {100 if 'percent' in name else 1}, got {q.tolist()}.")
    return _dlrs.reshape(_dlrs.cast(q, result_type(as_tensor(x).dtype, float)), (1, q.size))


def _between(name: str, rows: Tensor, place: Tensor, method: str) -> Tensor:
    """The values at the places `place` of the rows."""
    if method not in _METHODS:
        raise ValueError(f"{name}: `method` must be one of {', '.join(_METHODS)}, got {method!r}.")
    if method == "nearest":
        return _at(rows, _dlrs.round(place))
    low, high = _dlrs.floor(place), _dlrs.ceil(place)
    if method == "lower":
        return _at(rows, low)
    if method == "higher":
        return _at(rows, high)
    below, above = _at(rows, low), _at(rows, high)
    weight = _dlrs.subtract(place, low) if method == "linear" else _dlrs.where(_dlrs.less(low, high), 0.5, 0.0)
    # Where the neighbours are one, or both infinite, their difference must not be weighed: inf - inf is NaN.
    same = _dlrs.equal(below, above)
    step = _dlrs.multiply(_dlrs.subtract(above, _dlrs.where(same, above, below)), weight)
    between = _dlrs.where(_dlrs.equal(weight, 0.0), 0.0, step)
    return _dlrs.cast(_dlrs.add(below, between), rows.dtype)


def _at(rows: Tensor, place: Tensor) -> Tensor:
    last = float(rows.shape[1] - 1)
    index = _dlrs.minimum(_dlrs.maximum(_dlrs.stop_gradient(place), 0.0), last)
    return take_along_axis(rows, _dlrs.cast(index, "int32"), 1)


def _arranged(result: Tensor, x: TensorLike, q: TensorLike, axis: Axis, keepdims: bool) -> Tensor:
    """The results, in a row for each slice and a column for each `q`, in the shape that belongs to them."""
    x, q = as_tensor(x), _numbers(q)
    kept = _kept("quantile", x, axis)
    sizes = [x.shape[a] if a in kept else 1 for a in range(x.ndim) if keepdims or a in kept]
    return _dlrs.reshape(_dlrs.transpose(result, (1, 0)), [*q.shape, *sizes])
