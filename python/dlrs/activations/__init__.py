"""Nonlinear functions of layers' outputs."""

from collections.abc import Callable, Mapping
from typing import Any

from dlrs.activations.activations import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from dlrs.backend import Registry, Tensor

_FUNCTIONS = (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
_REGISTRY: Registry[Callable[[Any], Tensor]] = Registry(
    "activation", None, _FUNCTIONS, aliases={"swish": silu, "hard_swish": hard_silu}
)


def get(identifier: Any) -> Callable[[Any], Tensor]:
    """The activation that `identifier` means: a name, a function, a layer, or None for `linear`.

    >>> get("relu")([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    activation: Callable[[Any], Tensor] | None = _REGISTRY.get(identifier)
    return linear if activation is None else activation


def serialize(activation: Any) -> Any:
    """`activation` as plain data: the name of a function, the configuration of a layer.

    >>> serialize(relu)
    'relu'
    """
    return _REGISTRY.serialize(activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The activation that `serialize` described.

    >>> deserialize('relu')([-1.0, 1.0]).tolist()
    [0.0, 1.0]
    """
    return _REGISTRY.deserialize(config, custom_objects)


# Keras's other spellings.
swish = silu
hard_swish = hard_silu

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
