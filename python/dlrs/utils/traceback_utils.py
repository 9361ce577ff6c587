"""Keras's switch for shortened tracebacks. dlrs has few frames and hides none of them."""

import warnings


def is_traceback_filtering_enabled() -> bool:
    """Whether frames of the library are removed from tracebacks: never.

    >>> is_traceback_filtering_enabled()
    False
    """
    return False


def disable_traceback_filtering() -> None:
    """Keep whole tracebacks, which is how it always is."""


def enable_traceback_filtering() -> None:
    """Warn that tracebacks stay whole."""
    warnings.warn("dlrs shows whole tracebacks: enable_traceback_filtering() changes nothing.", stacklevel=2)
