"""Layers around another layer."""

from typing import Any

from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.layer import Layer


class Wrapper(Layer):
    """The base of layers that hold another one and change how it is called. A subclass defines `call`.

    Args:
        layer: the layer within.
        **kwargs: `name`, `dtype`, `activity_regularizer`.

    Raises:
        ValueError: `layer` is not a layer.

    >>> import numpy as np
    >>> from dlrs.layers import Activation
    >>> class Twice(Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> Twice(Activation(lambda x: x * 3.0))(np.ones((1, 1), "float32")).tolist()
    [[9.0]]
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer!r} supplied to Wrapper isn't a supported layer type. Please ensure wrapped layer is a "
                f"valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("layer"), custom_objects), **config)
