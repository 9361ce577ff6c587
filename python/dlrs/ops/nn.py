"""Activations, encodings, convolution and normalisation."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs, config
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, standardize_data_format, standardize_dtype
from dlrs.ops.class_forms import class_forms
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op, primitive, symbolic
from dlrs.ops.reductions import Axis, axes_of

__all__ = [
    "batch_normalization", "celu", "conv", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish",
    "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "mish", "multi_hot", "normalize", "one_hot",
    "relu", "relu6", "rms_normalization", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish",
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
        cubic = _dlrs.multiply(_dlrs.add(x, _dlrs.multiply(_dlrs.power(x, 3), 0.044715)), math.sqrt(2.0 / math.pi))
        gate = _dlrs.tanh(cubic)
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


@op
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along `axis`, without overflow.

    >>> softmax([1.0, 1.0]).tolist()
    [0.5, 0.5]
    """
    return _dlrs.softmax(x, axis)


@op
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`log(softmax(x))` along `axis`, without underflow.

    >>> log_softmax([1000.0, -1000.0]).tolist()
    [0.0, -2000.0]
    """
    return _dlrs.log_softmax(x, axis)


@op
def one_hot(x: TensorLike, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """Ones at the places given by the integers `x` along a new axis of size `num_classes`, zeros elsewhere.

    Integers outside of 0 to `num_classes - 1` give zeros only.

    >>> one_hot([1, 0], 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    if sparse:
        raise ValueError("one_hot: sparse tensors are not supported.")
    x = as_tensor(x)
    return _dlrs.cast(one_hot_mask(x, num_classes, axis), standardize_dtype(dtype))


def one_hot_mask(x: Tensor, num_classes: int, axis: int = -1) -> Tensor:
    """`one_hot` as booleans."""
    if num_classes < 0:
        raise ValueError(f"one_hot: `num_classes` must not be negative, got {num_classes}.")
    axis = normalize_axis("one_hot", axis, x.ndim + 1)
    classes = np.arange(num_classes, dtype=np.int32).reshape([-1 if i == axis else 1 for i in range(x.ndim + 1)])
    return _dlrs.equal(_dlrs.reshape(x, [*x.shape[:axis], 1, *x.shape[axis:]]), classes)


@op
def multi_hot(inputs: TensorLike, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """Ones at all the places given by the integers along the last axis of `inputs`, zeros elsewhere.

    >>> multi_hot([[0, 2], [1, 1]], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if sparse:
        raise ValueError("multi_hot: sparse tensors are not supported.")
    inputs = as_tensor(inputs)
    if inputs.ndim == 0:
        raise ValueError("multi_hot: `inputs` must have at least one axis.")
    present = _dlrs.any(one_hot_mask(inputs, num_classes), (inputs.ndim - 1,), False)
    if axis not in (-1, present.ndim - 1):
        order = list(range(present.ndim - 1))
        order.insert(normalize_axis("multi_hot", axis, present.ndim), present.ndim - 1)
        present = _dlrs.transpose(present, order)
    return _dlrs.cast(present, standardize_dtype(dtype))


@op
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Convolution (cross-correlation) over one or two spatial axes.

    Args:
        inputs: Tensor of shape (batch, *space, channels), or (batch, channels, *space) for `"channels_first"`.
        kernel: Tensor of shape (*window, input channels, output channels).
        strides: Step of the window, one number or one for each spatial axis.
        padding: `"valid"` (none) or `"same"` (zeros at both ends, so that stride 1 keeps the size).
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.
        dilation_rate: Distance of the window's taps.

    Errors: ValueError if ranks or channels do not fit.

    >>> conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]]).tolist()
    [[[3.0], [5.0]]]
    """
    inputs, kernel = as_tensor(inputs), as_tensor(kernel)
    space = inputs.ndim - 2
    if space not in (1, 2) or kernel.ndim != inputs.ndim:
        raise ValueError(
            f"conv: `inputs` must have 3 or 4 axes and `kernel` as many, got shapes {inputs.shape} and {kernel.shape}."
        )
    if padding not in ("valid", "same"):
        raise ValueError(f"conv: `padding` must be 'valid' or 'same', got {padding!r}.")
    first = standardize_data_format(data_format) == "channels_first"
    if first:
        inputs = _dlrs.transpose(inputs, [0, *range(2, inputs.ndim), 1])
    if inputs.shape[-1] != kernel.shape[-2]:
        raise ValueError(
            f"conv: `inputs` have {inputs.shape[-1]} channels, `kernel` of shape {kernel.shape} takes another number."
        )
    steps, dilations = _per_axis("strides", strides, space), _per_axis("dilation_rate", dilation_rate, space)
    pads = [(0, 0)] * space
    if padding == "same":
        sizes = zip(inputs.shape[1:-1], kernel.shape[:-2], steps, dilations, strict=True)
        pads = [_same_padding(*size) for size in sizes]
    if space == 1:  # as one row of an image
        inputs = _dlrs.reshape(inputs, (inputs.shape[0], 1, *inputs.shape[1:]))
        kernel = _dlrs.reshape(kernel, (1, *kernel.shape))
        steps, dilations, pads = [1, *steps], [1, *dilations], [(0, 0), *pads]
    result = _dlrs.conv2d(inputs, kernel, (steps[0], steps[1]), (*pads[0], *pads[1]), (dilations[0], dilations[1]))
    if space == 1:
        result = _dlrs.reshape(result, (result.shape[0], *result.shape[2:]))
    return _dlrs.transpose(result, [0, result.ndim - 1, *range(1, result.ndim - 1)]) if first else result


def _per_axis(name: str, value: int | Sequence[int], axes: int) -> list[int]:
    values = [value] * axes if isinstance(value, int) else list(value)
    if len(values) != axes or any(v < 1 for v in values):
        raise ValueError(f"conv: `{name}` must be a positive integer or {axes} of them, got {value!r}.")
    return values


def _same_padding(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after; the odd one goes after, as in TensorFlow and Keras."""
    total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


@op
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, with vectors along `axis`.

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167.

    >>> batch_normalization([[3.0]], [1.0], [3.0], axis=-1, epsilon=1.0).tolist()
    [[1.0]]
    """
    x = as_tensor(x)
    axis = normalize_axis("batch_normalization", axis, x.ndim)
    shape = [x.shape[axis] if i == axis else 1 for i in range(x.ndim)]
    factor = _dlrs.rsqrt(_dlrs.add(_dlrs.reshape(variance, shape), epsilon))
    if scale is not None:
        factor = _dlrs.multiply(factor, _dlrs.reshape(scale, shape))
    # Centred before scaling: x * factor - mean * factor cancels where the mean is large against the spread.
    y = _dlrs.multiply(_dlrs.subtract(x, _dlrs.reshape(mean, shape)), factor)
    return y if offset is None else _dlrs.add(y, _dlrs.reshape(offset, shape))


@op
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: Axis = -1,
    epsilon: float | None = None,
) -> Tensor:
    """`x` with mean 0 and variance 1 over `axis`, times `gamma` plus `beta` (Ba et al. 2016, arXiv 1607.06450).

    >>> layer_normalization([[1.0, 3.0]], epsilon=1e-12).tolist()
    [[-1.0, 1.0]]
    """
    axes = axes_of(axis)
    centred = _dlrs.subtract(x, _dlrs.mean(x, axes, True))
    variance = _dlrs.mean(_dlrs.square(centred), axes, True)
    y = _dlrs.multiply(centred, _dlrs.rsqrt(_dlrs.add(variance, config.epsilon() if epsilon is None else epsilon)))
    y = y if gamma is None else _dlrs.multiply(y, gamma)
    return y if beta is None else _dlrs.add(y, beta)


@op
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """`x` divided by its root mean square over `axis`, times `scale` (Zhang and Sennrich 2019, arXiv 1910.07467).

    >>> rms_normalization([[2.0, -2.0]], epsilon=1e-12).tolist()
    [[1.0, -1.0]]
    """
    power = _dlrs.mean(_dlrs.square(x), axes_of(axis), True)
    y = _dlrs.multiply(x, _dlrs.rsqrt(_dlrs.add(power, config.epsilon() if epsilon is None else epsilon)))
    return y if scale is None else _dlrs.multiply(y, scale)


@op
def normalize(x: TensorLike, axis: int = -1, order: float = 2, epsilon: float | None = None) -> Tensor:
    """`x` divided by its norm of order `order` along `axis`, but by no less than `epsilon`.

    >>> [round(v, 6) for v in normalize([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        # The bound is applied to the squares: the square root has no gradient at 0.
        squares = _dlrs.sum(_dlrs.square(x), (axis,), True)
        return _dlrs.multiply(x, _dlrs.rsqrt(_dlrs.maximum(squares, epsilon**2)))
    size = _dlrs.absolute(x)
    if order == math.inf:
        norm = _dlrs.max(size, (axis,), True)
    else:
        norm = _dlrs.power(_dlrs.sum(_dlrs.power(size, order), (axis,), True), 1.0 / order)
    return _dlrs.divide(x, _dlrs.maximum(norm, epsilon))


__getattr__ = class_forms(__name__, globals())  # their classes, as `keras.ops` has them
