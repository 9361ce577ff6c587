"""Penalties on the size of weights."""

from collections.abc import Callable, Mapping
from typing import Any

from dlrs.backend import Registry, Tensor
from dlrs.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

_REGISTRY = Registry(
    "regularizer",
    Regularizer,
    (L1, L2, L1L2, OrthogonalRegularizer),
    aliases={"l1_l2": L1L2, "orthogonal": OrthogonalRegularizer},
)


def get(identifier: Any) -> Callable[[Any], Tensor] | None:
    """The regularizer that `identifier` means: a name, a configuration, a class, an object, a callable, or None.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    regularizer: Callable[[Any], Tensor] | None = _REGISTRY.get(identifier)
    return regularizer


def serialize(regularizer: Any) -> Any:
    """`regularizer` as plain data.

    >>> serialize(L2(0.5))['class_name']
    'L2'
    """
    return _REGISTRY.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer that `serialize` described.

    >>> deserialize(serialize(L2(0.5)))([2.0]).item()
    2.0
    """
    return _REGISTRY.deserialize(config, custom_objects)


# Keras's other spellings.
l1 = L1
l1_l2 = L1L2
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
