"""The arguments of `compile` as plain values and back."""

from collections.abc import Mapping
from typing import Any

from dlrs.backend.registration import CustomObjectScope
from dlrs.saving.serialization_lib import deserialize_keras_object, serialize_keras_object

_PLAIN = ("loss_weights", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss", "check_numerics")
_OBJECTS = ("optimizer", "loss", "metrics", "weighted_metrics")


def serialize_compile_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` as plain values. Names such as "accuracy" stay names: they mean a metric only together
    with the shapes of the outputs.
    """
    config = {name: _plain_lists(serialize_keras_object(arguments[name])) for name in _OBJECTS}
    return {**config, **{name: _plain_lists(arguments[name]) for name in _PLAIN}}


def deserialize_compile_arguments(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The arguments of `compile` that `serialize_compile_arguments` described."""
    with CustomObjectScope(custom_objects):
        return {name: deserialize_keras_object(value) if name in _OBJECTS else value for name, value in config.items()}


def _plain_lists(value: Any) -> Any:
    """`value` as JSON gives it back: tuples as lists."""
    if isinstance(value, list | tuple):
        return [_plain_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain_lists(item) for key, item in value.items()}
    return value
