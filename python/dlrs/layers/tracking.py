"""The state that hangs on an object: variables, sublayers, metrics and seeds among its attributes."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from dlrs import _dlrs
from dlrs.backend import Variable
from dlrs.backend.structure import bump_structure
from dlrs.metrics import Metric
from dlrs.random import SeedGenerator

T = TypeVar("T")

_SCALARS = (bool, int, float, str, type(None))
_CONTAINERS = (list, tuple, dict)


class Trackable:
    """Remembers which attributes may hold state. They are looked into when asked for, lists and dicts included, so
    that what is appended later counts.
    """

    _tracked: dict[str, None]
    _never_tracked: frozenset[str] = frozenset(("_inbound_nodes", "_outbound_nodes"))
    # Attributes that no program holds.
    _volatile: frozenset[str] = frozenset(("stop_training",))

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, _STATEFUL) and name not in self._never_tracked:
            tracked = self.__dict__.get("_tracked")
            if tracked is None:
                raise RuntimeError(
                    f"{type(self).__name__}.__init__ must call `super().__init__()` before it sets {name!r}."
                )
            tracked[name] = None
            bump_structure()
        elif isinstance(value, _SCALARS) and name[:1] != "_" and name not in self._volatile and not _dlrs.is_tracing():
            # Programs hold it as a constant.
            old = self.__dict__.get(name, value)
            if old is not value and not (isinstance(old, _SCALARS) and old == value):
                bump_structure()
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self._tracked.pop(name, None)
        bump_structure()
        object.__delattr__(self, name)

    def _set_untracked(self, name: str, value: Any) -> None:
        """Set an attribute whose contents are not state of this object."""
        object.__setattr__(self, name, value)

    def _tracked_values(self, kind: type[T]) -> list[T]:
        """The tracked instances of `kind`, each once, in the order of attributes."""
        attributes = self.__dict__
        found: dict[int, T] = {}
        for name in self._tracked:
            value = attributes.get(name)
            if isinstance(value, _CONTAINERS):
                found.update((id(leaf), leaf) for leaf in _leaves(value) if isinstance(leaf, kind))
            elif isinstance(value, kind):
                found[id(value)] = value
        return list(found.values())


_STATEFUL = (Trackable, Variable, Metric, SeedGenerator, *_CONTAINERS)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def unique(values: Iterable[T]) -> list[T]:
    """The values by identity, each once, in order."""
    return list({id(value): value for value in values}.values())
