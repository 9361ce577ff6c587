"""Normalization of each sample over some of its axes."""

from collections.abc import Sequence
from typing import Any

from dlrs import initializers, ops
from dlrs.layers.layer import Layer
from dlrs.layers.normalization_arguments import AffineNormalization, axes_of, known_sizes, standardize_axes, working


class LayerNormalization(AffineNormalization):
    """Normalizes each sample to mean `beta` and standard deviation `gamma` over `axis` (Ba et al., arXiv 1607.06450).

    Args:
        axis: axis, or several, over which to normalize; `gamma` and `beta` have an entry for each position in them.
        epsilon: added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        rms_scaling: divide by the standard deviation only: no mean is taken off, no `beta` is added.
        beta_initializer, gamma_initializer: initializers.
        beta_regularizer, gamma_regularizer: functions of the weights whose values are added to the loss.
        beta_constraint, gamma_constraint: functions applied to the weights after each update.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]], "float32")).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        axes = standardize_axes(axis, "Expected an int or a list/tuple of ints for the argument 'axis'.")
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self._set_untracked("axis", axes)
        self.rms_scaling = rms_scaling

    axis: int | list[int]

    def build(self, input_shape: Any) -> None:
        axes = axes_of(self.axis, len(input_shape), self.name)
        if self.rms_scaling:
            self.scale, self.center = True, False
        self._add_affine_weights(known_sizes(input_shape, axes, self.name))

    def call(self, inputs: Any) -> Any:
        x = working(inputs)
        axes = axes_of(self.axis, x.ndim, self.name)
        centred = x - ops.mean(x, axis=axes, keepdims=True)
        factor = ops.rsqrt(ops.mean(ops.square(centred), axis=axes, keepdims=True) + self.epsilon)
        shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
        return ops.cast(self._affine((x if self.rms_scaling else centred) * factor, shape), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling}


class RMSNormalization(Layer):
    """Divides each sample by its root mean square over `axis`, times `scale` (Zhang and Sennrich, arXiv 1910.07467).

    Args:
        axis: axis, or several.
        epsilon: added to the mean square.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> RMSNormalization(epsilon=1e-12)(np.array([[2.0, -2.0]], "float32")).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_untracked(
            "axis", standardize_axes(axis, "Expected an int or a list/tuple of ints for the argument 'axis'.")
        )
        self.epsilon = epsilon
        self.supports_masking = True

    axis: int | list[int]

    def build(self, input_shape: Any) -> None:
        axes = axes_of(self.axis, len(input_shape), self.name)
        sizes = known_sizes(input_shape, axes, self.name)
        self.scale = self.add_weight(sizes, initializers.get("ones"), autocast=False, name="scale")

    def call(self, inputs: Any) -> Any:
        x = working(inputs)
        axes = axes_of(self.axis, x.ndim, self.name)
        shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
        mean_square = ops.mean(ops.square(x), axis=axes, keepdims=True)
        scale = ops.cast(ops.reshape(self.scale, shape), x.dtype)
        return ops.cast(x * ops.rsqrt(mean_square + self.epsilon) * scale, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Divides each sample by its L2 norm over `axis`.

    Args:
        axis: axis, or several.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> [[round(v, 6) for v in row] for row in UnitNormalization()(np.array([[3.0, 4.0]], "float32")).tolist()]
    [[0.6, 0.8]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_untracked(
            "axis",
            standardize_axes(axis, "Invalid value for `axis` argument: expected an int or a list/tuple of ints."),
        )
        self.supports_masking = True
        self._build_at_init()

    axis: int | list[int]

    def call(self, inputs: Any) -> Any:
        x = working(inputs)
        return ops.cast(ops.normalize(x, axis=axes_of(self.axis, x.ndim, self.name), epsilon=1e-12), inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        axes_of(self.axis, len(input_shape), self.name)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
