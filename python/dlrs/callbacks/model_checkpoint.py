"""Models saved while they are trained."""

import math
import os
import warnings
from pathlib import Path
from typing import Any, Literal

from dlrs.callbacks.callback import Logs
from dlrs.callbacks.monitor_callback import MonitorCallback
from dlrs.callbacks.periodic_callback import PeriodicCallback
from dlrs.utils.io_utils import print_msg

_ENDINGS_OF_MODELS = (".dlrs", ".keras")
_ENDINGS_OF_WEIGHTS = (".safetensors", ".weights.h5")


class ModelCheckpoint(PeriodicCallback, MonitorCallback):
    """Saves the model, or its weights, after epochs or after every so many batches.

    Args:
        filepath: where to: a path that ends in `.dlrs` or `.keras`, or in `.safetensors` or `.weights.h5` with
            `save_weights_only`. Its parts `{epoch}` (from 1), `{batch}` (from 1, with `save_freq` in batches) and names
            of results are filled in: `"{epoch:02d}-{val_loss:.2f}.dlrs"`. Directories are made.
        monitor: name of the result that `save_best_only` looks at.
        verbose: 1 prints what was done.
        save_best_only: save only when the result is better than all before. NaN is never better. Without such a result
            the model is saved every time, with a warning.
        save_weights_only: save the weights alone.
        mode: `"min"`, `"max"`, or `"auto"`: by the metric of that name, or by the name.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: value that the first result has to be better than.

    A file is put in place at once: whatever happens, `filepath` holds a whole model.

    Raises:
        ValueError: an argument is not one of those allowed; a name in `filepath` is no result (when it is filled in).

    >>> ModelCheckpoint("best.dlrs", monitor="val_accuracy", save_best_only=True).save_freq
    'epoch'
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Literal["auto", "min", "max"] = "auto",
        save_freq: int | Literal["epoch"] = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        PeriodicCallback.__init__(self, save_freq)
        MonitorCallback.__init__(self, monitor, mode, initial_value_threshold)
        self.filepath: str = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        endings = _ENDINGS_OF_WEIGHTS if save_weights_only else _ENDINGS_OF_MODELS
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint: `filepath` must end in {' or '.join(map(repr, endings))} with "
                f"save_weights_only={save_weights_only}, got {self.filepath!r}."
            )
        self._current_epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_period_end(self, batch: int, logs: Logs) -> None:
        self._save(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(None, logs or {})

    def _save(self, batch: int | None, logs: dict[str, Any]) -> None:
        if self.save_best_only and not self._is_best(logs):
            return
        path = self._path(batch, logs)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self._say(f"saving model to {path}")

    def _is_best(self, logs: dict[str, Any]) -> bool:
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"ModelCheckpoint: can save the best model only with the result {self.monitor!r} available; there are "
                f"{', '.join(logs)}. The model is saved every time.",
                stacklevel=4,
            )
            return True
        if math.isnan(value) or not self._is_improvement(value, self.best):
            self._say(f"{self.monitor} is {value:.5g}, the best stays {_said(self.best)}")
            return False
        self._say(f"{self.monitor} improved from {_said(self.best)} to {value:.5g}")
        self.best = value
        return True

    def _path(self, batch: int | None, logs: dict[str, Any]) -> str:
        places = (
            {"epoch": self._current_epoch + 1}
            if batch is None
            else {
                "epoch": self._current_epoch + 1,
                "batch": batch + 1,
            }
        )
        try:
            return self.filepath.format(**{**logs, **places})
        except KeyError as error:
            raise ValueError(
                f"ModelCheckpoint: `filepath` {self.filepath!r} names {error}; there are {', '.join([*places, *logs])}."
            ) from None

    def _say(self, text: str) -> None:
        if self.verbose:
            print_msg(f"\nEpoch {self._current_epoch + 1}: {text}")


def _said(best: float | None) -> str:
    return "None" if best is None else f"{best:.5g}"
