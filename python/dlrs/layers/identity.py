"""The layer that passes its input on."""

from typing import Any

from dlrs.backend import KerasTensor, tree
from dlrs.layers.layer import Layer


class Identity(Layer):
    """Returns its input, a tensor or a nest of them, as it is.

    Args:
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Identity()(np.array([1.0, 2.0], "float32")).tolist()
    [1.0, 2.0]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: KerasTensor(x.shape, x.dtype), inputs)
