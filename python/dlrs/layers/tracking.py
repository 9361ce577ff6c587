"""The state that hangs on an object: variables, sublayers, metrics and seeds among its attributes."""

from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

from dlrs import _dlrs
from dlrs.backend import Variable
from dlrs.backend.structure import bump_structure
from dlrs.metrics import Metric
from dlrs.random import SeedGenerator

T = TypeVar("T")

_SCALARS = (bool, int, float, str, type(None))
_CONTAINERS = (list, tuple, dict)


class Tracker:
    """Which attributes of an object may hold state, and whether new state may still come."""

    __slots__ = ("locked", "names")

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.locked = False

    def lock(self) -> None:
        """Refuse new state from now on."""
        self.locked = True

    def unlock(self) -> None:
        """Take new state again."""
        self.locked = False


class Trackable:
    """Remembers which attributes may hold state. They are looked into when asked for, lists and dicts included, so
    that what is appended later counts.
    """

    _tracker: Tracker
    _never_tracked: frozenset[str] = frozenset(("_inbound_nodes", "_outbound_nodes"))
    # Attributes that no program holds.
    _volatile: frozenset[str] = frozenset(("stop_training", "stop_evaluating", "stop_predicting"))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        # Before `__init__`, so that subclasses may set attributes before they call the one of their base.
        object.__setattr__(made, "_tracker", Tracker())
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, _STATEFUL) and name not in self._never_tracked:
            self._track(name, value)
        elif isinstance(value, _SCALARS) and name[:1] != "_" and name not in self._volatile and not _dlrs.is_tracing():
            # Programs hold it as a constant.
            old = self.__dict__.get(name, value)
            if old is not value and not (isinstance(old, _SCALARS) and old == value):
                bump_structure()
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self._tracker.names.pop(name, None)
        bump_structure()
        object.__delattr__(self, name)

    def _track(self, name: str, value: Any) -> None:
        tracker = self._tracker
        if tracker.locked and self.__dict__.get(name) is not value:
            known = {id(leaf) for leaf in _leaves(self.__dict__.get(name))}
            if any(isinstance(leaf, _STATE) and id(leaf) not in known for leaf in _leaves(value)):
                self._refuse_state()
        tracker.names[name] = None
        bump_structure()

    def _refuse_state(self) -> None:
        raise ValueError(
            f"{type(self).__name__}: you cannot add new elements of state (variables or sub-layers) to a layer that is "
            f"already built. Make them in `__init__` or in `build`."
        )

    def _set_untracked(self, name: str, value: Any) -> None:
        """Set an attribute whose contents are not state of this object."""
        object.__setattr__(self, name, value)

    def _tracked_values(self, kind: type[T]) -> list[T]:
        """The tracked instances of `kind`, each once, in the order of attributes."""
        attributes = self.__dict__
        found: dict[int, T] = {}
        for name in self._tracker.names:
            value = attributes.get(name)
            if isinstance(value, _CONTAINERS):
                found.update((id(leaf), leaf) for leaf in _leaves(value) if isinstance(leaf, kind))
            elif isinstance(value, kind):
                found[id(value)] = value
        return list(found.values())


_STATE = (Trackable, Variable, Metric, SeedGenerator)
_STATEFUL = (*_STATE, *_CONTAINERS)


def _leaves(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """What containers hold; a container, which may contain itself, is looked into once."""
    if not isinstance(value, _CONTAINERS):
        yield value
        return
    seen = set() if seen is None else seen
    if id(value) not in seen:
        seen.add(id(value))
        for item in tuple(value.values()) if isinstance(value, dict) else value:
            yield from _leaves(item, seen)


def unique(values: Iterable[T]) -> list[T]:
    """The values by identity, each once, in order."""
    return list({id(value): value for value in values}.values())
