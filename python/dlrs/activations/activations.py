"""Activations. Those that are ops have the op's formula; here are Keras's signatures and defaults."""

from dlrs import ops
from dlrs.backend import Tensor, TensorLike
from dlrs.ops.operation import op


@op
def linear(x: TensorLike) -> Tensor:
    """`x` itself.

    >>> linear([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return ops.convert_to_tensor(x)


def relu(x: TensorLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """`x` from `threshold` up to `max_value`; below the threshold, `negative_slope * (x - threshold)`.

    >>> relu([-1.0, 2.0, 9.0], max_value=6.0).tolist()
    [0.0, 2.0, 6.0]
    """
    if negative_slope == 0.0 and max_value is None and threshold == 0.0:
        return ops.relu(x)
    if negative_slope < 0 or (max_value is not None and max_value < 0):
        raise ValueError(
            f"relu: `negative_slope` and `max_value` must not be negative, got {negative_slope!r} and {max_value!r}."
        )
    below = ops.multiply(ops.subtract(x, threshold), negative_slope)
    # Compared as Keras compares: an element at the threshold is below it, unless the threshold is 0.
    above = ops.greater_equal(x, 0.0) if threshold == 0.0 else ops.greater(x, threshold)
    y = ops.where(above, x, below)
    return y if max_value is None else ops.minimum(y, max_value)


def relu6(x: TensorLike) -> Tensor:
    """`min(max(x, 0), 6)`.

    Howard et al. 2017, arXiv 1704.04861.

    >>> relu6([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return ops.relu6(x)


def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """`x` where positive, else `negative_slope * x`.

    Maas, Hannun and Ng 2013; there and in the course the slope is 0.01.

    >>> leaky_relu([-1.0, 2.0], negative_slope=0.01).tolist()
    [-0.01, 2.0]
    """
    return ops.leaky_relu(x, negative_slope)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`x` where positive, else `alpha * (exp(x) - 1)`.

    Clevert et al. 2016, arXiv 1511.07289.

    >>> elu([-1.0, 2.0]).tolist()
    [-0.6321, 2.0]
    """
    return ops.elu(x, alpha)


def selu(x: TensorLike) -> Tensor:
    """`1.0507 * elu(x, 1.6733)`, which keeps mean 0 and variance 1 (Klambauer et al. 2017, arXiv 1706.02515).

    >>> selu([-1.0, 2.0]).tolist()
    [-1.1113, 2.1014]
    """
    return ops.selu(x)


def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))`.

    Barron 2017, arXiv 1704.07483.

    >>> celu([-1.0, 2.0]).tolist()
    [-0.6321, 2.0]
    """
    return ops.celu(x, alpha)


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """`x` times the normal distribution function of `x`; with `approximate`, by tanh.

    >>> gelu([0.0]).tolist()
    [0.0]
    """
    return ops.gelu(x, approximate)


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """The first half along `axis` times the sigmoid of the second.

    Dauphin et al. 2017, arXiv 1612.08083.

    >>> glu([1.0, 2.0, 0.0, 0.0]).tolist()
    [0.5, 1.0]
    """
    return ops.glu(x, axis)


def sigmoid(x: TensorLike) -> Tensor:
    """`1 / (1 + exp(-x))`.

    >>> sigmoid([0.0, 2.0]).tolist()
    [0.5, 0.8808]
    """
    return ops.sigmoid(x)


def log_sigmoid(x: TensorLike) -> Tensor:
    """`log(sigmoid(x))`.

    >>> log_sigmoid([0.0, -1000.0]).tolist()
    [-0.6931, -1000.0]
    """
    return ops.log_sigmoid(x)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """`min(max(x / 6 + 1 / 2, 0), 1)`.

    >>> hard_sigmoid([-3.0, 0.0, 1.5]).tolist()
    [0.0, 0.5, 0.75]
    """
    return ops.hard_sigmoid(x)


def silu(x: TensorLike) -> Tensor:
    """`x * sigmoid(x)`.

    Elfwing et al. 2018, arXiv 1702.03118.

    >>> silu([-1.0, 2.0]).tolist()
    [-0.2689, 1.7616]
    """
    return ops.silu(x)


def hard_silu(x: TensorLike) -> Tensor:
    """`x * hard_sigmoid(x)`.

    Howard et al. 2019, arXiv 1905.02244.

    >>> hard_silu([-3.0, 1.0, 4.0]).tolist()
    [-0.0, 0.6667, 4.0]
    """
    return ops.hard_silu(x)


def mish(x: TensorLike) -> Tensor:
    """`x * tanh(softplus(x))`.

    Misra 2019, arXiv 1908.08681.

    >>> mish([-1.0, 2.0]).tolist()
    [-0.3034, 1.944]
    """
    return ops.mish(x)


def softplus(x: TensorLike) -> Tensor:
    """`log(1 + exp(x))`.

    >>> softplus([0.0, 1000.0]).tolist()
    [0.6931, 1000.0]
    """
    return ops.softplus(x)


def softsign(x: TensorLike) -> Tensor:
    """`x / (1 + |x|)`.

    >>> softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    return ops.softsign(x)


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along `axis`.

    >>> softmax([[1.0, 2.0, 3.0]]).tolist()
    [[0.09, 0.2447, 0.6652]]
    """
    return ops.softmax(x, axis)


def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`log(softmax(x))` along `axis`.

    >>> log_softmax([[0.0, 1000.0]]).tolist()
    [[-1000.0, 0.0]]
    """
    return ops.log_softmax(x, axis)


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent.

    >>> tanh([0.0, 1.0]).tolist()
    [0.0, 0.7616]
    """
    return ops.tanh(x)


def exponential(x: TensorLike) -> Tensor:
    """`exp(x)`.

    >>> exponential([0.0, 1.0]).tolist()
    [1.0, 2.7183]
    """
    return ops.exp(x)


def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """`x` where it is further than `threshold` from 0, else 0.

    >>> hard_shrink([-1.0, 0.25, 2.0]).tolist()
    [-1.0, 0.0, 2.0]
    """
    return ops.hard_shrink(x, threshold)


def hard_tanh(x: TensorLike) -> Tensor:
    """`x` limited to -1 to 1.

    >>> hard_tanh([-2.0, 0.5]).tolist()
    [-1.0, 0.5]
    """
    return ops.hard_tanh(x)


def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """`x` drawn to 0 by `threshold`, but not beyond.

    >>> soft_shrink([-1.0, 0.25, 2.0]).tolist()
    [-0.5, 0.0, 1.5]
    """
    return ops.soft_shrink(x, threshold)


def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, `(x + 1)^2 / 4` up to 1, then `x`.

    >>> sparse_plus([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.25, 3.0]
    """
    return ops.sparse_plus(x)


def sparse_sigmoid(x: TensorLike) -> Tensor:
    """`(x + 1) / 2` limited to 0 to 1.

    >>> sparse_sigmoid([-2.0, 0.0, 0.5]).tolist()
    [0.0, 0.5, 0.75]
    """
    return ops.sparse_sigmoid(x)


def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The probabilities nearest to `x` along `axis`, many of them 0.

    Martins and Astudillo 2016, arXiv 1602.02068.

    >>> sparsemax([[1.0, 2.0, 2.5]]).tolist()
    [[0.0, 0.25, 0.75]]
    """
    return ops.sparsemax(x, axis)


def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """`(x + sqrt(x^2 + b)) / 2`.

    Barron 2021, arXiv 2112.11687.

    >>> squareplus([0.0, 3.0]).tolist()
    [1.0, 3.3028]
    """
    return ops.squareplus(x, b)


def tanh_shrink(x: TensorLike) -> Tensor:
    """`x - tanh(x)`.

    >>> tanh_shrink([0.0, 1.0]).tolist()
    [0.0, 0.2384]
    """
    return ops.tanh_shrink(x)


def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """`x` where it exceeds `threshold`, else `default_value`.

    >>> threshold([1.0, 3.0], threshold=2.0, default_value=0.0).tolist()
    [0.0, 3.0]
    """
    return ops.threshold(x, threshold, default_value)
