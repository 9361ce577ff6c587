"""The same number of boxes in every image."""

from typing import Any

from dlrs import ops
from dlrs.backend import KerasTensor
from dlrs.layers.image_preprocessing.base import ImageLayer
from dlrs.layers.spatial_arguments import standardize_integer


class MaxNumBoundingBoxes(ImageLayer):
    """Cuts off or fills up the boxes of images, so that each has `max_number` of them.

    Args:
        max_number: number of boxes.
        fill_value: what stands for the boxes and labels that are missing.
        **kwargs: `bounding_box_format`, which must be given, `data_format`, `name`, `dtype`.

    Raises:
        ValueError: `max_number` is not a positive integer, or `fill_value` not an integer.

    >>> import numpy as np
    >>> layer = MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.ones((1, 2))}
    >>> layer({"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes})["bounding_boxes"]["labels"].tolist()
    [[1.0, 1.0, -1.0]]
    """

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_number = standardize_integer(max_number, "max_number")
        if isinstance(fill_value, bool) or not isinstance(fill_value, int):
            raise ValueError(f"MaxNumBoundingBoxes: `fill_value` must be an integer, got {fill_value!r}.")
        self.fill_value = fill_value

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        """The images as they are."""
        return images

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """`max_number` boxes for each image."""
        boxes, labels = (ops.convert_to_tensor(bounding_boxes[key]) for key in ("boxes", "labels"))
        missing = max(self.max_number - boxes.shape[1], 0)
        boxes, labels = boxes[:, : self.max_number], labels[:, : self.max_number]
        boxes = ops.pad(boxes, [[0, 0], [0, missing], [0, 0]], constant_values=self.fill_value)
        labels = ops.pad(labels, [[0, 0], [0, missing]], constant_values=self.fill_value)
        return {**bounding_boxes, "boxes": boxes, "labels": labels}

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        if not isinstance(data, dict) or "bounding_boxes" not in data:
            return data
        number = self.max_number
        boxes = {
            key: KerasTensor((x.shape[0], number, *x.shape[2:]), x.dtype) if key in ("boxes", "labels") else x
            for key, x in data["bounding_boxes"].items()
        }
        return {**data, "bounding_boxes": boxes}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_number": self.max_number, "fill_value": self.fill_value}
