"""What ops over the spatial axes of a batch share: their arguments, and channels that come first."""

from collections.abc import Callable, Sequence

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import standardize_data_format

Sizes = int | Sequence[int]
Pads = Sequence[tuple[int, int]]

# Sizes, steps and distances: products of them with sizes of tensors keep within 64 bits.
LARGEST = 2**31 - 1


def is_channels_first(name: str, data_format: str | None) -> bool:
    """Whether `data_format`, or the configured one if None, puts the channels first."""
    try:
        return standardize_data_format(data_format) == "channels_first"
    except ValueError as error:
        raise ValueError(f"{name}: argument `data_format`: {error}") from None


def per_axis(name: str, argument: str, value: Sizes, axes: int, least: int = 1) -> list[int]:
    """`value`, one integer from `least` to `LARGEST` or one for each of `axes` axes, as a list."""
    values = [value] * axes if isinstance(value, int) else list(value)
    if len(values) != axes or any(isinstance(v, bool) or not isinstance(v, int) or v < least for v in values):
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{name}: `{argument}` must be {kind} or {axes} of them, got {value!r}.")
    if max(values) > LARGEST:
        raise ValueError(f"{name}: `{argument}` must be at most {LARGEST}, got {value!r}.")
    return values


def same_padding(size: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Places before and after for ceil(size / stride) windows; the odd one goes after, as in TensorFlow and Keras."""
    total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def channels_last(x: Tensor, first: bool) -> Tensor:
    """`x` of shape (batch, *space, channels), whichever way it came."""
    return _dlrs.transpose(x, [0, *range(2, x.ndim), 1]) if first else x


def on_channels_last(function: Callable[[Tensor], Tensor], x: Tensor, first: bool) -> Tensor:
    """`function`, which takes and gives the channels last, applied to `x`."""
    y = function(channels_last(x, first))
    return _dlrs.transpose(y, [0, y.ndim - 1, *range(1, y.ndim - 1)]) if first else y
