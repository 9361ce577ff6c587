"""Convolution (cross-correlation), depthwise, separable and transposed."""

from collections.abc import Sequence

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.config import standardize_conv_algo
from dlrs.ops.operation import op
from dlrs.ops.spatial import Pads, Sizes, is_channels_first, on_channels_last, per_axis, same_padding

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]

Padding = str | Sequence[tuple[int, int]]


@op
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
    conv_algo: str | None = None,
) -> Tensor:
    """Convolution (cross-correlation) over one to three spatial axes.

    y[n, o, f] = sum over taps t and channels c of x[n, o * strides + t * dilation_rate, c] * kernel[t, c, f], with
    zeros around x. A window of k taps at distance d reaches over e = (k - 1) d + 1 places; of s places, `"valid"` makes
    floor((s - e) / stride) + 1 outputs, `"same"` ceil(s / stride).

    Args:
        inputs: Tensor of shape (batch, *space, channels), or (batch, channels, *space) for `"channels_first"`.
        kernel: Tensor of shape (*window, input channels, output channels). With fewer input channels than `inputs` has,
            by a whole factor g, the channels are cut into g groups, each convolved with its share of the filters.
        strides: Step of the window, one number or one for each spatial axis.
        padding: `"valid"` (none), `"same"` (zeros at both ends, the odd one after, so that stride 1 keeps the size),
            `"causal"` (one spatial axis: zeros before only, so that no output sees a later input), or the numbers of
            zeros (before, after) for each spatial axis.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.
        dilation_rate: Distance of the window's taps.
        conv_algo: `"auto"` or `"direct"`; `config.conv_algo()` if None.

    Errors: ValueError if ranks or channels do not fit, or the window is larger than the padded input.

    >>> conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]]).tolist()
    [[[3.0], [5.0]]]
    """
    return _conv("conv", as_tensor(inputs), as_tensor(kernel), strides, padding, data_format, dilation_rate, conv_algo)


@op
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
    conv_algo: str | None = None,
) -> Tensor:
    """Convolution of each channel with filters of its own.

    Args:
        inputs, strides, padding, data_format, dilation_rate, conv_algo: As for `conv`.
        kernel: Tensor of shape (*window, input channels, m); channel c makes the outputs c * m to c * m + m - 1.

    Errors: As for `conv`.

    >>> depthwise_conv([[[1.0, 10.0], [2.0, 20.0]]], [[[1.0], [1.0]], [[1.0], [2.0]]]).tolist()
    [[[3.0, 50.0]]]
    """
    inputs, kernel = as_tensor(inputs), as_tensor(kernel)
    _check_ranks("depthwise_conv", inputs, kernel)
    _check_channels("depthwise_conv", inputs, kernel.shape[-2], data_format)
    kernel = _dlrs.reshape(kernel, [*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1]])
    return _conv("depthwise_conv", inputs, kernel, strides, padding, data_format, dilation_rate, conv_algo)


@op
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
    conv_algo: str | None = None,
) -> Tensor:
    """`depthwise_conv`, then a convolution with a window of one place that mixes the channels.

    Args:
        inputs, strides, padding, data_format, dilation_rate, conv_algo: As for `conv`.
        depthwise_kernel: Tensor of shape (*window, input channels, m).
        pointwise_kernel: Tensor of shape (*ones, input channels * m, output channels).

    Errors: As for `conv`.

    >>> separable_conv([[[1.0], [2.0]]], [[[1.0]], [[1.0]]], [[[1.0, -1.0]]]).tolist()
    [[[3.0, -3.0]]]
    """
    pointwise = as_tensor(pointwise_kernel)
    mixed = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate, conv_algo)
    _check_ranks("separable_conv", mixed, pointwise)
    _check_channels("separable_conv", mixed, pointwise.shape[-2], data_format)
    return _conv("separable_conv", mixed, pointwise, 1, "valid", data_format, 1, conv_algo)


@op
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
    conv_algo: str | None = None,
) -> Tensor:
    """The transposed convolution: the linear map of `conv`'s gradient by its input, which enlarges by `strides`.

    Args:
        inputs: Tensor of shape (batch, *space, channels), or (batch, channels, *space) for `"channels_first"`.
        kernel: Tensor of shape (*window, output channels, input channels).
        strides: Places of the output between two places of the input.
        padding: `"valid"`, which makes (s - 1) * stride + max(e, stride) outputs of s, e = (k - 1) * dilation + 1 being
            the reach of the window, or `"same"`, which makes s * stride.
        output_padding: Places added after, less than `strides`: (s - 1) * stride + e + output_padding outputs for
            `"valid"` and (s - 1) * stride + e % 2 + output_padding for `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.
        dilation_rate: Distance of the window's taps.
        conv_algo: `"auto"` or `"direct"`; `config.conv_algo()` if None.

    Errors: ValueError if ranks or channels do not fit.

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[3.0]]], strides=2).tolist()
    [[[1.0], [3.0], [2.0], [6.0]]]
    """
    inputs, kernel = as_tensor(inputs), as_tensor(kernel)
    _check_ranks("conv_transpose", inputs, kernel)
    _check_channels("conv_transpose", inputs, kernel.shape[-1], data_format)
    axes = inputs.ndim - 2
    steps = per_axis("conv_transpose", "strides", strides, axes)
    dilations = per_axis("conv_transpose", "dilation_rate", dilation_rate, axes)
    algo = standardize_conv_algo(conv_algo)
    extra: Sequence[int | None] = [None] * axes
    if output_padding is not None:
        extra = per_axis("conv_transpose", "output_padding", output_padding, axes, least=0)
        if any(more >= step for more, step in zip(extra, steps, strict=True) if more):
            raise ValueError(
                f"conv_transpose: `output_padding` must be less than `strides`, got {output_padding!r} and {strides!r}."
            )
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same"):
        raise ValueError(f"conv_transpose: `padding` must be 'valid' or 'same', got {padding!r}.")

    def apply(x: Tensor) -> Tensor:
        reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[:-2], dilations, strict=True)]
        geometry = [_transposed(mode, *axis) for axis in zip(x.shape[1:-1], reach, steps, extra, strict=True)]
        shape = [x.shape[0], *(size for size, _ in geometry), kernel.shape[-2]]
        pads = [pad for _, pad in geometry]
        return _dlrs.conv_backward_input(x, kernel, shape, steps, pads, dilations, 1, algo)

    return on_channels_last(apply, inputs, is_channels_first("conv_transpose", data_format))


def transposed_size(padding: str, size: int, reach: int, stride: int, extra: int | None) -> int:
    """Places that a transposed convolution makes of `size`, the window reaching over `reach`."""
    if padding == "valid":
        return (size - 1) * stride + (max(reach, stride) if extra is None else reach + extra)
    return size * stride if extra is None else (size - 1) * stride + reach % 2 + extra


def _transposed(padding: str, size: int, reach: int, stride: int, extra: int | None) -> tuple[int, tuple[int, int]]:
    """The size of the result, and the padding of the convolution that would make `size` of it.

    Where the result ends beyond the last window, the convolution leaves a rest of less than a stride, and pads nothing.
    """
    result = transposed_size(padding, size, reach, stride, extra)
    if padding == "valid":
        return result, (0, 0)
    both = result - (size - 1) * stride + reach - 2
    before = reach - 1 - min(both // 2 + both % 2, reach - 1)
    return result, (before, max((size - 1) * stride + reach - result - before, 0))


def _conv(
    name: str,
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes,
    padding: Padding,
    data_format: str | None,
    dilation_rate: Sizes,
    conv_algo: str | None,
) -> Tensor:
    _check_ranks(name, inputs, kernel)
    axes = inputs.ndim - 2
    first = is_channels_first(name, data_format)
    channels, taken = inputs.shape[1 if first else -1], kernel.shape[-2]
    if taken == 0 or channels % taken or kernel.shape[-1] % (channels // taken or 1):
        raise ValueError(
            f"{name}: the number of input channels must match the kernel's, or be a multiple of it that divides the"
            f" number of filters (groups). Received: inputs.shape={inputs.shape}, kernel.shape={kernel.shape},"
            f" data_format={'channels_first' if first else 'channels_last'!r}."
        )
    steps = per_axis(name, "strides", strides, axes)
    dilations = per_axis(name, "dilation_rate", dilation_rate, axes)
    algo = standardize_conv_algo(conv_algo)

    def apply(x: Tensor) -> Tensor:
        pads = _pads(name, padding, x.shape[1:-1], kernel.shape[:-2], steps, dilations)
        return _dlrs.conv(x, kernel, steps, pads, dilations, channels // taken, algo)

    return on_channels_last(apply, inputs, first)


def _pads(
    name: str,
    padding: Padding,
    space: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Pads:
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode == "valid":
        return [(0, 0)] * len(space)
    if mode == "same":
        return [same_padding(*axis) for axis in zip(space, window, strides, dilations, strict=True)]
    if mode == "causal" and len(space) == 1:
        return [((window[0] - 1) * dilations[0], 0)]
    pairs = [tuple(pair) for pair in padding] if isinstance(padding, list | tuple) and not isinstance(mode, str) else []
    if len(pairs) != len(space) or any(len(p) != 2 or not all(type(n) is int and n >= 0 for n in p) for p in pairs):
        raise ValueError(
            f"{name}: `padding` must be 'valid', 'same', 'causal' (one spatial axis only) or a pair of integers for"
            f" each spatial axis, got {padding!r}."
        )
    return [(before, after) for before, after in pairs]


def _check_ranks(name: str, inputs: Tensor, kernel: Tensor) -> None:
    if not 3 <= inputs.ndim <= 5 or kernel.ndim != inputs.ndim:
        raise ValueError(
            f"{name}: `inputs` must have a batch, one to three spatial axes and channels, and the kernel as many axes,"
            f" got shapes {inputs.shape} and {kernel.shape}."
        )


def _check_channels(name: str, inputs: Tensor, taken: int, data_format: str | None) -> None:
    channels = inputs.shape[1 if is_channels_first(name, data_format) else -1]
    if channels != taken:
        raise ValueError(
            f"{name}: the number of input channels must match the kernel's input channels. Received: input"
            f" channels={channels}, kernel input channels={taken}."
        )
