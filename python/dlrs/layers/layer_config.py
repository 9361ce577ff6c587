"""Configurations of layers that do not override `get_config`."""

import inspect
from typing import Any

from dlrs.backend import tree


def automatic_config(layer: Any) -> dict[str, Any]:
    """The arguments that `layer` was made with, by name.

    Raises:
        TypeError: an argument is not a plain value.
    """
    args, kwargs = layer.__dict__["_constructor_arguments"]
    bound = inspect.signature(type(layer)).bind(*args, **kwargs)
    config = {}
    for name, value in _by_name(bound).items():
        if not _is_plain(value):
            raise TypeError(
                f"{type(layer).__name__} must override `get_config`: its argument `{name}` is of type "
                f"{type(value).__name__}, which is not a plain value."
            )
        config[name] = value
    return config


def accepted_only(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """What of `config` the constructor of `layer` takes."""
    accepted = inspect.signature(type(layer)).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values()):
        return config
    return {name: value for name, value in config.items() if name in accepted}


def _by_name(bound: inspect.BoundArguments) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            named[name] = value
    return named


def _is_plain(value: Any) -> bool:
    return all(isinstance(leaf, bool | int | float | str | type(None)) for leaf in tree.flatten(value))
