"""Functions of two tensors, element by element, with NumPy's broadcasting and Keras's promotion of types."""

import math
from typing import Any, overload

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, is_int_dtype, result_type
from dlrs.ops.operation import op, primitive, symbolic
from dlrs.ops.sorting import nonzero

__all__ = [
    "add", "divide", "divide_no_nan", "equal", "floor_divide", "fmax", "fmin", "fmod", "greater", "greater_equal",
    "heaviside", "hypot", "isclose", "ldexp", "less", "less_equal", "logaddexp", "logaddexp2", "logical_and",
    "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "nextafter", "not_equal", "power",
    "subtract", "true_divide", "where",
]  # fmt: skip

_LN2 = math.log(2.0)


@primitive
def add(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 + x2`.

    >>> add([1.0, 2.0], 3.0).tolist()
    [4.0, 5.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(add, x1, x2)
    return _dlrs.add(x1, x2)


@primitive
def subtract(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 - x2`.

    >>> subtract([1.0, 2.0], 3.0).tolist()
    [-2.0, -1.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(subtract, x1, x2)
    return _dlrs.subtract(x1, x2)


@primitive
def multiply(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 * x2`.

    >>> multiply([1.0, 2.0], [3.0, 4.0]).tolist()
    [3.0, 8.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(multiply, x1, x2)
    return _dlrs.multiply(x1, x2)


@primitive
def divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`; integers are divided as floats.

    >>> divide([1.0, 2.0], 4.0).tolist()
    [0.25, 0.5]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(divide, x1, x2)
    return _dlrs.divide(x1, x2)


@primitive
def floor_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`floor(x1 / x2)`.

    >>> floor_divide([7.0, -7.0], 2.0).tolist()
    [3.0, -4.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(floor_divide, x1, x2)
    return _dlrs.floor_divide(x1, x2)


@primitive
def mod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 - floor(x1 / x2) * x2`, which has the sign of `x2`.

    >>> mod([7.0, -7.0], 3.0).tolist()
    [1.0, 2.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(mod, x1, x2)
    return _dlrs.mod(x1, x2)


@primitive
def power(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1` to the power of `x2`.

    >>> power([2.0, 3.0], 2.0).tolist()
    [4.0, 9.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(power, x1, x2)
    return _dlrs.power(x1, x2)


@primitive
def maximum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of each pair; NaN if one is NaN.

    >>> maximum([1.0, 5.0], 3.0).tolist()
    [3.0, 5.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(maximum, x1, x2)
    return _dlrs.maximum(x1, x2)


@primitive
def minimum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of each pair; NaN if one is NaN.

    >>> minimum([1.0, 5.0], 3.0).tolist()
    [1.0, 3.0]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(minimum, x1, x2)
    return _dlrs.minimum(x1, x2)


@primitive
def less(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether `x1 < x2`.

    >>> less([1.0, 5.0], 3.0).tolist()
    [True, False]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(less, x1, x2)
    return _dlrs.less(x1, x2)


@primitive
def less_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether `x1 <= x2`.

    >>> less_equal([1.0, 3.0], 3.0).tolist()
    [True, True]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(less_equal, x1, x2)
    return _dlrs.less_equal(x1, x2)


@primitive
def greater(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether `x1 > x2`.

    >>> greater([1.0, 5.0], 3.0).tolist()
    [False, True]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(greater, x1, x2)
    return _dlrs.greater(x1, x2)


@primitive
def greater_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether `x1 >= x2`.

    >>> greater_equal([1.0, 3.0], 3.0).tolist()
    [False, True]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(greater_equal, x1, x2)
    return _dlrs.greater_equal(x1, x2)


@primitive
def equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether `x1 == x2`.

    >>> equal([1.0, 3.0], 3.0).tolist()
    [False, True]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(equal, x1, x2)
    return _dlrs.equal(x1, x2)


@primitive
def not_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether `x1 != x2`.

    >>> not_equal([1.0, 3.0], 3.0).tolist()
    [True, False]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(not_equal, x1, x2)
    return _dlrs.not_equal(x1, x2)


@primitive
def logical_and(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether both are true.

    >>> logical_and([True, False], True).tolist()
    [True, False]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(logical_and, x1, x2)
    return _dlrs.logical_and(x1, x2)


@primitive
def logical_or(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether one is true.

    >>> logical_or([True, False], False).tolist()
    [True, False]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(logical_or, x1, x2)
    return _dlrs.logical_or(x1, x2)


@primitive
def true_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`, as `divide`.

    >>> true_divide([1.0, 3.0], 2.0).tolist()
    [0.5, 1.5]
    """
    if type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(true_divide, x1, x2)
    return _dlrs.divide(x1, x2)


@op
def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`, and 0 where `x2` is 0.

    >>> divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist()
    [0.0, 0.5]
    """
    # The divisor is replaced too: the gradient of a branch not taken would be 0 * inf = NaN.
    zero = _dlrs.equal(x2, 0)
    return _dlrs.where(zero, 0.0, _dlrs.divide(x1, _dlrs.where(zero, 1, x2)))


@op
def logical_xor(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether exactly one is true.

    >>> logical_xor([True, False], [True, True]).tolist()
    [False, True]
    """
    return _dlrs.not_equal(_dlrs.cast(x1, "bool"), _dlrs.cast(x2, "bool"))


@op
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`log(exp(x1) + exp(x2))` without overflow.

    >>> logaddexp([1000.0, 1.0], [-1000.0, -1e30]).tolist()
    [1000.0, 1.0]
    """
    # softplus(x1 - x2) = log(1 + exp(x1 - x2)); its gradient is a sigmoid, smooth where x1 = x2. It is added to the
    # larger one, as to the smaller one it would cancel. Where a difference is not finite, the larger one is the sum;
    # 0 stands in there, so that no NaN reaches the gradient.
    difference = _dlrs.subtract(x1, x2)
    finite = _dlrs.isfinite(difference)
    safe = _dlrs.where(finite, difference, 0)
    first = _dlrs.add(x1, _dlrs.softplus(_dlrs.negative(safe)))
    smooth = _dlrs.where(_dlrs.greater(safe, 0), first, _dlrs.add(x2, _dlrs.softplus(safe)))
    return _dlrs.where(finite, smooth, _dlrs.maximum(x1, x2))


@op
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of `x1 / x2` rounded towards zero, which has the sign of `x1`.

    >>> fmod([7.0, -7.0], 3.0).tolist()
    [1.0, -1.0]
    """
    return _dlrs.fmod(x1, x2)


@op
def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of each pair; NaN only if both are.

    >>> fmax([1.0, math.nan], [2.0, 3.0]).tolist()
    [2.0, 3.0]
    """
    return _dlrs.where(_dlrs.isnan(x1), x2, _dlrs.where(_dlrs.isnan(x2), x1, _dlrs.maximum(x1, x2)))


@op
def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of each pair; NaN only if both are.

    >>> fmin([1.0, math.nan], [2.0, 3.0]).tolist()
    [1.0, 3.0]
    """
    return _dlrs.where(_dlrs.isnan(x1), x2, _dlrs.where(_dlrs.isnan(x2), x1, _dlrs.minimum(x1, x2)))


@op
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`sqrt(x1 ** 2 + x2 ** 2)` without overflow.

    >>> hypot([3.0], [4.0]).tolist()
    [5.0]
    """
    return _dlrs.hypot(x1, x2)


@op
def nextafter(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The float after `x1` in the direction of `x2`; of halves, rounded back to one.

    >>> float(nextafter(1.0, 2.0) - 1.0) == 2**-23
    True
    """
    return _dlrs.nextafter(x1, x2)


@op
def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """0 where `x1` is negative, 1 where it is positive, and `x2` where it is 0.

    >>> heaviside([-2.0, 0.0, 3.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1, x2 = _floats(x1, x2)
    step = _dlrs.where(_dlrs.isnan(x1), x1, _dlrs.greater(x1, 0))
    return _dlrs.where(_dlrs.equal(x1, 0), x2, step)


@op
def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 * 2 ** x2` for integers `x2`; other types of `x2` are a TypeError.

    >>> ldexp([0.75], [4]).tolist()
    [12.0]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if not is_int_dtype(x2.dtype):
        raise TypeError(f"ldexp: `x2` must have an integer type, got {x2.dtype}.")
    x1 = _dlrs.cast(x1, result_type(x1.dtype, x2.dtype, float))
    # In two halves, so that neither power overflows where the result does not.
    half = _dlrs.floor_divide(x2, 2)
    first, second = (_dlrs.exp2(_dlrs.cast(n, x1.dtype)) for n in (half, _dlrs.subtract(x2, half)))
    return _dlrs.multiply(_dlrs.multiply(x1, first), second)


@op
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`log2(2 ** x1 + 2 ** x2)` without overflow.

    >>> logaddexp2([3.0], [3.0]).tolist()
    [4.0]
    """
    x1, x2 = _floats(x1, x2)
    return _dlrs.multiply(logaddexp(_dlrs.multiply(x1, _LN2), _dlrs.multiply(x2, _LN2)), 1.0 / _LN2)


def _floats(x1: TensorLike, x2: TensorLike) -> tuple[Tensor, Tensor]:
    """The operands in the floating-point type to which they promote."""
    dtype = result_type(*(type(x) if type(x) in (int, float) else as_tensor(x).dtype for x in (x1, x2)), float)
    return _dlrs.cast(x1, dtype), _dlrs.cast(x2, dtype)


@op
def isclose(x1: TensorLike, x2: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether `|x1 - x2| <= atol + rtol * |x2|`; infinities are close to themselves.

    >>> isclose([1.0, 1.0], [1.000001, 1.1]).tolist()
    [True, False]
    """
    bound = _dlrs.add(_dlrs.multiply(_dlrs.absolute(x2), rtol), atol)
    close = _dlrs.less_equal(_dlrs.absolute(_dlrs.subtract(x1, x2)), bound)
    close = _dlrs.logical_or(_dlrs.logical_and(close, _dlrs.isfinite(x2)), _dlrs.equal(x1, x2))
    if equal_nan:
        close = _dlrs.logical_or(close, _dlrs.logical_and(_dlrs.isnan(x1), _dlrs.isnan(x2)))
    return close


@overload
def where(condition: TensorLike) -> tuple[Tensor, ...]: ...
@overload
def where(condition: TensorLike, x1: TensorLike, x2: TensorLike) -> Tensor: ...


@primitive
def where(condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None) -> Any:
    """`x1` where `condition` holds, else `x2`; without both, the indices of where it holds, as `nonzero`.

    >>> where([True, False], [1.0, 2.0], 0.0).tolist()
    [1.0, 0.0]
    """
    if x1 is None or x2 is None:
        if x1 is not None or x2 is not None:
            raise ValueError("where: `x1` and `x2` either both should be `None`, or both should be given.")
        return nonzero(condition)
    if type(condition) is KerasTensor or type(x1) is KerasTensor or type(x2) is KerasTensor:
        return symbolic(where, condition, x1, x2)
    return _dlrs.where(condition, x1, x2)
