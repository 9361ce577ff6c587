"""The callback protocol."""

from typing import Any

Logs = dict[str, Any] | None


class Callback:
    """Base of callbacks. Override the methods of the moments to act at; the others do nothing.

    `fit` runs whole epochs in one call as long as no callback overrides a method of single training batches.

    Attributes:
        params: `{"verbose", "epochs", "steps"}` of the running `fit`, `evaluate` or `predict`.
        model: the model. A callback may set `model.stop_training = True`.

    >>> class Printer(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, sorted(logs))
    >>> Printer().on_epoch_end(0, {"loss": 0.5})
    0 ['loss']
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model the callback was attached to."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive `params`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receive `model`."""
        self._model = model

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before epoch number `epoch` (from 0) of training."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after an epoch of training and its validation, with all results."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before step `batch` of an epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after step `batch` of an epoch, with the results so far."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before step `batch` of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after step `batch` of an evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before step `batch` of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after step `batch` of a prediction, with `{"outputs"}`."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called at the beginning of `fit`."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called at the end of `fit`, with the results of the last epoch."""

    def on_interrupt(self) -> None:
        """Called in place of the end when an exception breaks off `fit`, `evaluate` or `predict`."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called at the beginning of an evaluation or a validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called at the end of an evaluation or a validation, with its results."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called at the beginning of `predict`."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called at the end of `predict`."""
