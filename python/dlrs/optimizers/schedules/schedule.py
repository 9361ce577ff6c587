"""The base of learning rate schedules."""

from abc import ABC, abstractmethod
from typing import Any, Self

from dlrs import ops
from dlrs.backend import floatx


class LearningRateSchedule(ABC):
    """A learning rate as a function of the number of updates made, written with `dlrs.ops` so that it can be traced.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5 ** ops.cast(step, "float32")
    ...
    ...     def get_config(self):
    ...         return {}
    >>> float(Halving()(3))
    0.125
    """

    @abstractmethod
    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`, an integer or an integer scalar tensor."""

    @abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The schedule made from what `get_config` returned."""
        return cls(**config)


def as_float(step: Any) -> Any:
    """`step` in `config.floatx()`, the type in which schedules compute."""
    return ops.cast(step, floatx())
