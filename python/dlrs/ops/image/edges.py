"""Edges."""

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type
from dlrs.ops.image.arguments import is_channels_first
from dlrs.ops.image.batches import check_rank
from dlrs.ops.operation import op

__all__ = ["sobel_edges"]

# What changes from the first column to the last, smoothed along rows.
_ACROSS = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])


@op
def sobel_edges(images: TensorLike, data_format: str | None = None) -> Tensor:
    """How fast images change downwards and to the right, by the filters of Sobel and Feldman (1968).

    The filter to the right is [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], the filter downwards its transpose. Zeros lie
    beyond the borders.

    Args:
        images: Tensor of shape ([batch,] height, width, channels), or ([batch,] channels, height, width) for
            `"channels_first"`.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns: tensor with one more axis, the last, of both changes: downwards, to the right. It is of the images' type;
        float32 for whole numbers, as changes may be negative.

    Errors: ValueError for another rank than 3 or 4.

    >>> image = np.zeros((1, 3, 4, 1), "float32")
    >>> image[:, :, 2:] = 1.0
    >>> sobel_edges(image)[0, 1, :, 0, 1].tolist()
    [0.0, 4.0, 4.0, -4.0]
    """
    images = as_tensor(images)
    check_rank("sobel_edges", images)
    first = is_channels_first("sobel_edges", data_format)
    batch = _dlrs.cast(images, result_type(images.dtype, "float32"))
    if images.ndim == 3:
        batch = _dlrs.reshape(batch, (1, *images.shape))
    if first:
        batch = _dlrs.transpose(batch, (0, 2, 3, 1))
    channels = batch.shape[-1]
    filters = np.stack([_ACROSS.T, _ACROSS], axis=-1).reshape(3, 3, 1, 2)
    kernel = np.tile(filters, (1, 1, 1, channels)).astype(batch.dtype)
    edges = _dlrs.conv(batch, kernel, (1, 1), ((1, 1), (1, 1)), (1, 1), channels)
    edges = _dlrs.reshape(edges, (*batch.shape, 2))
    if first:
        edges = _dlrs.transpose(edges, (0, 3, 1, 2, 4))
    dtype = images.dtype if is_float_dtype(images.dtype) else "float32"
    return _dlrs.cast(_dlrs.reshape(edges, (*images.shape, 2)), dtype)
