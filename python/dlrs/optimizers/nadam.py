"""Nadam."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable, floatx
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import bias_correction, move_towards
from dlrs.optimizers.optimizer import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat 2015, with the schedule of momenta of Sutskever et al. 2013).

    With `μₜ = β₁·(1 - 0.96ᵗ/2)` and `πₜ = μ₁·…·μₜ`: `m = β₁·m + (1-β₁)·g`, `v = β₂·v + (1-β₂)·g²`,
    `w -= lr·(μₜ₊₁·m/(1-πₜ₊₁) + (1-μₜ)·g/(1-πₜ)) / (sqrt(v/(1-β₂ᵗ)) + epsilon)`.

    Args:
        learning_rate: step size, or a schedule.
        beta_1: share of the old mean gradient that is kept.
        beta_2: share of the old mean square that is kept.
        epsilon: added to the root mean square.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([1.0, 1.0])
    >>> Nadam(0.25).apply([ops.array([3.0, -0.5])], [w])
    >>> w.numpy().round(2).tolist()
    [0.7300000190734863, 1.2699999809265137]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        check_number("Nadam", "beta_1", beta_1, least=0, below=1)
        check_number("Nadam", "beta_2", beta_2, least=0, below=1)
        check_number("Nadam", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        dtype = variables[0].dtype if variables else floatx()
        self._u_product = self.add_variable((), 1.0, dtype, name="u_product")

    def _momentum_at(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, ops.cast(step, "float64")))

    def _update_variables(self, grads: list[Any], variables: list[Variable], learning_rate: Any) -> None:
        self._u_product.assign(self._u_product.value * self._momentum_at(self.iterations + 1))
        super()._update_variables(grads, variables, learning_rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = self.iterations + 1
        now, following = self._momentum_at(step), self._momentum_at(step + 1)
        product = ops.cast(self._u_product.value, "float64")
        index = self._get_variable_index(variable)
        mean = move_towards(self._momentums[index], gradient, self.beta_1)
        mean_square = move_towards(self._velocities[index], ops.square(gradient), self.beta_2)
        share_of_mean = ops.cast(following / (1.0 - product * following), dtype)
        share_of_gradient = ops.cast((1.0 - now) / (1.0 - product), dtype)
        ahead = mean * share_of_mean + gradient * share_of_gradient
        root = ops.sqrt(mean_square / ops.cast(bias_correction(self.beta_2, step), dtype))
        variable.assign(variable.value - ahead * rate / (root + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
