"""Activations as layers."""

from typing import Any

from dlrs import activations
from dlrs.layers.layer import Layer


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: function, or name of one.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Activation("relu")(np.array([-1.0, 2.0], "float32")).tolist()
    [0.0, 2.0]
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
