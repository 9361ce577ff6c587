"""Classes and functions found by name, and objects turned into configurations and back."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from dlrs.backend.global_state import to_snake_case
from dlrs.errors import unknown_name

T = TypeVar("T")

# Classes and functions that users registered, for every kind, under the names in saved configurations.
CUSTOM_OBJECTS: dict[str, Any] = {}


class Registry(Generic[T]):
    """The objects of one kind: `get` finds them by identifier, `serialize` and `deserialize` turn them into plain data.

    Args:
        kind: What messages call one: `"loss"`, `"initializer"`, ...
        base: The class of instances.
        entries: Classes and functions, known by their names, classes also by the lower and the snake case of theirs.
        aliases: Further names.
    """

    def __init__(
        self, kind: str, base: type[T] | None, entries: Iterable[Any], aliases: Mapping[str, Any] | None = None
    ) -> None:
        self.kind = kind
        self.base = base
        self._entries: dict[str, Any] = {}
        self._entries.update(aliases or {})
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
        raise ValueError(
            f"Expected a {self.kind}: a name, a configuration, an object or a callable; got {identifier!r}"
            f" of type {type(identifier).__name__}."
        )

    def lookup(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function called `name`; ValueError with near matches if there is none."""
        for known in (custom_objects or {}, CUSTOM_OBJECTS, self._entries):
            if name in known:
                return known[name]
        raise ValueError(unknown_name(self.kind, name, self._entries))

    def serialize(self, thing: Any) -> Any:
        """`thing` as plain data: the name of a function, `{"class_name", "config"}` of an object."""
        if thing is None or isinstance(thing, str):
            return thing
        name = registered_name(thing)
        if hasattr(thing, "get_config"):
            return {"class_name": name, "config": thing.get_config()}
        return name

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object that `serialize` described."""
        if config is None:
            return None
        if isinstance(config, str):
            return self._made(self.lookup(config, custom_objects))
        if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
            raise ValueError(f"A {self.kind} configuration has 'class_name' and 'config', got {config!r}.")
        cls = self.lookup(config["class_name"], custom_objects)
        arguments = config.get("config", {})
        if not inspect.isclass(cls):
            return cls
        from_config: Callable[..., Any] | None = getattr(cls, "from_config", None)
        return from_config(arguments) if from_config is not None else cls(**arguments)

    def _made(self, entry: Any) -> Any:
        return entry() if inspect.isclass(entry) else entry


def registered_name(thing: Any) -> str:
    """The name under which `thing`, an object or a function, is found again."""
    entry = thing if inspect.isfunction(thing) or inspect.isclass(thing) else type(thing)
    for name, known in CUSTOM_OBJECTS.items():
        if known is entry:
            return name
    return str(getattr(thing, "__name__", None) or entry.__name__)
