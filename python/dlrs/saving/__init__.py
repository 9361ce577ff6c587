"""Saving models. Nothing in a file is ever executed or imported."""

import dlrs.models  # noqa: F401 - configurations may name its classes
from dlrs.saving.file_editor import KerasFileEditor
from dlrs.saving.object_registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from dlrs.saving.saving_api import load_model, load_weights, save_model, save_weights
from dlrs.saving.serialization_lib import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
