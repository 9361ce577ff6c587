"""Classes and functions of users that files may name."""

from dlrs.backend.registration import CUSTOM_NAMES as GLOBAL_CUSTOM_NAMES
from dlrs.backend.registration import CUSTOM_OBJECTS as GLOBAL_CUSTOM_OBJECTS
from dlrs.backend.registration import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

custom_object_scope = CustomObjectScope

__all__ = [
    "GLOBAL_CUSTOM_NAMES",
    "GLOBAL_CUSTOM_OBJECTS",
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
]
