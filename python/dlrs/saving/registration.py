"""Classes and functions of users that files may name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dlrs.backend import CUSTOM_OBJECTS

T = TypeVar("T")


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that lets saved models name a class or function as `package>name`.

    >>> @register_keras_serializable("mine")
    ... def double(x):
    ...     return 2 * x
    >>> get_custom_objects()["mine>double"] is double
    True
    """

    def decorate(entry: T) -> T:
        CUSTOM_OBJECTS[f"{package}>{name or entry.__name__}"] = entry  # type: ignore[attr-defined]
        return entry

    return decorate


def get_custom_objects() -> dict[str, Any]:
    """The registered classes and functions by name; a dict that may be changed."""
    return CUSTOM_OBJECTS


@contextmanager
def custom_object_scope(custom_objects: dict[str, Any]) -> Iterator[None]:
    """A context in which `custom_objects` are registered under their keys."""
    before = dict(CUSTOM_OBJECTS)
    CUSTOM_OBJECTS.update(custom_objects)
    try:
        yield
    finally:
        CUSTOM_OBJECTS.clear()
        CUSTOM_OBJECTS.update(before)
