"""The base of layers that give images another size, and what lies on them along with it."""

from typing import Any

from dlrs import ops
from dlrs.layers.image_preprocessing.base import ImageLayer
from dlrs.layers.image_preprocessing.bounding_boxes import clip_to_image_size, convert_format
from dlrs.layers.spatial_arguments import standardize_integer


class FixedSizeLayer(ImageLayer):
    """Gives images `height` rows and `width` columns; masks and boxes follow them."""

    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(bounding_box_format, data_format, **kwargs)
        self.height = standardize_integer(height, "height")
        self.width = standardize_integer(width, "width")
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Rows and columns of the images."""
        sizes = self._sizes(data)
        return sizes.height, sizes.width

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Boxes where they lie afterwards; those that are not seen any more have the label -1."""
        form, given = self.bounding_box_format or "xyxy", bounding_boxes["boxes"]
        # Boxes of zeros or of -1 fill up images with fewer boxes than others.
        filler = ops.logical_or(ops.all(given == 0, axis=-1), ops.all(given == -1, axis=-1))
        boxes = convert_format(bounding_boxes, form, "xyxy", *transformation)
        boxes["boxes"] = self._move_boxes(boxes["boxes"], *transformation)
        boxes = clip_to_image_size(boxes, self.height, self.width)
        boxes["boxes"] = ops.where(ops.expand_dims(filler, -1), 0.0, boxes["boxes"])
        return convert_format(boxes, "xyxy", form, self.height, self.width)

    def _move_boxes(self, boxes: Any, height: int, width: int) -> Any:
        """Where boxes of format `xyxy` in images of this size come to lie."""
        raise self._lacks("_move_boxes")

    def compute_output_shape(self, input_shape: Any) -> Any:
        if isinstance(input_shape, dict):
            return {**input_shape, "images": self.compute_output_shape(input_shape["images"])}
        sizes = self._sizes_of(input_shape)
        first = self.data_format == "channels_first"
        image = (sizes.channels, self.height, self.width) if first else (self.height, self.width, sizes.channels)
        return (*tuple(input_shape)[:-3], *image)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
