"""Ftrl."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.optimizer import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader, proximal (McMahan et al. 2013, "Ad click prediction: a view from the trenches").

    With `p = -learning_rate_power` and `g' = g + 2·l2_shrinkage·w`: `n' = n + g²`,
    `z += g' - (n'ᵖ - nᵖ)/lr·w`, `w = (clip(z, -l1, l1) - z) / (n'ᵖ/lr + 2·l2 + beta/lr)`.

    Args:
        learning_rate: step size, or a schedule.
        learning_rate_power: at most 0; 0 keeps the step size constant.
        initial_accumulator_value: value at which `n` starts, at least 0.
        l1_regularization_strength: `l1`, at least 0; weights whose `z` is below it are exactly 0.
        l2_regularization_strength: `l2`, at least 0.
        l2_shrinkage_regularization_strength: `l2_shrinkage`, at least 0, a penalty of the size of the weights.
        beta: `beta` of the paper.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([0.0, 0.0])
    >>> Ftrl(1.0, l1_regularization_strength=1.0).apply([ops.array([3.0, 0.5])], [w])
    >>> w.numpy().round(3).tolist()
    [-0.6629999876022339, 0.0]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        for argument, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            check_number("Ftrl", argument, value)
            if value < 0:
                raise ValueError(f"`{argument}` needs to be positive or zero. Received: {argument}={value!r}.")
        check_number("Ftrl", "beta", beta, least=0)
        check_number("Ftrl", "learning_rate_power", learning_rate_power)
        if learning_rate_power > 0:
            raise ValueError(
                f"`learning_rate_power` needs to be negative or zero. Received: learning_rate_power="
                f"{learning_rate_power!r}."
            )
        super().__init__(learning_rate, *args, **kwargs)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables, ["accumulator", "linear"], [float(self.initial_accumulator_value), "zeros"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        accumulator, linear = self._accumulators[index], self._linears[index]
        w, power = variable.value, -self.learning_rate_power
        total = accumulator.value + ops.square(gradient)
        grown = ops.power(total, power)
        shrunk = gradient + w * (2.0 * self.l2_shrinkage_regularization_strength)
        z = linear.value + shrunk - (grown - ops.power(accumulator.value, power)) / rate * w
        l1 = self.l1_regularization_strength
        quadratic = grown / rate + (2.0 * self.l2_regularization_strength + self.beta / rate)
        variable.assign((ops.minimum(ops.maximum(z, -l1), l1) - z) / quadratic)
        linear.assign(z)
        accumulator.assign(total)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
