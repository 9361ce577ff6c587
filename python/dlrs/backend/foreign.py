"""Files that a configuration names are not opened while objects are made of it (rule G4 of docs/files.md)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_DESERIALIZING: ContextVar[bool] = ContextVar("deserializing", default=False)


class ForeignPathError(ValueError):
    """A configuration names a file."""


@contextmanager
def deserializing() -> Iterator[None]:
    """A context in which constructors open no files."""
    token = _DESERIALIZING.set(True)
    try:
        yield
    finally:
        _DESERIALIZING.reset(token)


def check_may_open(owner: str, argument: str, path: Any) -> None:
    """ForeignPathError if a constructor is about to open a file that a configuration named."""
    if _DESERIALIZING.get():
        raise ForeignPathError(
            f"{owner}: a configuration must hold what it needs; here `{argument}` is the path of another file, "
            f"{os.fspath(path)!r:.200}, which is not read. Make the layer yourself, or give it the terms."
        )
