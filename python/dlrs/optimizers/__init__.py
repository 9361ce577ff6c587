"""Optimizers: rules that turn gradients into updates of variables, and schedules of the learning rate."""

from typing import Any, overload

from dlrs.backend import Registry
from dlrs.optimizers import schedules
from dlrs.optimizers.adadelta import Adadelta
from dlrs.optimizers.adafactor import Adafactor
from dlrs.optimizers.adagrad import Adagrad
from dlrs.optimizers.adam import Adam, AdamW
from dlrs.optimizers.adamax import Adamax
from dlrs.optimizers.ftrl import Ftrl
from dlrs.optimizers.lamb import Lamb
from dlrs.optimizers.lion import Lion
from dlrs.optimizers.loss_scale_optimizer import LossScaleOptimizer
from dlrs.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from dlrs.optimizers.muon import Muon
from dlrs.optimizers.nadam import Nadam
from dlrs.optimizers.optimizer import Optimizer
from dlrs.optimizers.rmsprop import RMSprop
from dlrs.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from dlrs.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_REGISTRY = Registry(
    "optimizer",
    Optimizer,
    (
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        AdamW,
        Adamax,
        Ftrl,
        Lamb,
        Lion,
        LossScaleOptimizer,
        MultiOptimizer,
        Muon,
        Nadam,
        OptimizerMap,
        RMSprop,
        ScheduleFreeAdamW,
        SGD,
    ),
    aliases={"adamw": AdamW, "rmsprop": RMSprop},
)


def serialize(optimizer: Any) -> Any:
    """The class name and configuration of `optimizer`, from which `deserialize` makes a new one without state.

    >>> serialize(SGD(0.1, momentum=0.9))["class_name"]
    'SGD'
    """
    return _REGISTRY.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Optimizer:
    """The optimizer described by `serialize`; classes not of this package are looked up in `custom_objects`.

    >>> type(deserialize(serialize(SGD()))).__name__
    'SGD'
    """
    return _instance(_REGISTRY.deserialize(config, custom_objects))


def deserialize_map(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The map of a `MultiOptimizer`, an `OptimizerMap` or a function, that `serialize` described."""
    return _REGISTRY.deserialize(config, custom_objects)


@overload
def get(identifier: None) -> None: ...
@overload
def get(identifier: Any) -> Optimizer: ...


def get(identifier: Any) -> Optimizer | None:
    """The optimizer for a name, a configuration or an optimizer; None for None.

    >>> type(get("adam")).__name__
    'Adam'
    """
    return None if identifier is None else _instance(_REGISTRY.get(identifier))


def _instance(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"`optimizer` must be a name, a configuration or an Optimizer, got {optimizer!r}.")
    return optimizer
