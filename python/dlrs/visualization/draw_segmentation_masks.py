"""Regions of images in colours."""

import colorsys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlrs.backend.checks import check_count, check_flags, check_number, check_type
from dlrs.config import standardize_data_format
from dlrs.visualization.pixels import Array, as_array, as_batch, as_given, check_color, in_channels


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> Array:
    """Images in which each region has the colour of its class.

    Args:
        images: (batch, height, width, channels), from 0 to 255.
        segmentation_masks: the class of each pixel, (batch, height, width) or (batch, height, width, 1), integers.
        num_classes: classes from this on are not drawn; by default all are.
        color_mapping: red, green and blue of each class; those without an entry are not drawn. By default class 0, the
            background, is black, and the others differ.
        alpha: how much of the colour there is, from 0 to 1.
        blend: whether to mix; if not, the colour takes the place of the image.
        ignore_index: a class that is not drawn, such as 0 for an unchanged background.
        data_format: order of the axes of both.

    Returns:
        An array of bytes of the shape of `images`, which stay as they are.

    Raises:
        TypeError: masks that are no integers.
        ValueError: shapes that do not fit, or a bad number.

    >>> image, mask = np.full((1, 1, 2, 3), 100, "uint8"), np.array([[[0, 1]]])
    >>> draw_segmentation_masks(image, mask, color_mapping={1: (255, 0, 0)}, alpha=0.5).tolist()
    [[[[100, 100, 100], [177, 50, 50]]]]
    """
    own = "draw_segmentation_masks"
    batch = as_batch(own, images, data_format)
    masks = as_array(own, "segmentation_masks", segmentation_masks)
    check_type(own, "ignore_index", ignore_index, int | np.integer, "an integer")
    check_flags(own, blend=blend)
    if masks.dtype.kind not in "iu":
        raise TypeError(f"{own}: `segmentation_masks` must be in integer dtype. Received: {masks.dtype}")
    if masks.ndim == 4:
        masks = masks[:, 0] if standardize_data_format(data_format) == "channels_first" else masks[..., 0]
    if masks.shape != batch.shape[:3]:
        raise ValueError(
            f"{own}: `segmentation_masks` must have a class for each pixel of the images of shape {batch.shape}. "
            f"Received: segmentation_masks.shape={np.shape(segmentation_masks)}"
        )
    check_number(own, "alpha", alpha, least=0, most=1)
    check_count(own, "num_classes", num_classes, 1, optional=True)
    check_type(own, "color_mapping", color_mapping, Mapping, "a dict", optional=True)
    share = alpha if blend else 1.0
    drawn = np.clip(np.nan_to_num(batch.astype("float32")), 0, 255)
    for kind in np.unique(masks):
        color = _palette(int(kind)) if color_mapping is None else color_mapping.get(int(kind))
        if kind == ignore_index or kind < 0 or color is None or (num_classes is not None and kind >= num_classes):
            continue
        paint = in_channels(check_color(own, "color_mapping", color), batch.shape[-1])
        region = masks == kind
        drawn[region] = drawn[region] * (1 - share) + paint * share
    return as_given(drawn.astype("uint8"), data_format)


def _palette(kind: int) -> tuple[int, int, int]:
    """Black for class 0; then hues that lie as far as can be from those before, by steps of the golden ratio."""
    if kind == 0:
        return 0, 0, 0
    hue = (kind * 0.618033988749895 + 0.4) % 1.0
    red, green, blue = (round(255 * x) for x in colorsys.hsv_to_rgb(hue, 0.75, 0.95))
    return red, green, blue
