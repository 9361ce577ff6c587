"""Functions of one tensor, element by element; of integers where a fraction can come out, floats."""

import math

from dlrs import _dlrs, config
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, is_float_dtype
from dlrs.ops.operation import op, primitive, symbolic

__all__ = [
    "abs",
    "absolute",
    "cbrt",
    "ceil",
    "clip",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "i0",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_not",
    "nan_to_num",
    "negative",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "signbit",
    "sqrt",
    "square",
    "trunc",
]  # fmt: skip


def as_float(x: TensorLike) -> Tensor:
    """`x` as a tensor of a floating-point type: its own, or `config.floatx()`."""
    x = as_tensor(x)
    return x if is_float_dtype(x.dtype) else _dlrs.cast(x, config.floatx())


@primitive
def absolute(x: TensorLike) -> Tensor:
    """Absolute value.

    >>> absolute([-1.5, 2.0]).tolist()
    [1.5, 2.0]
    """
    if type(x) is KerasTensor:
        return symbolic(absolute, x)
    return _dlrs.absolute(x)


@primitive
def negative(x: TensorLike) -> Tensor:
    """`-x`.

    >>> negative([1.0, -2.0]).tolist()
    [-1.0, 2.0]
    """
    if type(x) is KerasTensor:
        return symbolic(negative, x)
    return _dlrs.negative(x)


@primitive
def sign(x: TensorLike) -> Tensor:
    """-1, 0 or 1 by the sign of each element.

    >>> sign([-3.0, 0.0, 2.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    if type(x) is KerasTensor:
        return symbolic(sign, x)
    return _dlrs.sign(x)


@primitive
def exp(x: TensorLike) -> Tensor:
    """Exponential.

    >>> exp([0.0]).tolist()
    [1.0]
    """
    if type(x) is KerasTensor:
        return symbolic(exp, x)
    return _dlrs.exp(x)


@primitive
def expm1(x: TensorLike) -> Tensor:
    """`exp(x) - 1`, exact for small `x`.

    >>> expm1([0.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(expm1, x)
    return _dlrs.expm1(x)


@primitive
def log(x: TensorLike) -> Tensor:
    """Natural logarithm.

    >>> log([1.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(log, x)
    return _dlrs.log(x)


@primitive
def log1p(x: TensorLike) -> Tensor:
    """`log(1 + x)`, exact for small `x`.

    >>> log1p([0.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(log1p, x)
    return _dlrs.log1p(x)


@primitive
def sqrt(x: TensorLike) -> Tensor:
    """Square root.

    >>> sqrt([4.0, 9.0]).tolist()
    [2.0, 3.0]
    """
    if type(x) is KerasTensor:
        return symbolic(sqrt, x)
    return _dlrs.sqrt(x)


@primitive
def rsqrt(x: TensorLike) -> Tensor:
    """`1 / sqrt(x)`.

    >>> rsqrt([4.0]).tolist()
    [0.5]
    """
    if type(x) is KerasTensor:
        return symbolic(rsqrt, x)
    return _dlrs.rsqrt(x)


@primitive
def square(x: TensorLike) -> Tensor:
    """`x * x`.

    >>> square([-3.0]).tolist()
    [9.0]
    """
    if type(x) is KerasTensor:
        return symbolic(square, x)
    return _dlrs.square(x)


@primitive
def reciprocal(x: TensorLike) -> Tensor:
    """`1 / x`.

    >>> reciprocal([4.0]).tolist()
    [0.25]
    """
    if type(x) is KerasTensor:
        return symbolic(reciprocal, x)
    return _dlrs.reciprocal(x)


@primitive
def erf(x: TensorLike) -> Tensor:
    """Error function.

    >>> erf([0.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(erf, x)
    return _dlrs.erf(x)


@primitive
def floor(x: TensorLike) -> Tensor:
    """Largest integer not above each element.

    >>> floor([1.7, -1.2]).tolist()
    [1.0, -2.0]
    """
    if type(x) is KerasTensor:
        return symbolic(floor, x)
    return _dlrs.floor(x)


@primitive
def ceil(x: TensorLike) -> Tensor:
    """Smallest integer not below each element.

    >>> ceil([1.2, -1.7]).tolist()
    [2.0, -1.0]
    """
    if type(x) is KerasTensor:
        return symbolic(ceil, x)
    return _dlrs.ceil(x)


@primitive
def isfinite(x: TensorLike) -> Tensor:
    """Whether each element is neither infinite nor NaN.

    >>> isfinite([1.0, math.inf]).tolist()
    [True, False]
    """
    if type(x) is KerasTensor:
        return symbolic(isfinite, x)
    return _dlrs.isfinite(x)


@primitive
def isnan(x: TensorLike) -> Tensor:
    """Whether each element is NaN.

    >>> isnan([1.0, math.nan]).tolist()
    [False, True]
    """
    if type(x) is KerasTensor:
        return symbolic(isnan, x)
    return _dlrs.isnan(x)


@primitive
def logical_not(x: TensorLike) -> Tensor:
    """Whether each element is zero or False.

    >>> logical_not([True, False]).tolist()
    [False, True]
    """
    if type(x) is KerasTensor:
        return symbolic(logical_not, x)
    return _dlrs.logical_not(x)


@primitive
def abs(x: TensorLike) -> Tensor:
    """Absolute value, as `absolute`.

    >>> abs([-1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    if type(x) is KerasTensor:
        return symbolic(abs, x)
    return _dlrs.absolute(x)


@op
def log2(x: TensorLike) -> Tensor:
    """Logarithm to base 2.

    >>> log2([8.0]).tolist()
    [3.0]
    """
    return _dlrs.log2(x)


@op
def log10(x: TensorLike) -> Tensor:
    """Logarithm to base 10.

    >>> log10([1000.0]).tolist()
    [3.0]
    """
    return _dlrs.log10(x)


@op
def exp2(x: TensorLike) -> Tensor:
    """`2 ** x`.

    >>> exp2([3.0, -1.0]).tolist()
    [8.0, 0.5]
    """
    return _dlrs.exp2(x)


@op
def cbrt(x: TensorLike) -> Tensor:
    """Cube root.

    >>> cbrt([27.0, -8.0]).tolist()
    [3.0, -2.0]
    """
    return _dlrs.cbrt(x)


@op
def i0(x: TensorLike) -> Tensor:
    """The modified Bessel function of the first kind and order 0.

    >>> i0([0.0]).tolist()
    [1.0]
    """
    return _dlrs.i0(x)


@op
def erfc(x: TensorLike) -> Tensor:
    """`1 - erf(x)`, accurate also where it is small.

    >>> erfc([0.0]).tolist()
    [1.0]
    """
    return _dlrs.erfc(x)


@op
def erfinv(x: TensorLike) -> Tensor:
    """The inverse of `erf`; infinite at -1 and 1, NaN beyond.

    >>> erfinv([0.0, 1.0]).tolist()
    [0.0, inf]
    """
    return _dlrs.erfinv(x)


@op
def trunc(x: TensorLike) -> Tensor:
    """`x` without its fraction.

    >>> trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    return _dlrs.trunc(x)


@op
def isinf(x: TensorLike) -> Tensor:
    """Whether each element is infinite.

    >>> isinf([1.0, -math.inf, math.nan]).tolist()
    [False, True, False]
    """
    return _dlrs.isinf(x)


@op
def signbit(x: TensorLike) -> Tensor:
    """Whether the sign of each element is negative, which that of -0.0 is.

    >>> signbit([-1.0, -0.0, 0.0]).tolist()
    [True, True, False]
    """
    return _dlrs.signbit(x)


@op
def isposinf(x: TensorLike) -> Tensor:
    """Whether each element is positive infinity.

    >>> isposinf([math.inf, -math.inf]).tolist()
    [True, False]
    """
    return _dlrs.logical_and(_dlrs.isinf(x), _dlrs.greater(x, 0))


@op
def isneginf(x: TensorLike) -> Tensor:
    """Whether each element is negative infinity.

    >>> isneginf([math.inf, -math.inf]).tolist()
    [False, True]
    """
    return _dlrs.logical_and(_dlrs.isinf(x), _dlrs.less(x, 0))


@op
def fabs(x: TensorLike) -> Tensor:
    """Absolute value; integers become floats.

    >>> fabs([-3, 2]).tolist()
    [3.0, 2.0]
    """
    return _dlrs.absolute(as_float(x))


@op
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """Nearest multiple of `10 ** -decimals`; halves go to the even neighbour.

    >>> round([0.5, 1.5, 2.5]).tolist()
    [0.0, 2.0, 2.0]
    """
    if decimals == 0:
        return _dlrs.round(x)
    scale = 10.0**decimals
    return _dlrs.divide(_dlrs.round(_dlrs.multiply(x, scale)), scale)


@op
def nan_to_num(x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """`x` with NaN and infinities replaced; None stands for the largest and the smallest finite value.

    >>> nan_to_num([math.nan, math.inf], posinf=9.0).tolist()
    [0.0, 9.0]
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return x
    largest = _LARGEST[x.dtype]
    x = _dlrs.where(_dlrs.isnan(x), nan, x)
    x = _dlrs.where(_dlrs.equal(x, math.inf), largest if posinf is None else posinf, x)
    return _dlrs.where(_dlrs.equal(x, -math.inf), -largest if neginf is None else neginf, x)


_LARGEST = {
    "float16": 65504.0,
    "bfloat16": float.fromhex("0x1.fep127"),
    "float32": float.fromhex("0x1.fffffep127"),
    "float64": float.fromhex("0x1.fffffffffffffp1023"),
}


@op
def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Tensor:
    """`x` limited to the interval from `x_min` to `x_max`.

    >>> clip([-1.0, 0.5, 2.0], 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    return _dlrs.minimum(_dlrs.maximum(x, x_min), x_max)
