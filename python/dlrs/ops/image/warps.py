"""Geometric maps of images: every pixel of the result shows a position of the image, between pixels as a rule."""

from typing import Any

import numpy as np

from dlrs import _dlrs, random
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.image.batches import check_rank, on_batch
from dlrs.ops.image.blur import convolve_axes, smoothing
from dlrs.ops.image.coordinates import FILL_MODES
from dlrs.ops.manipulation import stack
from dlrs.ops.operation import op

__all__ = ["affine_transform", "elastic_transform", "perspective_transform"]

INTERPOLATIONS = ("nearest", "bilinear")


def check_reading(name: str, interpolation: str, fill_mode: str) -> None:
    """ValueError for an unknown interpolation or fill mode."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"{name}: Invalid value for argument `interpolation`. Expected of one {INTERPOLATIONS}. Received: "
            f"interpolation={interpolation}"
        )
    if fill_mode not in FILL_MODES:
        raise ValueError(
            f"{name}: Invalid value for argument `fill_mode`. Expected of one {FILL_MODES}. Received: "
            f"fill_mode={fill_mode}"
        )


def _pixels(batch: Tensor) -> tuple[Any, Any]:
    """Columns and rows of the pixels, of shapes (1, 1, width) and (1, height, 1)."""
    columns, rows = np.arange(batch.shape[2]), np.arange(batch.shape[1])
    return columns.astype(batch.dtype)[None, None, :], rows.astype(batch.dtype)[None, :, None]


@op
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images seen through a map: the pixel (x, y) of the result shows the image at (x', y').

    Args:
        images: Images.
        transform: `[a0, a1, a2, b0, b1, b2, c0, c1]`, or one such row for each image:
            x' = (a0 x + a1 y + a2) / k, y' = (b0 x + b1 y + b2) / k, k = c0 x + c1 y + 1.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: What lies beyond the border: `"constant"` (`fill_value`), `"nearest"` (the last pixel), `"wrap"`,
            `"mirror"` (reflected at the centre of the last pixel), `"reflect"` (at its edge).
        fill_value: See `fill_mode`.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns: images of the same shape and type; integers are rounded. Gradients flow to images and transform.

    Errors: ValueError for other ranks and for what is not listed.

    >>> affine_transform([[[1.0], [2.0], [3.0]]], [1, 0, 1, 0, 1, 0, 0, 0], fill_mode="nearest").tolist()
    [[[2.0], [3.0], [3.0]]]
    """
    check_reading("affine_transform", interpolation, fill_mode)
    images, transform = as_tensor(images), as_tensor(transform)
    check_rank("affine_transform", images)
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(
            "affine_transform: Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of "
            f"transforms), of 8 numbers each. Received input with shape: transform.shape={transform.shape}"
        )

    def warped(batch: Tensor) -> Tensor:
        return _project("affine_transform", batch, transform, interpolation, fill_mode, fill_value)

    return on_batch("affine_transform", images, data_format, warped)


def _project(name: str, batch: Tensor, transform: Tensor, how: str, beyond: str, fill: float) -> Tensor:
    numbers = _dlrs.cast(transform, batch.dtype)
    if numbers.ndim == 1 or numbers.shape[0] == 1:
        numbers = _dlrs.broadcast_to(_dlrs.reshape(numbers, (1, 8)), (batch.shape[0], 8))
    if numbers.shape[0] != batch.shape[0]:
        raise ValueError(f"{name}: {numbers.shape[0]} transforms were given for {batch.shape[0]} images.")
    x, y = _pixels(batch)
    a0, a1, a2, b0, b1, b2, c0, c1 = (
        _dlrs.reshape(_dlrs.take(numbers, i, 1), (batch.shape[0], 1, 1)) for i in range(8)
    )
    depth = _plane(c0, c1, 1.0, x, y)
    across, down = _dlrs.divide(_plane(a0, a1, a2, x, y), depth), _dlrs.divide(_plane(b0, b1, b2, x, y), depth)
    return _dlrs.remap(batch, stack([down, across], -1), how, beyond, fill)


def _plane(a: Tensor, b: Tensor, c: Tensor | float, x: Any, y: Any) -> Tensor:
    return _dlrs.add(_dlrs.multiply(a, x), _dlrs.add(_dlrs.multiply(b, y), c))


@op
def perspective_transform(
    images: TensorLike,
    start_points: TensorLike,
    end_points: TensorLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images in the perspective that brings four points of the image to four points of the result.

    Args:
        images: Images.
        start_points: Points (x, y) of the image, of shape (4, 2), or (batch, 4, 2).
        end_points: Where they come to be, of the same shape.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: The value beyond the border.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns: images of the same shape and type; integers are rounded.

    Errors: ValueError for other shapes, for another interpolation, and for three end points on a line.

    >>> corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> flipped = [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    >>> perspective_transform([[[1.0], [2.0]], [[3.0], [4.0]]], corners, flipped).numpy().round(3).ravel().tolist()
    [2.0, 1.0, 4.0, 3.0]
    """
    check_reading("perspective_transform", interpolation, "constant")
    images, start, end = as_tensor(images), as_tensor(start_points), as_tensor(end_points)
    check_rank("perspective_transform", images)
    for name, points in (("start_points", start), ("end_points", end)):
        if points.ndim not in (2, 3) or points.shape[-2:] != (4, 2):
            raise ValueError(
                f"perspective_transform: Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a "
                f"batch. Received shape: {points.shape}"
            )
    if start.shape != end.shape:
        raise ValueError(
            "perspective_transform: start_points and end_points must have the same shape. Received "
            f"start_points.shape={start.shape}, end_points.shape={end.shape}"
        )
    transform = compute_homography_matrix(start, end)

    def warped(batch: Tensor) -> Tensor:
        return _project("perspective_transform", batch, transform, interpolation, "constant", fill_value)

    return on_batch("perspective_transform", images, data_format, warped)


def compute_homography_matrix(start_points: TensorLike, end_points: TensorLike) -> Tensor:
    """The `transform` of `affine_transform`, (batch, 8), for which the end points show the start points.

    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "float32")
    >>> compute_homography_matrix(square, square).numpy().round(3).tolist()
    [[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]
    """
    start, end = as_tensor(start_points), as_tensor(end_points)
    dtype = "float64" if "float64" in (start.dtype, end.dtype) else "float32"
    start, end = (_dlrs.reshape(_dlrs.cast(points, dtype), (-1, 4, 2)) for points in (start, end))
    (u, v), (x, y) = ((_dlrs.take(points, 0, 2), _dlrs.take(points, 1, 2)) for points in (start, end))
    one, zero = _dlrs.add(_dlrs.multiply(x, 0.0), 1.0), _dlrs.multiply(x, 0.0)

    def minus(a: Tensor, b: Tensor) -> Tensor:
        return _dlrs.negative(_dlrs.multiply(a, b))

    # u k = a0 x + a1 y + a2 and v k = b0 x + b1 y + b2 are linear in the eight numbers.
    across = stack([x, y, one, zero, zero, zero, minus(u, x), minus(u, y)], -1)
    down = stack([zero, zero, zero, x, y, one, minus(v, x), minus(v, y)], -1)
    system = _dlrs.concatenate([across, down], 1)
    wanted = _dlrs.reshape(_dlrs.concatenate([u, v], 1), (-1, 8, 1))
    return _dlrs.reshape(_dlrs.solve(system, wanted), (-1, 8))


@op
def elastic_transform(
    images: TensorLike,
    alpha: TensorLike = 20.0,
    sigma: TensorLike = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Tensor:
    """Images on a rubber sheet: every pixel is moved by smooth noise (Simard et al. 2003, §2).

    Args:
        images: Images.
        alpha: How far pixels are moved, as a multiple of the noise.
        sigma: Standard deviation of the noise and of the bell that smooths it, in pixels.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: As in `affine_transform`.
        fill_value: As in `affine_transform`.
        seed: Integer, `random.SeedGenerator` or None.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns: images of the same shape and type; integers are rounded.

    Errors: ValueError for another rank than 3 or 4 and for what is not listed.

    >>> elastic_transform(np.ones((2, 8, 8, 3), "float32"), seed=1).shape
    (2, 8, 8, 3)
    """
    check_reading("elastic_transform", interpolation, fill_mode)

    def moved(batch: Tensor) -> Tensor:
        n, height, width, _ = batch.shape
        dtype = batch.dtype
        deviation = _dlrs.cast(as_tensor(sigma), dtype)
        noise = random.normal((n, height, width, 2), dtype=dtype, seed=seed)
        noise = _dlrs.multiply(noise, deviation)
        noise = convolve_axes(noise, smoothing(height, deviation), smoothing(width, deviation))
        x, y = _pixels(batch)
        still = np.stack(np.broadcast_arrays(y, x), -1)
        places = _dlrs.add(_dlrs.multiply(noise, _dlrs.cast(as_tensor(alpha), dtype)), still)
        return _dlrs.remap(batch, places, interpolation, fill_mode, fill_value)

    return on_batch("elastic_transform", images, data_format, moved)
