"""Signatures of dlrs beside those of Keras 3.15.1: `keras_signatures.json` has the names that the course uses."""

import ast
import functools
import inspect
import json
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlrs

HERE = Path(__file__).parent
KERAS: dict[str, str] = json.loads((HERE / "keras_signatures.json").read_text())
_NO_DEFAULT = object()


@dataclass
class Parameters:
    """Names and defaults of those that may be given by position, in order, and of those that are given by name."""

    positional: dict[str, Any]
    named: dict[str, Any]


@functools.cache
def exceptions() -> dict[str, str]:
    """Names whose signature differs on purpose, and how."""
    with open(HERE / "exceptions.toml", "rb") as file:
        return {name: entry["difference"] for entry in tomllib.load(file)["exception"] for name in entry["names"]}


def missing() -> set[str]:
    """Names that dlrs is known to lack: what is to come, and what is left out on purpose."""
    with open(HERE / "exceptions.toml", "rb") as file:
        absent = {name for entry in tomllib.load(file)["absent"] for name in entry["names"]}
    return absent | set((HERE / "missing.txt").read_text().split())


def find(name: str) -> Any:
    """What dlrs has under Keras's name; AttributeError if nothing."""
    found: Any = dlrs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for part in name.split(".")[1:]:
            found = inspect.getattr_static(found, part) if inspect.isclass(found) else getattr(found, part)
    return found


def keras_parameters(name: str) -> Parameters:
    """The parameters that Keras documents, without `self` and what catches all others."""
    arguments = ast.parse(f"def f{KERAS[name].replace('(/, ', '(')}: pass").body[0].args  # type: ignore[attr-defined]
    defaults = [_NO_DEFAULT] * (len(arguments.args) - len(arguments.defaults))
    defaults += [ast.literal_eval(default) for default in arguments.defaults]
    positional = {argument.arg: default for argument, default in zip(arguments.args, defaults, strict=True)}
    positional.pop("self", None)
    named = {
        argument.arg: _NO_DEFAULT if default is None else ast.literal_eval(default)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }
    return Parameters(positional, named)


def own_parameters(value: Any) -> Parameters:
    """The parameters of a function or method, or of a class's constructor."""
    if inspect.isclass(value):
        bases = [base for base in value.__mro__ if "__init__" in vars(base) and base is not object]
        return _of_chain([base.__init__ for base in bases])
    return _of_chain([value.__func__ if isinstance(value, classmethod | staticmethod) else value])


def _of_chain(functions: list[Any]) -> Parameters:
    """The parameters of the first function; what it catches, it hands to the next."""
    if not functions:
        return Parameters({}, {})
    handed = _of_chain(functions[1:])
    parameters = inspect.signature(functions[0]).parameters.values()
    own = {p.name for p in parameters} | {"self", "cls"}
    positional: dict[str, Any] = {}
    named: dict[str, Any] = {}
    for p in parameters:
        default = _NO_DEFAULT if p.default is p.empty else p.default
        if p.kind is p.VAR_POSITIONAL:
            positional |= {name: value for name, value in handed.positional.items() if name not in own}
        elif p.kind is p.VAR_KEYWORD:
            named |= {n: v for n, v in (handed.positional | handed.named).items() if n not in own | set(positional)}
        elif p.kind is p.KEYWORD_ONLY:
            named[p.name] = default
        elif p.name not in ("self", "cls"):
            positional[p.name] = default
    return Parameters(positional, named)


def difference(name: str) -> str | None:
    """How the signature differs; None if every call that Keras takes means the same here.

    dlrs may have further parameters behind those of Keras, or by name alone.
    """
    value = find(name)
    if KERAS[name].startswith("<"):
        return "can be called" if callable(value) else None
    keras, own = keras_parameters(name), own_parameters(value)
    by_place = list(own.positional)
    for place, parameter in enumerate(keras.positional):
        if parameter not in own.positional:
            return f"{parameter}: by name alone" if parameter in own.named else f"{parameter}: missing"
        if by_place.index(parameter) != place:
            return f"{parameter}: at place {by_place.index(parameter)}, not {place}"
    accepted = own.positional | own.named
    for parameter, default in (keras.positional | keras.named).items():
        if parameter not in accepted:
            return f"{parameter}: missing"
        mine = accepted[parameter]
        if (default is _NO_DEFAULT) != (mine is _NO_DEFAULT) or not (default is mine or default == mine):
            return f"{parameter}: {_shown(mine)}, not {_shown(default)}"
    for parameter in inspect.signature(value.__func__ if isinstance(value, classmethod) else value).parameters.values():
        asked = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if asked and parameter.name not in {"self", "cls", *keras.positional, *keras.named}:
            return f"{parameter.name}: must be given"
    return None


def _shown(default: Any) -> str:
    return "must be given" if default is _NO_DEFAULT else repr(default)
