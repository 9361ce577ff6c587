"""Normalization of a layer's weights."""

from typing import Any

from dlrs import initializers, ops
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.wrapper import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value while training (Miyato et al., arXiv 1802.05957).

    The singular value is followed by power iteration (algorithm 1), which keeps its vector `u` between steps.

    Args:
        layer: a layer with `kernel` or `embeddings`.
        power_iterations: number of iterations of each step.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> from dlrs.layers import Dense
    >>> layer = SpectralNormalization(Dense(2), power_iterations=20)
    >>> y = layer(np.ones((1, 3), "float32"), training=True)
    >>> bool(abs(np.linalg.norm(layer.layer.kernel.numpy(), 2) - 1) < 1e-4)
    True
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if isinstance(power_iterations, bool) or not isinstance(power_iterations, int) or power_iterations <= 0:
            raise ValueError(f"`power_iterations` should be greater than zero. Received: {power_iterations!r}")
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        kernel = getattr(self.layer, "kernel", None)
        if kernel is None:
            kernel = getattr(self.layer, "embeddings", None)
        if kernel is None:
            raise ValueError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'.")
        self._set_untracked("kernel", kernel)
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), trainable=False, name="vector_u"
        )

    kernel: Any

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self._normalize_kernel()
        return ops.cast(self.layer(inputs), self.compute_dtype)

    def _normalize_kernel(self) -> None:
        weights = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        u = ops.convert_to_tensor(self.vector_u)
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(weights)))
            u = ops.normalize(ops.matmul(v, weights))
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))
        # A kernel of zeros stays one.
        scaled = ops.divide_no_nan(ops.convert_to_tensor(self.kernel), ops.reshape(sigma, ()))
        self.vector_u.assign(ops.stop_gradient(u))
        self.kernel.assign(ops.stop_gradient(scaled))

    def _own_weights(self) -> list[Any]:
        """The kernel, which is the layer's too, and `u`: so files of Keras have them."""
        return [self.kernel, *super()._own_weights()] if self.built else []

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}
