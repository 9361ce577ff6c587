"""Flattening."""

import math
from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer


class Flatten(Layer):
    """Joins all axes but the first into one.

    Args:
        data_format: with `"channels_first"` the channels are moved last before joining.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Flatten()(np.zeros((5, 2, 3), "float32")).shape
    (5, 6)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self._channels_first = self.data_format == "channels_first"
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        rank = inputs.ndim
        if self._channels_first and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(sizes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
