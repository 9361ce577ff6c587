"""Schedules: learning rates as functions of the step."""

from typing import Any

from dlrs.backend import Registry
from dlrs.optimizers.schedules.decay import ExponentialDecay, InverseTimeDecay
from dlrs.optimizers.schedules.schedule import LearningRateSchedule

__all__ = ["ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule", "deserialize", "serialize"]

_REGISTRY = Registry("learning rate schedule", LearningRateSchedule, (ExponentialDecay, InverseTimeDecay))


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The class name and configuration of a schedule."""
    return _REGISTRY.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule described by `serialize`."""
    return _REGISTRY.deserialize(config, custom_objects)
