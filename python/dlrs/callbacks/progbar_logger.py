"""The progress bar of `fit`, `evaluate` and `predict`."""

import sys
from collections.abc import Iterable
from typing import Any

from dlrs.callbacks.callback import Callback, Logs
from dlrs.utils.progbar import Progbar, refresh_interval


class ProgbarLogger(Callback):
    """Shows the progress of an epoch and its results: a live line (verbose 1) or one line an epoch (verbose 2).

    `fit`, `evaluate` and `predict` put it in front of the callbacks unless `verbose=0`.

    >>> from dlrs.callbacks import CallbackList
    >>> CallbackList(add_progbar=True).callbacks
    [<...ProgbarLogger object at ...>]
    >>> logger = ProgbarLogger()
    >>> logger.set_params({"verbose": 2, "epochs": 3, "steps": 4})
    >>> logger.on_epoch_begin(0)
    Epoch 1/3
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progbar | None = None
        self._training = False

    @property
    def _verbose(self) -> int:
        return int(self.params.get("verbose", 1))

    def on_train_begin(self, logs: Logs = None) -> None:
        self._training = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self._verbose and self.params.get("epochs", 1) > 1:
            sys.stdout.write(f"Epoch {epoch + 1}/{self.params['epochs']}\n")
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._training:
            self._start()

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._training:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start()

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def on_progress(self, steps: int, logs: Logs = None) -> None:
        """Show that `steps` steps are done."""
        if self._bar is not None:
            self._bar.update(steps, _sorted(logs), finalize=False)

    def on_interrupt(self) -> None:
        """End the line of the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._training = False

    def _start(self) -> None:
        # Results are those of all steps so far, and need no average.
        self._bar = Progbar(
            self.params.get("steps"), verbose=self._verbose, interval=refresh_interval(), stateless_metrics=()
        )

    def _finish(self, logs: dict[str, Any] | None) -> None:
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.update(bar.seen, _sorted(logs), finalize=True)


def _sorted(logs: Logs) -> Iterable[tuple[str, Any]]:
    """Results by name, those of validation last."""
    return sorted((logs or {}).items(), key=lambda item: (item[0].startswith("val_"), item[0]))
