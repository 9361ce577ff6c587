"""The results of the epochs as a table."""

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from dlrs.backend.checks import check_type
from dlrs.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes a line of results after every epoch: `epoch` (from 0), then the results by name.

    A result of validation that an epoch did not have is `NA`. Every line is on the disk when its epoch has ended.

    Args:
        filename: path of the file.
        separator: what stands between values.
        append: add to the lines of a file that exists, instead of replacing it.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
    >>> logger = CSVLogger(path)
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    >>> logger.on_train_end()
    >>> path.read_text().split()
    ['epoch,loss,val_loss', '0,0.5,0.75']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: `separator` must be a single character, got {separator!r}.")
        check_type("CSVLogger", "filename", filename, str | os.PathLike, "a path")
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._file: TextIO | None = None
        self._names: list[str] = []
        self._with_header = True

    def on_train_begin(self, logs: Logs = None) -> None:
        self._close()
        path = Path(self.filename)
        self._with_header = not (self.append and path.exists() and path.stat().st_size > 0)
        self._names = []
        self._file = open(path, "a" if self.append else "w", newline="")  # noqa: SIM115  # until the end of training

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._file is None:
            raise RuntimeError("CSVLogger: `on_train_begin` opens the file, and was not called.")
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.sep)
        if not self._names:
            self._names = _columns(logs)
            if self._with_header:
                writer.writerow(["epoch", *self._names])
        writer.writerow([epoch, *(_cell(logs.get(name, "NA")) for name in self._names)])
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def on_interrupt(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _columns(logs: dict[str, Any]) -> list[str]:
    """The names of results, with those of a validation that is still to come."""
    names = sorted(logs)
    return names if any(name.startswith("val_") for name in names) else names + [f"val_{name}" for name in names]


def _cell(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
