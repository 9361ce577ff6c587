"""The arguments of a layer's call: which of them are tensors, their shapes, and the masks that belong to them."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, Tensor, get_keras_mask, tree

TENSORS = (Tensor, KerasTensor)
_CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class CallSignature:
    """What a method takes besides `self`.

    Args:
        method: the method, as it stands in the class.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        signature = inspect.signature(method)
        parameters = list(signature.parameters.values())[1:]
        self._signature = signature.replace(parameters=parameters)
        self.names = tuple(p.name for p in parameters)
        self.named = tuple(p.name for p in parameters if p.kind not in _CATCH_ALL)
        self.defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
        self.takes_mask = "mask" in self.names
        self.takes_training = "training" in self.names
        self.mask_names = frozenset(name for name in self.names if name.endswith("_mask"))

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, with the defaults of those not given; TypeError if they do not fit."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)


@functools.cache
def signature_of(method: Callable[..., Any]) -> CallSignature:
    """The signature of a method of a class."""
    return CallSignature(method)


def tensor_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are tensors or nests of tensors (and None).

    Raises:
        ValueError: a nest holds tensors and other things.
    """
    found = {}
    for name, value in arguments.items():
        if isinstance(value, TENSORS):
            found[name] = value
        elif tree.is_nested(value) and value:
            leaves = tree.flatten(value)
            number = sum(isinstance(leaf, TENSORS) for leaf in leaves)
            # Tensors hold no strings, so arrays of them stand beside tensors.
            number_beside = sum(leaf is None or isinstance(leaf, np.ndarray) for leaf in leaves)
            if number and number + number_beside == len(leaves):
                found[name] = value
            elif number:
                raise ValueError(f"The argument `{name}` mixes tensors with other things: {value!r}.")
    return found


def masks_of(value: Any) -> Any:
    """The masks that hang on a tensor, or on the tensors of a nest, nested alike; None if there is none at all."""
    if isinstance(value, TENSORS):
        return get_keras_mask(value)
    if not tree.is_nested(value):
        return None
    masks = [get_keras_mask(leaf) for leaf in tree.flatten(value)]
    return None if all(mask is None for mask in masks) else tree.pack_sequence_as(value, masks)


def add_masks(signature: CallSignature, arguments: dict[str, Any], kwargs: dict[str, Any]) -> None:
    """Put the masks of tensors into `kwargs` where `call` takes them and the caller gave none.

    A `call` with a single tensor argument takes its mask as `mask`, one with several as `<argument>_mask`.
    """
    if not signature.takes_mask and not signature.mask_names:
        return
    tensors = tensor_arguments(arguments)
    for name, value in tensors.items():
        taken_as = "mask" if len(tensors) == 1 else f"{name}_mask"
        if taken_as in signature.names and arguments.get(taken_as) is None:
            mask = masks_of(value)
            if mask is not None:
                kwargs[taken_as] = mask


def shapes_for(method: Callable[..., Any], arguments: dict[str, Any], layer: str) -> dict[str, Any]:
    """The arguments of `build` or `compute_output_shape`, by name, for a call with `arguments`.

    A method with one argument gets the shape of the first tensor argument of the call, one with several the shapes of
    the arguments it names as `<argument>_shape`.

    Raises:
        ValueError: an argument does not end in `_shape`, or `call` does not have it.
    """
    shapes = argument_shapes(arguments)
    wanted = signature_of(method).named
    if len(wanted) == 1:
        return {wanted[0]: next(iter(shapes.values()), None)}
    chosen = {}
    for name in wanted:
        what = f"Layer {layer!r}: `{method.__name__}()` has the "
        if not name.endswith("_shape"):
            raise ValueError(
                f"{what}argument `{name}`, which does not end in `_shape`. With more than one argument all are named "
                f"after an argument of `call()`: `{method.__name__}(self, foo_shape, bar_shape)`."
            )
        if name.removesuffix("_shape") not in arguments:
            raise ValueError(
                f"{what}argument `{name}`, but `call()` does not have argument `{name.removesuffix('_shape')}`."
            )
        if name in shapes:
            chosen[name] = shapes[name]
    return chosen


def argument_shapes(arguments: dict[str, Any]) -> dict[str, Any]:
    """The shapes of the tensors among the arguments of a call, as `<argument>_shape`.

    Raises:
        ValueError: a nest holds tensors and other things.
    """
    return {
        f"{name}_shape": tree.map_structure(lambda leaf: None if leaf is None else tuple(leaf.shape), value)
        for name, value in tensor_arguments(arguments).items()
        if name not in ("mask", "args", "kwargs")
    }


def is_shape(value: Any) -> bool:
    """Whether `value` is one shape rather than a nest of them."""
    return isinstance(value, list | tuple) and all(size is None or isinstance(size, int) for size in value)


def map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """A nest of shapes with `fn` applied to each of them; None stays."""
    if shapes is None:
        return None
    if is_shape(shapes):
        return fn(tuple(shapes))
    if isinstance(shapes, dict):
        return {key: map_shapes(fn, value) for key, value in shapes.items()}
    if isinstance(shapes, list | tuple):
        return type(shapes)(map_shapes(fn, value) for value in shapes)
    raise ValueError(f"A shape is a tuple of integers and None, or a nest of them, got {shapes!r}.")


def placeholders(shapes: Any, dtype: str) -> Any:
    """Placeholders for a shape, or a nest of shapes.

    >>> placeholders([(None, 2), (3,)], "float32")[1].shape
    (3,)
    """
    return map_shapes(lambda shape: KerasTensor(shape, dtype), shapes)
