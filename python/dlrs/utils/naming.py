"""Names that are handed out once, and names of objects."""

from typing import Any

from dlrs.backend.global_state import auto_name, get_uid, reset_uids, to_snake_case, uniquify

__all__ = ["auto_name", "get_object_name", "get_uid", "reset_uids", "to_snake_case", "uniquify"]


def get_object_name(obj: Any) -> str:
    """The `name` of an object, else the snake case of what it or its class is called.

    >>> get_object_name(ValueError("x"))
    'value_error'
    """
    if hasattr(obj, "name"):
        return str(obj.name)
    return to_snake_case(getattr(obj, "__name__", type(obj).__name__))
