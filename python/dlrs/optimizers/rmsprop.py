"""RMSprop."""

from typing import Any

from dlrs import _dlrs, ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.moments import move_towards
from dlrs.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Gradient descent divided by a running root mean square of the gradient (Hinton, lecture 6e, 2012).

    `s = rho·s + (1-rho)·g²`, then `w -= lr·g / sqrt(s + epsilon)`. With `centered` the square of the mean gradient
    is taken off `s`, and with `momentum` the steps are accumulated as `m = momentum·m + step`. `epsilon` is inside the
    root; the form with it beside, `lr·g/(sqrt(s) + 1e-8)`, makes other steps of tiny gradients.

    Args:
        learning_rate: step size, or a schedule.
        rho: share of the old mean square that is kept.
        momentum: share of the last step that is kept.
        epsilon: added to the mean square.
        centered: divide by an estimate of the standard deviation instead.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> import numpy as np
    >>> w = Variable(np.array([1.0], "float32"))
    >>> RMSprop(0.1, rho=0.75).apply([np.array([2.0], "float32")], [w])
    >>> w.numpy().round(3).tolist()
    [0.800000011920929]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        check_number("RMSprop", "rho", rho, least=0, below=1)
        check_number("RMSprop", "momentum", momentum, least=0, most=1)
        check_number("RMSprop", "epsilon", epsilon, least=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []
        self._average_gradients = self.add_optimizer_variables(variables, "average_gradient") if self.centered else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        velocity = self._velocities[index]
        if self.centered:
            self._centered_step(gradient, variable, rate, index)
        elif self.momentum:
            momentum = self._momentums[index]
            w, s, m = _dlrs.rmsprop_momentum_update(
                variable, velocity, momentum, gradient, rate, self.rho, self.momentum, self.epsilon
            )
            velocity.assign(s)
            momentum.assign(m)
            variable.assign(w)
        else:
            w, s = _dlrs.rmsprop_update(variable, velocity, gradient, rate, self.rho, self.epsilon)
            velocity.assign(s)
            variable.assign(w)

    def _centered_step(self, gradient: Any, variable: Variable, rate: Any, index: int) -> None:
        mean_square = move_towards(self._velocities[index], ops.square(gradient), self.rho)
        mean = move_towards(self._average_gradients[index], gradient, self.rho)
        step = rate * gradient / ops.sqrt(mean_square - ops.square(mean) + self.epsilon)
        if self.momentum:
            step = self.momentum * self._momentums[index].value + step
            self._momentums[index].assign(step)
        variable.assign(variable.value - step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
