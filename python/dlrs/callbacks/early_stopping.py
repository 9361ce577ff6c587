"""Early stopping."""

import math
import sys
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from dlrs.callbacks.callback import Callback, Logs
from dlrs.errors import unknown_name


class EarlyStopping(Callback):
    """Stops training when a result no longer improves.

    Args:
        monitor: name of the result.
        min_delta: smallest change that counts as an improvement.
        patience: number of epochs without improvement after which training stops.
        verbose: 1 prints what was done.
        mode: `"min"`, `"max"`, or `"auto"`: max for accuracies, AUC and the like, min for the rest.
        baseline: value that has to be improved upon.
        restore_best_weights: put back the weights of the best epoch at the end of training.
        start_from_epoch: first epoch to look at.

    >>> stopping = EarlyStopping(monitor="loss", patience=1)
    >>> stopping.is_better(0.4, 0.5)
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: Literal["auto", "min", "max"] = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError("EarlyStopping: " + unknown_name("mode", mode, ("auto", "min", "max")))
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list[np.ndarray[Any, Any]] | None = None

    @property
    def monitor_op(self) -> Callable[[float, float], bool]:
        """Whether a first value is better than a second."""
        grows = self.mode == "max" or (
            self.mode == "auto" and any(part in self.monitor for part in ("acc", "auc", "precision", "recall", "f1"))
        )
        return (lambda a, b: a > b) if grows else (lambda a, b: a < b)

    def is_better(self, value: float, reference: float) -> bool:
        """Whether `value` improves upon `reference` by more than `min_delta`."""
        better = self.monitor_op
        margin = self.min_delta if better(1, 0) else -self.min_delta
        return better(value - margin, reference)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if epoch < self.start_from_epoch:
            return
        value = self._monitored(logs or {})
        if value is None:
            return
        if self.best is None or self.is_better(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_better(value, self.baseline):
                self.wait = 0
                return
        self.wait += 1
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _monitored(self, logs: dict[str, Any]) -> float | None:
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"EarlyStopping: there is no result {self.monitor!r}; there are {', '.join(logs)}. Training goes on.",
                stacklevel=2,
            )
            return None
        # A NaN compares false with everything, so it never counts as an improvement, the first included.
        return math.inf if math.isnan(value) and self.monitor_op(0, 1) else -math.inf if math.isnan(value) else value

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            sys.stdout.write(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.best_weights is not None:
            if self.verbose:
                sys.stdout.write(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.\n")
            self.model.set_weights(self.best_weights)
