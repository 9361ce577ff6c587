"""Patches of images and volumes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor
from dlrs.ops.image.arguments import apply_to_batch, is_channels_first
from dlrs.ops.operation import op

__all__ = ["extract_patches", "extract_patches_3d"]

Sizes = int | Sequence[int]


@op
def extract_patches(
    images: TensorLike,
    size: Sizes,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The patches of images, each as the channels of one pixel.

    Args:
        images: Tensor of shape ([batch,] height, width, channels), or with the channels before the spatial axes for
            `"channels_first"`. With a `size` of three numbers, volumes ([batch,] depth, height, width, channels).
        size: Rows and columns of a patch, one number or two; three for volumes.
        strides: Distance of the patches; `size` if None.
        dilation_rate: Distance of the pixels of a patch.
        padding: `"valid"` (whole patches only) or `"same"` (patches reach beyond the borders, into zeros).
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` if None.

    Returns:
        Tensor of shape ([batch,] rows of patches, columns of patches, pixels of a patch * channels), or with that axis
        before the others for `"channels_first"`.

    >>> extract_patches([[[1.0], [2.0], [3.0], [4.0]]], (1, 2)).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """
    if isinstance(size, bool) or not isinstance(size, int | list | tuple):
        raise TypeError(
            f"extract_patches: Invalid `size` argument. Expected an int or a tuple. Received: size={size} of type"
            f" {type(size).__name__}"
        )
    if not isinstance(size, int) and len(size) not in (2, 3):
        raise ValueError(
            "extract_patches: Invalid `size` argument. Expected a tuple of length 2 or 3. Received:"
            f" size={size} with length {len(size)}"
        )
    axes = 2 if isinstance(size, int) else len(size)
    return _patches("extract_patches", as_tensor(images), axes, size, strides, dilation_rate, padding, data_format)


@op
def extract_patches_3d(
    volumes: TensorLike,
    size: Sizes,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The patches of volumes, each as the channels of one element.

    Args:
        volumes: Tensor of shape ([batch,] depth, height, width, channels), or with the channels before the spatial axes
            for `"channels_first"`.
        size, strides, dilation_rate, padding, data_format: As for `extract_patches`, with one number or three.

    >>> extract_patches_3d([[[[1.0]]], [[[2.0]]]], (2, 1, 1)).tolist()
    [[[[1.0, 2.0]]]]
    """
    if isinstance(size, bool) or not isinstance(size, int | list | tuple):
        raise TypeError(
            f"extract_patches_3d: Invalid `size` argument. Expected an int or a tuple. Received: size={size} of type"
            f" {type(size).__name__}"
        )
    if not isinstance(size, int) and len(size) != 3:
        raise TypeError(
            "extract_patches_3d: Invalid `size` argument. Expected a tuple of length 3. Received:"
            f" size={size} with length {len(size)}"
        )
    return _patches("extract_patches_3d", as_tensor(volumes), 3, size, strides, dilation_rate, padding, data_format)


def _patches(
    name: str,
    images: Tensor,
    axes: int,
    size: Sizes,
    strides: Sizes | None,
    dilation_rate: Sizes,
    padding: str,
    data_format: str | None,
) -> Tensor:
    if images.ndim not in (axes + 1, axes + 2):
        raise ValueError(
            f"{name}: patches of {axes} axes need images of rank {axes + 1} or {axes + 2}. Received:"
            f" images.shape={images.shape}"
        )
    if padding not in ("valid", "same"):
        raise ValueError(f"{name}: `padding` must be 'valid' or 'same', got {padding!r}.")
    window = _per_axis(name, "size", size, axes)
    step = window if strides is None else _per_axis(name, "strides", strides, axes)
    spread = _per_axis(name, "dilation_rate", dilation_rate, axes)

    def gathered(batch: Tensor) -> Tensor:
        n, *space, channels = batch.shape
        reach = [(k - 1) * d + 1 for k, d in zip(window, spread, strict=True)]
        if padding == "same":
            totals = [max((-(-s // t) - 1) * t + r - s, 0) for s, t, r in zip(space, step, reach, strict=True)]
            batch = _dlrs.pad(batch, [(0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)])
            space = list(batch.shape[1:-1])
        counts = [(s - r) // t + 1 for s, r, t in zip(space, reach, step, strict=True)]
        if any(count < 1 for count in counts):
            raise ValueError(f"{name}: patches of size {window} do not fit images of shape {images.shape}.")
        places = _places(space, counts, window, step, spread)
        pixels = _dlrs.take(_dlrs.reshape(batch, (n, math.prod(space), channels)), places.ravel(), 1)
        return _dlrs.reshape(pixels, (n, *counts, math.prod(window) * channels))

    return apply_to_batch(gathered, images, is_channels_first(name, data_format), axes)


def _places(space: list[int], counts: list[int], window: list[int], step: list[int], spread: list[int]) -> Any:
    """The number of each pixel of each patch among those of the image: patches first, then pixels."""
    axes = len(space)
    places = np.zeros((1,) * (2 * axes), np.int64)
    for axis, (count, k, t, d) in enumerate(zip(counts, window, step, spread, strict=True)):
        line = np.arange(count)[:, None] * t + np.arange(k) * d
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = count, k
        places = places + line.reshape(shape) * math.prod(space[axis + 1 :])
    return places.astype(np.int32)


def _per_axis(name: str, argument: str, value: Sizes, axes: int) -> list[int]:
    values = [value] * axes if isinstance(value, int) else list(value)
    if len(values) != axes or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
        raise ValueError(f"{name}: `{argument}` must be a positive integer or {axes} of them, got {value!r}.")
    return values
