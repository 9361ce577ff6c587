"""The record of a training."""

from collections.abc import Sequence
from typing import Any

from dlrs.callbacks.callback import Callback, Logs


class History(Callback):
    """Collects the results of every epoch; `fit` returns one.

    Attributes:
        epoch: numbers of the epochs.
        history: a list of values for each result: `loss`, metrics, and the same of validation as `val_...`.

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def plot(self, metrics: Sequence[str] | None = None, path: Any = None, title: str | None = None) -> Any:
        """A figure of Matplotlib with the results over the epochs; see `dlrs.utils.plot_history`."""
        from dlrs.utils.history_plot import plot_history

        return plot_history(self, metrics, path, title)

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in sorted((logs or {}).items()):
            self.history.setdefault(name, []).append(value)
        if self._model is not None:
            self._model.history = self
