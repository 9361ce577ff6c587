"""Image files and arrays."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.utils.image_utils import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]


def smart_resize(
    x: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str | None = "channels_last",
    backend_module: Any = None,
) -> Any:
    """Images of another size, cut in their middle to its aspect ratio before.

    Args:
        x: array or tensor of shape (height, width, channels) or (n, height, width, channels).
        size: the new height and width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        data_format: `"channels_last"` or `"channels_first"`.
        backend_module: taken for compatibility.

    Returns:
        An array for an array, else a tensor.

    Raises:
        ValueError: an argument is not one of those allowed.

    >>> smart_resize(np.zeros((4, 8, 3), "float32"), (2, 2)).shape
    (2, 2, 3)
    """
    resized = ops.image.resize(x, size, interpolation=interpolation, crop_to_aspect_ratio=True, data_format=data_format)
    return resized.numpy() if isinstance(x, np.ndarray) else resized
