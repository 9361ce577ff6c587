"""Adafactor."""

from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.optimizer import Optimizer


class Adafactor(Optimizer):
    """Adaptive steps with mean squares kept as a product of rows and columns (Shazeer and Stern, arXiv 1804.04235).

    For variables with at least two axes, the mean square is estimated from its means over the last axis and over the
    one before it; relative step sizes, increasing decay and clipping of the step are as in the paper's algorithms 4
    and 5.

    Args:
        learning_rate: largest step size, or a schedule.
        beta_2_decay: the mean squares keep the share `1 - t ** beta_2_decay` at step t.
        epsilon_1: added to the squared gradient.
        epsilon_2: least root mean square of a variable that scales its step.
        clip_threshold: largest root mean square of the step before scaling.
        relative_step: whether a constant learning rate also falls as `1/sqrt(t)`.
        *args: the other arguments of `Optimizer`.
        **kwargs: the other arguments of `Optimizer`.

    >>> w = Variable([[1.0, 1.0], [1.0, 1.0]])
    >>> Adafactor(0.25).apply([ops.array([[1.0, 1.0], [1.0, -1.0]])], [w])
    >>> w.numpy().round(2).tolist()
    [[0.75, 0.75], [0.75, 1.25]]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        check_number("Adafactor", "beta_2_decay", beta_2_decay, most=0)
        check_number("Adafactor", "epsilon_1", epsilon_1, least=0)
        check_number("Adafactor", "epsilon_2", epsilon_2, least=0)
        check_number("Adafactor", "clip_threshold", clip_threshold, above=0)
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._r: list[Any] = []
        self._c: list[Any] = []
        self._v: list[Any] = []
        for variable in variables:
            shape, dtype, name = variable.shape, variable.dtype, variable.path.replace("/", "_")
            factored = len(shape) > 1 and not variable.overwrite_with_gradient
            columns = (*shape[:-2], *shape[-1:])
            self._r.append(self.add_variable(shape[:-1], "zeros", dtype, name=f"{name}_r") if factored else None)
            self._c.append(self.add_variable(columns, "zeros", dtype, name=f"{name}_c") if factored else None)
            self._v += self.add_optimizer_variables([variable], "velocity")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        if self.relative_step and isinstance(self._learning_rate, Variable):
            rate = ops.minimum(rate, 1.0 / ops.sqrt(step))
        size = ops.maximum(_root_mean_square(variable.value), self.epsilon_2) * ops.minimum(rate, 1.0 / ops.sqrt(step))
        velocity = self._velocity(gradient, variable, 1.0 - ops.power(step, self.beta_2_decay))
        change = gradient / ops.sqrt(velocity)
        change = change / ops.maximum(_root_mean_square(change) / self.clip_threshold, 1.0)
        variable.assign(variable.value - size * change)

    def _velocity(self, gradient: Any, variable: Variable, beta: Any) -> Any:
        """The new mean square of the gradients, factored where there are rows and columns."""
        index = self._get_variable_index(variable)
        slot, rows, columns = self._v[index], self._r[index], self._c[index]
        square = ops.square(gradient) + self.epsilon_1
        if rows is None:
            velocity = beta * slot.value + (1.0 - beta) * square
        else:
            r = beta * rows.value + (1.0 - beta) * ops.mean(square, axis=-1)
            c = beta * columns.value + (1.0 - beta) * ops.mean(square, axis=-2)
            rows.assign(r)
            columns.assign(c)
            share = r / ops.mean(r, axis=-1, keepdims=True)
            velocity = ops.expand_dims(share, -1) * ops.expand_dims(c, -2)
        slot.assign(velocity)
        return velocity

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _root_mean_square(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))
