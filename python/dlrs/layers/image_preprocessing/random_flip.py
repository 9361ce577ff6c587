"""Mirror images."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes
from dlrs.layers.image_preprocessing.bounding_boxes import clip_to_image_size, convert_format

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(RandomImageLayer):
    """Mirrors half of the images while training.

    Args:
        mode: `"horizontal"` (left and right change places), `"vertical"`, or `"horizontal_and_vertical"` (both at
            once, which turns the image by 180 degrees).
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Raises:
        ValueError: an unknown mode.

    >>> import numpy as np
    >>> flipped = RandomFlip("horizontal", seed=1)(np.arange(8.0).reshape(4, 1, 2, 1))
    >>> sorted({tuple(row) for row in flipped.numpy().reshape(4, 2).tolist()})
    [(0.0, 1.0), (2.0, 3.0), (5.0, 4.0), (6.0, 7.0)]
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if mode not in MODES:
            raise ValueError(f"RandomFlip: `mode` must be one of {MODES}, got {mode!r}.")
        self.mode = mode

    @property
    def _horizontal(self) -> bool:
        return "horizontal" in self.mode

    @property
    def _vertical(self) -> bool:
        return "vertical" in self.mode

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        flips = self._uniform((self._sizes(data).batch, 1, 1, 1), 0.0, 1.0, seed) <= 0.5
        images = data["images"] if isinstance(data, dict) else data
        return {"flips": flips, "input_shape": tuple(images.shape)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        rows, columns = (-3, -2) if self.data_format == "channels_last" else (-2, -1)
        flipped = ops.flip(images, columns) if self._horizontal else images
        flipped = ops.flip(flipped, rows) if self._vertical else flipped
        return ops.where(transformation["flips"], flipped, images)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._transform_images(segmentation_masks, transformation, None)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return bounding_boxes
        sizes = self._sizes_of(transformation["input_shape"])
        form = self.bounding_box_format or "xyxy"
        boxes = convert_format(bounding_boxes, form, "rel_xyxy", sizes.height, sizes.width)
        left, top, right, bottom = ops.split(boxes["boxes"], 4, axis=-1)
        if self._horizontal:
            left, right = 1 - right, 1 - left
        if self._vertical:
            top, bottom = 1 - bottom, 1 - top
        flipped = ops.concatenate([left, top, right, bottom], axis=-1)
        boxes["boxes"] = ops.where(ops.squeeze(transformation["flips"], axis=-1), flipped, boxes["boxes"])
        boxes = clip_to_image_size(boxes, bounding_box_format="rel_xyxy")
        return convert_format(boxes, "rel_xyxy", form, sizes.height, sizes.width)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "map"

    def _projection(self, sizes: Sizes, transformation: Any) -> tuple[Any, tuple[int, int]]:
        flips = ops.convert_to_numpy(transformation["flips"]).reshape(-1)
        maps = np.zeros((len(flips), 8), np.float32)
        maps[:, 0] = maps[:, 4] = 1
        if self._horizontal:
            maps[flips, 0], maps[flips, 2] = -1, sizes.width - 1
        if self._vertical:
            maps[flips, 4], maps[flips, 5] = -1, sizes.height - 1
        return maps, (sizes.height, sizes.width)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}
