"""First values of variables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import Registry, Tensor, is_tensor, standardize_dtype
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
from dlrs.initializers.stft_initializer import STFT

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
        STFT,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    ),
    aliases={
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
        "STFTInitializer": STFT,
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    },
)


def get(identifier: Any) -> Callable[..., Tensor] | None:
    """The initializer that `identifier` means: a name, a configuration, a class, an object, a callable, or None.

    An array or tensor stands for an initializer that gives it, and that refuses other shapes.

    >>> get("he_normal")
    HeNormal(seed=None, input_axes=None, output_axes=None)
    >>> get(np.array([1.0, 2.0]))((2,)).tolist()
    [1.0, 2.0]
    """
    if is_tensor(identifier) or isinstance(identifier, np.ndarray | np.generic):
        return _Given(identifier)
    initializer: Callable[..., Tensor] | None = _REGISTRY.get(identifier)
    return initializer


class _Given:
    """The initializer that an array stands for."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if tuple(shape) != tuple(self.value.shape):
            raise ValueError(
                f"Expected `shape` to be {tuple(self.value.shape)}, that of the array given as initializer, "
                f"got {tuple(shape)}."
            )
        return ops.cast(self.value, standardize_dtype(dtype))


def serialize(initializer: Any) -> Any:
    """`initializer` as plain data.

    >>> serialize(Zeros())['class_name']
    'Zeros'
    """
    return _REGISTRY.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described.

    >>> deserialize(serialize(Constant(2.0)))((2,)).tolist()
    [2.0, 2.0]
    """
    return _REGISTRY.deserialize(config, custom_objects)


# Keras's other spellings.
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros
IdentityInitializer = Identity
OrthogonalInitializer = Orthogonal
STFTInitializer = STFT


__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
