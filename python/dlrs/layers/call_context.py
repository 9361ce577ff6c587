"""What a call of a layer hands down to the layers it calls."""

import threading
from collections.abc import Callable
from typing import Any

from dlrs import _dlrs


class CallContext:
    """The state of one outermost call: which layer it entered by, and the arguments that reach the layers within.

    `values` holds `training` and whatever else layers have registered as reaching inwards.
    """

    __slots__ = ("entry_layer", "values")

    def __init__(self, entry_layer: Any) -> None:
        self.entry_layer = entry_layer
        self.values: dict[str, Any] = {}

    @property
    def training(self) -> bool | None:
        """Whether the call in progress trains."""
        return self.values.get("training")


class _Local(threading.local):
    context: CallContext | None = None
    # The type in which floating variables are read, None for their own.
    autocast: str | None = None
    # Called with every layer and its outputs, to look for the first that are not finite.
    observer: Callable[[Any, Any], None] | None = None


LOCAL = _Local()


def reading_variables_as(dtype: str | None, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`fn(*args, **kwargs)`, during which floating variables are read in the type `dtype`, None for their own."""
    before = LOCAL.autocast
    LOCAL.autocast = dtype
    _dlrs.set_autocast(dtype)
    try:
        return fn(*args, **kwargs)
    finally:
        LOCAL.autocast = before
        _dlrs.set_autocast(before)


def current_call_context() -> CallContext | None:
    """The context of the outermost layer call in progress on this thread, if any."""
    return LOCAL.context
