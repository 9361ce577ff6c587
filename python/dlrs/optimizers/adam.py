"""Adam."""

from typing import Any

from dlrs import _dlrs, ops
from dlrs.backend import Variable
from dlrs.optimizers.optimizer import Optimizer, check_share


class Adam(Optimizer):
    """Adaptive moment estimation (Kingma and Ba, arXiv 1412.6980), in the form with `alpha` of its section 2.

    `m = β₁·m + (1-β₁)·g`, `v = β₂·v + (1-β₂)·g²`, `alpha = lr·sqrt(1-β₂ᵗ)/(1-β₁ᵗ)`, `w -= alpha·m/(sqrt(v) + epsilon)`.

    Args:
        learning_rate: step size, or a schedule.
        beta_1: share of the old mean gradient that is kept.
        beta_2: share of the old mean square that is kept.
        epsilon: added to the root mean square.
        amsgrad: divide by the largest mean square seen instead (Reddi et al. 2018).
        **kwargs: the other arguments of `Optimizer`.

    >>> import numpy as np
    >>> w = Variable(np.array([1.0, 1.0], "float32"))
    >>> Adam(0.25).apply([np.array([3.0, -1e-3], "float32")], [w])
    >>> w.numpy().round(2).tolist()  # the first step is about the learning rate whatever the gradient
    [0.75, 1.25]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        check_share("Adam", "beta_1", beta_1)
        check_share("Adam", "beta_2", beta_2)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")
        self.velocities = self.add_optimizer_variables(variables, "velocity")
        self.velocity_hats = self.add_optimizer_variables(variables, "velocity_hat") if self.amsgrad else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = ops.cast(self._iterations.value + 1, dtype)
        # One expression for every variable: the planner merges the copies.
        alpha = rate * _dlrs.sqrt(1.0 - _dlrs.power(self.beta_2, step)) / (1.0 - _dlrs.power(self.beta_1, step))
        index = self._get_variable_index(variable)
        momentum, velocity = self.momentums[index], self.velocities[index]
        if not self.amsgrad:
            w, m, v = _dlrs.adam_update(
                variable, momentum, velocity, gradient, alpha, self.beta_1, self.beta_2, self.epsilon
            )
        else:
            m = momentum.value + (gradient - momentum.value) * (1 - self.beta_1)
            v = velocity.value + (_dlrs.square(gradient) - velocity.value) * (1 - self.beta_2)
            v_hat = _dlrs.maximum(self.velocity_hats[index], v)
            self.velocity_hats[index].assign(v_hat)
            w = variable.value - m * alpha / (_dlrs.sqrt(v_hat) + self.epsilon)
        momentum.assign(m)
        velocity.assign(v)
        variable.assign(w)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
