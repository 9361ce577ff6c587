"""Adagrad."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.optimizer import Optimizer


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (Duchi, Hazan and Singer 2011).

    `s += g²`, `w -= lr·g/sqrt(s + epsilon)`.

    Args:
        learning_rate: step size, or a schedule.
        initial_accumulator_value: value at which `s` starts, at least 0.
        epsilon: added to the sum.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([1.0])
    >>> Adagrad(0.5, initial_accumulator_value=5.0).apply([ops.array([2.0])], [w])
    >>> w.numpy().round(3).tolist()
    [0.6669999957084656]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        check_number("Adagrad", "initial_accumulator_value", initial_accumulator_value, least=0)
        check_number("Adagrad", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._accumulators = self.add_optimizer_variables(
            variables, "accumulator", float(self.initial_accumulator_value)
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        accumulator = self._accumulators[self._get_variable_index(variable)]
        total = accumulator.value + ops.square(gradient)
        accumulator.assign(total)
        variable.assign(variable.value - rate * gradient / ops.sqrt(total + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
