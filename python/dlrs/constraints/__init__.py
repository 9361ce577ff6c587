"""Sets that weights are brought back to after each update."""

from collections.abc import Callable, Mapping
from typing import Any

from dlrs.backend import Registry, Tensor
from dlrs.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm

_REGISTRY = Registry("constraint", Constraint, (MaxNorm, MinMaxNorm, NonNeg, UnitNorm))


def get(identifier: Any) -> Callable[[Any], Tensor] | None:
    """The constraint that `identifier` means: a name, a configuration, a class, an object, a callable, or None.

    >>> get("unit_norm").get_config()
    {'axis': 0}
    """
    constraint: Callable[[Any], Tensor] | None = _REGISTRY.get(identifier)
    return constraint


def serialize(constraint: Any) -> Any:
    """`constraint` as plain data.

    >>> serialize(NonNeg())['class_name']
    'NonNeg'
    """
    return _REGISTRY.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint that `serialize` described.

    >>> type(deserialize(serialize(NonNeg()))).__name__
    'NonNeg'
    """
    return _REGISTRY.deserialize(config, custom_objects)


# Keras's other spellings.
max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
