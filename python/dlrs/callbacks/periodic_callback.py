"""What callbacks that act after every so many batches share."""

from typing import Any, Literal

import numpy as np

from dlrs.callbacks.callback import Callback, Logs


class PeriodicCallback(Callback):
    """Base of callbacks that act after every so many batches of training, or after every epoch.

    `fit` runs all batches up to the next of these moments in one call.

    Args:
        save_freq: `"epoch"`, or a number of batches, which are counted through all epochs.

    Raises:
        ValueError: `save_freq` is neither.

    >>> PeriodicCallback(save_freq=3).batches_to_go
    3
    """

    def __init__(self, save_freq: int | Literal["epoch"] = "epoch") -> None:
        super().__init__()
        whole = isinstance(save_freq, int | np.integer) and not isinstance(save_freq, bool) and save_freq > 0
        if not whole and not (isinstance(save_freq, str) and save_freq == "epoch"):
            raise ValueError(
                f"{type(self).__name__}: Invalid value. Unrecognized save_freq {save_freq!r}: `save_freq` must be "
                "'epoch' or a positive integer, a number of batches."
            )
        self.save_freq: Any = save_freq
        self._batches_seen = 0

    @property
    def batches_to_go(self) -> int | None:
        """Number of batches to the next action; None if there is one after epochs only."""
        return None if self.save_freq == "epoch" else int(self.save_freq) - self._batches_seen

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.on_train_batches_end(1, batch, logs)

    def on_train_batches_end(self, count: int, batch: int, logs: Logs = None) -> None:
        """Called after `count` steps, the last of which was step `batch` of its epoch."""
        if self.save_freq == "epoch":
            return
        self._batches_seen += count
        if self._batches_seen >= self.save_freq:
            self._batches_seen = 0
            self.on_period_end(batch, logs)

    def on_period_end(self, batch: int, logs: Logs) -> None:
        """Called when the number of batches is reached, after step `batch` of an epoch."""
