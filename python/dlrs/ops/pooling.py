"""Pooling: the largest or the mean element of windows over the spatial axes."""

from collections.abc import Callable

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.operation import op
from dlrs.ops.spatial import Sizes, is_channels_first, on_channels_last, per_axis, same_padding

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


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
    first = is_channels_first(name, data_format)
    space = _spatial_shape(name, x, first)
    sizes = per_axis(name, "pool_size", pool_size, len(space))
    steps = sizes if strides is None else per_axis(name, "strides", strides, len(space))
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same"):
        raise ValueError(f"{name}: `padding` must be 'valid' or 'same', got {padding!r}.")
    pads = [(0, 0)] * len(space)
    if mode == "same":
        pads = [same_padding(*axis) for axis in zip(space, sizes, steps, strict=True)]
    elif any(0 < n < size for n, size in zip(space, sizes, strict=True)):
        raise ValueError(
            f"{name}: Computed output size would be zero or negative: windows of {tuple(sizes)} do not fit `inputs` of"
            f" shape {x.shape} with padding='valid'."
        )
    return on_channels_last(lambda images: function(images, sizes, steps, pads), x, first)


def _adaptive(
    name: str, function: Callable[..., Tensor], x: Tensor, output_size: Sizes, data_format: str | None
) -> Tensor:
    first = is_channels_first(name, data_format)
    space = _spatial_shape(name, x, first)
    counts = per_axis(name, "output_size", output_size, len(space))
    if 0 in space:
        raise ValueError(f"{name}: windows of no elements: `inputs` have shape {x.shape}.")
    return on_channels_last(lambda images: function(images, counts), x, first)


def _spatial_shape(name: str, x: Tensor, first: bool) -> tuple[int, ...]:
    if not 3 <= x.ndim <= 5:
        raise ValueError(
            f"{name}: `inputs` must have a batch, one to three spatial axes and channels. Received:"
            f" inputs.shape={x.shape}"
        )
    return x.shape[2:] if first else x.shape[1:-1]
