"""Schedules that decay from an initial learning rate: exponentially, hyperbolically, by a polynomial, in pieces."""

import itertools
from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.optimizers.schedules.schedule import LearningRateSchedule, as_float


class _Decay(LearningRateSchedule):
    """A decay by `step / decay_steps`, rounded down when `staircase`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.name = name
        check_number(self.name, "decay_steps", decay_steps, above=0)
        check_number(self.name, "initial_learning_rate", initial_learning_rate, least=0)
        check_number(self.name, "decay_rate", decay_rate, least=0)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase

    def _progress(self, step: Any) -> Any:
        progress = as_float(step) / float(self.decay_steps)
        return ops.floor(progress) if self.staircase else progress

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class ExponentialDecay(_Decay):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of steps in which the rate is multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: whether the rate changes only every `decay_steps` steps.
        name: name of the schedule.

    >>> float(ExponentialDecay(0.5, decay_steps=10, decay_rate=0.25)(5))
    0.25
    """

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate * ops.power(self.decay_rate, self._progress(step))


class InverseTimeDecay(_Decay):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: unit in which steps are counted.
        decay_rate: how fast the divisor grows.
        staircase: whether the rate changes only every `decay_steps` steps.
        name: name of the schedule.

    >>> float(InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)(10))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._progress(step))


class PolynomialDecay(LearningRateSchedule):
    """`end + (initial - end) * (1 - step / decay_steps) ** power`, constant after `decay_steps`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of steps to decay over.
        end_learning_rate: the rate at the end.
        power: exponent; 1 is linear.
        cycle: whether to stretch `decay_steps` to its first multiple that is not below `step`, instead of staying
            at the end.
        name: name of the schedule.

    >>> schedule = PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.0, power=2.0)
    >>> [float(schedule(step)) for step in (0, 2, 4, 9)]
    [1.0, 0.25, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        check_number(name, "decay_steps", decay_steps, above=0)
        if not isinstance(initial_learning_rate, Variable):
            check_number(name, "initial_learning_rate", initial_learning_rate, least=0)
        check_number(name, "end_learning_rate", end_learning_rate, least=0)
        check_number(name, "power", power, least=0)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        progress = as_float(step) / float(self.decay_steps)
        progress = progress / ops.maximum(ops.ceil(progress), 1.0) if self.cycle else ops.minimum(progress, 1.0)
        range_of_rates = self.initial_learning_rate - self.end_learning_rate
        return range_of_rates * ops.power(1.0 - progress, self.power) + self.end_learning_rate

    def get_config(self) -> dict[str, Any]:
        rate = self.initial_learning_rate
        return {
            "initial_learning_rate": float(rate) if isinstance(rate, Variable) else rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[0]` up to and including step `boundaries[0]`, then `values[1]` up to `boundaries[1]`, and so on.

    Args:
        boundaries: steps, in increasing order.
        values: the rates; one more than there are boundaries.
        name: name of the schedule.

    >>> schedule = PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25])
    >>> [float(schedule(step)) for step in (2, 3, 4, 5)]
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"{name}: `values` must be one more than `boundaries`, got {len(values)} values and "
                f"{len(boundaries)} boundaries."
            )
        for boundary in boundaries:
            check_number(name, "boundaries", boundary)
        for value in values:
            check_number(name, "values", value, least=0)
        if any(low >= high for low, high in itertools.pairwise(boundaries)):
            raise ValueError(f"{name}: `boundaries` must increase, got {list(boundaries)}.")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = as_float(step)
        rate: Any = ops.convert_to_tensor(float(self.values[-1]))
        for boundary, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            rate = ops.where(step <= float(boundary), float(value), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
