"""Images resized."""

from typing import Any

from dlrs import ops
from dlrs.backend import is_float_dtype
from dlrs.errors import unknown_name
from dlrs.layers.image_preprocessing.fixed_size import FixedSizeLayer
from dlrs.ops.image.resizing import INTERPOLATIONS


class Resizing(FixedSizeLayer):
    """Images of another height and width.

    Args:
        height: rows of the result.
        width: columns of the result.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"` or `"area"`.
        crop_to_aspect_ratio: keep proportions: cut away what the result has no room for.
        pad_to_aspect_ratio: keep proportions: add borders of `fill_value`.
        fill_mode: `"constant"`.
        fill_value: what borders are made of.
        antialias: whether images that become smaller are filtered first.
        data_format: `"channels_last"`, ([batch,] height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`, `bounding_box_format`.

    Inputs are images, or a dict of them with the boxes and masks that lie on them. Whole numbers stay whole.

    Errors: ValueError for images of another rank than 3 or 4.

    >>> import numpy as np
    >>> Resizing(4, 5)(np.zeros((2, 8, 9, 3), "float32")).shape
    (2, 4, 5, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(height, width, data_format, **kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(unknown_name("interpolation", interpolation, INTERPOLATIONS))
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True.")
        if fill_mode != "constant":
            raise ValueError(f"Resizing: `fill_mode` must be 'constant', got {fill_mode!r}.")
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def _resized(self, images: Any, interpolation: str) -> Any:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        # Whole numbers stay whole.
        images = ops.cast(images, self.compute_dtype) if is_float_dtype(images.dtype) else images
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._resized(segmentation_masks, "nearest")

    def _move_boxes(self, boxes: Any, height: int, width: int) -> Any:
        old, new = (width, height), (self.width, self.height)
        scales, shifts = [n / o for n, o in zip(new, old, strict=True)], [0.0, 0.0]
        if self.pad_to_aspect_ratio or self.crop_to_aspect_ratio:
            scales = [min(scales) if self.pad_to_aspect_ratio else max(scales)] * 2
            room = [n - o * scales[0] for n, o in zip(new, old, strict=True)]
            # Whole pixels, as many on either side.
            shifts = [r // 2 if self.pad_to_aspect_ratio else -(-r // 2) for r in room]
        return boxes * [*scales, *scales] + [*shifts, *shifts]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }
