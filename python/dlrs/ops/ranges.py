"""Numbers between two ends: at equal distances, at equal ratios, on a logarithmic scale."""

from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, convert_to_tensor, result_type, standardize_dtype
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op

__all__ = ["geomspace", "linspace", "logspace"]


@op
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`; with `retstep`, a pair of them and the distance.

    Args:
        start: First number, or a tensor of them.
        stop: Last number, or a tensor of them; broadcast with `start`.
        num: How many.
        endpoint: Whether `stop` is among them.
        retstep: Whether the distance is returned too.
        dtype: Element type; that of the ends, as a float, if None. Integers are rounded down.
        axis: The place of the new axis.

    >>> linspace(0.0, 1.0, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    kind = _type(start, stop, dtype)
    if isinstance(start, int | float) and isinstance(stop, int | float):
        # On the host in double precision, rounded once.
        _check_count("linspace", num)
        numbers, distance = np.linspace(start, stop, num, endpoint=endpoint, retstep=True)
        line = convert_to_tensor(_whole(numbers, kind), kind)
        return (line, convert_to_tensor(distance, result_type(kind, float))) if retstep else line
    first, last = _ends(start, stop, kind)
    values, step = _line("linspace", first, last, num, endpoint, axis)
    line = _rounded_down(values, kind)
    return (line, step) if retstep else line


@op
def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """`base` to the power of the numbers of `linspace(start, stop, num, endpoint)`.

    >>> logspace(0.0, 2.0, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    kind = _type(start, stop, dtype)
    if isinstance(start, int | float) and isinstance(stop, int | float):
        _check_count("logspace", num)
        return convert_to_tensor(_whole(np.logspace(start, stop, num, endpoint, base), kind), kind)
    first, last = _ends(start, stop, kind)
    values, _ = _line("logspace", first, last, num, endpoint, axis)
    return _rounded_down(_dlrs.power(_dlrs.full((), float(base), values.dtype), values), kind)


@op
def geomspace(
    start: TensorLike, stop: TensorLike, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Tensor:
    """`num` numbers from `start` to `stop`, each the same multiple of the one before.

    Both ends must have the same sign; where they have not, or one is 0, the result is NaN.

    >>> geomspace(1.0, 4.0, 3).tolist()
    [1.0, 2.0, 4.0]
    """
    kind = _type(start, stop, dtype)
    first, last = _ends(start, stop, kind)
    logs, _ = _line("geomspace", _dlrs.log(_dlrs.absolute(first)), _dlrs.log(_dlrs.absolute(last)), num, endpoint, axis)
    place = normalize_axis("geomspace", axis, logs.ndim)
    first, last = (_dlrs.reshape(x, _with_axis(x.shape, place, 1)) for x in (first, last))
    values = _dlrs.multiply(_dlrs.exp(logs), _dlrs.sign(first))
    # The ends themselves, not what rounding leaves of them.
    index = np.arange(num).reshape([num if a == place else 1 for a in range(logs.ndim)])
    values = _dlrs.where(index == 0, first, values)
    if endpoint and num > 1:
        values = _dlrs.where(index == num - 1, last, values)
    same = _dlrs.greater(_dlrs.multiply(_dlrs.sign(first), _dlrs.sign(last)), 0.0)
    return _rounded_down(_dlrs.where(same, values, np.nan), kind)


def _type(start: TensorLike, stop: TensorLike, dtype: Any) -> str:
    if dtype is not None:
        return standardize_dtype(dtype)
    kinds = [type(x) if isinstance(x, int | float) else as_tensor(x).dtype for x in (start, stop)]
    return result_type(*kinds, float)


def _ends(start: TensorLike, stop: TensorLike, kind: str) -> tuple[Tensor, Tensor]:
    """Both ends as floats of one shape."""
    working = result_type(kind, float)
    first, last = _dlrs.cast(start, working), _dlrs.cast(stop, working)
    zero = _dlrs.multiply(_dlrs.add(first, last), 0.0)
    return _dlrs.broadcast_to(first, zero.shape), _dlrs.broadcast_to(last, zero.shape)


def _check_count(name: str, num: int) -> None:
    if num < 0:
        raise ValueError(f"{name}: `num` must not be negative, got {num}.")


def _line(name: str, first: Tensor, last: Tensor, num: int, endpoint: bool, axis: int) -> tuple[Tensor, Tensor]:
    """Numbers at equal distances along a new axis, and the distance."""
    _check_count(name, num)
    place = normalize_axis(name, axis, first.ndim + 1)
    parts = num - 1 if endpoint else num
    step = _dlrs.divide(_dlrs.subtract(last, first), float(parts)) if parts > 0 else _dlrs.multiply(first, np.nan)
    index = np.arange(num, dtype=np.float64).reshape([num if a == place else 1 for a in range(first.ndim + 1)])
    low, high = (_dlrs.reshape(x, _with_axis(x.shape, place, 1)) for x in (first, last))
    fraction = _dlrs.cast(index / max(parts, 1), first.dtype)
    # Weighted from the nearer end, so that both ends come out exactly.
    near_low = _dlrs.add(low, _dlrs.multiply(_dlrs.subtract(high, low), fraction))
    near_high = _dlrs.subtract(high, _dlrs.multiply(_dlrs.subtract(high, low), _dlrs.subtract(1.0, fraction)))
    return _dlrs.where(index / max(parts, 1) <= 0.5, near_low, near_high), step


def _with_axis(shape: tuple[int, ...], place: int, size: int) -> list[int]:
    return [*shape[:place], size, *shape[place:]]


def _whole(values: Any, kind: str) -> Any:
    return np.floor(values) if "int" in kind else values


def _rounded_down(values: Tensor, kind: str) -> Tensor:
    return _dlrs.cast(_dlrs.floor(values) if "int" in kind else values, kind)
