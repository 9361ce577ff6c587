"""Activations, element by element: rectifiers, smooth and saturating ones. Further ones are in `piecewise`."""

import math

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op, primitive, symbolic

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "leaky_relu", "log_sigmoid", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "swish",
]  # fmt: skip


@primitive
def relu(x: TensorLike) -> Tensor:
    """`max(x, 0)`.

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    if type(x) is KerasTensor:
        return symbolic(relu, x)
    return _dlrs.relu(x)


@op
def relu6(x: TensorLike) -> Tensor:
    """`min(max(x, 0), 6)`.

    >>> relu6([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return _dlrs.minimum(_dlrs.relu(x), 6.0)


@op
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """`x` where positive, else `negative_slope * x`.

    >>> leaky_relu([-1.0, 2.0], negative_slope=0.5).tolist()
    [-0.5, 2.0]
    """
    return _dlrs.where(_dlrs.greater(x, 0), x, _dlrs.multiply(x, negative_slope))


@op
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2016, arXiv 1511.07289).

    >>> elu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return _dlrs.where(_dlrs.greater(x, 0), x, _dlrs.multiply(_dlrs.expm1(_negative_part(x)), alpha))


def _negative_part(x: TensorLike) -> Tensor:
    """`min(x, 0)`, with gradient 1 at 0; of it exp is finite, as the gradient of a branch not taken must be."""
    return _dlrs.where(_dlrs.greater(x, 0), 0.0, x)


@op
def selu(x: TensorLike) -> Tensor:
    """Scaled `elu` that keeps mean 0 and variance 1 (Klambauer et al. 2017, arXiv 1706.02515).

    >>> selu([0.0]).tolist()
    [0.0]
    """
    return _dlrs.multiply(elu(x, 1.6732632423543772), 1.0507009873554805)


@op
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))` (Barron 2017, arXiv 1704.07483).

    >>> celu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    negative = _dlrs.multiply(_dlrs.expm1(_dlrs.divide(_negative_part(x), alpha)), alpha)
    return _dlrs.add(_dlrs.relu(x), negative)


@op
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """`x` times the normal distribution function of `x` (Hendrycks and Gimpel 2016, arXiv 1606.08415).

    >>> gelu([0.0, 100.0]).tolist()
    [0.0, 100.0]
    """
    if approximate:
        # √(2/π)·(x + 0.044715·x³), without a power, which takes longer than all the rest.
        scale = math.sqrt(2.0 / math.pi)
        square = _dlrs.multiply(x, x)
        gate = _dlrs.tanh(_dlrs.multiply(x, _dlrs.add(_dlrs.multiply(square, 0.044715 * scale), scale)))
    else:
        gate = _dlrs.erf(_dlrs.multiply(x, math.sqrt(0.5)))
    return _dlrs.multiply(_dlrs.multiply(x, 0.5), _dlrs.add(gate, 1.0))


@primitive
def sigmoid(x: TensorLike) -> Tensor:
    """`1 / (1 + exp(-x))`.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    if type(x) is KerasTensor:
        return symbolic(sigmoid, x)
    return _dlrs.sigmoid(x)


@op
def log_sigmoid(x: TensorLike) -> Tensor:
    """`log(sigmoid(x))` without underflow.

    >>> log_sigmoid([-1000.0]).tolist()
    [-1000.0]
    """
    return _dlrs.negative(_dlrs.softplus(_dlrs.negative(x)))


@op
def hard_sigmoid(x: TensorLike) -> Tensor:
    """`min(max(x / 6 + 1 / 2, 0), 1)`.

    >>> hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return _dlrs.divide(relu6(_dlrs.add(x, 3.0)), 6.0)


@op
def silu(x: TensorLike) -> Tensor:
    """`x * sigmoid(x)` (Elfwing et al. 2017, arXiv 1702.03118), also called swish.

    >>> silu([0.0]).tolist()
    [0.0]
    """
    return _dlrs.multiply(x, _dlrs.sigmoid(x))


@op
def hard_silu(x: TensorLike) -> Tensor:
    """`x * hard_sigmoid(x)`.

    >>> hard_silu([-3.0, 3.0]).tolist()
    [0.0, 3.0]
    """
    return _dlrs.multiply(x, hard_sigmoid(x))


# Keras's other spellings.
swish = silu
hard_swish = hard_silu


@op
def mish(x: TensorLike) -> Tensor:
    """`x * tanh(softplus(x))` (Misra 2019, arXiv 1908.08681).

    >>> mish([0.0]).tolist()
    [0.0]
    """
    return _dlrs.multiply(x, _dlrs.tanh(_dlrs.softplus(x)))


@primitive
def softplus(x: TensorLike) -> Tensor:
    """`log(1 + exp(x))` without overflow.

    >>> softplus([1000.0]).tolist()
    [1000.0]
    """
    if type(x) is KerasTensor:
        return symbolic(softplus, x)
    return _dlrs.softplus(x)


@op
def softsign(x: TensorLike) -> Tensor:
    """`x / (1 + |x|)`.

    >>> softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    return _dlrs.divide(x, _dlrs.add(_dlrs.absolute(x), 1.0))


@op
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """The first half of `x` along `axis` times the sigmoid of the second (Dauphin et al. 2016, arXiv 1612.08083).

    >>> glu([2.0, 0.0]).tolist()
    [1.0]
    """
    x = as_tensor(x)
    axis = normalize_axis("glu", axis, x.ndim)
    if x.shape[axis] % 2:
        raise ValueError(f"glu: axis {axis} of shape {x.shape} has an odd size.")
    half = x.shape[axis] // 2
    ends, begins, ones = list(x.shape), [0] * x.ndim, [1] * x.ndim
    ends[axis], begins[axis] = half, half
    gate = _dlrs.slice(x, begins, x.shape, ones)
    return _dlrs.multiply(_dlrs.slice(x, [0] * x.ndim, ends, ones), _dlrs.sigmoid(gate))
