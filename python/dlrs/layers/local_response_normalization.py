"""Local response normalisation."""

from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.layers.layer import Layer


class LocalResponseNormalization(Layer):
    """Divides each value by a power of the squares of the channels around it: neighbours compete, as in AlexNet.

    Args:
        depth_radius: how many channels on each side count. The paper's n = 5 is a radius of 2.
        bias: the paper's k.
        alpha: the paper's α.
        beta: the paper's β.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    Shapes: (batch, …, channels), or (batch, channels, …), to the same.

    Errors: ValueError if `depth_radius` is no integer of at least 0, or another argument no number.

    Source: Krizhevsky, Sutskever and Hinton 2012, section 3.3, whose constants are the defaults.

    >>> import numpy as np
    >>> LocalResponseNormalization(1, bias=0.0, alpha=1.0, beta=1.0)(np.array([[1.0, 2.0, 2.0]], "float32")).tolist()
    [[0.2, 0.222222, 0.25]]
    """

    def __init__(
        self,
        depth_radius: int = 2,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(depth_radius, bool) or not isinstance(depth_radius, int) or depth_radius < 0:
            raise ValueError(
                f"LocalResponseNormalization {self.name!r}: `depth_radius` must be an integer of at least 0. Received: "
                f"depth_radius={depth_radius!r}"
            )
        for name, value in (("bias", bias), ("alpha", alpha), ("beta", beta)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(
                    f"LocalResponseNormalization {self.name!r}: `{name}` must be a number. Received: {name}={value!r}"
                )
        self.depth_radius, self.bias, self.alpha, self.beta = depth_radius, bias, alpha, beta
        self.data_format = standardize_data_format(data_format)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def call(self, inputs: Any) -> Any:
        first = self.data_format == "channels_first" and inputs.ndim > 2
        x = ops.moveaxis(inputs, 1, -1) if first else inputs
        y = ops.local_response_normalization(x, self.depth_radius, self.bias, self.alpha, self.beta)
        return ops.moveaxis(y, -1, 1) if first else y

    def get_config(self) -> dict[str, Any]:
        names = ("depth_radius", "bias", "alpha", "beta", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
