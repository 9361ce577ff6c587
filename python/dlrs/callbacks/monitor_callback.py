"""What callbacks that watch a result share."""

import math
import warnings
from collections.abc import Callable
from typing import Any, Literal

from dlrs.callbacks.callback import Callback
from dlrs.errors import unknown_name

_GROWING = ("acc", "auc", "precision", "recall", "f1")


class MonitorCallback(Callback):
    """Base of callbacks that compare a result of the epochs.

    Args:
        monitor: name of the result.
        min_delta: smallest change that counts as an improvement.
        mode: `"min"`, `"max"`, or `"auto"`: the direction of the model's metric of that name if it has one, else max
            for accuracies, AUC and the like, min for the rest.

    >>> MonitorCallback("val_accuracy").is_better(0.5, 0.4)
    True
    """

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, mode: Literal["auto", "min", "max"] = "auto"
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{type(self).__name__}: " + unknown_name("mode", mode, ("auto", "min", "max")))
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.mode = mode

    @property
    def monitor_op(self) -> Callable[[float, float], bool]:
        """Whether a first value is better than a second."""
        return (lambda a, b: a > b) if self._grows() else (lambda a, b: a < b)

    def _grows(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        known: list[Any] = []
        for metric in getattr(self._model, "metrics", []):
            known += [metric, *getattr(metric, "metrics", [])]
        for metric in known:
            direction = getattr(metric, "_direction", None)
            if metric.name == name and direction is not None:
                return bool(direction == "up")
        return any(part in name for part in _GROWING)

    def is_better(self, value: float, reference: float) -> bool:
        """Whether `value` improves upon `reference` by more than `min_delta`."""
        better = self.monitor_op
        margin = self.min_delta if better(1, 0) else -self.min_delta
        return better(value - margin, reference)

    def monitored(self, logs: dict[str, Any]) -> float | None:
        """The result in `logs`, the worst value there is in place of NaN; None, with a warning, if it is missing."""
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__}: there is no result {self.monitor!r}; there are {', '.join(logs)}. Training "
                "goes on.",
                stacklevel=3,
            )
            return None
        # A NaN compares false with everything, so it never counts as an improvement, the first included.
        return math.inf if math.isnan(value) and self.monitor_op(0, 1) else -math.inf if math.isnan(value) else value
