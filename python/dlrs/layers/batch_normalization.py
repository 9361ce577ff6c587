"""Batch normalization."""

from typing import Any

from dlrs import initializers, ops
from dlrs.layers.batch_renormalization import Renormalization
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.normalization_arguments import AffineNormalization, axes_of, known_sizes, working


class BatchNormalization(AffineNormalization):
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
        synchronized: whether replicas share their statistics; there is one replica, so it changes nothing.
        renorm: correct the batch's statistics to slowly moving ones while training (Ioffe, arXiv 1702.03275).
        renorm_clipping: bounds `rmin`, `rmax`, `dmax` of that correction.
        renorm_momentum: share of the old renorm statistics that is kept.
        **kwargs: `name`, `dtype`, `trainable`.

    A mask of shape `inputs.shape[:-1]` leaves masked positions out of the statistics; if it leaves nothing, they are 0.

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
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
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
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise TypeError(f"BatchNormalization: `axis` must be an integer, got {axis!r}.")
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: `momentum` must be a number in [0, 1], got {momentum!r}.")
        self.axis = axis
        self.momentum = momentum
        self.synchronized = synchronized
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self._set_untracked("_renormalization", Renormalization(self, renorm_clipping, renorm_momentum))

    _renormalization: Renormalization

    def build(self, input_shape: Any) -> None:
        (axis,) = axes_of(self.axis, len(input_shape), self.name)
        shape = known_sizes(input_shape, (axis,), self.name)
        self._add_affine_weights(shape)
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, trainable=False, autocast=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, autocast=False, name="moving_variance"
        )
        if self.renorm:
            self._renormalization.build(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = working(inputs)
        axis = self.axis % x.ndim
        shape = [x.shape[axis]] + [1] * (x.ndim - 1 - axis)
        if training and self.trainable:
            mean, variance = self._moments(x, axis, mask)
            if self.renorm:
                mean, factor = self._renormalization.correct(mean, variance)
            else:
                self._update_moving(self.moving_mean, mean)
                self._update_moving(self.moving_variance, variance)
                factor = ops.rsqrt(variance + self.epsilon)
        else:
            mean = ops.cast(self.moving_mean.value, x.dtype)
            factor = ops.rsqrt(ops.cast(self.moving_variance.value, x.dtype) + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.cast(self.gamma, x.dtype)
        outputs = (x - ops.reshape(mean, shape)) * ops.reshape(factor, shape)
        if self.beta is not None:
            outputs = outputs + ops.cast(ops.reshape(self.beta, shape), x.dtype)
        return ops.cast(outputs, inputs.dtype)

    def _moments(self, inputs: Any, axis: int, mask: Any) -> tuple[Any, Any]:
        axes = tuple(i for i in range(inputs.ndim) if i != axis)
        if mask is None:
            return ops.moments(inputs, axes)
        weights = ops.cast(ops.expand_dims(mask, -1), inputs.dtype)
        weights = ops.broadcast_to(weights, inputs.shape)
        total = ops.sum(weights, axis=axes, keepdims=True)
        mean = ops.divide_no_nan(ops.sum(inputs * weights, axis=axes, keepdims=True), total)
        squares = weights * ops.square(inputs - mean)
        variance = ops.divide_no_nan(ops.sum(squares, axis=axes, keepdims=True), total)
        size = (inputs.shape[axis],)
        return ops.reshape(mean, size), ops.reshape(variance, size)

    def _update_moving(self, moving: Any, batch: Any) -> None:
        moving.assign(
            moving.value * self.momentum + ops.cast(ops.stop_gradient(batch), moving.dtype) * (1.0 - self.momentum)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self._renormalization.clipping,
            "renorm_momentum": self._renormalization.momentum,
        }
