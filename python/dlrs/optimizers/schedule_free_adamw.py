"""Schedule-free AdamW."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_count, check_number
from dlrs.optimizers.moments import bias_correction, move_towards
from dlrs.optimizers.optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """Adam on a sequence z, averaged into x, with gradients taken between both (Defazio et al., arXiv 2405.15682).

    The variables hold `y = (1-β₁)·z + β₁·x`. A step makes `v = β₂·v + (1-β₂)·g²`,
    `z -= lr·g/(sqrt(v/(1-β₂ᵗ)) + epsilon)` and `x = (1 - 1/t)·x + z/t`.

    Args:
        learning_rate: step size, or a schedule.
        beta_1: in (0, 1), the share of the average in the variables.
        beta_2: share of the old mean square that is kept.
        epsilon: added to the root mean square.
        warmup_steps: number of steps in which the learning rate rises linearly from 0.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([1.0, 1.0])
    >>> ScheduleFreeAdamW(0.25).apply([ops.array([3.0, -0.5])], [w])
    >>> w.numpy().round(2).tolist()
    [0.75, 1.25]
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        # The average is recovered from the variables, where beta_1 is its share.
        check_number("ScheduleFreeAdamW", "beta_1", beta_1, above=0, below=1)
        check_number("ScheduleFreeAdamW", "beta_2", beta_2, least=0, below=1)
        check_count("ScheduleFreeAdamW", "warmup_steps", warmup_steps, 0)
        check_number("ScheduleFreeAdamW", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def _step(self, grads: list[Any], variables: list[Variable]) -> None:
        """Both sequences start where the variables stand before the first step."""
        first = ops.equal(self.iterations, 0)
        for variable in variables:
            start = self._momentums[self._get_variable_index(variable)]
            start.assign(ops.where(first, variable.value, start.value))
        super()._step(grads, variables)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        if self.warmup_steps:
            rate = rate * ops.minimum(step / float(self.warmup_steps), 1.0)
        index = self._get_variable_index(variable)
        y, z = variable.value, self._momentums[index].value
        x = (y - (1.0 - self.beta_1) * z) / self.beta_1
        mean_square = move_towards(self._velocities[index], ops.square(gradient), self.beta_2)
        root = ops.sqrt(mean_square / ops.cast(bias_correction(self.beta_2, self.iterations + 1), dtype))
        z = z - rate * gradient / (root + self.epsilon)
        x = x + (z - x) / step
        self._momentums[index].assign(z)
        variable.assign((1.0 - self.beta_1) * z + self.beta_1 * x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
