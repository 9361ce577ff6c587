"""What callbacks that watch a result share."""

import math
import warnings
from typing import Any, Literal

from dlrs import ops
from dlrs.callbacks.callback import Callback

_GROWING = ("acc", "auc", "precision", "recall", "f1")
_FALLING = ("loss", "error")


class MonitorCallback(Callback):
    """Base of callbacks that compare a result of the epochs.

    Args:
        monitor: name of the result.
        mode: `"min"`, `"max"`, or `"auto"`: the direction of the model's metric of that name if it has one, else max
            for accuracies, AUC and the like, min for losses and errors. Anything else is taken for `"auto"`, with a
            warning.
        baseline: value that the first result is compared with.
        min_delta: smallest change that counts as an improvement.

    Attributes:
        best: the best value so far.
        monitor_op: `ops.less` or `ops.greater`; None until a value is compared.

    Raises:
        TypeError: `monitor` is no string.
        ValueError: when the first value is compared, `mode` is `"auto"` and nothing tells the direction.

    >>> MonitorCallback("val_accuracy")._is_improvement(0.5, 0.4)
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: Literal["auto", "min", "max"] = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"{type(self).__name__}: `monitor` must be the name of a result, got {monitor!r:.60}.")
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode {mode!r} is unknown, fallback to auto mode. There are 'auto', 'min' and "
                "'max'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Any = None

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self.monitor_op = None

    def _set_monitor_op(self) -> None:
        self.monitor_op = ops.greater if self._grows() else ops.less

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
        if any(part in name for part in _GROWING):
            return True
        if any(part in name for part in _FALLING):
            return False
        raise ValueError(
            f"{type(self).__name__}: nothing tells whether the result {self.monitor!r} should grow or fall. Pass "
            "mode='max' or mode='min'."
        )

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether `value` improves upon `reference` by more than `min_delta`; anything improves upon None."""
        if self.monitor_op is None:
            self._set_monitor_op()
        if reference is None:
            return True
        # In double precision, which `monitor_op` on Python's floats would not be.
        if self.monitor_op is ops.greater:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def monitored(self, logs: dict[str, Any]) -> float | None:
        """The result in `logs`, the worst value there is in place of NaN; None, with a warning, if it is missing."""
        if self.monitor_op is None:
            self._set_monitor_op()
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__}: there is no result {self.monitor!r}; there are {', '.join(logs)}. Training "
                "goes on.",
                stacklevel=3,
            )
            return None
        # A NaN compares false with everything, so it never counts as an improvement, the first included.
        return value if not math.isnan(value) else -math.inf if self.monitor_op is ops.greater else math.inf
