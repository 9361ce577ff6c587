"""Trainings that go on where they were broken off."""

import os
import random
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlrs.backend import get_global_attribute
from dlrs.callbacks.callback import Callback, Logs
from dlrs.callbacks.callback_state import capture, decode, encode, restore
from dlrs.callbacks.periodic_callback import PeriodicCallback
from dlrs.callbacks.position import Position
from dlrs.callbacks.progbar_logger import ProgbarLogger
from dlrs.errors import FormatError, format_error
from dlrs.random.seed_generator import global_seed_generator

_KEPT = 2
_NAME = re.compile(r"backup-(\d{8,})\.dlrs")


class BackupAndRestore(PeriodicCallback):
    """Backs up a training, and goes on from the last backup when the same `fit` is run again: to the same bits.

    A backup holds the model, the optimizer, the seeds of all random draws, the place in the epoch and its order of
    rows, what the metrics have counted, the history, and the state of the other callbacks (attributes with plain data,
    arrays or tensors). Those behind this one in the list meet the end of the epoch or batch again after a restart.

    Args:
        backup_dir: directory for the backups of this training alone; made if there is none.
        save_freq: `"epoch"`, or a number of batches.
        double_checkpoint: taken for compatibility: the last two backups are always kept. If the last is damaged, a
            warning says so and the one before it is taken.
        delete_checkpoint: whether to delete the backups at the end of training.

    The rows of arrays, and the batches of an iterable that starts anew at every `iter()`, are those that the
    uninterrupted training would take. A generator is not turned forward: it has to go on by itself.

    Raises:
        ValueError: an argument is not one of those allowed; at the beginning of `fit`, the epoch that is to go on has
            another number of batches.
        FormatError: at the beginning of `fit`, none of the backups can be read, or they are of another model.

    >>> BackupAndRestore("backups", save_freq=100).batches_to_go
    100
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: int | Literal["epoch"] = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__(save_freq)
        if not backup_dir:
            raise ValueError(
                f"BackupAndRestore: Empty `backup_dir` argument passed: a path is expected, got {backup_dir!r}."
            )
        self.backup_dir = os.fspath(backup_dir)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._current_epoch = 0
        self._last_batch_seen = 0
        self._saved: Any = None
        self._others: list[Callback] = []
        self._behind: list[Callback] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        self._current_epoch = self._last_batch_seen = self._batches_seen = 0
        self._saved = self._restored()

    def resume(self, callbacks: Sequence[Callback]) -> Position | None:
        """Called after all callbacks' `on_train_begin`: gives the others their state; the place to go on from."""
        others = [callback for callback in callbacks if not isinstance(callback, ProgbarLogger | BackupAndRestore)]
        self._others = others
        place = list(callbacks).index(self)
        self._behind = [callback for callback in others if callback in callbacks[place:]]
        if self._saved is None:
            return None
        saved, self._saved = self._saved, None
        fit, tensors = saved.json["fit"], saved.tensors["fit"]
        self._current_epoch, self._batches_seen = fit["epoch"], fit["batches_seen"]
        if fit["batch"] and fit["steps"] != self.params.get("steps"):
            raise ValueError(
                f"BackupAndRestore: the epoch backed up in {saved.path} has {fit['steps']} batches, this one "
                f"{self.params.get('steps')}. Give `fit` the same data and `batch_size`."
            )
        restore(others, fit["callbacks"], tensors)
        _restore_randomness(decode(fit["random"], tensors))
        self.model.stop_training = fit["stop_training"]
        results = decode(fit["logs"], tensors)
        for callback in self._behind:
            if fit["batch"]:
                callback.on_train_batch_end(fit["batch"] - 1, results)
            else:
                callback.on_epoch_end(fit["epoch"] - 1, results)
        metrics = saved.tensors["metrics"]
        return Position(fit["epoch"], fit["batch"], results, lambda: self._restore_metrics(metrics, saved.path))

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_period_end(self, batch: int, logs: Logs) -> None:
        self._last_batch_seen = batch
        self._back_up(self._current_epoch, batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch + 1
        self._last_batch_seen = 0
        if self.save_freq == "epoch":
            self._back_up(epoch + 1, 0, logs or {})

    def on_train_end(self, logs: Logs = None) -> None:
        self._others = self._behind = []
        if self.delete_checkpoint:
            directory = Path(self.backup_dir)
            for path in self._generations():
                path.unlink(missing_ok=True)
            if directory.is_dir() and not any(directory.iterdir()):
                directory.rmdir()

    def _generations(self) -> list[Path]:
        """The backups, the oldest first."""
        directory = Path(self.backup_dir)
        found = [(_NAME.fullmatch(name), name) for name in os.listdir(directory)] if directory.is_dir() else []
        return [directory / name for _, name in sorted((int(match[1]), name) for match, name in found if match)]

    def _back_up(self, epoch: int, batch: int, logs: dict[str, Any]) -> None:
        from dlrs.saving.saving_lib import write_saved_model
        from dlrs.saving.structure import numbered

        tensors: dict[str, Any] = {}
        fit = {
            "epoch": epoch,
            "batch": batch,
            "batches_seen": self._batches_seen,
            "steps": self.params.get("steps"),
            "stop_training": bool(self.model.stop_training),
            "logs": encode(logs, tensors),
            "random": encode(_randomness(), tensors),
            "callbacks": capture(self._others, tensors),
        }
        older = self._generations()
        match = _NAME.fullmatch(older[-1].name) if older else None
        number = int(match[1]) + 1 if match else 1
        path = os.path.join(self.backup_dir, f"backup-{number:08d}.dlrs")
        parts = {"fit": tensors, "metrics": numbered(self._metric_variables())}
        write_saved_model(self.model, path, {"fit": fit}, parts)
        # The new one is on the disk.
        for stale in older[: 1 - _KEPT]:
            stale.unlink(missing_ok=True)

    def _restored(self) -> Any:
        """The last backup that is whole, to which the model is brought; None if there is none at all."""
        from dlrs.saving.saving_lib import read_saved_model

        generations = self._generations()
        for place, path in enumerate(reversed(generations)):
            try:
                saved = read_saved_model(str(path))
            except (FormatError, OSError) as error:
                if place == len(generations) - 1:
                    raise
                warnings.warn(
                    f"BackupAndRestore: {path} cannot be read, and the backup before it is taken: {error}",
                    stacklevel=2,
                )
                # It would be taken for the newest of the next ones.
                path.unlink(missing_ok=True)
                continue
            _check_training(saved)
            saved.build(self.model)
            saved.restore(self.model)
            return saved
        return None

    def _metric_variables(self) -> list[Any]:
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _restore_metrics(self, tensors: Any, path: str) -> None:
        from dlrs.saving.matching import match
        from dlrs.saving.structure import numbered

        match(numbered(self._metric_variables()), tensors, path, "training/metrics.safetensors").carry_out()


def _check_training(saved: Any) -> None:
    """FormatError (C1) unless a saved model holds the state of a training, of which nothing has been taken over yet."""
    try:
        fit, tensors = saved.json["fit"], saved.tensors["fit"]
        counts = [fit["epoch"], fit["batch"], fit["batches_seen"], 0 if fit["steps"] is None else fit["steps"]]
        if not all(type(count) is int and count >= 0 for count in counts) or type(fit["stop_training"]) is not bool:
            raise ValueError(
                f"epoch, batch, batches_seen, steps, stop_training: {counts}, {fit['stop_training']!r:.40}"
            )
        if not isinstance(decode(fit["logs"], tensors), dict):
            raise ValueError("logs are no dict")
        for entry in fit["callbacks"]:
            if not isinstance(entry["class"], str) or not isinstance(decode(entry["state"], tensors), dict):
                raise ValueError("the state of a callback is no dict")
        state = decode(fit["random"], tensors)
        random.Random().setstate(state["python"])
        np.random.RandomState().set_state(state["numpy"])
        if state["dlrs"] is not None and state["dlrs"].shape != (2,):
            raise ValueError(f"the state of the seeds has shape {state['dlrs'].shape}")
        saved.tensors["metrics"]
    except Exception as error:  # whatever plain data of another form makes of it
        message = f"it is no backup of a training: {type(error).__name__}: {str(error)[:300]}"
        raise format_error(message, path=saved.path, format="dlrs", field="training/fit.json", rule="C1") from None


def _randomness() -> dict[str, Any]:
    generator = get_global_attribute("global_seed_generator")
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "dlrs": None if generator is None else generator.state.numpy(),
    }


def _restore_randomness(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    if state["dlrs"] is not None:
        global_seed_generator().state.assign(state["dlrs"])
