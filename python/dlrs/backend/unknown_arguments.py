"""Keyword arguments that nothing takes: errors with the public name, and the argument that was meant."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from dlrs.errors import near_names

F = TypeVar("F", bound=Callable[..., Any])


def unknown_arguments(owner: str, given: Iterable[str], known: Iterable[str]) -> TypeError:
    """The error of `owner`, a public name, for the arguments `given`, which are not among those `known`.

    >>> raise unknown_arguments("Dense", ["unit"], ["units", "activation"])
    Traceback (most recent call last):
        ...
    TypeError: Dense does not know the argument 'unit'. Did you mean 'units'?
    """
    given, known = sorted(given), list(known)
    near = [match for name in given for match in near_names(name, known)[:1]]
    names = ", ".join(map(repr, given))
    hint = f" Did you mean {' and '.join(map(repr, near))}?" if near else ""
    return TypeError(f"{owner} does not know the argument{'s' if len(given) > 1 else ''} {names}.{hint}")


def constructor_arguments(cls: type) -> list[str]:
    """The keyword arguments of the constructors of `cls` and of what it is derived from."""
    constructors = [base.__dict__["__init__"] for base in cls.__mro__[:-1] if "__init__" in base.__dict__]
    return list(dict.fromkeys(name for init in constructors for name in keyword_arguments(init)))


def keyword_arguments(function: Callable[..., Any]) -> list[str]:
    """The arguments of a method that may be given by name."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [p.name for p in parameters if p.kind not in variable and not p.name.startswith("_")]


def knows_its_arguments(function: F) -> F:
    """A decorator of a method without `**kwargs`: the error for another argument has the name of the object's class."""
    accepted = frozenset(keyword_arguments(function))
    constructs = function.__name__ == "__init__"

    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not accepted.issuperset(kwargs):
            cls = type(self)
            owner = cls.__name__ if constructs else f"{cls.__name__}.{function.__name__}"
            known = constructor_arguments(cls) if constructs else accepted
            raise unknown_arguments(owner, kwargs.keys() - accepted, known)
        return function(self, *args, **kwargs)

    return wrapper  # type: ignore[return-value]
