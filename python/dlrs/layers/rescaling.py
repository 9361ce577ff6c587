"""Scaling by known numbers."""

from typing import Any

import numpy as np

from dlrs import config as settings
from dlrs import ops
from dlrs.layers.data_layer import DataLayer


class Rescaling(DataLayer):
    """`inputs * scale + offset`, such as pixels from [0, 255] to [0, 1].

    Args:
        scale: number, or vector of one number for each channel.
        offset: number, or vector of one number for each channel.
        **kwargs: `name`, `dtype`, `trainable`.

    The output has the shape of the inputs and the layer's type; integers become floats.

    Raises:
        TypeError: `scale` or `offset` is not made of numbers.

    >>> import numpy as np
    >>> Rescaling(1 / 2, offset=-1.0)(np.array([[0, 2, 4]], "uint8")).tolist()
    [[-1.0, 0.0, 1.0]]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        for argument, value in (("scale", scale), ("offset", offset)):
            if np.asarray(value).dtype.kind not in "iuf":
                raise TypeError(f"Rescaling: `{argument}` must be a number or a vector of numbers, got {value!r}.")
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        outputs = self._working(inputs) * self._by_channel(self.scale) + self._by_channel(self.offset)
        return ops.cast(outputs, self.compute_dtype)

    def _by_channel(self, value: Any) -> Any:
        array = np.asarray(value, self._working_dtype)
        if array.ndim and settings.image_data_format() == "channels_first":
            array = array.reshape(array.shape + (1,) * (3 - array.ndim))
        return array

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": np.asarray(self.scale).tolist(),
            "offset": np.asarray(self.offset).tolist(),
        }
