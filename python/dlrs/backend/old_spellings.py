"""How spellings of Keras 1 and 2 are understood: each works, and warns with the present one.

What is renamed stands in tables: functions of the back end in `dlrs.backend.legacy`, arguments of layers in
`dlrs.layers.old_arguments`, of optimizers in `dlrs.optimizers.old_arguments`, methods in `dlrs.trainers.old_methods`.
"""

import functools
import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class OldArgument:
    """An argument that was renamed, or that another takes the place of.

    Args:
        new: the present argument.
        spelling: what the warning says to write; `new=...` by default.
        convert: makes the value of `new` of the old argument's and of the other arguments by name, the defaults
            included; the old value itself by default. What returns `OMIT` leaves `new` as it was given.
    """

    OMIT = object()

    def __init__(
        self, new: str, spelling: str | None = None, convert: Callable[[Any, Mapping[str, Any]], Any] | None = None
    ) -> None:
        self.new = new
        self.spelling = spelling or f"{new}=..."
        self.convert = convert


Table = Mapping[str, Mapping[str, OldArgument]]


def warn_of(old: str, new: str, stacklevel: int = 3) -> None:
    """A `DeprecationWarning` that shows the present spelling."""
    warnings.warn(f"{old} is an old spelling of Keras's. Write {new}", DeprecationWarning, stacklevel=stacklevel)


def takes_old_arguments(table: Table) -> Callable[[F], F]:
    """A decorator of `__init__` that replaces the old arguments that `table` lists under the names of dlrs's classes.

    An argument that `__init__` itself has is not old.
    """
    every = frozenset(name for renamed in table.values() for name in renamed)

    def decorate(init: F) -> F:
        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            if kwargs and not every.isdisjoint(kwargs):
                args, kwargs = _replaced(self, init, args, kwargs, table)
            init(self, *args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def _replaced(
    owner: Any, init: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any], table: Table
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of `init` with the present ones for the old ones."""
    renamed: dict[str, OldArgument] = {}
    for cls in reversed(type(owner).__mro__):
        if cls.__module__.startswith("dlrs."):
            renamed |= table.get(cls.__name__, {})
    signature = inspect.signature(init)
    old_names = [name for name in kwargs if name in renamed and name not in signature.parameters]
    # What is computed from other arguments needs their present names.
    for old in sorted(old_names, key=lambda name: renamed[name].convert is not None):
        argument = renamed[old]
        value = kwargs.pop(old)
        warn_of(f"{type(owner).__name__}({old}=...)", f"{argument.spelling}.", stacklevel=4)
        bound = signature.bind_partial(owner, *args, **kwargs)
        if argument.convert is None:
            if argument.new in bound.arguments:
                raise TypeError(f"{type(owner).__name__}: `{argument.new}` is given, and `{old}`, its old name, too.")
            kwargs[argument.new] = value
            continue
        bound.apply_defaults()
        new = argument.convert(value, bound.arguments)
        if new is not OldArgument.OMIT:
            positions = list(signature.parameters)[1:]
            place = positions.index(argument.new) if argument.new in positions else len(args)
            if place < len(args):
                args = (*args[:place], new, *args[place + 1 :])
            else:
                kwargs[argument.new] = new
    return args, kwargs


def takes_old_names(**renamed: str) -> Callable[[F], F]:
    """A decorator of methods: an old argument stands for the present one.

    >>> @takes_old_names(nb_epoch="epochs")
    ... def fit(self, epochs):
    ...     return epochs
    >>> with warnings.catch_warnings(action="ignore"):
    ...     fit(None, nb_epoch=3)
    3
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            for old in [name for name in kwargs if name in renamed]:
                warn_of(f"{function.__name__}({old}=...)", f"{renamed[old]}=...")
                if renamed[old] in kwargs:
                    raise TypeError(f"{function.__name__}: `{renamed[old]}` is given, and `{old}`, its old name, too.")
                kwargs[renamed[old]] = kwargs.pop(old)
            return function(self, *args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def old_module(old: str, new: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module that only forwards to another."""

    def lookup(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        try:
            value = getattr(importlib.import_module(new), name)
        except AttributeError:
            raise AttributeError(f"module {old!r} has no attribute {name!r}") from None
        warn_of(f"{old}.{name}", f"{new}.{name}.")
        return value

    return lookup
