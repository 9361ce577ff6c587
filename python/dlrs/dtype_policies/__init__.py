"""Policies that say which types layers compute in and keep their weights in."""

from typing import Any

from dlrs.backend import DTypePolicy, Registry, get_policy
from dlrs.backend.checks import check_type
from dlrs.dtype_policies import dtype_policy

__all__ = ["DTypePolicy", "deserialize", "dtype_policy", "get", "serialize"]

_REGISTRY = Registry("dtype policy", DTypePolicy, (DTypePolicy,))


def serialize(policy: DTypePolicy) -> Any:
    """The class name and configuration of `policy`.

    >>> serialize(DTypePolicy("float64"))["config"]
    {'name': 'float64'}
    """
    check_type("serialize", "policy", policy, DTypePolicy, "a DTypePolicy")
    # A policy is a value: a copy is written, so that layers with the same policy do not count as sharing an object.
    return _REGISTRY.serialize(type(policy).from_config(policy.get_config()))


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The policy described by `serialize`.

    >>> deserialize(serialize(get("mixed_float16"))).name
    'mixed_float16'
    """
    return _REGISTRY.deserialize(config, custom_objects)


def get(identifier: Any) -> DTypePolicy:
    """The policy that `identifier` means: a policy, a type, a configuration, or None for the default one.

    >>> get("mixed_float16").compute_dtype
    'float16'
    """
    return get_policy(identifier)
