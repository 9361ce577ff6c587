"""Blur."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.image.batches import on_batch
from dlrs.ops.operation import op

__all__ = ["gaussian_blur"]


@op
def gaussian_blur(
    images: TensorLike,
    kernel_size: Sequence[int] = (3, 3),
    sigma: TensorLike = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:
    """Images convolved with a bell `exp(-(x/σx)²/2 - (y/σy)²/2)`, whose values within the kernel sum to 1.

    Args:
        images: Images; zeros lie beyond their borders.
        kernel_size: Columns and rows of the kernel.
        sigma: Standard deviations along columns and rows, in pixels.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns: images of the same shape and type; integers are rounded.

    Errors: ValueError for another rank than 3 or 4, and for sizes that are not two positive integers.

    >>> image = np.zeros((1, 5, 1), "float32")
    >>> image[0, 2] = 4.0
    >>> gaussian_blur(image, (3, 1), (1.0, 1.0)).numpy().round(2).ravel().tolist()
    [0.0, 1.100000023841858, 1.809999942779541, 1.100000023841858, 0.0]
    """
    sizes = [int(size) for size in kernel_size]
    if len(sizes) != 2 or min(sizes) < 1:
        raise ValueError(f"gaussian_blur: `kernel_size` must be two positive integers, got {kernel_size}.")
    sigma = as_tensor(sigma)
    if sigma.shape != (2,):
        raise ValueError(f"gaussian_blur: `sigma` must be two numbers, got shape {sigma.shape}.")

    def blurred(batch: Tensor) -> Tensor:
        deviations = _dlrs.cast(sigma, batch.dtype)
        rows = _band(batch.shape[1], sizes[1], _dlrs.take(deviations, 1, 0))
        columns = _band(batch.shape[2], sizes[0], _dlrs.take(deviations, 0, 0))
        return convolve_axes(batch, rows, columns)

    return on_batch("gaussian_blur", images, data_format, blurred)


def convolve_axes(batch: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Images [batch, height, width, channels] with a matrix applied to their rows and one to their columns."""
    planes = _dlrs.transpose(batch, [0, 3, 1, 2])
    planes = _dlrs.matmul(_dlrs.matmul(rows, planes), _dlrs.transpose(columns, [1, 0]))
    return _dlrs.transpose(planes, [0, 2, 3, 1])


def _band(length: int, size: int, sigma: Tensor) -> Tensor:
    """Convolution with the bell of `size` values, as a matrix of order `length`."""
    offsets = np.arange(size) - (size - 1) / 2
    values = _bell(offsets, sigma)
    values = _dlrs.divide(values, _dlrs.sum(values))
    # An even kernel reaches one further after than before.
    which = np.arange(length)[None, :] - np.arange(length)[:, None] + (size - 1) // 2
    taken = _dlrs.take(values, np.clip(which, 0, size - 1).astype("int32"), 0)
    return _dlrs.where((which >= 0) & (which < size), taken, 0.0)


def _bell(offsets: Any, sigma: Tensor) -> Tensor:
    scaled = _dlrs.divide(offsets.astype(sigma.dtype), sigma)
    return _dlrs.exp(_dlrs.multiply(_dlrs.square(scaled), -0.5))


def smoothing(length: int, sigma: Tensor) -> Tensor:
    """Convolution with the bell that ends at three standard deviations, as a matrix of order `length`.

    The number of values depends on `sigma`, which a program computes: values beyond the end are zeros.
    """
    sigma = _dlrs.maximum(sigma, 1e-6)
    end = _dlrs.floor(_dlrs.multiply(sigma, 3.0))

    def bell(offsets: Any) -> Tensor:
        near = _dlrs.less_equal(np.abs(offsets).astype(sigma.dtype), end)
        return _dlrs.where(near, _bell(offsets, sigma), 0.0)

    total = _dlrs.sum(bell(np.arange(-3 * length, 3 * length + 1)))
    return _dlrs.divide(bell(np.arange(length)[None, :] - np.arange(length)[:, None]), total)
