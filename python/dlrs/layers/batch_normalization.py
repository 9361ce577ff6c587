"""Batch normalization."""

from typing import Any

from dlrs import constraints, initializers, ops, regularizers
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer


class BatchNormalization(Layer):
    """Normalizes every feature to mean `beta` and standard deviation `gamma` (Ioffe and Szegedy, arXiv 1502.03167).

    While training, with the mean and (biased) variance of the batch, of which moving averages
    `moving = moving·momentum + batch·(1-momentum)` are kept; otherwise, or if not `trainable`, with these averages.

    Args:
        axis: the axis of features.
        momentum: share of the old moving average that is kept.
        epsilon: added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: initializers.
        beta_regularizer, gamma_regularizer: functions of the weights whose values are added to the loss.
        beta_constraint, gamma_constraint: functions applied to the weights after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    A mask of shape `inputs.shape[:-1]` leaves masked positions out of the statistics.

    >>> import numpy as np
    >>> layer = BatchNormalization(epsilon=0.0)
    >>> layer(np.array([[1.0], [3.0]], "float32"), training=True).tolist()
    [[-1.0], [1.0]]
    >>> layer.moving_mean.numpy().round(3).tolist()
    [0.019999999552965164]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, int):
            raise TypeError(f"BatchNormalization: `axis` must be an integer, got {axis!r}.")
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: `momentum` must be a number in [0, 1], got {momentum!r}.")
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Layer {self.name!r}: `axis` {self.axis} is not an axis of inputs of shape {input_shape}."
            )
        size = input_shape[self.axis]
        if size is None:
            raise ValueError(f"Layer {self.name!r}: the size of axis {self.axis} must be known, got {input_shape}.")
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                (size,),
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                (size,),
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )
        self.moving_mean = self.add_weight((size,), self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            (size,), self.moving_variance_initializer, trainable=False, name="moving_variance"
        )
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: size})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        axis = self.axis % inputs.ndim
        if training and self.trainable:
            mean, variance = self._moments(inputs, axis, mask)
            self._update_moving(self.moving_mean, mean)
            self._update_moving(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * self.gamma
        shape = [1] * inputs.ndim
        shape[axis] = inputs.shape[axis]
        outputs = (inputs - ops.reshape(mean, shape)) * ops.reshape(factor, shape)
        if self.beta is not None:
            outputs = outputs + ops.reshape(self.beta, shape)
        return outputs

    def _moments(self, inputs: Any, axis: int, mask: Any) -> tuple[Any, Any]:
        axes = tuple(i for i in range(inputs.ndim) if i != axis)
        if mask is None:
            mean = ops.mean(inputs, axis=axes, keepdims=True)
            variance = ops.mean(ops.square(inputs - mean), axis=axes)
            return ops.reshape(mean, (inputs.shape[axis],)), variance
        weights = ops.cast(ops.expand_dims(mask, -1), inputs.dtype)
        weights = ops.broadcast_to(weights, inputs.shape)
        total = ops.sum(weights, axis=axes, keepdims=True)
        mean = ops.sum(inputs * weights, axis=axes, keepdims=True) / total
        variance = ops.sum(weights * ops.square(inputs - mean), axis=axes, keepdims=True) / total
        size = (inputs.shape[axis],)
        return ops.reshape(mean, size), ops.reshape(variance, size)

    def _update_moving(self, moving: Any, batch: Any) -> None:
        moving.assign(moving.value * self.momentum + ops.stop_gradient(batch) * (1.0 - self.momentum))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
