"""Several callbacks as one."""

from collections.abc import Sequence
from typing import Any

from dlrs.callbacks.backup_and_restore import BackupAndRestore
from dlrs.callbacks.callback import Callback, Logs
from dlrs.callbacks.history import History
from dlrs.callbacks.periodic_callback import PeriodicCallback
from dlrs.callbacks.position import Position
from dlrs.callbacks.progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """Calls every callback in turn.

    Args:
        callbacks: the callbacks, in the order of the calls.
        add_history: append a `History` unless there is one.
        add_progbar: put a `ProgbarLogger` in front of them unless there is one.
        model: given to every callback.
        **params: given to every callback as `params`.

    Raises:
        TypeError: a callback is none.

    A training loop of your own tells it what happens:

    >>> from dlrs.callbacks import LambdaCallback
    >>> shown = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> callbacks = CallbackList(shown, add_history=True, epochs=2)
    >>> callbacks.on_train_begin()
    >>> for epoch in range(2):
    ...     callbacks.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1)})
    0 1.0
    1 0.5
    >>> callbacks.history.history
    {'loss': [1.0, 0.5]}
    """

    def __init__(
        self,
        callbacks: Callback | Sequence[Callback] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])
        for callback in given:
            if not isinstance(callback, Callback):
                raise TypeError(f"`callbacks` must hold instances of dlrs.callbacks.Callback, got {callback!r}.")
        if add_progbar and not any(isinstance(callback, ProgbarLogger) for callback in given):
            given.insert(0, ProgbarLogger())
        self.callbacks = given
        if add_history:
            self.history = next((c for c in given if isinstance(c, History)), None) or History()
            if self.history not in given:
                given.append(self.history)
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)
            if model is not None:
                callback.set_model(model)

    def append(self, callback: Callback) -> None:
        """Add `callback` at the end."""
        self.callbacks.append(callback)

    def has_batch_hooks(self, mode: str) -> bool:
        """Whether a callback other than the progress bar acts at every batch of `mode` (train, test, predict)."""
        names = [f"on_{mode}_batch_begin", f"on_{mode}_batch_end"]
        if mode == "train":
            names += ["on_batch_begin", "on_batch_end"]
        return any(overrides(callback, name) for callback in self.callbacks for name in names)

    @property
    def batches_to_go(self) -> int | None:
        """Number of batches of training to the next moment at which a callback acts; None if there is none."""
        counts = [callback.batches_to_go for callback in self.callbacks if isinstance(callback, PeriodicCallback)]
        return min((count for count in counts if count is not None), default=None)

    def on_train_batches_end(self, count: int, batch: int, logs: Logs = None) -> None:
        """Tell the periodic callbacks that `count` steps are done, the last of them step `batch` of its epoch."""
        for callback in self.callbacks:
            if isinstance(callback, PeriodicCallback):
                callback.on_train_batches_end(count, batch, logs)

    def resume(self) -> Position | None:
        """After `on_train_begin`: where a training that was broken off goes on, all callbacks in the state of then."""
        positions = [c.resume(self.callbacks) for c in self.callbacks if isinstance(c, BackupAndRestore)]
        return next((position for position in positions if position is not None), None)

    def on_epoch_resumed(self, epoch: int) -> None:
        """Let the progress bars begin an epoch of which a part is done; the other callbacks have met its beginning."""
        for callback in self.callbacks:
            if isinstance(callback, ProgbarLogger):
                callback.on_epoch_begin(epoch)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def on_progress(self, steps: int, logs: Logs = None) -> None:
        """Tell the progress bars that `steps` steps of the epoch are done."""
        for callback in self.callbacks:
            if isinstance(callback, ProgbarLogger):
                callback.on_progress(steps, logs)

    def on_interrupt(self) -> None:
        for callback in self.callbacks:
            callback.on_interrupt()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_end(logs)


def overrides(callback: Callback, name: str) -> bool:
    """Whether `callback` has a method `name` of its own.

    The progress bar's are replaced by `on_progress`, those of periodic callbacks by `on_train_batches_end`.
    """
    if isinstance(callback, ProgbarLogger) and type(callback) is ProgbarLogger:
        return False
    own = getattr(callback, name)
    base = PeriodicCallback if isinstance(callback, PeriodicCallback) else Callback
    return getattr(own, "__func__", own) is not getattr(base, name)
