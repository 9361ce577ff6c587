"""Classes and functions of users that configurations may name."""

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any, Self, TypeVar

T = TypeVar("T")

# What users registered, for every kind of object, under the names that stand in configurations; and those names.
CUSTOM_OBJECTS: dict[str, Any] = {}
CUSTOM_NAMES: dict[Any, str] = {}

_SCOPE: ContextVar[Mapping[str, Any] | None] = ContextVar("custom_object_scope", default=None)


class CustomObjectScope:
    """A context in which configurations may name the classes and functions `custom_objects`, by exactly their keys.

    >>> with CustomObjectScope({"twice": abs}):
    ...     get_registered_object("twice")
    <built-in function abs>
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        if custom_objects is not None and not isinstance(custom_objects, Mapping):
            raise TypeError(
                f"CustomObjectScope: `custom_objects` must be a dict of classes and functions by name, got "
                f"{custom_objects!r}."
            )
        self.custom_objects = dict(custom_objects or {})
        self._tokens: list[Token[Mapping[str, Any] | None]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_SCOPE.set({**scope_objects(), **self.custom_objects}))
        return self

    def __exit__(self, *exception: object) -> None:
        _SCOPE.reset(self._tokens.pop())


def scope_objects() -> Mapping[str, Any]:
    """The objects of the scopes that are open."""
    return _SCOPE.get() or {}


def get_custom_objects() -> dict[str, Any]:
    """The registered classes and functions by name; a dict that may be changed. Those of scopes are not in it.

    >>> get_custom_objects()["scale"] = float
    >>> get_custom_objects().pop("scale")
    <class 'float'>
    """
    return CUSTOM_OBJECTS


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that lets saved models name a class or function as `package>name`.

    Raises:
        ValueError: a class has no `get_config`.

    >>> @register_keras_serializable("mine")
    ... def double(x):
    ...     return 2 * x
    >>> get_custom_objects()["mine>double"] is double
    True
    """

    def decorate(entry: T) -> T:
        key = f"{package}>{name if name is not None else getattr(entry, '__name__', '')}"
        if inspect.isclass(entry) and not hasattr(entry, "get_config"):
            raise ValueError(
                f"Cannot register a class that does not have a get_config() method: {entry.__name__} as {key!r}."
            )
        CUSTOM_OBJECTS[key] = entry
        CUSTOM_NAMES[entry] = key
        return entry

    return decorate


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered; its own name if it was not.

    >>> def cube(x):
    ...     return x**3
    >>> get_registered_name(cube)
    'cube'
    >>> get_registered_name(register_keras_serializable("mine")(cube))
    'mine>cube'
    """
    try:
        registered = CUSTOM_NAMES.get(obj)
    except TypeError:  # not hashable
        registered = None
    if registered is not None:
        return registered
    if not hasattr(obj, "__name__"):
        raise TypeError(f"get_registered_name: `obj` must be a class or function, got {type(obj).__name__}.")
    return str(obj.__name__)


def get_registered_object(
    name: Any, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """The class or function called exactly `name` in `custom_objects`, an open scope, the register or `module_objects`.

    Returns None if there is none.

    >>> get_registered_object("scale", {"scale": float})
    <class 'float'>
    """
    if not isinstance(name, str):
        return None
    for known in (custom_objects, scope_objects(), CUSTOM_OBJECTS, module_objects):
        if known and name in known:
            return known[name]
    return None
