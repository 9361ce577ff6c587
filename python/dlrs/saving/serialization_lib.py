"""Layers, models and whatever else has a `get_config` as plain data and back, in the schema of Keras."""

import inspect
from types import ModuleType

import dlrs.layers
import dlrs.metrics
import dlrs.optimizers
from dlrs.backend import DTypePolicy
from dlrs.backend.serialization import (
    ObjectSharingScope,
    SafeModeScope,
    deserialize_keras_object,
    find_class,
    public_module,
    register_builtins,
    serialize_dict,
    serialize_keras_object,
)
from dlrs.ops.control_flow import Cond, Switch
from dlrs.ops.operation import FunctionOperation
from dlrs.ops.scans import AssociativeScan, Map, Scan, VectorizedMap
from dlrs.random import SeedGenerator

__all__ = [
    "ObjectSharingScope",
    "SafeModeScope",
    "deserialize_keras_object",
    "find_class",
    "serialize_dict",
    "serialize_keras_object",
]


def _public_classes(package: ModuleType) -> list[type]:
    exported = (vars(package).get(name) for name in package.__all__)
    return [entry for entry in exported if inspect.isclass(entry) and public_module(entry) is not None]


# The registers of initializers, losses and so on add their own entries when they are imported.
for _package in (dlrs.layers, dlrs.metrics, dlrs.optimizers, dlrs.optimizers.schedules):
    register_builtins(_public_classes(_package))
register_builtins((DTypePolicy, FunctionOperation, SeedGenerator))
register_builtins((AssociativeScan, Cond, Map, Scan, Switch, VectorizedMap))
