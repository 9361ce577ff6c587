"""Early stopping."""

from typing import Any, Literal

import numpy as np

from dlrs.callbacks.callback import Logs
from dlrs.callbacks.monitor_callback import MonitorCallback
from dlrs.utils.io_utils import print_msg


class EarlyStopping(MonitorCallback):
    """Stops training when a result no longer improves.

    Args:
        monitor: name of the result.
        min_delta: smallest change that counts as an improvement.
        patience: number of epochs without improvement after which training stops.
        verbose: 1 prints what was done.
        mode: `"min"`, `"max"`, or `"auto"`: by the metric of that name, or by the name.
        baseline: value that has to be improved upon.
        restore_best_weights: put back the weights of the best epoch at the end of training.
        start_from_epoch: first epoch to look at.

    >>> stopping = EarlyStopping(monitor="loss", patience=1)
    >>> stopping._is_improvement(0.4, 0.5)
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
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
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

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if epoch < self.start_from_epoch:
            return
        value = self.monitored(logs or {})
        if value is None:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._is_improvement(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self._is_improvement(value, self.baseline):
                self.wait = 0
            return  # an epoch that improves does not end the training, even if it is below the baseline
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print_msg(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
