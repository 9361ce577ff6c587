"""Stochastic gradient descent, with momentum."""

from typing import Any

from dlrs import _dlrs, ops
from dlrs.backend import Variable
from dlrs.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, optionally with momentum (Polyak 1964; Nesterov 1983, as in Sutskever et al. 2013).

    Without momentum `w -= lr·g`. With momentum `v = momentum·v - lr·g`, then `w += v`, or with Nesterov
    `w += momentum·v - lr·g`. With dampening, `v` averages gradients instead of steps, `v = momentum·v +
    (1-dampening)·g`, and the learning rate is applied at the update: `w -= lr·v`, or with Nesterov
    `w -= lr·(momentum·v + (1-dampening)·g)`. So `dampening=momentum` is momentum in the form of an exponentially
    weighted average, `v = β·v + (1-β)·dW`, `W = W - α·v`, also while the learning rate changes.

    Args:
        learning_rate: step size, or a schedule.
        momentum: in [0, 1], the share of the last step that is kept.
        nesterov: whether to take the gradient as if the momentum step had been made.
        *args: the other arguments of `Optimizer`.
        dampening: in [0, 1], the share of the gradient that the average leaves out; without momentum it has no effect.
        **kwargs: the other arguments of `Optimizer`.

    >>> import numpy as np
    >>> w = Variable(np.array([1.0, 2.0], "float32"))
    >>> optimizer = SGD(0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.apply([np.array([1.0, 0.0], "float32")], [w])
    >>> w.numpy().tolist()
    [-0.25, 2.0]
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *args: Any,
        dampening: float = 0.0,
        **kwargs: Any,
    ) -> None:
        for argument, value in (("momentum", momentum), ("dampening", dampening)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ValueError(f"SGD: `{argument}` must be a float between [0, 1]. Got {value!r}.")
        super().__init__(learning_rate, *args, **kwargs)
        self.momentum = momentum
        self.nesterov = nesterov
        self.dampening = dampening

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if not self.momentum:
            variable.assign(_dlrs.sgd_update(variable, gradient, rate))
            return
        velocity = self.momentums[self._get_variable_index(variable)]
        if self.dampening:
            dampened = gradient * (1.0 - self.dampening)
            average = velocity.value * self.momentum + dampened
            velocity.assign(average)
            step = average * self.momentum + dampened if self.nesterov else average
            variable.assign(variable.value - rate * step)
            return
        w, v = _dlrs.momentum_update(variable, velocity, gradient, rate, self.momentum, self.nesterov)
        velocity.assign(v)
        variable.assign(w)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "dampening": self.dampening,
        }
