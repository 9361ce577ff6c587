"""Images as one batch with the channels last, and back."""

from collections.abc import Callable
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type, standardize_data_format


def check_rank(name: str, images: Any) -> None:
    """ValueError unless `images` has the axes of an image or of a batch of images."""
    if len(images.shape) not in (3, 4):
        raise ValueError(
            f"{name}: Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). Received input "
            f"with shape: images.shape={images.shape}"
        )


def channels_axis(data_format: str | None) -> int:
    """Which axis holds the channels."""
    return -1 if standardize_data_format(data_format) == "channels_last" else -3


def on_batch(name: str, images: TensorLike, data_format: str | None, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` of the images as a batch of floats with the channels last; the result is as the images were."""
    images = as_tensor(images)
    check_rank(name, images)
    dtype, single = images.dtype, images.ndim == 3
    first = channels_axis(data_format) == -3
    batch = _dlrs.cast(images, result_type(dtype, "float32"))
    if single:
        batch = _dlrs.reshape(batch, (1, *batch.shape))
    if first:
        batch = _dlrs.transpose(batch, [0, 2, 3, 1])
    result = function(batch)
    if first:
        result = _dlrs.transpose(result, [0, 3, 1, 2])
    if single:
        result = _dlrs.reshape(result, result.shape[1:])
    return in_dtype(result, dtype)


def in_dtype(x: Tensor, dtype: str) -> Tensor:
    """`x` in `dtype`: rounded for integers."""
    return _dlrs.cast(x if is_float_dtype(dtype) else _dlrs.round(x), dtype)
