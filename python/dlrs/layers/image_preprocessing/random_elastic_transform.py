"""Images on a rubber sheet."""

from typing import Any

from dlrs import ops
from dlrs.layers.image_preprocessing.base import RandomImageLayer, check_range, check_value_range
from dlrs.ops.image.warps import check_reading
from dlrs.random import draw_seed


class RandomElasticTransform(RandomImageLayer):
    """Distorts images by smooth random displacements while training (`ops.image.elastic_transform`).

    Args:
        factor: range of the probability that an image is changed, from 0 to 1, or a number f for (0, f).
        scale: range of the strength, from 0 to 1, likewise.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: what lies beyond the border, as in `ops.image.affine_transform`.
        fill_value: see `fill_mode`.
        value_range: least and largest value of the results.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`. Boxes stay where they are.

    >>> import numpy as np
    >>> RandomElasticTransform(seed=1)(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    _factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        check_reading("RandomElasticTransform", interpolation, fill_mode)
        self._set_factor(factor)
        self.scale = check_range(self, "scale", scale, (0.0, 1.0))
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.value_range = check_value_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        return {
            "apply_transform": self._happens(self._sizes(data).batch, self.factor, seed),
            "distortion_factor": self._uniform((), *self.scale, seed),
            "seed": draw_seed(self.generator if seed is None else seed),
        }

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        sizes = self._sizes(images)
        strength = transformation["distortion_factor"]
        moved = ops.image.elastic_transform(
            images,
            alpha=strength * (0.1 * max(sizes.height, sizes.width)),
            sigma=strength * (0.05 * min(sizes.height, sizes.width)),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            seed=transformation["seed"],
            data_format=self.data_format,
        )
        applies = ops.reshape(transformation["apply_transform"], (-1,) + (1,) * (images.ndim - 1))
        return ops.clip(ops.where(applies, moved, images), *self.value_range)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._transform_images(self._working(segmentation_masks), transformation, "nearest")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "interpolation": self.interpolation,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
        }
