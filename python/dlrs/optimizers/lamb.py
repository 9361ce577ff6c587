"""Lamb."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import bias_correction, move_towards
from dlrs.optimizers.optimizer import Optimizer


class Lamb(Optimizer):
    """Adam whose step for each variable is as long as the learning rate times the variable (You et al. 2020).

    `r = m̂/(sqrt(v̂) + epsilon)` as in Adam, then `w -= lr·(‖w‖/‖r‖)·r`, without the ratio where a norm is 0
    (arXiv 1904.00962).

    Args:
        learning_rate: length of the step as a fraction of the length of the variable, or a schedule.
        beta_1: share of the old mean gradient that is kept.
        beta_2: share of the old mean square that is kept.
        epsilon: added to the root mean square.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([3.0, 4.0])
    >>> Lamb(0.5).apply([ops.array([2.0, 0.0])], [w])
    >>> w.numpy().round(3).tolist()
    [0.5, 4.0]
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
        check_number("Lamb", "beta_1", beta_1, least=0, below=1)
        check_number("Lamb", "beta_2", beta_2, least=0, below=1)
        check_number("Lamb", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = self.iterations + 1
        index = self._get_variable_index(variable)
        mean = move_towards(self._momentums[index], gradient, self.beta_1)
        mean_square = move_towards(self._velocities[index], ops.square(gradient), self.beta_2)
        root = ops.sqrt(mean_square / ops.cast(bias_correction(self.beta_2, step), dtype))
        change = mean / ops.cast(bias_correction(self.beta_1, step), dtype) / (root + self.epsilon)
        length = ops.sqrt(ops.sum(ops.square(variable.value)))
        change_length = ops.sqrt(ops.sum(ops.square(change)))
        both = ops.logical_and(length > 0, change_length > 0)
        ratio = ops.where(both, length / ops.where(both, change_length, 1.0), 1.0)
        variable.assign(variable.value - ratio * rate * change)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
