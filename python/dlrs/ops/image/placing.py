"""Images scaled and moved along any of their axes."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, is_float_dtype, result_type
from dlrs.ops.core import saturate_cast
from dlrs.ops.manipulation import moveaxis
from dlrs.ops.operation import op
from dlrs.ops.products import tensordot

__all__ = ["scale_and_translate"]


def _linear(x: Tensor) -> Tensor:
    return _dlrs.maximum(_dlrs.subtract(1.0, x), 0.0)


def _cubic(x: Tensor) -> Tensor:
    """Keys (1981), equation 15, with a = -1/2."""
    square = _dlrs.square(x)
    near = _dlrs.add(_dlrs.multiply(_dlrs.subtract(_dlrs.multiply(x, 1.5), 2.5), square), 1.0)
    far = _dlrs.multiply(_dlrs.add(_dlrs.multiply(x, -0.5), 2.5), square)
    far = _dlrs.add(_dlrs.subtract(far, _dlrs.multiply(x, 4.0)), 2.0)
    return _dlrs.where(_dlrs.less(x, 1.0), near, _dlrs.where(_dlrs.less(x, 2.0), far, 0.0))


def _lanczos(radius: float) -> Callable[[Tensor], Tensor]:
    """`sinc(x) sinc(x / radius)` within the radius."""

    def kernel(x: Tensor) -> Tensor:
        apart = _dlrs.greater(x, 1e-3)
        angle = _dlrs.multiply(_dlrs.where(apart, x, 1.0), np.pi)
        slow = _dlrs.divide(angle, radius)
        value = _dlrs.divide(_dlrs.multiply(_dlrs.sin(angle), _dlrs.sin(slow)), _dlrs.multiply(angle, slow))
        return _dlrs.where(_dlrs.less(x, radius), _dlrs.where(apart, value, 1.0), 0.0)

    return kernel


_LANCZOS = {"lanczos3": _lanczos(3.0), "lanczos5": _lanczos(5.0)}
KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), _linear),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _cubic),
    **_LANCZOS,
}


@op
def scale_and_translate(
    images: TensorLike,
    output_shape: Sequence[int],
    scale: TensorLike,
    translation: TensorLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Tensor:
    """Images scaled and then moved: position `x` of an axis comes to lie at `x * scale + translation`.

    Positions count from the border of the first pixel, whose centre lies at 1/2. What lies beyond the images is 0.

    Args:
        images: Tensor of any rank. Whole numbers stay whole: results are rounded, and bounded by what the type holds.
        output_shape: Sizes of the result; those of other axes than `spatial_dims` are the images', or None.
        scale: Tensor of shape (k,): factors of the k axes, positive.
        translation: Tensor of shape (k,): how far they are moved, in pixels of the result.
        spatial_dims: The k axes.
        method: `"linear"` (or `"bilinear"`, `"trilinear"`, `"triangle"`), `"cubic"` (or `"bicubic"`, `"tricubic"`; Keys
            1981), `"lanczos3"` or `"lanczos5"`.
        antialias: Whether images that become smaller are filtered first.

    Returns: tensor of shape `output_shape` and of the images' type.

    Errors: ValueError for an unknown method, and for axes, sizes and factors that do not fit each other.

    >>> scale_and_translate([[0.0, 1.0, 2.0]], (1, 5), [2.0], [-0.5], (1,), "linear").tolist()
    [[0.0, 0.5, 1.0, 1.5, 2.0]]
    """
    if method not in KERNELS:
        raise ValueError(
            f"scale_and_translate: Invalid value for argument `method`. Expected one of {tuple(KERNELS)}. Received: "
            f"method={method}"
        )
    images, scale, translation = as_tensor(images), as_tensor(scale), as_tensor(translation)
    axes = _checked_axes(images, spatial_dims)
    for name, x in (("scale", scale), ("translation", translation)):
        if x.shape != (len(axes),):
            raise ValueError(
                f"scale_and_translate: `{name}` must have shape ({len(axes)},), a number for each of the axes "
                f"`spatial_dims={spatial_dims}`, got shape {x.shape}."
            )
    sizes = _checked_sizes(images, output_shape, axes)
    floats = "float32" if images.dtype in ("bool", "int8", "uint8", "int16", "uint16") else "float64"
    wide = result_type(images.dtype, "float32") if is_float_dtype(images.dtype) else floats
    result = _dlrs.cast(images, wide)
    scale, translation = _dlrs.cast(scale, wide), _dlrs.cast(translation, wide)
    for i, axis in enumerate(axes):
        weights = _weights(
            images.shape[axis], sizes[axis], _dlrs.take(scale, i, 0), _dlrs.take(translation, i, 0), method, antialias
        )
        result = moveaxis(tensordot(result, weights, axes=[[axis], [0]]), -1, axis)
    return saturate_cast(result if is_float_dtype(images.dtype) else _dlrs.round(result), images.dtype)


def _checked_axes(images: Tensor, spatial_dims: Any) -> list[int]:
    message = (
        f"scale_and_translate: `spatial_dims` must be different axes of images of rank {images.ndim}. Received: "
        f"spatial_dims={spatial_dims}"
    )
    try:
        axes = [operator.index(axis) for axis in spatial_dims]
    except TypeError:
        raise ValueError(message) from None
    if any(not -images.ndim <= axis < images.ndim for axis in axes):
        raise ValueError(message)
    axes = [axis % images.ndim for axis in axes]
    if len(set(axes)) < len(axes):
        raise ValueError(message)
    return axes


def _checked_sizes(images: Tensor, output_shape: Any, axes: list[int]) -> list[int]:
    message = (
        f"scale_and_translate: `output_shape` must hold a size for each axis of images of shape {images.shape}, and "
        f"may differ from it in the axes {tuple(axes)} alone. Received: output_shape={output_shape}"
    )
    if not isinstance(output_shape, list | tuple) or len(output_shape) != images.ndim:
        raise ValueError(message)
    sizes = []
    for axis, (size, own) in enumerate(zip(output_shape, images.shape, strict=True)):
        if size is None and axis not in axes:
            size = own
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise ValueError(message)
        if axis not in axes and size != own:
            raise ValueError(message)
        sizes.append(int(size))
    return sizes


def _weights(old: int, new: int, scale: Tensor, translation: Tensor, method: str, antialias: bool) -> Tensor:
    """The matrix (old, new) of the weights of an axis."""
    dtype = scale.dtype
    centres = (np.arange(new) + 0.5).astype(dtype)
    places = _dlrs.subtract(_dlrs.divide(_dlrs.subtract(centres, translation), scale), 0.5)
    far = _dlrs.absolute(_dlrs.subtract(places, np.arange(old, dtype=dtype)[:, None]))
    # An image that becomes smaller is read through a kernel as wide as a pixel of the result.
    width = _dlrs.maximum(_dlrs.divide(1.0, scale), 1.0) if antialias else 1.0
    weights = KERNELS[method](_dlrs.divide(far, width))
    total = _dlrs.sum(weights, [0], True)
    enough = _dlrs.greater(_dlrs.absolute(total), 1e-4)
    inside = _dlrs.logical_and(_dlrs.greater_equal(places, -0.5), _dlrs.less_equal(places, old - 0.5))
    weights = _dlrs.divide(weights, _dlrs.where(enough, total, 1.0))
    return _dlrs.where(_dlrs.logical_and(enough, inside), weights, 0.0)
