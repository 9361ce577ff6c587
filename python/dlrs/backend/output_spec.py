"""Shapes and types of a function's results, found by tracing it on stand-ins."""

import re
from collections.abc import Callable
from typing import Any

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import tree
from dlrs.backend.keras_tensor import KerasTensor

# Open sizes are replaced by primes: a size that depends on one differs between the two traces. They are large
# enough not to meet a size written in a model by chance.
_STAND_INS = (83, 89)


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `fn(*args, **kwargs)` returns, with placeholders in the place of tensors.

    Args:
        fn: A function of tensors, written in `dlrs.ops`.
        *args: Its arguments; placeholders (`KerasTensor`) may appear at any depth.
        **kwargs: Its keyword arguments, likewise.

    Nothing is computed and no variable changes: `fn` is traced twice, with every open size replaced by one of two
    primes, and the sizes that come out different are open in the result.

    >>> spec = compute_output_spec(lambda x: x @ x.T, KerasTensor((None, 3)))
    >>> spec.shape, spec.dtype
    ((None, None), 'float32')
    """
    first = _trace(fn, args, kwargs, _STAND_INS[0])
    if not tree.any_leaf(_is_open, (args, kwargs)):
        return tree.map_structure(lambda leaf: _placeholder(leaf, leaf), first)
    second = _trace(fn, args, kwargs, _STAND_INS[1])
    return tree.map_structure(_placeholder, first, second)


def _is_open(leaf: Any) -> bool:
    return isinstance(leaf, KerasTensor) and None in leaf.shape


def _trace(fn: Callable[..., Any], args: Any, kwargs: Any, stand_in: int) -> Any:
    trace = _dlrs.Trace()

    def replace(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        return trace.input([stand_in if dim is None else dim for dim in leaf.shape], leaf.dtype)

    try:
        with trace:
            traced_args, traced_kwargs = tree.map_structure(replace, (args, kwargs))
            return fn(*traced_args, **traced_kwargs)
    except (TypeError, ValueError) as error:
        if tree.any_leaf(_is_open, (args, kwargs)):
            _name_open_sizes(error, stand_in)
        raise


def _name_open_sizes(error: Exception, stand_in: int) -> None:
    """Write None, as placeholders do, for the stand-in of a message."""
    number = re.compile(rf"(?<![\w.]){stand_in}(?![\w.])")
    if error.args and isinstance(error.args[0], str):
        error.args = (number.sub("None", error.args[0]), *error.args[1:])
    notes = getattr(error, "__notes__", None)
    if notes:
        notes[:] = [number.sub("None", note) for note in notes]


def _placeholder(first: Any, second: Any) -> Any:
    if not isinstance(first, Tensor | _dlrs.Variable):
        return first
    shape = tuple(a if a == b else None for a, b in zip(first.shape, second.shape, strict=True))
    return KerasTensor(shape, first.dtype)
