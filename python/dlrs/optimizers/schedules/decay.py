"""Schedules that decay from an initial learning rate."""

from typing import Any

from dlrs import ops
from dlrs.optimizers.schedules.schedule import LearningRateSchedule


class _Decay(LearningRateSchedule):
    """A decay by `step / decay_steps`, rounded down when `staircase`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = type(self).__name__ if name is None else name
        if decay_steps <= 0:
            raise ValueError(f"{self.name}: `decay_steps` must be positive, got {decay_steps}.")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase

    def _progress(self, step: Any) -> Any:
        progress = ops.cast(step, "float32") / float(self.decay_steps)
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

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._progress(step))
