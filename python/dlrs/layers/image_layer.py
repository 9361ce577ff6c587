"""The base of layers that give images another size, and what lies on them along with it."""

from typing import Any

from dlrs import ops
from dlrs.backend import is_float_dtype
from dlrs.config import standardize_data_format
from dlrs.layers.bounding_boxes import FORMATS, clip_boxes, convert_boxes
from dlrs.layers.data_layer import DataLayer
from dlrs.layers.spatial_arguments import standardize_integer


class FixedSizeLayer(DataLayer):
    """Gives images `height` rows and `width` columns.

    Inputs are images, single or in batches, or a dict: `"images"`, and `"segmentation_masks"` and `"bounding_boxes"`
    (a dict with `"boxes"`) which follow them; other entries are passed on.
    """

    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height = standardize_integer(height, "height")
        self.width = standardize_integer(width, "width")
        self.data_format = standardize_data_format(data_format)
        if bounding_box_format is not None and bounding_box_format not in FORMATS:
            raise ValueError(f"`bounding_box_format` must be one of {FORMATS}. Received: {bounding_box_format!r}")
        self.bounding_box_format = bounding_box_format
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, dict):
            return self._images(inputs)
        if "images" not in inputs:
            raise ValueError(f"{type(self).__name__}: a dict of inputs needs 'images', got {sorted(inputs)}.")
        outputs = {**inputs, "images": self._images(inputs["images"])}
        if "segmentation_masks" in inputs:
            outputs["segmentation_masks"] = self._masks(inputs["segmentation_masks"])
        if "bounding_boxes" in inputs:
            rows, columns = self._axes(len(inputs["images"].shape))
            shape = inputs["images"].shape
            outputs["bounding_boxes"] = self._all_boxes(inputs["bounding_boxes"], shape[rows], shape[columns])
        return outputs

    def _all_boxes(self, given: Any, height: int, width: int) -> Any:
        """Boxes of images of this size, where they lie afterwards; what is not seen any more has the label -1."""
        kind = self.bounding_box_format
        if kind is None:
            raise ValueError(f"{type(self).__name__}: inputs with bounding boxes need a `bounding_box_format`.")
        old = convert_boxes(given["boxes"], kind, "xyxy", height, width)
        boxes, seen = clip_boxes(self._boxes(old, height, width), self.height, self.width)
        # Boxes of zeros or of -1 fill up images with fewer boxes than others.
        filler = ops.logical_or(ops.all(old == 0, axis=-1), ops.all(old == -1, axis=-1))
        boxes = ops.where(ops.expand_dims(filler, -1), 0.0, boxes)
        result = {**given, "boxes": convert_boxes(boxes, "xyxy", kind, self.height, self.width)}
        if "labels" in given:
            result["labels"] = ops.where(seen, given["labels"], -1)
        return result

    def _in_own_dtype(self, images: Any) -> Any:
        """Images in the compute type; whole numbers stay whole."""
        images = ops.convert_to_tensor(images)
        return ops.cast(images, self.compute_dtype) if is_float_dtype(images.dtype) else images

    def _images(self, images: Any) -> Any:
        """The images of the new size."""
        raise TypeError(f"{type(self).__name__} does not define `_images`.")

    def _masks(self, masks: Any) -> Any:
        """Segmentation masks, whose numbers are classes."""
        return self._images(masks)

    def _boxes(self, boxes: Any, height: int, width: int) -> Any:
        """Where boxes of format `xyxy` come to lie."""
        raise TypeError(f"{type(self).__name__} does not define `_boxes`.")

    def _axes(self, rank: int) -> tuple[int, int]:
        if rank not in (3, 4):
            raise ValueError(
                f"{type(self).__name__}: images must have rank 3, or 4 in a batch. Received: input of rank {rank}."
            )
        rows = rank - (2 if self.data_format == "channels_first" else 3)
        return rows, rows + 1

    def compute_output_shape(self, input_shape: Any) -> Any:
        if isinstance(input_shape, dict):
            return {**input_shape, "images": self.compute_output_shape(input_shape["images"])}
        shape = list(input_shape)
        rows, columns = self._axes(len(shape))
        shape[rows], shape[columns] = self.height, self.width
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "height": self.height, "width": self.width, "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config
