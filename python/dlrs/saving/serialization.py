"""Layers, models and the arguments of `compile` as plain data and back."""

import inspect
from collections.abc import Mapping
from typing import Any

from dlrs import losses, metrics, optimizers
from dlrs.backend import CUSTOM_OBJECTS
from dlrs.backend.registry import registered_name
from dlrs.errors import unknown_name
from dlrs.ops.operation import FunctionOperation


def _classes() -> dict[str, Any]:
    """The classes that a file may name, by name."""
    import dlrs.layers
    import dlrs.models

    modules = (dlrs.layers, dlrs.models)
    known = {name: getattr(module, name) for module in modules for name in module.__all__}
    classes = {name: cls for name, cls in known.items() if inspect.isclass(cls)}
    return {**classes, "FunctionOperation": FunctionOperation}


def serialize_object(thing: Any) -> dict[str, Any]:
    """The class name and configuration of a layer, model or use of a function of `dlrs.ops`."""
    return {"class_name": registered_name(thing), "config": thing.get_config()}


def deserialize_object(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The object that `serialize_object` described, without weights.

    Raises:
        ValueError: the class is neither one of dlrs's nor registered nor in `custom_objects`.
    """
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ValueError(f"A configuration has 'class_name' and 'config', got {config!r}.")
    name = config["class_name"]
    custom = {**CUSTOM_OBJECTS, **(custom_objects or {})}
    known = _classes()
    cls = custom.get(name) or known.get(name)
    if cls is None:
        raise ValueError(
            unknown_name("class", name, [*known, *custom])
            + " Pass your own classes as `custom_objects`, or register them with `register_keras_serializable`."
        )
    arguments = dict(config["config"])
    if "custom_objects" in inspect.signature(cls.from_config).parameters:
        return cls.from_config(arguments, custom_objects=custom_objects)
    return cls.from_config(arguments)


def serialize_compile_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` as plain values."""
    plain = ("loss_weights", "run_eagerly", "check_numerics")
    return {
        "optimizer": optimizers.serialize(arguments["optimizer"]),
        "loss": _mapped(losses.serialize, arguments["loss"]),
        "metrics": _mapped(metrics.serialize, arguments["metrics"]),
        "weighted_metrics": _mapped(metrics.serialize, arguments["weighted_metrics"]),
        **{name: arguments[name] for name in plain},
    }


def deserialize_compile_arguments(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments of `compile` that `serialize_compile_arguments` described."""
    custom = custom_objects or {}

    def loss(entry: Any) -> Any:
        return custom[entry] if isinstance(entry, str) and entry in custom else losses.deserialize(entry, custom)

    def metric(entry: Any) -> Any:
        if isinstance(entry, str):
            # Names such as "accuracy" mean a metric only together with the shapes of the outputs.
            return custom.get(entry, entry)
        return metrics.deserialize(entry, custom)

    return {
        **config,
        "optimizer": optimizers.deserialize(config["optimizer"], custom),
        "loss": _mapped(loss, config["loss"]),
        "metrics": _mapped(metric, config["metrics"]),
        "weighted_metrics": _mapped(metric, config["weighted_metrics"]),
    }


def _mapped(function: Any, value: Any) -> Any:
    """`value`, a nest of lists and dicts by output, with `function` applied to its leaves."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_mapped(function, item) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _mapped(function, item) for key, item in value.items()}
    return function(value)
