"""Messages to the user: printed, or logged."""

import logging
import sys

from dlrs.config import disable_interactive_logging, enable_interactive_logging, is_interactive_logging_enabled
from dlrs.errors import unknown_name

__all__ = [
    "LOGGER",
    "ask_to_proceed_with_overwrite",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "is_interactive_logging_enabled",
    "print_msg",
    "set_logging_verbosity",
]

LOGGER = logging.getLogger("dlrs")
_LEVELS = ("FATAL", "ERROR", "WARNING", "INFO", "DEBUG")


def set_logging_verbosity(level: str) -> None:
    """Let the logger `"dlrs"` drop what is below `level`: `"FATAL"`, `"ERROR"`, `"WARNING"`, `"INFO"` or `"DEBUG"`.

    Raises:
        ValueError: another level.
    """
    if level not in _LEVELS:
        raise ValueError(unknown_name("level for logging verbosity", level, _LEVELS))
    LOGGER.setLevel(level)


def print_msg(message: object, line_break: bool = True) -> None:
    """Print a message, or log it after `disable_interactive_logging()`.

    >>> print_msg("done")
    done
    """
    text = str(message)
    if not is_interactive_logging_enabled():
        LOGGER.info(text)
        return
    if line_break:
        text += "\n"
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        # The character of progress bars has a stand-in; others are left out.
        sys.stdout.write(text.replace("━", "=").encode(encoding, errors="ignore").decode(encoding))
    sys.stdout.flush()


def ask_to_proceed_with_overwrite(filepath: object) -> bool:
    """Ask on the terminal whether a file may be overwritten.

    Args:
        filepath: the file, for the question.

    Returns:
        The answer; anything but `y` and `n` is asked again.
    """
    answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]").strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    if answer == "y":
        print_msg("[TIP] Next time specify overwrite=True!")
    return answer == "y"
