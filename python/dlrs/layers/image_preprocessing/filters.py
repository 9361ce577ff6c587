"""Layers that filter images, or stretch their contrast."""

from typing import Any, ClassVar

import numpy as np

from dlrs import ops
from dlrs.layers.image_preprocessing.base import RandomImageLayer, check_range, check_value_range


class RandomGaussianBlur(RandomImageLayer):
    """Blurs a random share of the images while training (`ops.image.gaussian_blur`).

    Args:
        factor: range of the probability that an image is changed, from 0 to 1, or a number f for (0, f).
        kernel_size: odd number of columns and rows of the kernel, or two of them.
        sigma: range of the standard deviation in pixels, from 0 to 1, or a number s for (0, s).
        value_range: least and largest value of the results.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    >>> import numpy as np
    >>> RandomGaussianBlur(seed=1)(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self._set_factor(factor)
        sizes = tuple(kernel_size) if isinstance(kernel_size, tuple | list) else (kernel_size, kernel_size)
        if len(sizes) != 2 or not all(isinstance(n, int) and n > 0 and n % 2 for n in sizes):
            raise ValueError(
                f"RandomGaussianBlur: kernel_size must be an odd number (or a list of two). Received: {kernel_size}"
            )
        self.kernel_size = sizes
        self.sigma = check_range(self, "sigma", sigma, (0.0, 1.0))
        self.value_range = check_value_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {
            "should_apply_blur": self._happens(self._sizes(data).batch, self.factor, seed),
            "blur_factor": self._uniform((2,), *self.sigma, seed) + 1e-6,
        }

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        blurred = ops.image.gaussian_blur(
            images, self.kernel_size, transformation["blur_factor"], data_format=self.data_format
        )
        applies = ops.reshape(transformation["should_apply_blur"], self._per_image)
        return ops.clip(ops.where(applies, blurred, images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "kernel_size": self.kernel_size,
            "sigma": self.sigma,
            "value_range": self.value_range,
        }


class RandomSharpness(RandomImageLayer):
    """Blurs images or sharpens them at random while training.

    Args:
        factor: range of a number s, from 0 to 1, or a number f for (0, f). 0 gives the image averaged over 3 by 3
            pixels, 0.5 the image itself, 1 the image and the difference between the two.
        value_range: least and largest value of the results.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: integer that fixes the draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    In the average the pixel itself counts five times; beyond the border are zeros.

    >>> import numpy as np
    >>> RandomSharpness((1.0, 1.0))(np.array([[[0.0], [130.0], [0.0]]])).numpy().round(3).tolist()
    [[[0.0], [210.0], [0.0]]]
    """

    _factor_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self._set_factor(factor)
        self.value_range = check_value_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {"factor": self._uniform((self._sizes(data).batch,), *self.factor, seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        channels = self._sizes(images).channels
        weights = np.full((3, 3, channels, 1), 1 / 13)
        weights[1, 1] = 5 / 13
        kernel = ops.cast(weights, images.dtype)
        smooth = ops.depthwise_conv(images, kernel, padding="same", data_format=self.data_format)
        factor = ops.reshape(ops.cast(transformation["factor"], images.dtype), self._per_image)
        return ops.clip(images + (1 - 2 * factor) * (smooth - images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class AutoContrast(RandomImageLayer):
    """Stretches the values of each channel of an image to the whole range, while training or not.

    Args:
        value_range: least and largest value.
        **kwargs: `data_format`, `bounding_box_format`, `name`, `dtype`.

    A channel of one value stays as it is.

    >>> import numpy as np
    >>> AutoContrast()(np.array([[[50.0], [100.0], [150.0]]])).tolist()
    [[[0.0], [127.5], [255.0]]]
    """

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = check_value_range(self, value_range)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = self._working(images)
        axes = (-3, -2) if self.data_format == "channels_last" else (-2, -1)
        least, most = ops.min(images, axis=axes, keepdims=True), ops.max(images, axis=axes, keepdims=True)
        low, high = self.value_range
        stretched = ops.clip(
            (images - least) * ((high - low) / ops.where(most > least, most - least, 1.0)) + low, low, high
        )
        return ops.cast(ops.where(most > least, stretched, images), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "value_range": self.value_range}
        del config["seed"]
        return config
