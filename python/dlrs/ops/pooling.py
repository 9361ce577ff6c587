"""Pooling: the largest or the mean element of windows over the spatial axes."""

from collections.abc import Callable, Sequence

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, standardize_data_format
from dlrs.ops.operation import op

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]

Sizes = int | Sequence[int]


@op
def max_pool(
    inputs: TensorLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest element of each window; NaN where a window holds one.

    The gradient goes to the first of the largest elements.

    Args:
        inputs: Tensor of shape (batch, *space, channels), or (batch, channels, *space) for `"channels_first"`, with one
            to three spatial axes.
        pool_size: Size of the windows, one number or one for each spatial axis.
        strides: From one window to the next; `pool_size` if None.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond both ends, so that stride 1 keeps the
            size; what lies there is never the largest).
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Errors: ValueError if ranks do not fit, or a window is larger than `inputs` and `padding` is `"valid"`.

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[3.0], [2.0]]]
    """
    return _pool("max_pool", _dlrs.max_pool, as_tensor(inputs), pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: TensorLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of the elements of each window; whole numbers become floats.

    Args:
        inputs, pool_size, strides, data_format: As for `max_pool`.
        padding: As for `max_pool`; the mean is over the elements of `inputs` alone.

    Errors: As for `max_pool`.

    >>> average_pool([[[1.0], [3.0], [2.0]]], 2, padding="same").tolist()
    [[[2.0], [2.0]]]
    """
    return _pool("average_pool", _dlrs.average_pool, as_tensor(inputs), pool_size, strides, padding, data_format)


@op
def adaptive_max_pool(inputs: TensorLike, output_size: Sizes, data_format: str | None = None) -> Tensor:
    """The largest element of each of `output_size` windows, whatever the size of the images.

    Window i of n along an axis of length s begins at floor(i * s / n) and ends before ceil((i + 1) * s / n).

    Args:
        inputs, data_format: As for `max_pool`.
        output_size: Number of windows, one or one for each spatial axis.

    >>> adaptive_max_pool([[[1.0], [3.0], [2.0]]], 2).tolist()
    [[[3.0], [3.0]]]
    """
    return _adaptive("adaptive_max_pool", _dlrs.adaptive_max_pool, as_tensor(inputs), output_size, data_format)


@op
def adaptive_average_pool(inputs: TensorLike, output_size: Sizes, data_format: str | None = None) -> Tensor:
    """The mean of each of `output_size` windows, whatever the size of the images.

    Args:
        inputs, output_size, data_format: As for `adaptive_max_pool`.

    >>> adaptive_average_pool([[[1.0], [3.0], [2.0]]], 2).tolist()
    [[[2.0], [2.5]]]
    """
    return _adaptive("adaptive_average_pool", _dlrs.adaptive_average_pool, as_tensor(inputs), output_size, data_format)


def _pool(
    name: str,
    function: Callable[..., Tensor],
    x: Tensor,
    pool_size: Sizes,
    strides: Sizes | None,
    padding: str,
    data_format: str | None,
) -> Tensor:
    first = _channels_first(name, data_format)
    space = _spatial_shape(name, x, first)
    sizes = _per_axis(name, "pool_size", pool_size, len(space))
    steps = sizes if strides is None else _per_axis(name, "strides", strides, len(space))
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same"):
        raise ValueError(f"{name}: `padding` must be 'valid' or 'same', got {padding!r}.")
    pads = [(0, 0)] * len(space)
    if mode == "same":
        pads = [_same_padding(*axis) for axis in zip(space, sizes, steps, strict=True)]
    elif any(0 < n < size for n, size in zip(space, sizes, strict=True)):
        raise ValueError(
            f"{name}: Computed output size would be zero or negative: windows of {tuple(sizes)} do not fit `inputs` of"
            f" shape {x.shape} with padding='valid'."
        )
    return _channels_last(lambda images: function(images, sizes, steps, pads), x, first)


def _adaptive(
    name: str, function: Callable[..., Tensor], x: Tensor, output_size: Sizes, data_format: str | None
) -> Tensor:
    first = _channels_first(name, data_format)
    space = _spatial_shape(name, x, first)
    counts = _per_axis(name, "output_size", output_size, len(space))
    if 0 in space:
        raise ValueError(f"{name}: windows of no elements: `inputs` have shape {x.shape}.")
    return _channels_last(lambda images: function(images, counts), x, first)


def _channels_first(name: str, data_format: str | None) -> bool:
    try:
        return standardize_data_format(data_format) == "channels_first"
    except ValueError as error:
        raise ValueError(f"{name}: argument `data_format`: {error}") from None


def _spatial_shape(name: str, x: Tensor, first: bool) -> tuple[int, ...]:
    if not 3 <= x.ndim <= 5:
        raise ValueError(
            f"{name}: `inputs` must have a batch, one to three spatial axes and channels. Received:"
            f" inputs.shape={x.shape}"
        )
    return x.shape[2:] if first else x.shape[1:-1]


def _per_axis(name: str, argument: str, value: Sizes, axes: int) -> list[int]:
    values = [value] * axes if isinstance(value, int) else list(value)
    if len(values) != axes or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
        raise ValueError(f"{name}: `{argument}` must be a positive integer or {axes} of them, got {value!r}.")
    return values


def _same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Places before and after; the odd one goes after, as in TensorFlow and Keras."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _channels_last(function: Callable[[Tensor], Tensor], x: Tensor, first: bool) -> Tensor:
    """`function`, which takes the channels last, applied to `x`."""
    if not first:
        return function(x)
    y = function(_dlrs.transpose(x, [0, *range(2, x.ndim), 1]))
    return _dlrs.transpose(y, [0, y.ndim - 1, *range(1, y.ndim - 1)])
