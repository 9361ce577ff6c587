"""A progress bar for terminals, notebooks and logs."""

import math
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

import numpy as np

from dlrs.backend.checks import check_count, check_type
from dlrs.utils.io_utils import print_msg

_REFRESH_SECONDS = 0.1


class Progbar:
    """A line such as `469/469 ━━━━━━━━━━━━━━━━━━━━ 1s 2ms/step - accuracy: 0.8815 - loss: 0.3312`.

    On a terminal and in a notebook the line is rewritten in place; elsewhere every refresh is a line of its own.

    Args:
        target: number of steps, or None when unknown.
        width: characters of the bar.
        verbose: 0 shows nothing, 1 a live line, 2 one line at the end.
        interval: seconds between refreshes; with infinity only the last line is shown.
        stateful_metrics: names of values that are shown as they come; others are averaged over the steps.
        stateless_metrics: names of values that are averaged over the steps; others are shown as they come.
        unit_name: what a step is called.
        stream: where to write; by default standard output, or the log after `disable_interactive_logging()`.

    Raises:
        ValueError: a bad number, or both lists of names.

    >>> bar = Progbar(3, verbose=2, unit_name="file")
    >>> bar.update(2, [("size", 1.0)])
    >>> bar.update(3, [("size", 4.0)])  # doctest: +ELLIPSIS
    3/3 0s ...s/file - size: 4.0000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
        *,
        stream: TextIO | None = None,
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: Only one of `stateful_metrics` or `stateless_metrics` can be provided.")
        for name, names in (("stateful_metrics", stateful_metrics), ("stateless_metrics", stateless_metrics)):
            check_type("Progbar", name, names, list | tuple | set | frozenset, "a list of names", optional=True)
        check_count("Progbar", "target", target, 0, optional=True)
        check_count("Progbar", "width", width, 0)
        if stream is not None and not hasattr(stream, "isatty"):
            raise TypeError(f"Progbar: `stream` must be a text stream, got {type(stream).__name__}.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ()) if stateless_metrics is None else None
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._stream = stream
        self._live = is_live(stream)
        self._start = time.perf_counter()
        self._last_shown = -1e9  # long ago
        self._last_length = 0
        self._steps = 0
        # Sums of the values and the number of steps they are of, by name.
        self._values: dict[str, tuple[float, int]] = {}

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show that `current` steps are done, unless the line was refreshed a moment ago.

        Args:
            current: number of steps done.
            values: names and values of the last step; of an array the mean is shown.
            finalize: whether this is the last line; by default when `current` reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._steps, 1)
        for name, value in values or ():
            self._add(name, float(np.mean(value)), steps, finalize)
        self._steps = current
        if finalize:
            self._finish()
        elif self.verbose == 1 and time.perf_counter() - self._last_shown >= self.interval:
            self._last_shown = time.perf_counter()
            self._show(self._line(done=False), last=False)

    @property
    def seen(self) -> int:
        """Number of steps done."""
        return self._steps

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """`update` after `n` further steps."""
        self.update(self._steps + n, values)

    def close(self) -> None:
        """End the line where it is."""
        if self._last_length:
            self._write("\n")
            self._last_length = 0

    def _add(self, name: str, value: float, steps: int, finalize: bool) -> None:
        if self.stateless_metrics is None:
            is_averaged = name not in (self.stateful_metrics or ())
        else:
            is_averaged = name in self.stateless_metrics
        # The last values are those of the whole.
        total, count = self._values.get(name, (0.0, 0)) if is_averaged and not finalize else (0.0, 0)
        steps = steps if is_averaged and not finalize else 1
        self._values[name] = (total + value * steps, count + steps)

    def _finish(self) -> None:
        if self.verbose == 0:
            return
        if self.target is None:
            self.target = self._steps
        self._steps = max(self._steps, self.target)
        self._show(self._line(done=True), last=True)

    def _show(self, line: str, last: bool) -> None:
        if not (self._live and self.verbose == 1):
            self._write(line + "\n")
            return
        stream = self._output()
        line = line[: max(shutil.get_terminal_size().columns - 1, 20)] if stream.isatty() else line
        padding = " " * max(self._last_length - len(line), 0)
        self._write("\r" + line + padding + ("\n" if last else ""))
        self._last_length = 0 if last else len(line)

    def _output(self) -> TextIO:
        return sys.stdout if self._stream is None else self._stream

    def _write(self, text: str) -> None:
        if self._stream is None:
            print_msg(text, line_break=False)
        else:
            self._stream.write(text)
            self._stream.flush()

    def _line(self, done: bool) -> str:
        elapsed = time.perf_counter() - self._start
        parts = [self._counter()]
        if self.verbose == 1:
            parts.append(self._bar())
        per_step = elapsed / max(self._steps, 1)
        known = self.target is not None and not done
        parts.append(_clock(per_step * ((self.target or 0) - self._steps) if known else elapsed))
        parts.append(_step_time(per_step, self.unit_name))
        results = [f"- {name}: {_number(total / max(count, 1))}" for name, (total, count) in self._values.items()]
        return " ".join([part for part in parts if part] + results)

    def _counter(self) -> str:
        if self.target is None:
            return f"{self._steps}/Unknown"
        return f"{self._steps:>{len(str(self.target))}}/{self.target}"

    def _bar(self) -> str:
        if not self.target:
            return ""
        filled = self.width * min(self._steps, self.target) // self.target
        if not self._output().isatty():
            return "━" * filled + "─" * (self.width - filled)
        return f"\x1b[32m{'━' * filled}\x1b[0m\x1b[37m{'━' * (self.width - filled)}\x1b[0m"


def is_live(stream: TextIO | None = None) -> bool:
    """Whether lines can be rewritten in place: on a terminal and in a notebook; `stream` is standard output if None."""
    return (sys.stdout if stream is None else stream).isatty() or "ipykernel" in sys.modules


def refresh_interval() -> float:
    """Seconds between lines of a bar on standard output: ten a second where they replace each other, else none."""
    return _REFRESH_SECONDS if is_live() else math.inf


def _clock(seconds: float) -> str:
    if seconds >= 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    if seconds >= 60:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    return f"{int(seconds)}s"


def _step_time(seconds: float, unit: str) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s/{unit}"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/{unit}"
    return f"{seconds * 1e6:.0f}us/{unit}"


def _number(number: float) -> str:
    return f"{number:.4f}" if number == 0 or abs(number) > 1e-3 else f"{number:.4e}"
