"""Trigonometric and hyperbolic functions and their inverses, element by element; integers become floats."""

import math

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike
from dlrs.ops.operation import op, primitive, symbolic

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "deg2rad", "rad2deg",
    "sin", "sinc", "sinh", "tan", "tanh",
]  # fmt: skip


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


@op
def tan(x: TensorLike) -> Tensor:
    """Tangent of an angle in radians.

    >>> tan([0.0]).tolist()
    [0.0]
    """
    return _dlrs.tan(x)


@op
def arcsin(x: TensorLike) -> Tensor:
    """Angle in radians, from -π/2 to π/2, whose sine is `x`; NaN unless -1 <= x <= 1.

    >>> arcsin([0.0, 1.0]).tolist()
    [0.0, 1.5707963705062866]
    """
    return _dlrs.arcsin(x)


@op
def arccos(x: TensorLike) -> Tensor:
    """Angle in radians, from 0 to π, whose cosine is `x`; NaN unless -1 <= x <= 1.

    >>> arccos([1.0, 0.0]).tolist()
    [0.0, 1.5707963705062866]
    """
    return _dlrs.arccos(x)


@op
def arctan(x: TensorLike) -> Tensor:
    """Angle in radians, from -π/2 to π/2, whose tangent is `x`.

    >>> arctan([0.0, 1.0]).tolist()
    [0.0, 0.7853981852531433]
    """
    return _dlrs.arctan(x)


@op
def arctan2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Angle in radians, from -π to π, of the point with ordinate `x1` and abscissa `x2`.

    >>> arctan2([0.0, 1.0], [-1.0, 0.0]).tolist()
    [3.1415927410125732, 1.5707963705062866]
    """
    return _dlrs.arctan2(x1, x2)


@op
def sinh(x: TensorLike) -> Tensor:
    """Hyperbolic sine.

    >>> sinh([0.0]).tolist()
    [0.0]
    """
    return _dlrs.sinh(x)


@op
def cosh(x: TensorLike) -> Tensor:
    """Hyperbolic cosine.

    >>> cosh([0.0]).tolist()
    [1.0]
    """
    return _dlrs.cosh(x)


@primitive
def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent.

    >>> tanh([0.0]).tolist()
    [0.0]
    """
    if type(x) is KerasTensor:
        return symbolic(tanh, x)
    return _dlrs.tanh(x)


@op
def arcsinh(x: TensorLike) -> Tensor:
    """The inverse of `sinh`.

    >>> arcsinh([0.0]).tolist()
    [0.0]
    """
    return _dlrs.arcsinh(x)


@op
def arccosh(x: TensorLike) -> Tensor:
    """The inverse of `cosh`; NaN below 1.

    >>> arccosh([1.0]).tolist()
    [0.0]
    """
    return _dlrs.arccosh(x)


@op
def arctanh(x: TensorLike) -> Tensor:
    """The inverse of `tanh`; NaN unless -1 <= x <= 1.

    >>> arctanh([0.0]).tolist()
    [0.0]
    """
    return _dlrs.arctanh(x)


@op
def deg2rad(x: TensorLike) -> Tensor:
    """Degrees as radians.

    >>> deg2rad([180.0]).tolist()
    [3.1415927410125732]
    """
    return _dlrs.multiply(x, math.pi / 180.0)


@op
def rad2deg(x: TensorLike) -> Tensor:
    """Radians as degrees.

    >>> rad2deg([math.pi]).tolist()
    [180.0]
    """
    return _dlrs.multiply(x, 180.0 / math.pi)


@op
def sinc(x: TensorLike) -> Tensor:
    """`sin(πx) / (πx)`, and 1 at 0.

    >>> sinc([0.0, 0.5]).tolist()
    [1.0, 0.6366197466850281]
    """
    angle = _dlrs.multiply(x, math.pi)
    zero = _dlrs.equal(angle, 0)
    # The divisor is replaced too: the gradient of a branch not taken would be 0 * inf = NaN.
    quotient = _dlrs.divide(_dlrs.sin(angle), _dlrs.where(zero, 1.0, angle))
    return _dlrs.where(zero, _dlrs.subtract(1.0, _dlrs.divide(_dlrs.square(angle), 6.0)), quotient)
