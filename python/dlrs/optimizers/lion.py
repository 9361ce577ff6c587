"""Lion."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import move_towards
from dlrs.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """Steps of one size in the direction of the sign of an averaged gradient (Chen et al., arXiv 2302.06675).

    `w -= lr·sign(β₁·m + (1-β₁)·g)`, then `m = β₂·m + (1-β₂)·g`.

    Args:
        learning_rate: step size, or a schedule; 3 to 10 times smaller than for Adam.
        beta_1: in (0, 1], the share of the average in the direction.
        beta_2: share of the old average that is kept.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([1.0, 1.0])
    >>> Lion(0.25).apply([ops.array([3.0, -0.5])], [w])
    >>> w.numpy().tolist()
    [0.75, 1.25]
    """

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, *args: Any, **kwargs: Any
    ) -> None:
        check_number("Lion", "beta_1", beta_1)
        check_number("Lion", "beta_2", beta_2, least=0, most=1)
        if not 0 < beta_1 <= 1:
            raise ValueError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer degenerates to SignSGD. "
                f"Received: beta_1={beta_1!r}. (0 is excluded: it leaves the average out.)"
            )
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        momentum = self._momentums[self._get_variable_index(variable)]
        direction = ops.sign(momentum.value * self.beta_1 + gradient * (1.0 - self.beta_1))
        variable.assign(variable.value - rate * direction)
        move_towards(momentum, gradient, self.beta_2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
