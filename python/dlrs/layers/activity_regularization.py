"""A penalty on activations."""

from typing import Any

from dlrs import regularizers
from dlrs.layers.layer import Layer


class ActivityRegularization(Layer):
    """Passes its inputs on and adds `l1 · Σ|x| + l2 · Σx²`, per sample, to the loss.

    Args:
        l1: weight of the absolute values.
        l2: weight of the squares.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> layer = ActivityRegularization(l1=0.5)
    >>> y = layer(np.ones((2, 3), "float32"))
    >>> [float(loss) for loss in layer.losses]
    [1.5]
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
