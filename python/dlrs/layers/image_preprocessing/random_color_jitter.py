"""Several changes of colour, one after the other."""

from typing import Any

from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes, Stage, check_value_range
from dlrs.layers.image_preprocessing.colours import (
    ColourLayer,
    RandomBrightness,
    RandomContrast,
    RandomHue,
    RandomSaturation,
)


class RandomColorJitter(RandomImageLayer):
    """Changes brightness, contrast, saturation and hue, in this order, while training.

    Args:
        value_range: least and largest value.
        brightness_factor: as `factor` of `RandomBrightness`; None for no change.
        contrast_factor: as `factor` of `RandomContrast`; None for no change.
        saturation_factor: as `factor` of `RandomSaturation`; None for no change.
        hue_factor: as `factor` of `RandomHue`; None for no change.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomColorJitter(brightness_factor=0.2, hue_factor=0.1, seed=1)(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.value_range = check_value_range(self, value_range)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        self._steps: list[ColourLayer] = []
        common = {"value_range": value_range, "data_format": self.data_format, "dtype": self.dtype_policy}
        classes = (
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        )
        # Their draws come from this layer's generator, one after the other.
        self._steps = [cls(factor, seed=seed, **common) for cls, factor in classes if factor is not None]

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self.generator if seed is None else seed
        return [step.get_random_transformation(data, training, seed) for step in self._steps]

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        for step, drawn in zip(self._steps, transformation, strict=True):
            images = step._transform_images(images, drawn, None)
        return images

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours" if all(step._fusion_kind(sizes) for step in self._steps) else ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        parts = (step._stages(sizes, drawn) for step, drawn in zip(self._steps, transformation, strict=True))
        return [stage for part in parts for stage in part]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "brightness_factor": self.brightness_factor,
            "contrast_factor": self.contrast_factor,
            "saturation_factor": self.saturation_factor,
            "hue_factor": self.hue_factor,
        }
