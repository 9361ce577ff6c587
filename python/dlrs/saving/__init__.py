"""Saving models. Nothing in a file is ever executed or imported."""

from dlrs.saving.registration import custom_object_scope, get_custom_objects, register_keras_serializable
from dlrs.saving.saving_api import load_model, load_weights, save_model, save_weights
from dlrs.saving.serialization import deserialize_object, serialize_object

deserialize_keras_object = deserialize_object
serialize_keras_object = serialize_object
CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "deserialize_object",
    "get_custom_objects",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
    "serialize_object",
]
