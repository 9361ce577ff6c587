"""RandAugment: some changes, one after the other."""

from typing import Any

from dlrs import ops, random
from dlrs.layers.image_preprocessing.augmentations import ChoosingLayer, changed

NAMES = (
    "random_shear", "random_translation", "random_rotation", "random_brightness", "random_color_degeneration",
    "random_contrast", "random_sharpness", "random_posterization", "solarization", "auto_contrast", "equalization",
)  # fmt: skip


class RandAugment(ChoosingLayer):
    """Changes images by `num_ops` of eleven layers, chosen at random with repetitions, while training.

    They are `RandomShear`, `RandomTranslation`, `RandomRotation`, `RandomBrightness`, `RandomColorDegeneration`,
    `RandomContrast`, `RandomSharpness`, `RandomPosterization`, `Solarization`, `AutoContrast` and `Equalization`. All
    images of a batch are changed by the same layers, each by draws of its own; boxes and masks follow them.

    Args:
        value_range: least and largest value.
        num_ops: how many layers are applied, one after the other.
        factor: how strong they are, from 0 to 1: (l, u), or a number f for (0, f).
        interpolation: `"bilinear"` or `"nearest"`, for the first three.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Source: Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space".

    Raises:
        ValueError: an argument is none of these; images that have neither 1 nor 3 channels.

    >>> import numpy as np
    >>> RandAugment(seed=1)(np.ones((2, 8, 8, 3), "uint8")).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, factor, interpolation, seed, data_format, **kwargs)
        self.num_ops = self._number("num_ops", num_ops, 0)
        self._layers_to_choose = self._augmentations(NAMES)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self.generator if seed is None else seed
        chosen = random.randint((self.num_ops,), 0, len(NAMES), seed=seed)
        return {"layer_idxes": chosen, "transforms": self._drawn(self._layers_to_choose, data, seed)}

    def _changed(self, method: str, value: Any, transformation: Any) -> Any:
        for i in range(self.num_ops):
            choice = transformation["layer_idxes"][i]
            value = changed(self._layers_to_choose, transformation["transforms"], choice, method, value)
        return value

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        return self._changed("transform_images", images, transformation)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Masks under the chosen maps."""
        if not training or transformation is None:
            return segmentation_masks
        masks = self._working(segmentation_masks)
        return self._changed("transform_segmentation_masks", masks, transformation)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Boxes under the chosen maps, in the order of the images' changes."""
        if not training or transformation is None:
            return bounding_boxes
        boxes = {key: ops.cast(value, "float32") for key, value in bounding_boxes.items()}
        return self._changed("transform_bounding_boxes", boxes, transformation)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_ops": self.num_ops}
