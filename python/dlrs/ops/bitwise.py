"""Functions of the bits and divisors of integers, element by element; floats are a TypeError."""

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike
from dlrs.ops.operation import op

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "gcd", "lcm", "left_shift", "right_shift",
]  # fmt: skip


@op
def bitwise_and(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that both have; of truth values, and.

    >>> bitwise_and([12, 10], 6).tolist()
    [4, 2]
    """
    return _dlrs.bitwise_and(x, y)


@op
def bitwise_or(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that at least one has; of truth values, or.

    >>> bitwise_or([12, 10], 6).tolist()
    [14, 14]
    """
    return _dlrs.bitwise_or(x, y)


@op
def bitwise_xor(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that exactly one has; of truth values, exclusive or.

    >>> bitwise_xor([12, 10], 6).tolist()
    [10, 12]
    """
    return _dlrs.bitwise_xor(x, y)


@op
def bitwise_not(x: TensorLike) -> Tensor:
    """The bits that `x` has not, which is `-x - 1`; of truth values, not.

    >>> bitwise_not([0, 5]).tolist()
    [-1, -6]
    """
    return _dlrs.bitwise_not(x)


@op
def bitwise_invert(x: TensorLike) -> Tensor:
    """As `bitwise_not`.

    >>> bitwise_invert([True, False]).tolist()
    [False, True]
    """
    return _dlrs.bitwise_not(x)


@op
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """`x * 2 ** y`, wrapping around; 0 from as many bits on as the type has.

    >>> left_shift([1, 3], 2).tolist()
    [4, 12]
    """
    return _dlrs.left_shift(x, y)


@op
def bitwise_left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """As `left_shift`.

    >>> bitwise_left_shift([1, 3], 2).tolist()
    [4, 12]
    """
    return _dlrs.left_shift(x, y)


@op
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """`floor(x / 2 ** y)`.

    >>> right_shift([12, -3], 1).tolist()
    [6, -2]
    """
    return _dlrs.right_shift(x, y)


@op
def bitwise_right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """As `right_shift`.

    >>> bitwise_right_shift([12, -3], 1).tolist()
    [6, -2]
    """
    return _dlrs.right_shift(x, y)


@op
def gcd(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The greatest common divisor of integers, not negative.

    >>> gcd([12, -8], [18, 0]).tolist()
    [6, 8]
    """
    return _dlrs.gcd(x1, x2)


@op
def lcm(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The least common multiple of integers, not negative.

    >>> lcm([4, -6], [6, 4]).tolist()
    [12, 12]
    """
    return _dlrs.lcm(x1, x2)
