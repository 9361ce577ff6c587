"""One bad call and what came of it."""

import io
import re
import signal
import time
import types
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import numpy as np

import dlrs
from bad_inputs.good import Call, Good, replaced
from bad_inputs.values import VALUES, OwnError
from dlrs.errors import InternalError

CPU_SECONDS = 2.0
# What a bad argument may end in. Subclasses count, but for those below; NotImplementedError does not, and KeyError
# only of a word.
TYPED = (TypeError, ValueError, IndexError, MemoryError, OSError, dlrs.errors.NonFiniteError, dlrs.errors.TracingError)


class TookTooLongError(BaseException):
    """Raised by the timer into a call that runs on."""


def _stop(signum: int, frame: types.FrameType | None) -> None:
    raise TookTooLongError


signal.signal(signal.SIGPROF, _stop)


def fingerprint(subject: Any) -> Any:
    """The state of an object: its weights and its configuration."""
    if isinstance(subject, list):
        return [fingerprint(x) for x in subject]
    if isinstance(subject, dlrs.Variable):
        return subject.dtype, subject.shape, subject.numpy().tobytes()
    variables = [fingerprint(v) for v in getattr(subject, "variables", ())]
    return variables, repr(subject.get_config()) if hasattr(subject, "get_config") else None


def describes(message: str, parameter: str, value: Any) -> bool:
    """Whether a message names the argument or shows what was received."""
    words = [parameter, type(value).__name__]
    if isinstance(value, np.ndarray | dlrs.Tensor | dlrs.KerasTensor):
        words += [str(tuple(value.shape)), str(value.dtype)]
    if isinstance(value, type):
        words.append(value.__name__)
    if re.search(rf"\b{re.escape(parameter)}\b", message) or any(word in message for word in words[1:]):
        return True
    if isinstance(value, int | float | str | bytes | tuple | type(None)):
        return repr(value)[:40] in message or (value != "" and str(value)[:40] in message)
    return False


def _is_stream(value: Any) -> bool:
    """Whether a value is read as the work goes on, so that an error comes after a part of it is done."""
    return isinstance(value, Iterable) and not isinstance(value, np.ndarray | list | tuple | dict | str | bytes)


def _globals() -> tuple[Any, ...]:
    backend = dlrs.backend
    return (
        backend.floatx(),
        backend.epsilon(),
        backend.image_data_format(),
        backend.dtype_policy().name,
        dlrs.config.is_flash_attention_enabled(),
        dlrs.config.is_interactive_logging_enabled(),
        dlrs.config.max_epochs(),
        dlrs.config.max_steps_per_epoch(),
    )


GLOBALS = _globals()


def restore_globals() -> None:
    """Puts back what a good call of a setter changed."""
    if _globals() != GLOBALS:
        backend = dlrs.backend
        backend.set_floatx(GLOBALS[0])
        backend.set_epsilon(GLOBALS[1])
        backend.set_image_data_format(GLOBALS[2])
        backend.set_dtype_policy(GLOBALS[3])
        dlrs.config.disable_flash_attention()
        dlrs.config.enable_interactive_logging()
        dlrs.config.set_max_epochs(None)
        dlrs.config.set_max_steps_per_epoch(None)


def attempt(good: Good, parameter: str, value_name: str) -> dict[str, Any]:
    """Makes the call; gives its outcome, and the message of an error."""
    made: Call = good.make()
    value = VALUES[value_name]()
    before = fingerprint(made.subject) if made.subject is not None else None
    message, shown = "", True
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, 2 * CPU_SECONDS)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            replaced(made, parameter, value)
        outcome = "success"
    except TookTooLongError:
        outcome = "hang"
    except OwnError:
        outcome = "the value's own error"
    except InternalError as e:
        outcome, message = "panic", str(e)
    except TYPED as e:
        outcome, message = next(t.__name__ for t in TYPED if isinstance(e, t)), str(e)
        shown = describes(message, parameter, value) or isinstance(e, MemoryError)
    except KeyError as e:
        # Words are keys of a vocabulary's vectors, and documented as such.
        documented = "is not in the vocabulary" in str(e)
        outcome, message = ("KeyError", str(e)) if documented else ("untyped KeyError", _place(e))
    except BaseException as e:
        outcome, message = f"untyped {type(e).__name__}", _place(e)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - start
    if (
        outcome not in ("hang", "success")
        and before is not None
        and not _is_stream(value)
        and fingerprint(made.subject) != before
    ):
        outcome, message = f"state changed by {outcome}", message
    if seconds > CPU_SECONDS and outcome != "hang":
        outcome = "slow"
    restore_globals()
    return {"outcome": outcome, "message": message[:300], "shown": shown, "seconds": round(seconds, 3)}


def _place(error: BaseException) -> str:
    """An error that nobody foresaw, and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace is not None else None
    where = f"{code.co_filename.rpartition('/dlrs/')[2]}:{trace.tb_lineno}" if code and trace else "?"
    try:
        return f"{where}: {error}"
    except Exception:
        return where


def is_fault(outcome: str) -> bool:
    """Whether an outcome is none that a bad argument may have."""
    return outcome not in ("success", "KeyError", "the value's own error", *(t.__name__ for t in TYPED))
