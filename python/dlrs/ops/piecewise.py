"""Further activations: piecewise linear and quadratic ones."""

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike
from dlrs.ops.operation import op

__all__ = [
    "hard_shrink", "hard_tanh", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink",
    "threshold",
]  # fmt: skip


@op
def hard_tanh(x: TensorLike) -> Tensor:
    """`x` limited to -1 to 1.

    >>> hard_tanh([-3.0, 0.5, 3.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return _dlrs.minimum(_dlrs.maximum(x, -1.0), 1.0)


@op
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """`x` where it is further than `threshold` from 0, else 0.

    >>> hard_shrink([-1.0, 0.25, 1.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    return _dlrs.where(_dlrs.greater(_dlrs.absolute(x), threshold), x, 0.0)


@op
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """`x` drawn to 0 by `threshold`, but not beyond.

    >>> soft_shrink([-1.0, 0.25, 1.0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    below = _dlrs.minimum(_dlrs.add(x, threshold), 0.0)
    return _dlrs.add(below, _dlrs.relu(_dlrs.subtract(x, threshold)))


@op
def tanh_shrink(x: TensorLike) -> Tensor:
    """`x - tanh(x)`.

    >>> tanh_shrink([0.0]).tolist()
    [0.0]
    """
    return _dlrs.subtract(x, _dlrs.tanh(x))


@op
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """`(x + sqrt(x^2 + b)) / 2`, a softplus without exponentials (Barron 2021, arXiv 2112.11687).

    >>> squareplus([0.0]).tolist()
    [1.0]
    """
    return _dlrs.multiply(_dlrs.add(x, _dlrs.sqrt(_dlrs.add(_dlrs.square(x), b))), 0.5)


@op
def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, `(x + 1)^2 / 4` up to 1, then `x`.

    >>> sparse_plus([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.25, 3.0]
    """
    parabola = _dlrs.multiply(_dlrs.square(_dlrs.add(_dlrs.maximum(x, -1.0), 1.0)), 0.25)
    return _dlrs.where(_dlrs.less(x, 1.0), parabola, x)


@op
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """`(x + 1) / 2` limited to 0 to 1.

    >>> sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return _dlrs.minimum(_dlrs.maximum(_dlrs.multiply(_dlrs.add(x, 1.0), 0.5), 0.0), 1.0)


@op
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """`x` where it exceeds `threshold`, else `default_value`.

    >>> threshold([-1.0, 2.0], 0.0, 9.0).tolist()
    [9.0, 2.0]
    """
    return _dlrs.where(_dlrs.greater(x, threshold), x, default_value)
