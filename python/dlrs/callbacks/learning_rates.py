"""Learning rates set from epoch to epoch: by a function, or when a result stops improving."""

import inspect
import math
from collections.abc import Callable
from typing import Any, Literal

from dlrs.callbacks.callback import Callback, Logs
from dlrs.callbacks.monitor_callback import MonitorCallback
from dlrs.utils.io_utils import print_msg


def _rated(model: Any) -> dict[str, Any]:
    """The optimizers of `model` that have a learning rate, under the names of their rates in logs."""
    optimizer = model.optimizer
    several = getattr(optimizer, "optimizers", None)
    if several is None:
        return {"learning_rate": optimizer}
    return {f"learning_rate_{inner.name}": inner for inner in several}


def learning_rates(model: Any) -> dict[str, float]:
    """The present learning rates, under the names that they have in logs."""
    return {name: float(optimizer.learning_rate) for name, optimizer in _rated(model).items()}


def _log_rates(model: Any, logs: Logs) -> None:
    if logs is not None:
        logs.update(learning_rates(model))


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch, and adds it to the results as `learning_rate`.

    Args:
        schedule: function of the epoch (from 0) and the present learning rate, or of the epoch alone, that returns
            the learning rate, a float.
        verbose: 1 prints the learning rate.

    With a `MultiOptimizer` the function is asked for each optimizer's rate.

    Raises:
        ValueError: the function does not return a finite float of at least 0.

    >>> halving = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: `schedule` must be a function of the epoch, got {schedule!r}.")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        for name, optimizer in _rated(self.model).items():
            rate = self._scheduled(epoch, float(optimizer.learning_rate))
            optimizer.learning_rate = rate
            if self.verbose:
                print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting {name.replace('_', ' ')} to {rate}.")

    def _scheduled(self, epoch: int, present: float) -> float:
        try:
            inspect.signature(self.schedule).bind(epoch, present)
        except TypeError:
            rate = self.schedule(epoch)
        except ValueError:  # a function without a signature
            rate = self.schedule(epoch, present)
        else:
            rate = self.schedule(epoch, present)
        number = rate.item() if hasattr(rate, "item") else rate
        if not isinstance(number, float) or not math.isfinite(number) or number < 0:
            raise ValueError(
                f"LearningRateScheduler: `schedule` must return a finite float of at least 0. It returned {rate!r} for "
                f"epoch {epoch}."
            )
        return number

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        _log_rates(self.model, logs)


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a result no longer improves, and adds the rate to the results.

    Args:
        monitor: name of the result.
        factor: factor of the learning rate, in (0, 1).
        patience: number of epochs without improvement after which the learning rate is reduced.
        verbose: 1 prints what was done.
        mode: `"min"`, `"max"`, or `"auto"`: by the metric of that name, or by the name.
        min_delta: smallest change that counts as an improvement.
        cooldown: number of epochs after a reduction in which none is counted.
        min_lr: smallest learning rate.

    >>> plateau = ReduceLROnPlateau("loss", factor=0.5, patience=2)
    >>> plateau.in_cooldown()
    False
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: Literal["auto", "min", "max"] = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if not 0 < factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0, nor <= 0: `factor` must be in (0, 1), got "
                f"{factor!r}."
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.cooldown_counter = 0
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether the last reduction is less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        _log_rates(self.model, logs)
        value = self.monitored(logs or {})
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        """Reduce all learning rates that are above the least; whether there was one."""
        reduced = False
        for name, optimizer in _rated(self.model).items():
            old = float(optimizer.learning_rate)
            new = max(old * self.factor, self.min_lr)
            if new < old:
                optimizer.learning_rate = new
                reduced = True
                if self.verbose:
                    print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing {name.replace('_', ' ')} to {new}.")
        return reduced
