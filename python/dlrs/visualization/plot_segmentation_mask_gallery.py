"""Images beside their regions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlrs.visualization.draw_segmentation_masks import draw_segmentation_masks
from dlrs.visualization.pixels import as_array, as_batch, as_given, bytes_in_range
from dlrs.visualization.plot_image_gallery import plot_image_gallery


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int | None,
    value_range: Sequence[float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> Any:
    """Show images, a row each, beside the regions that are in them and those that a model found.

    Args:
        images: (batch, height, width, channels).
        num_classes: as of `draw_segmentation_masks`.
        value_range: the numbers that stand for black and white.
        y_true: masks of the images, (batch, height, width) or (batch, height, width, 1).
        y_pred: masks that were predicted, likewise.
        color_mapping: as of `draw_segmentation_masks`, like those that follow.
        blend: whether to mix.
        alpha: how much of the colour there is.
        ignore_index: a class that is not drawn.
        data_format: order of the axes.
        **kwargs: further arguments of `plot_image_gallery`.

    Returns:
        What `plot_image_gallery` returns.

    Raises:
        ImportError: Matplotlib is not installed (the `plot` extra).
        ValueError: what the two functions refuse.

    >>> images, masks = np.zeros((2, 4, 4, 3)), np.ones((2, 4, 4), "int32")
    >>> len(plot_segmentation_mask_gallery(images, 2, y_true=masks, show=False).axes)
    4
    """
    own = "plot_segmentation_mask_gallery"
    pixels = bytes_in_range(own, as_batch(own, images, data_format), value_range)
    columns = [pixels]
    for name, given in (("y_true", y_true), ("y_pred", y_pred)):
        if given is not None:
            masks = as_array(own, name, given)
            drawn = draw_segmentation_masks(
                as_given(pixels, data_format),
                masks.astype("int32"),
                num_classes=num_classes,
                color_mapping=color_mapping,
                alpha=alpha,
                blend=blend,
                ignore_index=ignore_index,
                data_format=data_format,
            )
            columns.append(as_batch(own, drawn, data_format))
    images = np.stack(columns, axis=1).reshape(-1, *pixels.shape[1:])
    return plot_image_gallery(images, rows=len(pixels), cols=len(columns), data_format="channels_last", **kwargs)
