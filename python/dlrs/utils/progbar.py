"""A progress bar for terminals, notebooks and logs."""

import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from dlrs.backend.checks import check_count

_WIDTH = 20
_REFRESH_SECONDS = 0.1


class Progbar:
    """A line such as `469/469 ━━━━━━━━━━━━━━━━━━━━ 1s 2ms/step - accuracy: 0.8815 - loss: 0.3312`.

    Args:
        target: number of steps, or None when unknown.
        verbose: 0 shows nothing, 1 a live line refreshed ten times a second, 2 one line at the end.
        stream: where to write; standard output by default.

    >>> bar = Progbar(3, verbose=2)
    >>> bar.update(3)
    """

    def __init__(self, target: int | None, verbose: int = 1, stream: TextIO | None = None) -> None:
        check_count("Progbar", "target", target, 0, optional=True)
        if stream is not None and not hasattr(stream, "isatty"):
            raise TypeError(f"Progbar: `stream` must be a text stream, got {type(stream).__name__}.")
        self.target = target
        self.verbose = verbose
        self._stream = sys.stdout if stream is None else stream
        self._live = self._stream.isatty() or "ipykernel" in sys.modules
        self._start = time.perf_counter()
        self._last_shown = 0.0
        self._last_length = 0
        self._steps = 0

    def update(self, steps: int, logs: Mapping[str, Any] | None = None) -> None:
        """Show that `steps` steps are done, unless the line was refreshed a moment ago."""
        self._steps = steps
        if self.verbose != 1 or not self._live:
            return
        now = time.perf_counter()
        if now - self._last_shown < _REFRESH_SECONDS:
            return
        self._last_shown = now
        self._write_over(self._line(logs, done=False))

    def finish(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the final line."""
        if self.verbose == 0:
            return
        if self.target is None:
            self.target = self._steps
        self._steps = max(self._steps, self.target)
        self._write_over(self._line(logs, done=True))
        self._stream.write("\n")
        self._stream.flush()

    def close(self) -> None:
        """End the line where it is."""
        if self.verbose == 1 and self._live and self._last_length:
            self._stream.write("\n")
            self._stream.flush()

    def _write_over(self, line: str) -> None:
        columns = shutil.get_terminal_size().columns
        if self._live and self.verbose == 1:
            line = line[: max(columns - 1, 20)] if self._stream.isatty() else line
            padding = " " * max(self._last_length - len(line), 0)
            self._stream.write("\r" + line + padding)
            self._last_length = len(line)
        else:
            self._stream.write(line)
        self._stream.flush()

    def _line(self, logs: Mapping[str, Any] | None, done: bool) -> str:
        elapsed = time.perf_counter() - self._start
        parts = [self._counter()]
        if self.verbose == 1:
            parts.append(self._bar())
        per_step = elapsed / max(self._steps, 1)
        if done or self.target is None:
            parts.append(_clock(elapsed))
            parts.append(_step_time(per_step))
        else:
            parts.append(_clock(per_step * (self.target - self._steps)))
            parts.append(_step_time(per_step))
        names = sorted(logs or {}, key=lambda name: (name.startswith("val_"), name))
        results = [f"- {name}: {_number((logs or {})[name])}" for name in names]
        return " ".join([part for part in parts if part] + results)

    def _counter(self) -> str:
        if self.target is None:
            return f"{self._steps}/Unknown"
        return f"{self._steps:>{len(str(self.target))}}/{self.target}"

    def _bar(self) -> str:
        if not self.target:
            return ""
        filled = _WIDTH * min(self._steps, self.target) // self.target
        if not self._stream.isatty():
            return "━" * _WIDTH if filled == _WIDTH else "━" * filled + "─" * (_WIDTH - filled)
        return f"\x1b[32m{'━' * filled}\x1b[0m\x1b[37m{'━' * (_WIDTH - filled)}\x1b[0m"


def _clock(seconds: float) -> str:
    if seconds >= 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    if seconds >= 60:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    return f"{int(seconds)}s"


def _step_time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s/step"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/step"
    return f"{seconds * 1e6:.0f}us/step"


def _number(value: Any) -> str:
    number = float(value)
    return f"{number:.4f}" if number == 0 or abs(number) > 1e-3 else f"{number:.4e}"
