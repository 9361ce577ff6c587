"""What is asked of arrays given by users, with messages that name the argument."""

from typing import Any

import numpy as np

from dlrs.backend import ALLOWED_DTYPES, Tensor, Variable, floatx, tree
from dlrs.backend.ragged import PAD, holds_sequences, is_ragged
from dlrs.data.frames import foreign_array, is_array_like

Array = np.ndarray[Any, Any]

# Widths without kernels of their own go to the next that holds all their values.
_WIDENED = {"int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64"}
# Compared with the byte order.
_READY = frozenset(map(np.dtype, ("uint8", "int32", "int64", "bool")))


def as_array(value: Any, argument: str) -> Array:
    """`value` as a contiguous array of a type that programs take; floats become `floatx()`,
    narrow integers int32 and uint32 int64.

    Args:
        value: array, tensor or list; a DataFrame or Series of pandas or Polars, whose columns hold numbers; a tensor of
            PyTorch, or of any library that speaks DLPack, in this machine's memory.
        argument: names it in messages.

    Raises:
        ValueError: `value` is ragged, a scalar, or of a type that holds no real numbers.

    >>> as_array([[1.0, 2.0]], "x").dtype
    dtype('float32')
    >>> as_array(["a"], "x")
    Traceback (most recent call last):
        ...
    ValueError: `x` holds <U1 values; arrays of numbers or booleans are expected. Encode text as integers first.
    """
    if _is_ready(value):
        array: Array = value
        return array
    if isinstance(value, Tensor | Variable):
        value = value.numpy()
    elif type(value) is not np.ndarray:
        value = foreign_array(value, argument)
    try:
        array = np.asarray(value)
    except ValueError as error:
        why = f"its lists have different lengths. {PAD}" if is_ragged(error) else error
        raise ValueError(f"`{argument}` is not a rectangular array: {why}") from None
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        array = array.astype(floatx(), copy=False)
    elif array.dtype.name in _WIDENED:
        array = array.astype(_WIDENED[array.dtype.name])
    elif array.dtype.name == "uint64":
        raise ValueError(
            f"`{argument}` holds uint64 values, which no other type holds. Convert it to int64 or a float."
        )
    elif array.dtype.name not in ALLOWED_DTYPES:
        hint = {
            "O": f"Its rows are sequences. {PAD}" if holds_sequences(array) else "The rows may hold None, or text.",
            "U": "Encode text as integers first.",
            "S": "Encode text as integers first.",
            "c": "Give real and imaginary parts as separate features.",
        }.get(array.dtype.kind, "Convert it to a number first.")
        raise ValueError(f"`{argument}` holds {array.dtype} values; arrays of numbers or booleans are expected. {hint}")
    if array.ndim == 0:
        raise ValueError(
            f"`{argument}` is the single number {array}; an array with one entry per example is expected. "
            "(`Dataset.batch` makes batches of single examples.)"
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.require(array, requirements=["C", "A"])


def _is_ready(value: Any) -> bool:
    """Whether `value` is an array that programs take as it is: batches mostly are, and come in great numbers."""
    if type(value) is not np.ndarray or value.ndim == 0:
        return False
    ready = value.dtype.name == floatx() if value.dtype.kind == "f" else value.dtype in _READY
    return ready and value.flags.c_contiguous and value.flags.aligned


def arrays_of(structure: Any, argument: str) -> tuple[Any, list[Array], list[str]]:
    """A nest of arrays made valid: the nest, its leaves, and a name for each in messages."""
    if (
        isinstance(structure, list | tuple)
        and structure
        and not isinstance(structure[0], dict)
        and not is_array_like(structure[0])
    ):
        structure = as_array(structure, argument)
    if not tree.is_nested(structure):
        array = as_array(structure, argument)
        return array, [array], [argument]
    if isinstance(structure, dict):
        # An optional input of a model may be None: it is left out.
        structure = {key: value for key, value in structure.items() if value is not None}
    values = tree.flatten(structure)
    names = _leaf_names(structure, argument)
    leaves = [as_array(leaf, name) for leaf, name in zip(values, names, strict=True)]
    return tree.pack_sequence_as(structure, leaves), leaves, names


def _leaf_names(structure: Any, name: str) -> list[str]:
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in _leaf_names(structure[key], f"{name}[{key!r}]")]
    if isinstance(structure, list | tuple):
        return [leaf for index, item in enumerate(structure) for leaf in _leaf_names(item, f"{name}[{index}]")]
    return [name]


def check_lengths(arrays: list[Array], names: list[str]) -> int:
    """The common number of examples; ValueError if there are none or the arrays differ in it.

    >>> check_lengths([np.zeros((3, 2)), np.zeros(3)], ["x", "y"])
    3
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        listed = any(name.endswith("]") and not name.endswith("']") for name in names)
        raise ValueError(
            f"The arrays must have the same number of examples (first axis), got {describe_shapes(arrays, names)}."
            + (f" A list holds an array for each input or output; {PAD}" if listed else "")
        )
    count = lengths.pop()
    if count == 0:
        raise ValueError(f"The data is empty: {describe_shapes(arrays, names)}.")
    return count


def describe_shapes(arrays: list[Array], names: list[str]) -> str:
    """Names and shapes for a message: `x (3, 2), y (4,)`.

    >>> describe_shapes([np.zeros((3, 2)), np.zeros(4)], ["x", "y"])
    '`x` (3, 2), `y` (4,)'
    """
    return ", ".join(f"`{name}` {np.shape(array)}" for array, name in zip(arrays, names, strict=True))
