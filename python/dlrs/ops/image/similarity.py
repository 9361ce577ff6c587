"""How alike images are."""

from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type
from dlrs.ops.image.arguments import is_channels_first
from dlrs.ops.manipulation import concatenate, split
from dlrs.ops.operation import op

__all__ = ["ssim"]


@op
def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """Structural similarity of pairs of images (Wang, Bovik, Sheikh and Simoncelli 2004), from -1 to 1 for equal ones.

    `(2 μ₁ μ₂ + c₁)(2 σ₁₂ + c₂) / ((μ₁² + μ₂² + c₁)(σ₁² + σ₂² + c₂))` with means, variances and covariance under a bell
    around each pixel, `c₁ = (k1 max_val)²` and `c₂ = (k2 max_val)²`; averaged over pixels and channels.

    Args:
        image1: Tensor of shape ([batch,] height, width, channels), or ([batch,] channels, height, width) for
            `"channels_first"`.
        image2: The like, of the same shape.
        max_val: The largest value that pixels may have.
        filter_size: Rows and columns of the bell. Pixels nearer to the border than half of it have no value.
        filter_sigma: Its standard deviation.
        k1: How far similarity is held off 0/0 where images are dark.
        k2: How far, where they are flat.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns: tensor of shape (batch,), or () for single images, of the images' type; float32 for whole numbers.

    Errors: ValueError for another rank than 3 or 4, for different shapes, and for a bell larger than the images.

    >>> image = np.linspace(0.0, 1.0, 108, dtype="float32").reshape(1, 6, 6, 3)
    >>> ssim(image, image, filter_size=3).tolist()
    [1.0]
    """
    first, second = as_tensor(image1), as_tensor(image2)
    for name, image in (("image1", first), ("image2", second)):
        if image.ndim not in (3, 4):
            raise ValueError(
                f"ssim: Invalid {name} rank: expected rank 3 (single image) or rank 4 (batch of images). Received "
                f"input with shape: {name}.shape={image.shape}"
            )
    if first.shape != second.shape:
        raise ValueError(f"ssim: `image1` has shape {first.shape}, but `image2` has shape {second.shape}.")
    wanted = result_type(first.dtype, second.dtype)
    wanted = wanted if is_float_dtype(wanted) else "float32"
    x, y = (_planes(image, result_type(wanted, "float32"), data_format) for image in (first, second))
    bell = _bell(filter_size, filter_sigma, x.shape)
    mean1, mean2, square1, square2, product = _smoothed(x, y, bell)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    means = _dlrs.multiply(mean1, mean2)
    squares = _dlrs.add(_dlrs.square(mean1), _dlrs.square(mean2))
    covariance = _dlrs.subtract(product, means)
    variances = _dlrs.subtract(_dlrs.add(square1, square2), squares)
    above = _dlrs.multiply(_twice_plus(means, c1), _twice_plus(covariance, c2))
    below = _dlrs.multiply(_dlrs.add(squares, c1), _dlrs.add(variances, c2))
    values = _dlrs.mean(_dlrs.divide(above, below), [1, 2, 3])
    return _dlrs.cast(_dlrs.reshape(values, ()) if first.ndim == 3 else values, wanted)


def _twice_plus(x: Tensor, constant: float) -> Tensor:
    return _dlrs.add(_dlrs.multiply(x, 2.0), constant)


def _planes(images: Tensor, dtype: str, data_format: str | None) -> Tensor:
    """A batch with the channels last."""
    batch = _dlrs.cast(images, dtype)
    if images.ndim == 3:
        batch = _dlrs.reshape(batch, (1, *images.shape))
    return _dlrs.transpose(batch, (0, 2, 3, 1)) if is_channels_first("ssim", data_format) else batch


def _bell(size: Any, sigma: Any, shape: tuple[int, ...]) -> Any:
    """Values of a bell that sum to 1."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"ssim: `filter_size` must be a positive integer, got {size!r}.")
    if size > min(shape[1:3]):
        raise ValueError(f"ssim: `filter_size` is {size}, more than images of {shape[1]} x {shape[2]} pixels have.")
    if isinstance(sigma, bool) or not isinstance(sigma, int | float | np.number) or not sigma > 0:
        raise ValueError(f"ssim: `filter_sigma` must be a positive number, got {sigma!r}.")
    values = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / float(sigma)) ** 2)
    return values / values.sum()


def _smoothed(first: Tensor, second: Tensor, bell: Any) -> list[Tensor]:
    """Both batches, their squares and their product, each pixel the mean under the bell around it."""
    products = [_dlrs.square(first), _dlrs.square(second), _dlrs.multiply(first, second)]
    planes = concatenate([first, second, *products], axis=-1)
    channels = planes.shape[-1]
    for shape in ((len(bell), 1, 1, 1), (1, len(bell), 1, 1)):
        kernel = np.tile(bell.reshape(shape), (1, 1, 1, channels)).astype(planes.dtype)
        planes = _dlrs.conv(planes, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1), channels)
    return split(planes, 5, axis=-1)
