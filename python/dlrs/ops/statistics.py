"""Counts, spreads, correlations and areas."""

from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, is_int_dtype, result_type, standardize_dtype
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op, op_with_spec
from dlrs.ops.rearrangement import diff
from dlrs.ops.reductions import Axis, axes_of
from dlrs.ops.sorting import known_values, searchsorted, sort

__all__ = ["bincount", "corrcoef", "correlate", "digitize", "histogram", "isin", "ptp", "trapezoid"]


@op
def ptp(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element minus smallest.

    >>> ptp([[1.0, 5.0], [3.0, 2.0]], axis=1).tolist()
    [4.0, 1.0]
    """
    axes = axes_of(axis)
    return _dlrs.subtract(_dlrs.max(x, axes, keepdims), _dlrs.min(x, axes, keepdims))


@op
def corrcoef(x: TensorLike) -> Tensor:
    """Pearson's correlation of each row of `x` with each other, a matrix; of a vector with itself, 1.

    >>> corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = as_tensor(x)
    if x.ndim not in (1, 2):
        raise ValueError(f"corrcoef: `x` must be a vector or a matrix, got shape {x.shape}.")
    rows = _dlrs.reshape(_dlrs.cast(x, result_type(x.dtype, float)), (-1, x.shape[-1]))
    centred = _dlrs.subtract(rows, _dlrs.mean(rows, [1], True))
    products = _dlrs.matmul(centred, centred, transpose_b=True)
    size = _dlrs.sqrt(_dlrs.sum(_dlrs.square(centred), [1], False))
    # One division after the other: the product of two sizes may overflow where the quotient does not.
    scaled = _dlrs.divide(_dlrs.divide(products, _dlrs.reshape(size, (-1, 1))), _dlrs.reshape(size, (1, -1)))
    result = _dlrs.minimum(_dlrs.maximum(scaled, -1.0), 1.0)
    return _dlrs.reshape(result, ()) if x.ndim == 1 else result


@op
def correlate(x1: TensorLike, x2: TensorLike, mode: str = "valid") -> Tensor:
    """Sums of products of two vectors, one shifted along the other: `c[k] = sum over n of x1[n + k] * x2[n]`.

    Args:
        x1: Vector.
        x2: Vector.
        mode: `"valid"` for the shifts at which the shorter lies within the longer, `"full"` for all at which they
            overlap, `"same"` for as many of these, in the middle, as the longer has elements.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0]).tolist()
    [2.0, 3.0]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ValueError(f"correlate: `x1` and `x2` must be vectors, not empty; got shapes {x1.shape} and {x2.shape}.")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: `mode` must be 'valid', 'same' or 'full', got {mode!r}.")
    kind = result_type(x1.dtype, x2.dtype, float)
    n, m = x1.size, x2.size
    shorter, longer = min(n, m), max(n, m)
    first, count = 0, n + m - 1
    if mode == "valid":
        first, count = shorter - 1, longer - shorter + 1
    elif mode == "same":
        # NumPy exchanges the vectors if the second is longer, and then reverses what comes out.
        left = shorter // 2
        first, count = shorter - 1 - (left if n >= m else shorter - 1 - left), longer
    padded = _dlrs.pad(_dlrs.cast(x1, kind), [(m - 1, m - 1)])
    windows = np.arange(first, first + count, dtype=np.int32)[:, None] + np.arange(m, dtype=np.int32)
    products = _dlrs.matmul(_dlrs.take(padded, windows, 0), _dlrs.reshape(_dlrs.cast(x2, kind), (m, 1)))
    return _dlrs.reshape(products, (count,))


def _bincount_spec(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> KerasTensor:
    return KerasTensor([*x.shape[:-1], None], "int32" if weights is None else standardize_dtype(weights.dtype))


@op_with_spec(_bincount_spec)
def bincount(x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each integer from 0 to the largest occurs in `x`, or the sums of the `weights` of its occurrences.

    Args:
        x: Vector of integers that are not negative, or a matrix, whose rows are counted one by one.
        weights: Tensor of the shape of `x`.
        minlength: Least length of the result.
        sparse: Not supported.

    Errors: ValueError for negative integers or other shapes; TracingError while a function is traced, as the length of
    the result depends on values.

    >>> bincount([1, 2, 2, 5]).tolist()
    [0, 1, 2, 0, 0, 1]
    """
    x = as_tensor(x)
    if sparse:
        raise ValueError("bincount: sparse tensors are not supported.")
    if not is_int_dtype(x.dtype) or x.ndim not in (1, 2):
        raise ValueError(f"bincount: `x` must be a vector or matrix of integers, got shape {x.shape}, {x.dtype}.")
    values = known_values("bincount", x)
    if values.size and values.min() < 0:
        raise ValueError(f"bincount: `x` must not hold negative integers, got {values.min()}.")
    length = max(int(values.max()) + 1 if values.size else 0, minlength)
    amounts = _dlrs.full(x.shape, 1, "int32") if weights is None else as_tensor(weights)
    if amounts.shape != x.shape:
        raise ValueError(f"bincount: `weights` must have the shape {x.shape} of `x`, got {amounts.shape}.")
    rows = x.shape[0] if x.ndim == 2 else 1
    places = values.astype(np.int64).reshape(rows, -1) + length * np.arange(rows).reshape(-1, 1)
    sums = _dlrs.segment_sum(_dlrs.reshape(amounts, (x.size,)), places.reshape(-1), rows * length)
    return _dlrs.reshape(sums, [*x.shape[:-1], length])


@op
def digitize(x: TensorLike, bins: TensorLike) -> Tensor:
    """The number (int32) of the edges `bins`, a vector in increasing order, that are not above each element.

    >>> digitize([0.2, 6.4, 3.0], [0.0, 1.0, 2.5, 4.0, 10.0]).tolist()
    [1, 4, 3]
    """
    x, bins = as_tensor(x), as_tensor(bins)
    if bins.ndim != 1:
        raise ValueError(f"digitize: `bins` must be a vector, got shape {bins.shape}.")
    kind = result_type(x.dtype, bins.dtype)
    return searchsorted(_dlrs.cast(bins, kind), _dlrs.cast(x, kind), side="right")


@op
def histogram(x: TensorLike, bins: int = 10, range: tuple[float, float] | None = None) -> tuple[Tensor, Tensor]:
    """How many elements of the vector `x` (int32) fall into each of `bins` intervals of one length, and their edges.

    An interval holds its lower edge; the last one holds its upper edge too.

    Args:
        x: Vector.
        bins: Number of intervals.
        range: Lower and upper end; smallest and largest element if None. Elements beyond are not counted.

    >>> counts, edges = histogram([0.0, 1.0, 3.0, 4.0], bins=2)
    >>> counts.tolist(), edges.tolist()
    ([2, 2], [0.0, 2.0, 4.0])
    """
    x = as_tensor(x)
    _check_histogram(x, bins, range)
    x = _dlrs.cast(x, result_type(x.dtype, float))
    if range is not None or not x.size:
        low, high = (_dlrs.full((), float(end), x.dtype) for end in (range or (0.0, 1.0)))
    else:
        low, high = _dlrs.min(x), _dlrs.max(x)
    # All elements equal: an interval of length 1 around them, as NumPy.
    flat = _dlrs.equal(low, high)
    low, high = _dlrs.where(flat, _dlrs.subtract(low, 0.5), low), _dlrs.where(flat, _dlrs.add(high, 0.5), high)
    steps = np.arange(bins + 1) / max(bins, 1)
    edges = _dlrs.add(low, _dlrs.multiply(_dlrs.subtract(high, low), _dlrs.cast(steps, x.dtype)))
    edges = _dlrs.where(np.arange(bins + 1) == bins, high, edges)
    inside = _dlrs.logical_and(_dlrs.greater_equal(x, low), _dlrs.less_equal(x, high))
    place = _dlrs.subtract(searchsorted(edges, x, side="right"), 1)
    place = _dlrs.minimum(_dlrs.maximum(place, 0), max(bins - 1, 0))
    return _dlrs.segment_sum(_dlrs.cast(inside, "int32"), place, bins), edges


def _check_histogram(x: Tensor, bins: int, range: Any) -> None:
    if not isinstance(bins, int | np.integer):
        raise TypeError(f"histogram: Argument `bins` must be an integer, got {bins!r}.")
    if bins < 0:
        raise ValueError(f"histogram: Argument `bins` should be a non-negative integer, got {bins}.")
    if range is not None:
        if not isinstance(range, tuple) or len(range) != 2:
            raise ValueError(f"histogram: Argument `range` must be a tuple of two elements, got {range!r}.")
        if range[1] < range[0]:
            raise ValueError(f"histogram: The second element of `range` must be greater than the first, got {range}.")
    if x.ndim != 1:
        raise ValueError(f"histogram: Input tensor must be 1-dimensional, got shape {x.shape}.")


@op
def isin(x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of `x1` occurs in `x2`; with `invert`, whether it does not.

    >>> isin([1, 2, 3], [3, 1]).tolist()
    [True, False, True]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    kind = result_type(x1.dtype, x2.dtype)
    kind = "int32" if kind == "bool" else kind
    x1, members = _dlrs.cast(x1, kind), sort(_dlrs.reshape(_dlrs.cast(x2, kind), (x2.size,)))
    if not x2.size:
        return _dlrs.full(x1.shape, invert, "bool")
    place = _dlrs.minimum(searchsorted(members, _dlrs.reshape(x1, (x1.size,))), x2.size - 1)
    found = _dlrs.reshape(_dlrs.take(members, place, 0), x1.shape)
    return _dlrs.not_equal(found, x1) if invert else _dlrs.equal(found, x1)


@op
def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The area under the line through the points `y` along `axis`, which lie at `x`, or `dx` apart.

    >>> trapezoid([1.0, 2.0, 3.0]).item()
    4.0
    """
    y = as_tensor(y)
    axis = normalize_axis("trapezoid", axis, y.ndim)
    y = _dlrs.cast(y, result_type(y.dtype, float))
    size = y.shape[axis]
    ends, begins, ones = list(y.shape), [0] * y.ndim, [1] * y.ndim
    ends[axis], begins[axis] = max(size - 1, 0), min(1, size)
    heights = _dlrs.add(_dlrs.slice(y, begins, y.shape, ones), _dlrs.slice(y, [0] * y.ndim, ends, ones))
    widths: Any = dx
    if x is not None:
        x = as_tensor(x)
        widths = _dlrs.cast(diff(x, axis=axis if x.ndim == y.ndim else -1), y.dtype)
        if x.ndim == 1:
            widths = _dlrs.reshape(widths, [-1 if a == axis else 1 for a in np.arange(y.ndim)])
    return _dlrs.sum(_dlrs.multiply(_dlrs.multiply(heights, widths), 0.5), [axis], False)
