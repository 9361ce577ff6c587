"""Convolution."""

from collections.abc import Sequence

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, standardize_data_format
from dlrs.ops.operation import op

__all__ = ["conv"]


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
    padding = padding.lower() if isinstance(padding, str) else padding
    if padding not in ("valid", "same"):
        raise ValueError(f"conv: `padding` must be 'valid' or 'same', got {padding!r}.")
    first = standardize_data_format(data_format) == "channels_first"
    if first:
        inputs = _dlrs.transpose(inputs, [0, *range(2, inputs.ndim), 1])
    if inputs.shape[-1] != kernel.shape[-2]:
        raise ValueError(
            f"conv: the number of input channels must match the kernel: `inputs` have {inputs.shape[-1]}, `kernel` of"
            f" shape {kernel.shape} takes {kernel.shape[-2]}."
        )
    steps, dilations = _per_axis("strides", strides, space), _per_axis("dilation_rate", dilation_rate, space)
    pads = [(0, 0)] * space
    if padding == "same":
        sizes = zip(inputs.shape[1:-1], kernel.shape[:-2], steps, dilations, strict=True)
        pads = [_same_padding(*size) for size in sizes]
    result = _dlrs.conv(inputs, kernel, steps, pads, dilations, 1)
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
