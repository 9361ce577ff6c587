"""Layers that change brightness and colours of images at random."""

from typing import Any, ClassVar

import numpy as np

from dlrs import ops, random
from dlrs.backend import epsilon
from dlrs.layers.image_preprocessing.base import RandomImageLayer, Sizes, Stage, check_value_range
from dlrs.ops.image.colour import LUMA


class ColourLayer(RandomImageLayer):
    """A layer whose results lie in a range of values."""

    def __init__(
        self, value_range: Any, seed: int | None, data_format: str | None = None, factor: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if factor is not None:
            self._set_factor(factor)
        self.value_range = check_value_range(self, value_range)

    def _clipped(self, images: Any) -> Any:
        return ops.clip(images, *self.value_range)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours"

    @property
    def _clip_stage(self) -> Stage:
        return Stage("clip", None, float(self.value_range[0]), float(self.value_range[1]))

    _takes: ClassVar[tuple[int, ...]] = ()

    def _check_channels(self, images: Any) -> None:
        channels = self._sizes(images).channels
        if self._takes and channels not in self._takes:
            wanted = " or ".join(map(str, reversed(self._takes)))
            raise ValueError(
                f"{type(self).__name__}: images must have {wanted} channels (red, green, blue), got {channels}: "
                f"images.shape={images.shape}, data_format={self.data_format!r}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


def _numbers(x: Any) -> Any:
    """What was drawn for each image, as (batch, 1)."""
    return ops.convert_to_numpy(x).reshape(-1, 1)


class RandomBrightness(ColourLayer):
    """Adds a random number to all pixels of an image while training.

    Args:
        factor: range of the number as shares of the values' range, from -1 to 1, or a number f for (-f, f).
        value_range: least and largest value.
        seed: integer that fixes the draws.
        **kwargs: `data_format`, `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomBrightness((0.2, 0.2), value_range=(0, 1))(np.full((1, 1, 1), 0.25)).numpy().round(2).tolist()
    [[[0.44999998807907104]]]
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(value_range, seed, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        shape = (self._sizes(data).batch, 1, 1, 1)
        if not training:
            return {"rgb_delta": ops.zeros(shape)}
        low, high = self.value_range
        return {"rgb_delta": self._uniform(shape, *self.factor, seed) * (high - low)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        return self._clipped(images + ops.cast(transformation["rgb_delta"], images.dtype))

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        delta = _numbers(transformation["rgb_delta"])
        numbers = np.repeat(np.concatenate([np.ones_like(delta), delta], axis=1), sizes.channels, axis=1)
        return [Stage("scale", numbers), self._clip_stage]


class RandomContrast(ColourLayer):
    """Multiplies every channel's distance from its mean over the image by a random number while training.

    Args:
        factor: (l, u) for a number from 1 - l to 1 + u; a number f for (0, f).
        value_range: least and largest value.
        seed: integer that fixes the draws.
        **kwargs: `data_format`, `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomContrast((0.5, 0.5), seed=1)(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(value_range, seed, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        shape = (self._sizes(data).batch, 1, 1, 1)
        if not training:
            return {"contrast_factor": ops.zeros(shape)}
        return {"contrast_factor": self._uniform(shape, 1.0 - self.factor[0], 1.0 + self.factor[1], seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        axes = (-3, -2) if self.data_format == "channels_last" else (-2, -1)
        mean = ops.mean(images, axis=axes, keepdims=True)
        return self._clipped((images - mean) * ops.cast(transformation["contrast_factor"], images.dtype) + mean)

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        return [Stage("contrast", _numbers(transformation["contrast_factor"])), self._clip_stage]


class RandomSaturation(ColourLayer):
    """Multiplies the saturation of an image's colours by a random number while training.

    Args:
        factor: range from 0 (grey) to 1 (all colours pure) with 0.5 for no change, or a number f for (0, f).
        value_range: least and largest saturation that results, as in Keras.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomSaturation((0.0, 0.0))(np.array([[[1.0, 0.5, 0.0]]])).tolist()
    [[[1.0, 1.0, 1.0]]]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    _takes: ClassVar[tuple[int, ...]] = (3,)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        factor = self._uniform((self._sizes(data).batch,), *self.factor, seed)
        return {"factor": factor / (1 - factor + epsilon())}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        axis = -1 if self.data_format == "channels_last" else -3
        hue, saturation, value = ops.split(ops.image.rgb_to_hsv(images, data_format=self.data_format), 3, axis=axis)
        factor = ops.reshape(ops.cast(transformation["factor"], images.dtype), self._per_image)
        colours = ops.concatenate([hue, self._clipped(saturation * factor), value], axis=axis)
        return ops.image.hsv_to_rgb(colours, data_format=self.data_format)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours" if sizes.channels == 3 else ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        factor = _numbers(transformation["factor"])
        limits = np.broadcast_to(np.asarray(self.value_range, factor.dtype), (len(factor), 2))
        numbers = np.concatenate([np.zeros_like(factor), factor, limits], axis=1)
        return [Stage("hue_saturation", numbers, 0.0, 1.0)]


class RandomHue(ColourLayer):
    """Turns the hue of an image's colours by a random angle while training.

    Args:
        factor: range of the angle, from 0 to 1 for half a turn, or a number f for (0, f); its sign is random.
        value_range: least and largest value.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomHue((1.0, 1.0), value_range=(0, 1))(np.array([[[1.0, 0.0, 0.0]]])).numpy().round(3).tolist()
    [[[0.0, 1.0, 1.0]]]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    _takes: ClassVar[tuple[int, ...]] = (3,)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        shape = (self._sizes(data).batch,)
        sign = ops.where(self._uniform(shape, 0.0, 1.0, seed) > 0.5, -0.5, 0.5)
        return {"factor": sign * self._uniform(shape, *self.factor, seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        low, high = self.value_range
        axis = -1 if self.data_format == "channels_last" else -3
        colours = ops.image.rgb_to_hsv((images - low) * (1 / (high - low)), data_format=self.data_format)
        hue, saturation, value = ops.split(colours, 3, axis=axis)
        hue = hue + ops.reshape(ops.cast(transformation["factor"], images.dtype), self._per_image)
        colours = ops.image.hsv_to_rgb(
            ops.concatenate([hue, saturation, value], axis=axis), data_format=self.data_format
        )
        return self._clipped(colours * (high - low) + low)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours" if sizes.channels == 3 else ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        turn = _numbers(transformation["factor"])
        numbers = np.concatenate([turn, np.broadcast_to(np.array([1, 0, np.inf], turn.dtype), (len(turn), 3))], axis=1)
        low, high = (float(value) for value in self.value_range)
        return [Stage("hue_saturation", numbers, low, high), self._clip_stage]


class RandomGrayscale(RandomImageLayer):
    """Takes the colour out of a random share of the images while training; they keep three channels.

    Args:
        factor: the share, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomGrayscale(1.0)(np.array([[[100.0, 0.0, 0.0]]])).numpy().round(2).tolist()
    [[[29.889999389648438, 29.889999389648438, 29.889999389648438]]]
    """

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 <= factor <= 1:
            raise ValueError(f"RandomGrayscale: `factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor  # type: ignore[assignment]

    def _check_channels(self, images: Any) -> None:
        channels = self._sizes(images).channels
        if channels not in (1, 3):
            raise ValueError(
                "RandomGrayscale: Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: "
                f"images.shape={images.shape}"
            )

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return self._uniform((self._sizes(data).batch, 1, 1, 1), 0.0, 1.0, seed) < self.factor

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        grey = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return ops.where(transformation, grey, images)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours" if sizes.channels == 3 else ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        grey = np.tile(np.array([*LUMA, 0.0], np.float32), (1, 3))
        same = np.eye(3, 4, dtype=np.float32).reshape(1, 12)
        return [Stage("matrix", np.where(_numbers(transformation), grey, same))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomInvert(ColourLayer):
    """Turns a random share of the images into their negatives while training.

    Args:
        factor: range of the probability, from 0 to 1, or a number f for (0, f).
        value_range: least and largest value; a pixel x becomes the largest minus x.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomInvert((1.0, 1.0))(np.array([[[55.0]]])).tolist()
    [[[200.0]]]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {"apply_inversion": self._happens(self._sizes(data).batch, self.factor, seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        applies = ops.reshape(transformation["apply_inversion"], self._per_image)
        return ops.where(applies, self.value_range[1] - images, images)

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        applies = _numbers(transformation["apply_inversion"])
        pair = np.where(applies, [[-1.0, self.value_range[1]]], [[1.0, 0.0]])
        return [Stage("scale", np.repeat(pair, sizes.channels, axis=1))]


class RandomColorDegeneration(ColourLayer):
    """Mixes images with their grey versions while training.

    Args:
        factor: range of the share of grey, from 0 to 1, or a number f for (0, f).
        value_range: least and largest value.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomColorDegeneration((1.0, 1.0))(np.array([[[100.0, 0.0, 0.0]]])).numpy().round(2).tolist()
    [[[29.889999389648438, 29.889999389648438, 29.889999389648438]]]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    _takes: ClassVar[tuple[int, ...]] = (1, 3)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"factor": self._uniform((self._sizes(data).batch, 1, 1, 1), *self.factor, seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        grey = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return self._clipped(images + ops.cast(transformation["factor"], images.dtype) * (grey - images))

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours" if sizes.channels == 3 else ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        grey = np.tile(np.array([*LUMA, 0.0], np.float32), (1, 3))
        same = np.eye(3, 4, dtype=np.float32).reshape(1, 12)
        return [Stage("matrix", same + _numbers(transformation["factor"]) * (grey - same)), self._clip_stage]


class RandomPCAColor(RandomImageLayer):
    """Adds random multiples of the principal components of colours to all pixels of an image while training.

    Args:
        stddev: standard deviation of the normal draws, one for each component.
        value_range: least and largest value of the images: components are scaled to it. Results are not clipped.
        eigenvalues: square roots of the variances along the components, for colours from 0 to 1.
        eigenvectors: the components, as columns; those of ImageNet by default, as the eigenvalues are.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks",
    §4.1. `adapt(images)` takes the components from other images.

    Raises:
        ValueError: numbers of another shape; images of other than three channels.

    >>> import numpy as np
    >>> RandomPCAColor(seed=1)(np.ones((2, 4, 4, 3), "uint8")).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        stddev: float = 0.1,
        value_range: Any = (0, 255),
        eigenvalues: Any = (0.2175, 0.0188, 0.0045),
        eigenvectors: Any = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203)),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if isinstance(stddev, bool) or not isinstance(stddev, int | float) or not 0 <= stddev < float("inf"):
            raise ValueError(f"RandomPCAColor: `stddev` must be a finite number of at least 0, got {stddev!r}.")
        self.stddev = stddev
        self.value_range = check_value_range(self, value_range)
        self._set_components(np.asarray(eigenvalues, "float32"), np.asarray(eigenvectors, "float32"))

    def _set_components(self, values: Any, vectors: Any) -> None:
        if values.shape != (3,) or vectors.shape != (3, 3):
            raise ValueError(
                "RandomPCAColor: `eigenvalues` must be 3 numbers and `eigenvectors` 3 by 3, got shapes "
                f"{values.shape} and {vectors.shape}."
            )
        self._set_untracked("eigenvalues", values)
        self._set_untracked("eigenvectors", vectors)

    eigenvalues: Any
    eigenvectors: Any

    def adapt(self, images: Any) -> None:
        """Take the components of the colours of `images`, an array in the layer's format."""
        images = np.asarray(images, "float64")
        if images.ndim not in (3, 4):
            raise ValueError(f"RandomPCAColor: `adapt` takes images of rank 3 or 4, got shape {images.shape}.")
        colours = np.moveaxis(images, -3, -1) if self.data_format == "channels_first" else images
        if colours.shape[-1] != 3:
            raise ValueError(f"RandomPCAColor: `adapt` takes images of 3 channels, got shape {images.shape}.")
        low, high = self.value_range
        values, vectors = np.linalg.eigh(np.cov(colours.reshape(-1, 3).T / (high - low)))
        self._set_components(np.sqrt(np.maximum(values, 0)).astype("float32"), vectors.astype("float32"))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        batch = self._sizes(data).batch
        draws = random.normal((batch, 3), stddev=self.stddev, seed=self.generator if seed is None else seed)
        low, high = self.value_range
        return {"rgb_delta": ops.matmul(draws * self.eigenvalues, self.eigenvectors.T) * (high - low)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        if self._sizes(images).channels != 3:
            raise ValueError(f"RandomPCAColor: images must have 3 channels, got shape {images.shape}.")
        shape = (-1, 1, 1, 3) if self.data_format == "channels_last" else (-1, 3, 1, 1)
        return images + ops.cast(ops.reshape(transformation["rgb_delta"], shape), images.dtype)

    def _fusion_kind(self, sizes: Sizes) -> str:
        return "colours" if sizes.channels == 3 else ""

    def _stages(self, sizes: Sizes, transformation: Any) -> list[Stage]:
        delta = ops.convert_to_numpy(transformation["rgb_delta"])
        return [Stage("scale", np.concatenate([np.ones_like(delta), delta], axis=1))]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "stddev": self.stddev,
            "value_range": self.value_range,
            "eigenvalues": self.eigenvalues.tolist(),
            "eigenvectors": self.eigenvectors.tolist(),
        }
