"""Names handed out in this process, and the scopes that prefix them."""

import re
import threading
from collections import defaultdict
from types import TracebackType
from typing import Any


class _GlobalState(threading.local):
    """State of one thread: two threads that build models get the same names."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}
        self.uids: defaultdict[str, int] = defaultdict(int)
        self.scopes: list[tuple[str, Any]] = []


_STATE = _GlobalState()


def get_global_attribute(name: str, default: Any = None) -> Any:
    """The attribute set under `name` since the last `clear_session()`.

    >>> get_global_attribute("not set", 3)
    3
    """
    return _STATE.attributes.get(name, default)


def set_global_attribute(name: str, value: Any) -> None:
    """Keep `value` under `name` until `clear_session()`; None forgets it.

    >>> set_global_attribute("colour", "red")
    >>> get_global_attribute("colour")
    'red'
    >>> set_global_attribute("colour", None)
    """
    if value is None:
        _STATE.attributes.pop(name, None)
    else:
        _STATE.attributes[name] = value


def clear_session(free_memory: bool = True) -> None:
    """Forget handed-out names and the global seed generator, so that the next model is named as the first one was.

    >>> clear_session()
    >>> auto_name("Dense"), auto_name("Dense")
    ('dense', 'dense_1')
    >>> clear_session()
    >>> auto_name("Dense")
    'dense'
    """
    _STATE.attributes.clear()
    _STATE.uids.clear()


def get_uid(prefix: str = "") -> int:
    """1, 2, 3, ... for each `prefix`.

    >>> first = get_uid("step")
    >>> get_uid("step") - first
    1
    """
    _STATE.uids[prefix] += 1
    return _STATE.uids[prefix]


def to_snake_case(name: str) -> str:
    """A class name as an object name.

    >>> to_snake_case("BatchNormalization"), to_snake_case("Conv2DTranspose")
    ('batch_normalization', 'conv2d_transpose')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def reset_uids() -> None:
    """Forget the names and numbers handed out."""
    _STATE.uids.clear()


def auto_name(prefix: str) -> str:
    """A name not handed out before, in snake case: `dense`, then `dense_1`, ...

    >>> first, second = auto_name("gate"), auto_name("gate")
    >>> second.startswith("gate_")
    True
    """
    return uniquify(to_snake_case(prefix))


def uniquify(name: str) -> str:
    """`name`, then `name_1`, ..."""
    uid = get_uid(name)
    return name if uid == 1 else f"{name}_{uid - 1}"


class name_scope:  # noqa: N801 - Keras's name
    """Prefix the paths of the variables created inside with `name/`.

    Args:
        name: the prefix.
        caller: whose scope it is. A scope opened by the same caller right inside its own adds no second prefix.

    >>> with name_scope("encoder"), name_scope("dense"):
    ...     current_path()
    'encoder/dense'
    """

    def __init__(self, name: str, caller: Any = None) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"name_scope: `name` must be a non-empty string, got {name!r}.")
        self.name = name
        self.caller = caller
        self._opened = False

    def __enter__(self) -> "name_scope":
        scopes = _STATE.scopes
        self._opened = self.caller is None or not scopes or scopes[-1][1] is not self.caller
        if self._opened:
            scopes.append((self.name, self.caller))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._opened:
            _STATE.scopes.pop()


def current_path() -> str:
    """The open name scopes, joined by `/`.

    >>> with name_scope("outer"), name_scope("inner"):
    ...     current_path()
    'outer/inner'
    """
    return "/".join(name for name, _ in _STATE.scopes)
