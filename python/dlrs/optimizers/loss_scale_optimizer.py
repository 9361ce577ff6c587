"""Dynamic scaling of the loss."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_count, check_number
from dlrs.optimizers.clipping import assign_where
from dlrs.optimizers.optimizer import Optimizer

# What the constructor takes for configurations' sake; the inner optimizer has these.
_OF_INNER = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
# Twice this is no longer a finite float32.
_LARGEST_SCALE = 2.0**127


class LossScaleOptimizer(Optimizer):
    """An optimizer for a loss that is scaled up, so that gradients in half precision do not vanish.

    A step with a gradient that is not finite is skipped, and halves the scale; `dynamic_growth_steps` steps in a row
    without one double it (Micikevicius et al., arXiv 1710.03740, section 3.2).

    Args:
        inner_optimizer: the optimizer that gets the gradients, divided by the scale.
        initial_scale: the first scale.
        dynamic_growth_steps: number of steps after which the scale is doubled.
        name: name of the optimizer.
        **kwargs: arguments of `Optimizer` with their defaults; others are to be given to `inner_optimizer`.

    >>> from dlrs.optimizers.sgd import SGD
    >>> w = Variable([1.0])
    >>> optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=4.0)
    >>> optimizer.apply([ops.array([4.0])], [w])
    >>> optimizer.apply([ops.array([float("inf")])], [w])
    >>> w.numpy().tolist(), optimizer.scale_loss(1.0).tolist()
    ([0.5], 2.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer: `dynamic=False` is not supported; set `loss_scale_factor` on the inner optimizer."
            )
        for argument in [argument for argument in kwargs if argument in _OF_INNER]:
            if kwargs.pop(argument) != _OF_INNER[argument]:
                raise ValueError(f"LossScaleOptimizer: set `{argument}` on the `inner_optimizer` instead.")
        if kwargs:
            raise ValueError(f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`.")
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"LossScaleOptimizer: `inner_optimizer` must be an Optimizer, got {inner_optimizer!r}.")
        check_number("LossScaleOptimizer", "initial_scale", initial_scale, above=0, most=_LARGEST_SCALE)
        check_count("LossScaleOptimizer", "dynamic_growth_steps", dynamic_growth_steps, 1)
        self.inner_optimizer = inner_optimizer
        super().__init__(0.0, name=name)
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        # The gradients would be divided twice.
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Any) -> None:
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), float(self.initial_scale), "float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """The own state, then that of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """Number of updates of the inner optimizer; steps that were skipped are not counted."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def _update(self, grads: list[Any], variables: list[Variable]) -> None:
        finite = self.check_finite(grads)
        scale = self.dynamic_scale.value
        unscaled = [
            g if v.overwrite_with_gradient else g / ops.cast(scale, g.dtype)
            for g, v in zip(grads, variables, strict=True)
        ]
        inner = self.inner_optimizer
        assign_where(finite, lambda: inner._update(unscaled, variables), [*self._trainable_variables, *inner.variables])
        count = self.step_counter.value + 1
        grows = ops.logical_and(finite, ops.greater_equal(count, int(self.dynamic_growth_steps)))
        up = ops.where(grows, ops.minimum(scale * 2.0, _LARGEST_SCALE), scale)
        self.dynamic_scale.assign(ops.where(finite, up, scale * 0.5))
        self.step_counter.assign(ops.where(ops.logical_and(finite, ops.logical_not(grows)), count, 0))
        self._iterations.assign(self._iterations.value + 1)

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Whether no gradient holds NaN or an infinity, a boolean scalar."""
        finite: Any = ops.convert_to_tensor(np.array(True))
        for gradient in grads:
            if gradient is not None:
                finite = ops.logical_and(finite, ops.all(ops.isfinite(gradient)))
        return finite

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the present scale."""
        return ops.multiply(loss, self.dynamic_scale if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """What the inner optimizer does at the end of training."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        from dlrs.optimizers import serialize

        return {
            "name": self.name,
            "inner_optimizer": serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Self:
        """The optimizer made from what `get_config` returned, without state."""
        from dlrs.optimizers import deserialize

        rest = {key: value for key, value in config.items() if key != "inner_optimizer"}
        return cls(deserialize(config["inner_optimizer"], custom_objects), **rest)
