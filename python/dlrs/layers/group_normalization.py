"""Normalization of each sample over groups of its channels."""

from typing import Any

from dlrs import ops
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.normalization_arguments import AffineNormalization, axes_of, known_sizes, working


class GroupNormalization(AffineNormalization):
    """Normalizes each sample over all positions of each group of channels (Wu and He, arXiv 1803.08494).

    Args:
        groups: number of groups, a divisor of the number of channels; -1 for one channel each (instance normalization).
        axis: the axis of channels.
        epsilon: added to the variance.
        center: whether to add `beta`, one for each channel.
        scale: whether to multiply by `gamma`, one for each channel.
        beta_initializer, gamma_initializer: initializers.
        beta_regularizer, gamma_regularizer: functions of the weights whose values are added to the loss.
        beta_constraint, gamma_constraint: functions applied to the weights after each update.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GroupNormalization(groups=2, epsilon=0.0)(np.array([[1.0, 3.0, 10.0, 30.0]], "float32")).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(groups, bool) or not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ValueError(
                "Invalid value received for argument `groups`: expected a positive integer, or -1 for instance "
                f"normalization. Received: groups={groups!r}"
            )
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
        self.groups = groups
        self.axis = axis
        # Inputs beyond the range of float16 are normalized before they are converted.
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        (axis,) = axes_of(self.axis, len(input_shape), self.name)
        (channels,) = known_sizes(input_shape, (axis,), self.name)
        groups = channels if self.groups == -1 else self.groups
        if channels < groups:
            raise ValueError(f"Number of groups ({groups}) cannot be more than the number of channels ({channels}).")
        if channels % groups:
            raise ValueError(f"Number of groups ({groups}) must be a multiple of the number of channels ({channels}).")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})
        self._add_affine_weights((channels,))

    def call(self, inputs: Any) -> Any:
        x = working(inputs)
        axis = self.axis % x.ndim
        channels = x.shape[axis]
        groups = channels if self.groups == -1 else self.groups
        split = (*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1 :])
        grouped = ops.reshape(x, split)
        axes = tuple(a for a in range(1, len(split)) if a != axis)
        centred = grouped - ops.mean(grouped, axis=axes, keepdims=True)
        factor = ops.rsqrt(ops.mean(ops.square(centred), axis=axes, keepdims=True) + self.epsilon)
        shape = [channels if a == axis else 1 for a in range(x.ndim)]
        outputs = self._affine(ops.reshape(centred * factor, x.shape), shape)
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}
