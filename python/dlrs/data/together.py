"""Functions of elements that can be applied to many elements at once, because they do arithmetic and nothing else."""

import dis
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs.backend import tree
from dlrs.data.entries import Array, Entries, NotTogetherError

# Of CPython 3.11 to 3.14; what another version may have besides is done element by element.
_INSTRUCTIONS = frozenset(
    (
        "BINARY_OP", "BUILD_TUPLE", "CACHE", "CALL", "COMPARE_OP", "COPY_FREE_VARS", "LOAD_ATTR", "LOAD_CONST",
        "LOAD_DEREF", "LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_LOAD_FAST",
        "LOAD_GLOBAL", "LOAD_METHOD", "LOAD_SMALL_INT", "NOP", "PRECALL", "PUSH_NULL", "RESUME", "RETURN_VALUE",
        "STORE_FAST", "STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST", "UNARY_NEGATIVE",
    )
)  # fmt: skip
_ATTRIBUTES = frozenset(("astype", "float16", "float32", "float64", "int32", "int64", "uint8"))
_CONSTANTS = (bool, int, float, np.generic, np.ndarray)


def is_arithmetic(function: Callable[..., Any]) -> bool:
    """Whether a function but computes with its arguments and with constants: it may be called once for many elements.

    What it is made of is looked at: nothing is called but types of NumPy and `astype`, so that nothing can be drawn,
    counted or remembered.

    >>> is_arithmetic(lambda x, y: (x / np.float32(255), y)), is_arithmetic(lambda x: x + np.random.normal())
    (True, False)
    """
    if not isinstance(function, types.FunctionType) or function.__defaults__ or function.__kwdefaults__:
        return False
    names = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for instruction in dis.get_instructions(function):
        kind, name = instruction.opname, instruction.argval
        if kind not in _INSTRUCTIONS:
            return False
        if kind in ("LOAD_ATTR", "LOAD_METHOD") and name not in _ATTRIBUTES:
            return False
        if kind == "LOAD_GLOBAL" and not _is_constant(function.__globals__.get(name), modules=True):
            return False
        if kind == "LOAD_DEREF" and not (name in names and _is_constant(_content(names[name]))):
            return False
    return True


def _is_constant(value: Any, modules: bool = False) -> bool:
    return isinstance(value, _CONSTANTS) or (modules and value is np)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is not assigned yet
        return None


def applied(function: Callable[..., Any], elements: Any) -> Any:
    """What `function` gives for each of `elements`, a nest of arrays of elements, in a nest of arrays.

    Raises:
        NotTogetherError: it asks for more than arithmetic.

    >>> applied(lambda x, y: (x * 2, y), (np.arange(3), np.ones(3)))[0].tolist()
    [0, 2, 4]
    """
    given = tree.map_structure(Entries, elements)
    result = function(*given) if isinstance(given, tuple) else function(given)
    return tree.map_structure(_array, result)


def _array(leaf: Any) -> Array:
    if not isinstance(leaf, Entries):
        raise NotTogetherError
    return np.ascontiguousarray(leaf.array)
