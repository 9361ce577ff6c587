"""Optimizers: rules that turn gradients into updates of variables, and schedules of the learning rate."""

from typing import Any

from dlrs.backend import Registry
from dlrs.optimizers import schedules
from dlrs.optimizers.adam import Adam
from dlrs.optimizers.optimizer import Optimizer
from dlrs.optimizers.rmsprop import RMSprop
from dlrs.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "deserialize", "get", "schedules", "serialize"]

_REGISTRY = Registry("optimizer", Optimizer, (Adam, RMSprop, SGD), aliases={"rmsprop": RMSprop})


def serialize(optimizer: Optimizer) -> Any:
    """The class name and configuration of `optimizer`, from which `deserialize` makes a new one without state.

    >>> serialize(SGD(0.1, momentum=0.9))["class_name"]
    'SGD'
    """
    return _REGISTRY.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Optimizer:
    """The optimizer described by `serialize`; classes not of this package are looked up in `custom_objects`."""
    return _instance(_REGISTRY.deserialize(config, custom_objects))


def get(identifier: Any) -> Optimizer:
    """The optimizer for a name, a configuration or an optimizer.

    >>> type(get("adam")).__name__
    'Adam'
    >>> get("adm")
    Traceback (most recent call last):
        ...
    ValueError: Unknown optimizer 'adm'. Did you mean 'adam'? Known: adam, rmsprop, sgd.
    """
    return _instance(_REGISTRY.get(identifier))


def _instance(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"`optimizer` must be a name, a configuration or an Optimizer, got {optimizer!r}.")
    return optimizer
