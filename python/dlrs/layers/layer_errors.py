"""Errors that say in which layer they arose."""

import functools
from collections.abc import Callable
from typing import Any


def names_its_errors(init: Callable[..., None]) -> Callable[..., None]:
    """`init`, whose errors say in which layer they arose, by the name that the caller gave it."""

    @functools.wraps(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except Exception as error:
            name = self._constructor_arguments[1].get("name")
            of = type(self).__name__ if name is None else f"layer {name!r} ({type(self).__name__})"
            if name is not None or of not in str(error):
                say_where(error, f"Raised in the constructor of {of}.", of)
            raise

    return wrapper


def say_where(error: Exception, text: str, layer: str) -> None:
    """Add `text` to the message of `error`, unless it names `layer` already; its type stays."""
    if getattr(error, "_dlrs_layer", None) is not None or f"ayer {layer!r}" in str(error):
        return
    if len(error.args) == 1 and isinstance(error.args[0], str):
        error.args = (f"{error.args[0]}\n{text}",)
    else:
        error.add_note(text)
    try:
        error._dlrs_layer = layer  # type: ignore[attr-defined]
    except AttributeError:
        return
