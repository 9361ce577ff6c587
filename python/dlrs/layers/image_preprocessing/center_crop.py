"""The middle of images."""

from typing import Any

from dlrs import ops
from dlrs.layers.image_preprocessing.fixed_size import FixedSizeLayer


class CenterCrop(FixedSizeLayer):
    """The middle `height` rows and `width` columns of images. Smaller images are enlarged, keeping proportions.

    Args:
        height: rows of the result.
        width: columns of the result.
        data_format: `"channels_last"`, ([batch,] height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`, `bounding_box_format`.

    Inputs are images, or a dict of them with the boxes and masks that lie on them. The result is of the compute type.

    Errors: ValueError for images of another rank than 3 or 4.

    >>> import numpy as np
    >>> CenterCrop(2, 4)(np.zeros((2, 8, 9, 3), "float32")).shape
    (2, 2, 4, 3)
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(height, width, data_format, **kwargs)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images, sizes = ops.cast(images, self.compute_dtype), self._sizes(images)
        top, left, rows, columns = self._kept(sizes.height, sizes.width)
        window: tuple[Any, ...] = (slice(top, top + rows), slice(left, left + columns))
        images = images[(..., *window) if self.data_format == "channels_first" else (..., *window, slice(None))]
        if (rows, columns) == (self.height, self.width):
            return images
        return ops.image.resize(images, (self.height, self.width), data_format=self.data_format)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        return self.transform_images(segmentation_masks, transformation, training)

    def _kept(self, height: int, width: int) -> tuple[int, int, int, int]:
        """First row, first column, rows and columns of what is kept of images of this size."""
        rows, columns = self.height, self.width
        if height < rows or width < columns:
            rows = max(min(height, width * self.height // self.width), 1)
            columns = max(min(width, height * self.width // self.height), 1)
        return (height - rows) // 2, (width - columns) // 2, rows, columns

    def _move_boxes(self, boxes: Any, height: int, width: int) -> Any:
        top, left, rows, columns = self._kept(height, width)
        scales = self.width / columns, self.height / rows
        return (boxes - [left, top, left, top]) * [*scales, *scales]
