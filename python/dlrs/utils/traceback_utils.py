"""Keras's switch for shortened tracebacks; see `dlrs.config`."""

from dlrs.config import disable_traceback_filtering, enable_traceback_filtering, is_traceback_filtering_enabled

__all__ = ["disable_traceback_filtering", "enable_traceback_filtering", "is_traceback_filtering_enabled"]
