"""Classes and functions found by name, and objects turned into configurations and back."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from dlrs.backend.global_state import to_snake_case
from dlrs.backend.registration import get_registered_object
from dlrs.backend.serialization import (
    deserialize_keras_object,
    public_module,
    register_builtins,
    serialize_keras_object,
)
from dlrs.errors import unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """The objects of one kind: `get` finds them by identifier, `serialize` and `deserialize` turn them into plain data.

    Args:
        kind: What messages call one: `"loss"`, `"initializer"`, ...
        base: The class of instances.
        entries: Classes and functions, known by their names, classes also by the lower and the snake case of theirs.
        aliases: Further names.

    A function is written as its name, an object as its class and configuration. A name that nothing has is a ValueError
    that says the nearest ones; an entry without a name a TypeError.

    >>> def halve(x):
    ...     return x / 2
    >>> shapes = Registry("shape", None, (halve,), {"half": halve})
    >>> shapes.get("half")(3.0), shapes.serialize(halve)
    (1.5, 'halve')
    >>> shapes.get("halv")
    Traceback (most recent call last):
    ...
    ValueError: Unknown shape 'halv'. Did you mean 'halve' or 'half'? Known: half, halve.
    """

    def __init__(
        self, kind: str, base: type[T] | None, entries: Iterable[Any], aliases: Mapping[str, Any] | None = None
    ) -> None:
        self.kind = kind
        self.base = base
        self._entries: dict[str, Any] = {}
        self._entries.update(aliases or {})
        entries = tuple(entries)
        for entry in entries:
            if not hasattr(entry, "__name__"):
                raise TypeError(f"Registry: `entries` must be classes and functions, got {type(entry).__name__}.")
        register_builtins(entries, kind)
        for entry in entries:
            self._entries[entry.__name__] = entry
            # An alias such as "rmsprop" says how the name is written where the rule would cut it wrongly.
            if inspect.isclass(entry) and entry.__name__.lower() not in self._entries:
                self._entries.setdefault(to_snake_case(entry.__name__), entry)
                self._entries.setdefault(entry.__name__.lower(), entry)

    def get(self, identifier: Any) -> Any:
        """The object that `identifier` means: a name, a configuration, a class, an instance, a callable, or None."""
        if identifier is None:
            return None
        if isinstance(identifier, str):
            return self._made(self.lookup(identifier))
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if inspect.isclass(identifier):
            return identifier()
        if (self.base is not None and isinstance(identifier, self.base)) or callable(identifier):
            return identifier
        article = "an" if self.kind[0] in "aeiou" else "a"
        raise ValueError(
            f"Expected {article} {self.kind}: a name, a configuration, an object or a callable; got {identifier!r}"
            f" of type {type(identifier).__name__}."
        )

    def lookup(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function called `name`; ValueError with near matches if there is none."""
        known = get_registered_object(name, custom_objects, self._entries)
        if known is None:
            raise ValueError(unknown_name(self.kind, name, self._entries))
        return known

    def serialize(self, thing: Any) -> Any:
        """`thing` as plain data: the name of a function of this kind, the configuration of an object."""
        if thing is None or isinstance(thing, str):
            return thing
        name = getattr(thing, "__name__", None)
        if not inspect.isclass(thing) and name is not None and self._entries.get(name) is thing:
            return name
        return serialize_keras_object(thing)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object that `serialize` described; a class without a module is one of this kind."""
        if config is None:
            return None
        if isinstance(config, str):
            return self._made(self.lookup(config, custom_objects))
        if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
            raise ValueError(f"A {self.kind} configuration has 'class_name' and 'config', got {config!r}.")
        name = config["class_name"]
        if name == "function" or name[:2] == "__":
            return deserialize_keras_object(config, custom_objects)
        if config.get("module") is None and get_registered_object(name, custom_objects) is None:
            registered = config.get("registered_name")
            entry = get_registered_object(registered, custom_objects) or self.lookup(name)
            if not inspect.isclass(entry):
                return entry
            if registered is None and entry.__module__.split(".")[0] == "dlrs":
                config = {**config, "module": public_module(entry), "class_name": entry.__name__}
        return deserialize_keras_object({"config": {}, **config}, custom_objects)

    def _made(self, entry: Any) -> Any:
        return entry() if inspect.isclass(entry) else entry
