"""Windows of images."""

from typing import Any

import numpy as np

from dlrs import _dlrs, ops
from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes
from dlrs.layers.image_preprocessing.bounding_boxes import clip_to_image_size, convert_format


class RandomCrop(RandomImageLayer):
    """Cuts a window out of each image: anywhere while training, from the middle otherwise.

    Args:
        height: rows of the window.
        width: columns of the window.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    The middle has the window's proportions and is scaled to it; so is, while training too, the middle of an image that
    is not larger than the window in both directions.

    Raises:
        ValueError: a size that is not a positive integer.

    >>> import numpy as np
    >>> RandomCrop(2, 2, seed=1)(np.ones((4, 8, 8, 3), "uint8")).shape
    (4, 2, 2, 3)
    """

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        for name, size in (("height", height), ("width", width)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
                raise ValueError(f"RandomCrop: `{name}` must be a positive integer, got {size!r}.")
        self.height, self.width = int(height), int(width)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The first row and the first column of each image's window."""
        sizes = self._sizes(data)
        if sizes.height is None or sizes.width is None:
            raise ValueError(
                "RandomCrop requires the input to have a fully defined height and width. Received: images of "
                f"{sizes.height} x {sizes.width} pixels."
            )
        spare = sizes.height - self.height, sizes.width - self.width
        if training and min(spare) > 0:
            return tuple(ops.floor(self._uniform((sizes.batch,), 0.0, float(s + 1), seed)) for s in spare)
        rows, columns = self._middle(sizes)
        still = ops.zeros((sizes.batch,))
        return still + float((sizes.height - rows) // 2), still + float((sizes.width - columns) // 2)

    def _middle(self, sizes: Sizes) -> tuple[int, int]:
        """Rows and columns of the largest part that has the window's proportions."""
        rows = max(min(sizes.height, int(sizes.width * self.height / self.width)), 1)
        columns = max(min(sizes.width, int(sizes.height * self.width / self.height)), 1)
        return rows, columns

    def _scales(self, sizes: Sizes, training: bool) -> tuple[float, float]:
        """Rows and columns of the image for one of the window."""
        if training and sizes.height > self.height and sizes.width > self.width:
            return 1.0, 1.0
        rows, columns = self._middle(sizes)
        return rows / self.height, columns / self.width

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        cropped = self._crop(self._working(images), transformation, training, "bilinear")
        return ops.cast(cropped, self.compute_dtype)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self._crop(self._working(segmentation_masks), transformation, training, "nearest")

    def _crop(self, images: Any, transformation: Any, training: bool, interpolation: str) -> Any:
        sizes = self._sizes(images)
        batch = ops.transpose(images, (0, 2, 3, 1)) if self.data_format == "channels_first" else images
        places = []
        for start, scale, n in zip(
            transformation, self._scales(sizes, training), (self.height, self.width), strict=True
        ):
            within = ((np.arange(n) + 0.5) * scale - 0.5).astype(images.dtype)
            places.append(ops.cast(ops.reshape(start, (-1, 1)), images.dtype) + within)
        shape = (sizes.batch, self.height, self.width)
        rows = ops.broadcast_to(places[0][:, :, None], shape)
        columns = ops.broadcast_to(places[1][:, None, :], shape)
        result = _dlrs.remap(batch, ops.stack([rows, columns], axis=-1), interpolation, "nearest")
        return ops.transpose(result, (0, 3, 1, 2)) if self.data_format == "channels_first" else result

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        form = self.bounding_box_format or "xyxy"
        boxes = convert_format(bounding_boxes, form, "xyxy", self.height, self.width)
        top, left = (ops.cast(ops.reshape(start, (-1, 1, 1)), "float32") for start in transformation)
        if boxes["boxes"].ndim == 2:
            top, left = top[0], left[0]
        boxes["boxes"] = boxes["boxes"] - ops.concatenate([left, top, left, top], axis=-1)
        boxes = clip_to_image_size(boxes, self.height, self.width)
        return convert_format(boxes, "xyxy", form, self.height, self.width)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "map"

    def _projection(self, sizes: Sizes, transformation: Any) -> tuple[Any, tuple[int, int]]:
        top, left = (ops.convert_to_numpy(start) for start in transformation)
        down, across = self._scales(sizes, True)
        maps = np.zeros((len(top), 8), np.float32)
        maps[:, 0], maps[:, 2] = across, left + (0.5 * across - 0.5)
        maps[:, 4], maps[:, 5] = down, top + (0.5 * down - 0.5)
        return maps, (self.height, self.width)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        if self.data_format == "channels_first":
            shape[-2:] = self.height, self.width
        else:
            shape[-3:-1] = self.height, self.width
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
