"""Layers that change the tones of images at random, each pixel by itself."""

from typing import Any, ClassVar

from dlrs import ops, random
from dlrs.layers.image_preprocessing.base import RandomImageLayer, check_range, check_value_range


class ToneLayer(RandomImageLayer):
    """A layer that computes with values from 0 to 255, whatever those of the images."""

    def __init__(self, value_range: Any, seed: int | None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.value_range = check_value_range(self, value_range)

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        low, high = self.value_range
        tones = self._transform_tones((images - low) * (255 / (high - low)), transformation)
        return tones * ((high - low) / 255) + low

    def _transform_tones(self, tones: Any, transformation: Any) -> Any:
        raise self._lacks("_transform_tones")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}


class Solarization(ToneLayer):
    """Adds a number to the pixels of an image, and inverts those that then reach a threshold, while training.

    Args:
        addition_factor: range of the number, from 0 to 1; a number f for (0, f). As in Keras it is drawn from
            (l, 255 u) for a factor (l, u), on a scale of values from 0 to 255.
        threshold_factor: range of the threshold, likewise.
        value_range: least and largest value.
        seed: integer that fixes the draws.
        **kwargs: `data_format`, `bounding_box_format`, `name`, `dtype`.

    Source: Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space".

    Raises:
        ValueError: a factor out of [0, 1], or another argument that is none of these.

    >>> import numpy as np
    >>> Solarization()(np.array([[[0.0], [100.0], [255.0]]])).tolist()
    [[[255.0], [155.0], [0.0]]]
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.addition_factor = check_range(self, "addition_factor", addition_factor, (0.0, 1.0))
        self.threshold_factor = check_range(self, "threshold_factor", threshold_factor, (0.0, 1.0))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = (self._sizes(data).batch, 1, 1, 1)
        ranges = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        return {name: self._uniform(shape, low, high * 255, seed) for name, (low, high) in ranges.items()}

    def _transform_tones(self, tones: Any, transformation: Any) -> Any:
        added = ops.clip(tones + ops.cast(transformation["additions"], tones.dtype), 0, 255)
        return ops.where(added < ops.cast(transformation["thresholds"], tones.dtype), added, 255 - added)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "addition_factor": self.addition_factor,
            "threshold_factor": self.threshold_factor,
        }


class RandomPosterization(ToneLayer):
    """Keeps a random number of the highest bits of each pixel, of eight, while training.

    Args:
        factor: (l, u) for a number of bits from l to u - 1, or l if u is the same; from 1 to 8. A number n stands for
            (1, n).
        value_range: least and largest value, which have the bytes 0 and 255.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Raises:
        ValueError: a factor that is not of whole numbers from 1 to 8, or another argument that is none of these.

    >>> import numpy as np
    >>> RandomPosterization((2, 2))(np.array([[[10.0], [100.0], [200.0]]])).tolist()
    [[[0.0], [64.0], [192.0]]]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (1, 8)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self._set_factor(factor)
        if any(bits != int(bits) for bits in self.factor):
            raise ValueError(f"RandomPosterization: `factor` must be of whole numbers, got {factor!r}.")
        self.factor = (int(self.factor[0]), int(self.factor[1]))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        shape = (self._sizes(data).batch,)
        if low == high:
            return {"shift_factor": ops.full(shape, 8 - low, dtype="int32")}
        return {"shift_factor": 8 - random.randint(shape, low, high, seed=self.generator if seed is None else seed)}

    def _transform_tones(self, tones: Any, transformation: Any) -> Any:
        step = ops.cast(ops.reshape(ops.left_shift(1, transformation["shift_factor"]), self._per_image), tones.dtype)
        return ops.floor(ops.clip(tones, 0, 255) / step) * step

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}
