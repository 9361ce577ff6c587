"""Masking of time steps."""

from typing import Any

from dlrs import ops
from dlrs.backend import set_keras_mask
from dlrs.backend.serialization import deserialize_keras_object
from dlrs.layers.layer import Layer


class Masking(Layer):
    """Masks the time steps whose features all equal a value: sets them to 0 and hangs the mask on the output.

    Args:
        mask_value: the value, or an array of one for each feature.
        **kwargs: `name`, `dtype`.

    Inputs of shape (batch, time, features) give a mask of shape (batch, time), False where a step is left out.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 0.0], [-1.0, -1.0]]], "float32")
    >>> layer = Masking(mask_value=-1.0)
    >>> layer(x).tolist(), layer.compute_mask(x).tolist()
    ([[[1.0, 0.0], [0.0, 0.0]]], [[True, False]])
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value) if isinstance(mask_value, dict) else mask_value
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(counts, inputs, ops.zeros_like(inputs))
        set_keras_mask(outputs, ops.squeeze(counts, axis=-1))
        return outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
