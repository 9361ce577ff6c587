"""Adadelta."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import move_towards
from dlrs.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps scaled by the ratio of running root mean squares of past steps and of gradients (Zeiler, arXiv 1212.5701).

    `s = rho·s + (1-rho)·g²`, `d = g·sqrt(u + epsilon)/sqrt(s + epsilon)`, `u = rho·u + (1-rho)·d²`, `w -= lr·d`.

    Args:
        learning_rate: factor of the step, or a schedule; 1 is the paper's form.
        rho: share of the old mean squares that is kept.
        epsilon: added to the mean squares.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([1.0])
    >>> Adadelta(1.0, epsilon=0.01).apply([ops.array([2.0])], [w])
    >>> w.numpy().round(2).tolist()
    [0.5600000023841858]
    """

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, *args: Any, **kwargs: Any
    ) -> None:
        check_number("Adadelta", "rho", rho, least=0, below=1)
        check_number("Adadelta", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        past_steps = self._accumulated_delta_vars[index]
        mean_square = move_towards(self._accumulated_grads[index], ops.square(gradient), self.rho)
        step = gradient * ops.sqrt(past_steps.value + self.epsilon) / ops.sqrt(mean_square + self.epsilon)
        move_towards(past_steps, ops.square(step), self.rho)
        variable.assign(variable.value - rate * step)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
