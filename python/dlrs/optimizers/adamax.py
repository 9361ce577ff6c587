"""Adamax."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import bias_correction, move_towards
from dlrs.optimizers.optimizer import Optimizer


class Adamax(Optimizer):
    """Adam with the infinity norm (Kingma and Ba, arXiv 1412.6980, section 7.1).

    `m = β₁·m + (1-β₁)·g`, `u = max(β₂·u, |g|)`, `w -= lr·m/((1-β₁ᵗ)·(u + epsilon))`.

    Args:
        learning_rate: step size, or a schedule.
        beta_1: share of the old mean gradient that is kept.
        beta_2: share of the old norm that is kept.
        epsilon: added to the norm.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([1.0, 1.0])
    >>> Adamax(0.25).apply([ops.array([3.0, -0.5])], [w])
    >>> w.numpy().round(2).tolist()
    [0.75, 1.25]
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
        check_number("Adamax", "beta_1", beta_1, least=0, below=1)
        check_number("Adamax", "beta_2", beta_2, least=0, below=1)
        check_number("Adamax", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        mean = move_towards(self._m[index], gradient, self.beta_1)
        norm = ops.maximum(self._u[index].value * self.beta_2, ops.abs(gradient))
        self._u[index].assign(norm)
        rate = ops.cast(learning_rate / bias_correction(self.beta_1, self.iterations + 1), variable.dtype)
        variable.assign(variable.value - rate * mean / (norm + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
