"""First values of variables."""

from collections.abc import Callable, Mapping
from typing import Any

from dlrs.backend import Registry, Tensor
from dlrs.initializers.constant_initializers import Constant, Identity, Ones, Zeros
from dlrs.initializers.initializer import Initializer
from dlrs.initializers.random_initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)

_REGISTRY = Registry(
    "initializer",
    Initializer,
    (
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    ),
    aliases={"one": Ones, "zero": Zeros, "normal": RandomNormal, "uniform": RandomUniform},
)


def get(identifier: Any) -> Callable[..., Tensor] | None:
    """The initializer that `identifier` means: a name, a configuration, a class, an object, a callable, or None.

    >>> get("he_normal")
    HeNormal(seed=None, input_axes=None, output_axes=None)
    """
    initializer: Callable[..., Tensor] | None = _REGISTRY.get(identifier)
    return initializer


def serialize(initializer: Any) -> Any:
    """`initializer` as plain data."""
    return _REGISTRY.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described."""
    return _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "deserialize",
    "get",
    "serialize",
]
