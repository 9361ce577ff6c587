"""What layers that change images have in common."""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from dlrs import ops, random
from dlrs.backend import cast, convert_to_numpy, convert_to_tensor, is_tensor, shape, standardize_data_format
from dlrs.layers.data_layer import DataLayer
from dlrs.layers.image_preprocessing.bounding_boxes import FORMATS, densify


class Ops:
    """What layers written for Keras find under `self.backend`."""

    random = random
    cast = staticmethod(cast)
    shape = staticmethod(shape)
    convert_to_tensor = staticmethod(convert_to_tensor)
    convert_to_numpy = staticmethod(convert_to_numpy)
    is_tensor = staticmethod(is_tensor)

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, "numpy" if name == "core" else name)


class Sizes(NamedTuple):
    """Of a batch of images; a single image is a batch of one."""

    batch: int
    height: Any
    width: Any
    channels: Any


class Stage(NamedTuple):
    """A change of colours as the native call takes it: `numbers` are (batch, n), one row for each image."""

    name: str
    numbers: Any = None
    low: float = 0.0
    high: float = 0.0


def check_range(layer: Any, name: str, factor: Any, bounds: tuple[float, float], bound: str = "[]") -> tuple[Any, Any]:
    """`factor` as (lower, upper): a number stands for the range from its negative, within `bounds`, to itself.

    Raises:
        ValueError: neither a number nor two of them, or out of `bounds`; `bound` says which of these belong to them.
    """
    message = (
        f"The `{name}` argument should be a number (or a list of two numbers) in the range "
        f"{bound[0]}{bounds[0]}, {bounds[1]}{bound[1]}. Received: {name}={factor}"
    )
    values = list(factor) if isinstance(factor, tuple | list) else [factor]
    if len(values) != 2 and isinstance(factor, tuple | list):
        raise ValueError(f"{type(layer).__name__}: {message}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise ValueError(f"{type(layer).__name__}: {message}")
        inside = bounds[0] <= value <= bounds[1] and not (bound[0] == "(" and value == bounds[0])
        if not inside:
            raise ValueError(f"{type(layer).__name__}: {message}")
    if len(values) == 1:
        high = abs(values[0])
        return max(-high, bounds[0]), high
    return min(values), max(values)


def check_value_range(layer: Any, value_range: Any) -> tuple[Any, Any]:
    """Two different numbers, the smaller first."""
    right = isinstance(value_range, tuple | list) and len(value_range) == 2
    right = right and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value_range)
    if not right or not -np.inf < min(value_range) < max(value_range) < np.inf:
        raise ValueError(
            f"{type(layer).__name__}: The `value_range` argument should be a list of two numbers. Received: "
            f"value_range={value_range}"
        )
    return min(value_range), max(value_range)


class ImageLayer(DataLayer):
    """A layer that changes images, and with them labels, boxes and masks.

    Its input is a tensor (height, width, channels) or (batch, height, width, channels), or the like with the channels
    first, of bytes or floats; or a dict of `"images"` and any of `"labels"`, `"bounding_boxes"`,
    `"segmentation_masks"`, whose other entries are passed on.

    A subclass says in `get_random_transformation` what holds for a batch, and in `transform_images` and its like what
    is done by it.

    Raises:
        ValueError: a `bounding_box_format` or `data_format` that is not known.
    """

    def __init__(self, bounding_box_format: str | None = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known = bounding_box_format is None or (
            isinstance(bounding_box_format, str) and bounding_box_format.lower() in FORMATS
        )
        if not known:
            raise ValueError(
                f"{type(self).__name__}: `bounding_box_format` must be one of {FORMATS}. "
                f"Received: {bounding_box_format!r}"
            )
        self.bounding_box_format = bounding_box_format
        self.data_format = standardize_data_format(data_format)

    @property
    def backend(self) -> Ops:
        """Functions by the names that Keras has in its back ends."""
        return Ops()

    # Shapes

    def _sizes(self, data: Any) -> Sizes:
        if isinstance(data, dict) and "images" not in data:
            raise ValueError(
                f"{type(self).__name__}: a dict of data must have the key 'images', got {sorted(map(str, data))}."
            )
        images = data["images"] if isinstance(data, dict) else data
        if not hasattr(images, "shape"):
            raise TypeError(f"{type(self).__name__}: images must be a tensor or an array, got {type(images).__name__}.")
        return self._sizes_of(images.shape)

    def _sizes_of(self, dims: Any) -> Sizes:
        if len(dims) not in (3, 4):
            raise ValueError(
                f"{type(self).__name__}: Expected the input image to be rank 3 or 4. "
                f"Received: inputs.shape={tuple(dims)}"
            )
        batch = dims[0] if len(dims) == 4 else 1
        if self.data_format == "channels_first":
            return Sizes(batch, dims[-2], dims[-1], dims[-3])
        return Sizes(batch, dims[-3], dims[-2], dims[-1])

    # What subclasses say

    def _check_channels(self, images: Any) -> None:
        """Refuse images of a number of channels that the layer cannot take, before anything is drawn."""

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """What is drawn for `data`, or follows from its shape; None if nothing does."""
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """Images under what was drawn."""
        raise self._lacks("transform_images")

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Labels of the images under what was drawn."""
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Boxes in the images under what was drawn."""
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Masks of the images under what was drawn."""
        return segmentation_masks

    # Calls

    def call(self, data: Any, training: bool = True) -> Any:
        training = bool(training)
        self._sizes(data)
        self._check_channels(data["images"] if isinstance(data, dict) else data)
        transformation = self.get_random_transformation(data, training=training)
        if not isinstance(data, dict):
            return self._on_batch(self.transform_images, data, transformation, training)
        outputs = dict(data)
        single = len(data["images"].shape) == 3
        outputs["images"] = self._on_batch(self.transform_images, data["images"], transformation, training)
        if "bounding_boxes" in data:
            outputs["bounding_boxes"] = self._boxes(data["bounding_boxes"], transformation, training, single)
        if "labels" in data:
            labels = data["labels"][None] if single else data["labels"]
            labels = self.transform_labels(labels, transformation, training=training)
            outputs["labels"] = labels[0] if single else labels
        if "segmentation_masks" in data:
            masks = data["segmentation_masks"]
            outputs["segmentation_masks"] = self._on_batch(
                self.transform_segmentation_masks, masks, transformation, training
            )
        return outputs

    def _on_batch(self, transform: Any, images: Any, transformation: Any, training: bool) -> Any:
        images = ops.convert_to_tensor(images)
        self._sizes(images)
        if images.ndim == 4:
            return transform(images, transformation, training=training)
        return ops.squeeze(transform(images[None], transformation, training=training), axis=0)

    def _boxes(self, boxes: Any, transformation: Any, training: bool, single: bool) -> Any:
        if not self.bounding_box_format:
            raise ValueError(
                "You passed an input with a 'bounding_boxes' key, but you didn't specify a bounding box format. Pass a "
                f"`bounding_box_format` argument to your {type(self).__name__} layer, e.g. "
                "`bounding_box_format='xyxy'`."
            )
        boxes = densify(boxes)
        if single:
            boxes = {key: value[None] if key in ("boxes", "labels") else value for key, value in boxes.items()}
        boxes = self.transform_bounding_boxes(boxes, transformation, training=training)
        if single:
            boxes = {
                key: ops.squeeze(value, axis=0) if key in ("boxes", "labels") else value for key, value in boxes.items()
            }
        return boxes

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config


class RandomImageLayer(ImageLayer):
    """A layer that changes images at random while training. They come out in the layer's type, else unchanged.

    Draws are keyed by the generator's state and the image's place in the batch, or within a `random.seed_scope` by the
    scope's key: they do not depend on threads.
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    factor: tuple[Any, Any]

    def __init__(
        self,
        bounding_box_format: str | None = None,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(bounding_box_format, data_format, **kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def _set_factor(self, factor: Any) -> None:
        self.factor = check_range(self, "factor", factor or 0.0, self._factor_bounds)

    @property
    def _per_image(self) -> tuple[int, ...]:
        return (-1, 1, 1, 1)

    def _uniform(self, shape: Any, low: Any, high: Any, seed: Any) -> Any:
        return random.uniform(shape, low, high, seed=self.generator if seed is None else seed)

    def _happens(self, batch: int, probability: tuple[Any, Any], seed: Any) -> Any:
        """Truth values of events whose probability is itself drawn from a range."""
        likely = self._uniform((batch,), *probability, seed)
        return self._uniform((batch,), 0.0, 1.0, seed) < likely

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """Images under what was drawn."""
        images = self._working(images)
        if training and transformation is not None:
            images = self._transform_images(images, transformation, getattr(self, "interpolation", None))
        return ops.cast(images, self.compute_dtype)

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        raise self._lacks("transform_images")

    # The native call of `Pipeline`

    # How pixels between pixels and beyond the border are read, for layers to which it matters.
    _reading: tuple[str, str, float] | None = None

    def _fusion_kind(self, sizes: Sizes) -> str:
        """What it is to the native call: a `"map"` of the pixels, a change of `"colours"`, or `""`: neither."""
        return ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        """What was drawn, as changes of colours."""
        raise self._lacks("_stages")

    def _projection(self, sizes: Sizes, transformation: Any) -> tuple[Any, tuple[int, int]]:
        """What was drawn, as maps (batch, 8) and the size of the results."""
        raise self._lacks("_projection")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
