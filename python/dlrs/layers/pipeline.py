"""Layers one after the other, those that prepare images in one native call for each image."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend import Tensor, get_keras_mask
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.data_layer import DataLayer
from dlrs.layers.image_preprocessing.fusion import fusion
from dlrs.layers.layer import Layer


class Pipeline(DataLayer):
    """Layers one after the other, for preparing data.

    Args:
        layers: the layers.
        name: name.

    Eagerly, on images of bytes or float32 with the channels last, random layers of geometry and colour that follow each
    other run as one native call, image by image: their maps become one map with one interpolation, then come the
    changes of colours, `Rescaling` and `Normalization`; the interpreter is released meanwhile. That is faster than
    layer by layer, and blurs less: the same draws give the same picture but for interpolation and for what lies beyond
    the border. Elsewhere (in a model that is trained, under a `GradientTape`) the layers are called in turn.

    Raises:
        ValueError: `layers` is not a sequence of layers.

    >>> import numpy as np
    >>> from dlrs import layers
    >>> pipeline = Pipeline([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.Rescaling(1 / 255)])
    >>> pipeline(np.ones((2, 8, 8, 3), "uint8")).shape
    (2, 8, 8, 3)
    """

    def __init__(self, layers: Sequence[Any], name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(layers, list | tuple) or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(f"Pipeline: `layers` must be a list of layers, got {layers!r}.")
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Any]:
        """The layers."""
        return self._pipeline_layers

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        outputs = inputs
        rest = list(self._pipeline_layers)
        while rest:
            fused = fusion(outputs, rest) if training else None
            if fused is not None:
                outputs, mask = fused.run(), None
                del rest[: fused.layers]
                continue
            layer = rest.pop(0)
            kwargs = {"mask": mask} if layer._signature.takes_mask and mask is not None else {}
            if "training" in layer._signature.names:
                kwargs["training"] = training
            outputs = layer(outputs, **kwargs)
            mask = get_keras_mask(outputs) if isinstance(outputs, Tensor) else None
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        for layer in self._pipeline_layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "layers": serialize_keras_object(self._pipeline_layers)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        layers = config.get("layers")
        if not isinstance(layers, list | tuple):
            raise ValueError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized layers. Received config "
                f"with layers={layers}."
            )
        return cls(**{**config, "layers": [deserialize_keras_object(layer) for layer in layers]})
