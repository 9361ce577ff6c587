"""Reductions that leave NaN out: as if the elements that are NaN were not there."""

import math
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type
from dlrs.backend.checks import check_type
from dlrs.ops.cumulative import cumprod, cumsum
from dlrs.ops.operation import op
from dlrs.ops.quantiles import nanquantile
from dlrs.ops.reductions import Axis, axes_of

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanprod",
    "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _filled(x: TensorLike, value: float) -> Tensor:
    """`x` with `value` for NaN."""
    x = as_tensor(x)
    return _dlrs.where(_dlrs.isnan(x), value, x) if is_float_dtype(x.dtype) else x


def _floating(x: TensorLike) -> Tensor:
    x = as_tensor(x)
    return _dlrs.cast(x, result_type(x.dtype, float))


@op
def nansum(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum; 0 of nothing.

    >>> nansum([1.0, math.nan, 2.0]).item()
    3.0
    """
    return _dlrs.sum(_filled(x, 0.0), axes_of(axis), keepdims)


@op
def nanprod(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Product; 1 of nothing.

    >>> nanprod([2.0, math.nan, 3.0]).item()
    6.0
    """
    return _dlrs.prod(_filled(x, 1.0), axes_of(axis), keepdims)


@op
def nanmax(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element; NaN if there is none.

    >>> nanmax([1.0, math.nan, 2.0]).item()
    2.0
    """
    largest = _dlrs.max(_filled(x, -math.inf), axes_of(axis), keepdims)
    return _nan_where_nothing(x, largest, axis, keepdims)


@op
def nanmin(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element; NaN if there is none.

    >>> nanmin([1.0, math.nan, 2.0]).item()
    1.0
    """
    smallest = _dlrs.min(_filled(x, math.inf), axes_of(axis), keepdims)
    return _nan_where_nothing(x, smallest, axis, keepdims)


def _nan_where_nothing(x: TensorLike, result: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    if not is_float_dtype(result.dtype):
        return result
    return _dlrs.where(_dlrs.all(_dlrs.isnan(x), axes_of(axis), keepdims), math.nan, result)


@op
def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index (int32) of the largest element, in the flattened tensor if `axis` is None; -1 if there is none.

    >>> nanargmax([1.0, math.nan, 2.0]).item()
    2
    """
    return _minus_one_where_nothing(x, _dlrs.argmax(_filled(x, -math.inf), axis, keepdims), axis, keepdims)


@op
def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index (int32) of the smallest element, in the flattened tensor if `axis` is None; -1 if there is none.

    >>> nanargmin([1.0, math.nan, 2.0]).item()
    0
    """
    return _minus_one_where_nothing(x, _dlrs.argmin(_filled(x, math.inf), axis, keepdims), axis, keepdims)


def _minus_one_where_nothing(x: TensorLike, index: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return index
    return _dlrs.where(_dlrs.all(_dlrs.isnan(x), axes_of(axis), keepdims), -1, index)


@op
def nancumsum(x: TensorLike, axis: Axis = None, dtype: Any = None) -> Tensor:
    """The sum of each element and those before it, as `cumsum`.

    >>> nancumsum([1.0, math.nan, 2.0]).tolist()
    [1.0, 1.0, 3.0]
    """
    filled = _filled(x, 0.0)
    return filled if axis == () else cumsum(filled, _single("nancumsum", axis), dtype)


@op
def nancumprod(x: TensorLike, axis: Axis = None, dtype: Any = None) -> Tensor:
    """The product of each element and those before it, as `cumprod`.

    >>> nancumprod([2.0, math.nan, 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    filled = _filled(x, 1.0)
    return filled if axis == () else cumprod(filled, _single("nancumprod", axis), dtype)


def _single(name: str, axis: Axis) -> int | None:
    """`axis`, which Keras also takes as a sequence of one."""
    if axis is None or isinstance(axis, int):
        return axis
    check_type(name, "axis", axis, list | tuple, "an axis, or a list of one", optional=True)
    if len(axis) != 1:
        raise ValueError(f"{name}: `axis` must be one axis or None, got {axis}.")
    return axis[0]


@op
def nanmean(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean; NaN of nothing.

    >>> nanmean([1.0, math.nan, 3.0]).item()
    2.0
    """
    x = _floating(x)
    axes = axes_of(axis)
    count = _dlrs.sum(_dlrs.cast(_dlrs.logical_not(_dlrs.isnan(x)), x.dtype), axes, keepdims)
    return _dlrs.divide(_dlrs.sum(_filled(x, 0.0), axes, keepdims), count)


@op
def nanvar(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean squared distance from the mean; NaN of nothing.

    >>> nanvar([1.0, math.nan, 3.0]).item()
    1.0
    """
    x = _floating(x)
    axes = axes_of(axis)
    gone = _dlrs.isnan(x)
    # NaN is taken out before it is squared, too: the gradient of a branch not taken would be 0 * NaN.
    distance = _dlrs.where(gone, 0.0, _dlrs.subtract(_filled(x, 0.0), nanmean(x, axis, True)))
    count = _dlrs.sum(_dlrs.cast(_dlrs.logical_not(gone), x.dtype), axes, keepdims)
    return _dlrs.divide(_dlrs.sum(_dlrs.square(distance), axes, keepdims), count)


@op
def nanstd(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Square root of `nanvar`.

    >>> nanstd([1.0, math.nan, 3.0]).item()
    1.0
    """
    return _dlrs.sqrt(nanvar(x, axis, keepdims))


@op
def nanmedian(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Middle of the sorted elements, between two their mean; NaN of nothing.

    >>> nanmedian([1.0, math.nan, 3.0]).item()
    2.0
    """
    return nanquantile(x, 0.5, axis, keepdims=keepdims)
