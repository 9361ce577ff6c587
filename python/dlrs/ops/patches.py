"""Patches of images, and blocks of pixels as channels."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, standardize_data_format
from dlrs.ops.operation import op

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]

Pair = int | Sequence[int]


def _pair(name: str, value: Pair, least: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(not isinstance(n, int) or n < least for n in pair):
        raise ValueError(f"`{name}` must be one or two integers of at least {least}. Received: {name}={value}")
    return pair[0], pair[1]


def _places(name: str, size: tuple[int, int], kernel: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Any:
    """The pixels of the padded image that each patch covers, of shape `(pixels of a patch, patches)`, and its size."""
    window, spread = _pair("kernel_size", kernel, 1), _pair("dilation", dilation, 1)
    border, step = _pair("padding", padding, 0), _pair("stride", stride, 1)
    padded = (size[0] + 2 * border[0], size[1] + 2 * border[1])
    lines = []
    for n, k, d, s in zip(padded, window, spread, step, strict=True):
        count = (n - d * (k - 1) - 1) // s + 1
        if count < 1:
            raise ValueError(f"{name}: a window of {window} (dilation {spread}) does not fit an image of {padded}.")
        lines.append(np.arange(k)[:, None] * d + np.arange(count) * s)
    rows, columns = lines
    places = rows[:, None, :, None] * padded[1] + columns[None, :, None, :]
    return places.reshape(math.prod(window), -1).astype(np.int32), padded, border


@op
def unfold(x: TensorLike, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1) -> Tensor:
    """The patches of images, as the columns of a matrix.

    Args:
        x: Tensor of shape `(n, channels, rows, columns)`.
        kernel_size: Rows and columns of a patch, one number or two.
        dilation: Distance of the pixels of a patch.
        padding: Rows and columns of zeros at either side.
        stride: Distance of the patches.

    Returns:
        Tensor of shape `(n, channels * pixels of a patch, patches)`.

    >>> unfold([[[[1.0, 2.0, 3.0]]]], kernel_size=(1, 2)).tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    x = as_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"unfold: Input must be a 4D tensor. Received: input.shape={x.shape}")
    n, channels, *size = x.shape
    places, padded, border = _places("unfold", (size[0], size[1]), kernel_size, dilation, padding, stride)
    x = _dlrs.pad(x, [(0, 0), (0, 0), (border[0], border[0]), (border[1], border[1])])
    patches = _dlrs.take(_dlrs.reshape(x, (n, channels, math.prod(padded))), places, 2)
    return _dlrs.reshape(patches, (n, channels * places.shape[0], places.shape[1]))


@op
def fold(
    x: TensorLike, output_size: Pair, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1
) -> Tensor:
    """Images put together from patches: the adjoint of `unfold`. Where patches overlap they are added.

    Args:
        x: Tensor of shape `(n, channels * pixels of a patch, patches)`.
        output_size: Rows and columns of the images.
        kernel_size, dilation, padding, stride: As for `unfold`.

    >>> fold([[[1.0, 2.0], [2.0, 3.0]]], output_size=(1, 3), kernel_size=(1, 2)).tolist()
    [[[[1.0, 4.0, 3.0]]]]
    """
    x = as_tensor(x)
    if x.ndim != 3:
        raise ValueError(f"fold: Input must be a 3D tensor. Received: input.shape={x.shape}")
    size = _pair("output_size", output_size, 1)
    places, padded, border = _places("fold", size, kernel_size, dilation, padding, stride)
    pixels, count = places.shape
    if x.shape[1] % pixels or x.shape[2] != count:
        raise ValueError(
            f"fold: images of {size} have {count} patches of {pixels} pixels each for every channel. Received:"
            f" input.shape={x.shape}"
        )
    n, channels = x.shape[0], x.shape[1] // pixels
    lines = _dlrs.transpose(_dlrs.reshape(x, (n * channels, pixels * count)), (1, 0))
    images = _dlrs.transpose(_dlrs.segment_sum(lines, places.ravel(), math.prod(padded)), (1, 0))
    images = _dlrs.reshape(images, (n, channels, *padded))
    ends = [n, channels, border[0] + size[0], border[1] + size[1]]
    return _dlrs.slice(images, [0, 0, *border], ends, [1] * 4)


def _check_blocks(name: str, x: Tensor, block_size: int) -> None:
    if not isinstance(block_size, int) or block_size < 2:
        raise ValueError(f"{name}: `block_size` must be at least 2. Received: block_size={block_size}")
    if x.ndim != 4:
        raise ValueError(f"{name}: `{name}` requires a 4D input tensor. Received: x.shape={x.shape}")


@op
def depth_to_space(x: TensorLike, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Channels as blocks of `block_size` by `block_size` pixels (Shi et al. 2016, arXiv 1609.05158).

    Args:
        x: Tensor of shape `(n, rows, columns, channels)`, or with the channels first.
        block_size: Side of a block; its square divides the number of channels.
        data_format: `"channels_last"` or `"channels_first"`.

    >>> depth_to_space([[[[1.0, 2.0, 3.0, 4.0]]]], 2).tolist()
    [[[[1.0], [2.0]], [[3.0], [4.0]]]]
    """
    x = as_tensor(x)
    _check_blocks("depth_to_space", x, block_size)
    first = standardize_data_format(data_format) == "channels_first"
    (n, c, h, w), b = (x.shape if first else [x.shape[i] for i in (0, 3, 1, 2)]), block_size
    if c % b**2:
        raise ValueError(f"depth_to_space: The number of channels ({c}) must be divisible by block_size**2 ({b**2}).")
    c //= b**2
    if first:
        blocks = _dlrs.transpose(_dlrs.reshape(x, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3))
        return _dlrs.reshape(blocks, (n, c, h * b, w * b))
    blocks = _dlrs.transpose(_dlrs.reshape(x, (n, h, w, b, b, c)), (0, 1, 3, 2, 4, 5))
    return _dlrs.reshape(blocks, (n, h * b, w * b, c))


@op
def space_to_depth(x: TensorLike, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Blocks of `block_size` by `block_size` pixels as channels: the inverse of `depth_to_space`.

    >>> space_to_depth([[[[1.0], [2.0]], [[3.0], [4.0]]]], 2).tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    x = as_tensor(x)
    _check_blocks("space_to_depth", x, block_size)
    first = standardize_data_format(data_format) == "channels_first"
    (n, c, h, w), b = (x.shape if first else [x.shape[i] for i in (0, 3, 1, 2)]), block_size
    for what, size in (("Height", h), ("Width", w)):
        if size % b:
            raise ValueError(f"space_to_depth: {what} ({size}) must be divisible by block_size ({b}).")
    if first:
        blocks = _dlrs.transpose(_dlrs.reshape(x, (n, c, h // b, b, w // b, b)), (0, 1, 3, 5, 2, 4))
        return _dlrs.reshape(blocks, (n, c * b**2, h // b, w // b))
    blocks = _dlrs.transpose(_dlrs.reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return _dlrs.reshape(blocks, (n, h // b, w // b, c * b**2))
