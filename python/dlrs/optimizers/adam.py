"""Adam and AdamW."""

from typing import Any

from dlrs import _dlrs, ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import corrected_rate, move_towards
from dlrs.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """Adaptive moment estimation (Kingma and Ba, arXiv 1412.6980), in the form with `alpha` of its section 2.

    `m = β₁·m + (1-β₁)·g`, `v = β₂·v + (1-β₂)·g²`, `alpha = lr·sqrt(1-β₂ᵗ)/(1-β₁ᵗ)`, `w -= alpha·m/(sqrt(v) + epsilon)`.

    The paper's first form, `w -= lr·m̂/(sqrt(v̂) + ε)` with averages made up for their bias, has its `ε` (1e-8) beside
    `sqrt(v̂)`; it is this one with `epsilon = ε·sqrt(1-β₂ᵗ)`.

    Args:
        learning_rate: step size, or a schedule.
        beta_1: share of the old mean gradient that is kept.
        beta_2: share of the old mean square that is kept.
        epsilon: added to the root mean square.
        amsgrad: divide by the largest mean square seen instead (Reddi et al. 2018).
        *args: the other arguments of `Optimizer`.
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
        check_number(type(self).__name__, "beta_1", beta_1, least=0, below=1)
        check_number(type(self).__name__, "beta_2", beta_2, least=0, below=1)
        check_number(type(self).__name__, "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat") if self.amsgrad else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        # One expression for every variable: the planner merges the copies.
        alpha = corrected_rate(learning_rate, self.beta_1, self.beta_2, self.iterations + 1, dtype)
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        if self.amsgrad:
            m = move_towards(momentum, gradient, self.beta_1)
            v = _dlrs.maximum(self._velocity_hats[index], move_towards(velocity, _dlrs.square(gradient), self.beta_2))
            self._velocity_hats[index].assign(v)
            variable.assign(variable.value - m * alpha / (_dlrs.sqrt(v) + self.epsilon))
            return
        w, m, v = _dlrs.adam_update(
            variable, momentum, velocity, gradient, alpha, self.beta_1, self.beta_2, self.epsilon
        )
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


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101): first `w -= lr·weight_decay·w`.

    Args:
        learning_rate: step size, or a schedule.
        weight_decay: fraction of each variable, times the learning rate, taken off before its update.
        beta_1: share of the old mean gradient that is kept.
        beta_2: share of the old mean square that is kept.
        epsilon: added to the root mean square.
        amsgrad: divide by the largest mean square seen instead.
        *args: the other arguments of `Optimizer`, from `clipnorm` on.
        **kwargs: the other arguments of `Optimizer`.

    >>> import numpy as np
    >>> w = Variable(np.array([1.0], "float32"))
    >>> AdamW(0.5, weight_decay=0.1).apply([np.array([0.0], "float32")], [w])
    >>> w.numpy().round(2).tolist()
    [0.949999988079071]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None. (Adam has none.)")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *args, **kwargs)
