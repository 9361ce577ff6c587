"""The changes that RandAugment and AugMix choose from."""

from collections.abc import Callable
from typing import Any, ClassVar

from dlrs import ops
from dlrs.backend.checks import check_count
from dlrs.layers.image_preprocessing.base import ImageLayer, RandomImageLayer, check_value_range
from dlrs.layers.image_preprocessing.colours import RandomBrightness, RandomColorDegeneration, RandomContrast
from dlrs.layers.image_preprocessing.equalization import Equalization
from dlrs.layers.image_preprocessing.filters import AutoContrast, RandomSharpness
from dlrs.layers.image_preprocessing.geometry import RandomRotation, RandomShear, RandomTranslation
from dlrs.layers.image_preprocessing.tones import RandomPosterization, Solarization


class ChoosingLayer(RandomImageLayer):
    """A layer that applies others, chosen at random for a whole batch; their draws come from its generator."""

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        value_range: Any,
        factor: Any,
        interpolation: str,
        seed: int | None,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.value_range = check_value_range(self, value_range)
        self._set_factor(factor)
        self.interpolation = interpolation

    _layers_to_choose: list[ImageLayer]

    def _check_channels(self, images: Any) -> None:
        for layer in self._layers_to_choose:
            layer._check_channels(images)

    def _number(self, name: str, value: Any, least: int) -> int:
        """ValueError unless `value` is an integer from `least` to 1000."""
        check_count(type(self).__name__, name, value, least)
        if value > 1000:
            raise ValueError(f"{type(self).__name__}: `{name}` must be at most 1000, got {value!r}.")
        return int(value)

    def _augmentations(self, names: tuple[str, ...]) -> list[ImageLayer]:
        """The layers of these names, as strong as `factor` says."""
        common: dict[str, Any] = {
            "data_format": self.data_format,
            "bounding_box_format": self.bounding_box_format,
            "dtype": self.dtype_policy,
        }
        values = {"value_range": self.value_range, **common}
        drawn = {"seed": self.seed, **values}
        moved = {"interpolation": self.interpolation, "seed": self.seed, **common}
        factor = self.factor
        makers: dict[str, Callable[[], ImageLayer]] = {
            "random_shear": lambda: RandomShear(factor, factor, **moved),
            "random_translation": lambda: RandomTranslation(factor, factor, **moved),
            "random_rotation": lambda: RandomRotation(factor, **moved),
            "random_brightness": lambda: RandomBrightness(factor, **drawn),
            "random_color_degeneration": lambda: RandomColorDegeneration(factor, **drawn),
            "random_contrast": lambda: RandomContrast(factor, **drawn),
            "random_sharpness": lambda: RandomSharpness(factor, **drawn),
            "random_posterization": lambda: RandomPosterization(max(1, int(8 * factor[1])), **drawn),
            "solarization": lambda: Solarization(factor, factor, **drawn),
            "auto_contrast": lambda: AutoContrast(**values),
            "equalization": lambda: Equalization(**values),
        }
        return [makers[name]() for name in names]

    def _drawn(self, layers: list[ImageLayer], data: Any, seed: Any) -> list[Any]:
        return [layer.get_random_transformation(data, True, seed) for layer in layers]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "factor": self.factor,
            "interpolation": self.interpolation,
        }


def changed(layers: list[ImageLayer], drawn: list[Any], choice: Any, method: str, value: Any) -> Any:
    """`value` by `method` of the layer number `choice`, under what it drew; as it is for a number beyond the layers."""
    images = method == "transform_images"

    def branch(layer: ImageLayer, transformation: Any) -> Any:
        def run(value: Any) -> Any:
            if images and isinstance(layer, RandomImageLayer) and transformation is not None:
                return layer._transform_images(value, transformation, getattr(layer, "interpolation", None))
            result = getattr(layer, method)(value, transformation)
            return ops.cast(result, value.dtype) if images else result

        return run

    runs = [branch(layer, transformation) for layer, transformation in zip(layers, drawn, strict=True)]
    return ops.switch(choice, [*runs, lambda value: value], value)
