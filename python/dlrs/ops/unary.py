"""Functions of one tensor, element by element; of integers where a fraction can come out, floats."""

import math

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, is_float_dtype
from dlrs.ops.operation import op, primitive, symbolic

__all__ = [
    "abs", "absolute", "ceil", "clip", "cos", "cosh", "erf", "exp", "expm1", "floor", "isfinite", "isinf", "isnan",
    "log", "log1p", "log2", "log10", "logical_not", "nan_to_num", "negative", "reciprocal", "round", "rsqrt", "sign",
    "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
]  # fmt: skip


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
def sin(x: TensorLike) -> Tensor:
    """Sine of an angle in radians.

    >>> sin([0.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(sin, x)
    return _dlrs.sin(x)


@primitive
def cos(x: TensorLike) -> Tensor:
    """Cosine of an angle in radians.

    >>> cos([0.0]).tolist()
    [1.0]
    """
    if type(x) is KerasTensor:
        return symbolic(cos, x)
    return _dlrs.cos(x)


@primitive
def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent.

    >>> tanh([0.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(tanh, x)
    return _dlrs.tanh(x)


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
    """Absolute value, as `absolute`."""
    if type(x) is KerasTensor:
        return symbolic(abs, x)
    return _dlrs.absolute(x)


@op
def log2(x: TensorLike) -> Tensor:
    """Logarithm to base 2.

    >>> round(log2([8.0]), 5).tolist()
    [3.0]
    """
    return _dlrs.multiply(_dlrs.log(x), 1.0 / math.log(2.0))


@op
def log10(x: TensorLike) -> Tensor:
    """Logarithm to base 10.

    >>> round(log10([1000.0]), 5).tolist()
    [3.0]
    """
    return _dlrs.multiply(_dlrs.log(x), 1.0 / math.log(10.0))


@op
def tan(x: TensorLike) -> Tensor:
    """Tangent of an angle in radians.

    >>> tan([0.0]).tolist()
    [0.0]
    """
    return _dlrs.divide(_dlrs.sin(x), _dlrs.cos(x))


@op
def sinh(x: TensorLike) -> Tensor:
    """Hyperbolic sine.

    >>> sinh([0.0]).tolist()
    [0.0]
    """
    # expm1 leaves nothing to cancel near 0, as exp(x) - exp(-x) would.
    return _dlrs.multiply(_dlrs.subtract(_dlrs.expm1(x), _dlrs.expm1(_dlrs.negative(x))), 0.5)


@op
def cosh(x: TensorLike) -> Tensor:
    """Hyperbolic cosine.

    >>> cosh([0.0]).tolist()
    [1.0]
    """
    return _dlrs.multiply(_dlrs.add(_dlrs.exp(x), _dlrs.exp(_dlrs.negative(x))), 0.5)


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
def trunc(x: TensorLike) -> Tensor:
    """`x` without its fraction.

    >>> trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    return _dlrs.multiply(_dlrs.sign(x), _dlrs.floor(_dlrs.absolute(x)))


@op
def isinf(x: TensorLike) -> Tensor:
    """Whether each element is infinite.

    >>> isinf([1.0, -math.inf, math.nan]).tolist()
    [False, True, False]
    """
    return _dlrs.equal(_dlrs.absolute(x), math.inf)


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
