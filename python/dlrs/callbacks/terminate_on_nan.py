"""The end of a training that has come to nothing."""

import math

from dlrs.callbacks.callback import Callback, Logs
from dlrs.utils.io_utils import print_msg


class TerminateOnNaN(Callback):
    """Stops training after the batch that makes the loss NaN or infinite.

    Args:
        raise_error: raise an error instead: no callback's `on_train_end` is called then, so that backups stay.

    Raises:
        RuntimeError: in `fit`, with `raise_error`, when the loss is NaN or infinite.

    >>> TerminateOnNaN(raise_error=True).on_batch_end(3, {"loss": float("nan")})
    Traceback (most recent call last):
    ...
    RuntimeError: NaN or Inf loss encountered at batch 3: it is nan.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"NaN or Inf loss encountered at batch {batch}: it is {float(loss)}.")
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
