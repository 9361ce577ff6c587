"""The base of learning rate schedules."""

from abc import ABC, abstractmethod
from typing import Any, Self


class LearningRateSchedule(ABC):
    """A learning rate as a function of the number of updates made, written with `dlrs.ops` so that it can be traced."""

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
