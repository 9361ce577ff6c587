"""Schedules along a cosine (Loshchilov and Hutter 2017, "SGDR", arXiv 1608.03983)."""

import math
from typing import Any

from dlrs import ops
from dlrs.backend.checks import check_number
from dlrs.optimizers.schedules.schedule import LearningRateSchedule, as_float


def _half_cosine(progress: Any, alpha: float) -> Any:
    """From 1 to `alpha` along half a period, as `progress` goes from 0 to 1."""
    return (1.0 - alpha) * (0.5 * (1.0 + ops.cos(math.pi * progress))) + alpha


class CosineDecay(LearningRateSchedule):
    """Half a cosine from `initial_learning_rate` to `alpha` times it, after a linear warm-up if one is asked for.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of steps of the cosine; then the rate stays.
        alpha: the last rate as a fraction of the highest.
        name: name of the schedule.
        warmup_target: the rate to which it first rises linearly (Goyal et al. 2017, arXiv 1706.02677), and from which
            it then decays; None: no warm-up.
        warmup_steps: number of steps of the rise, before the `decay_steps`.

    >>> schedule = CosineDecay(0.0, decay_steps=2, warmup_target=1.0, warmup_steps=2)
    >>> [round(float(schedule(step)), 6) for step in range(5)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        check_number(name, "decay_steps", decay_steps, above=0)
        check_number(name, "initial_learning_rate", initial_learning_rate, least=0)
        check_number(name, "alpha", alpha)
        check_number(name, "warmup_target", warmup_target, least=0, optional=True)
        check_number(name, "warmup_steps", warmup_steps, least=0)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        step = as_float(step)
        if self.warmup_target is None:
            return self.initial_learning_rate * self._decay(step)
        decayed = self.warmup_target * self._decay(ops.maximum(step - float(self.warmup_steps), 0.0))
        if not self.warmup_steps:
            return decayed
        rise = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        return ops.where(step < float(self.warmup_steps), self.initial_learning_rate + rise * step, decayed)

    def _decay(self, step: Any) -> Any:
        return _half_cosine(ops.minimum(step / float(self.decay_steps), 1.0), self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after the other, each `t_mul` times as long and from `m_mul` times as high as the one before.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: number of steps of the first cosine.
        t_mul: factor of the length, at least 1.
        m_mul: factor of the height.
        alpha: the lowest rate as a fraction of `initial_learning_rate`.
        name: name of the schedule.

    >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=2, t_mul=2.0)
    >>> [round(float(schedule(step)), 6) for step in (0, 1, 2, 4, 6)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        check_number(name, "first_decay_steps", first_decay_steps, above=0)
        # Ever shorter cosines would end at step first_decay_steps / (1 - t_mul).
        check_number(name, "t_mul", t_mul, least=1)
        check_number(name, "m_mul", m_mul, least=0)
        check_number(name, "initial_learning_rate", initial_learning_rate, least=0)
        check_number(name, "alpha", alpha)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Any:
        restarts, progress = self._position(as_float(step) / float(self.first_decay_steps))
        height = ops.power(float(self.m_mul), restarts)
        return self.initial_learning_rate * (height * _half_cosine(progress, 0.0) * (1.0 - self.alpha) + self.alpha)

    def _position(self, periods: Any) -> tuple[Any, Any]:
        """The number of restarts so far and how far the present cosine has come, from the time in first cosines."""
        if self.t_mul == 1:
            restarts = ops.floor(periods)
            return restarts, periods - restarts
        # After n restarts, 1 + t + ... + t^(n-1) = (1 - t^n) / (1 - t) first cosines have gone by.
        t = float(self.t_mul)
        restarts = ops.floor(ops.log(1.0 - periods * (1.0 - t)) / math.log(t))
        length = ops.power(t, restarts)
        return restarts, (periods - (1.0 - length) / (1.0 - t)) / length

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
