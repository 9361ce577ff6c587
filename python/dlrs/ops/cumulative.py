"""Running sums and products along an axis."""

from collections.abc import Callable
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, standardize_dtype
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op

__all__ = ["cumprod", "cumsum"]


@op
def cumsum(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sum of each element and those before it along `axis`, or in the flattened `x` if that is None.

    Bools are counted as int32; `dtype` names another type to cast to first. Integers wrap around.

    Errors: ValueError if there is no such axis.

    >>> cumsum([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist(), cumsum([[1, 2], [3, 4]]).tolist()
    ([[1.0, 3.0], [3.0, 7.0]], [1, 3, 6, 10])
    """
    return _cumulative("cumsum", _dlrs.cumsum, x, axis, dtype)


@op
def cumprod(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The product of each element and those before it along `axis`, as `cumsum`. Its gradient is right at zeros too.

    >>> cumprod([1.0, 2.0, 3.0]).tolist()
    [1.0, 2.0, 6.0]
    """
    return _cumulative("cumprod", _dlrs.cumprod, x, axis, dtype)


def _cumulative(name: str, fn: Callable[[Tensor, int], Tensor], x: TensorLike, axis: int | None, dtype: Any) -> Tensor:
    x = as_tensor(x)
    wanted = standardize_dtype(dtype) if dtype is not None else x.dtype
    x = _dlrs.cast(x, "int32" if wanted == "bool" else wanted)
    if axis is None:
        return fn(_dlrs.reshape(x, (x.size,)), 0)
    return fn(x, normalize_axis(name, axis, x.ndim))
