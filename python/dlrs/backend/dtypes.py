"""Names of element types and the rules that promote them."""

from functools import cache
from typing import Any

import numpy as np

from dlrs import config
from dlrs.errors import unknown_name

FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
INT_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
# Keras has a list of its 8-bit floats; here it is empty.
FLOAT8_TYPES = ()
ALLOWED_DTYPES = frozenset(("bool", *INT_TYPES, *FLOAT_TYPES))

# Nothing grows beyond 32 bits by itself, as in Keras: uint32 and int32 meet at int32. What has 64 bits keeps them.
_LONG = frozenset(("int64", "uint64"))

_PYTHON_TYPES: dict[Any, str] = {bool: "bool", int: "int32", float: "float32"}

# The promotion lattice of JAX (https://docs.jax.dev/en/latest/type_promotion.html), which Keras adopted:
# an edge leads to the next wider type; "int" and "float" stand for Python scalars, which are weak.
_WIDER: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("uint16", "int16"),
    "uint16": ("uint32", "int32"),
    "uint32": ("uint64", "int64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}


def standardize_dtype(dtype: Any) -> str:
    """The name of `dtype` (a name, a NumPy type, a Python type, or None for `config.floatx()`).

    >>> standardize_dtype(np.dtype("int64")), standardize_dtype(bool), standardize_dtype(None)
    ('int64', 'bool', 'float32')
    """
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, str) and dtype in ALLOWED_DTYPES:
        return dtype
    name = _PYTHON_TYPES.get(dtype) if isinstance(dtype, type) else None
    if name is None:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = str(dtype)
    if name not in ALLOWED_DTYPES:
        raise ValueError(unknown_name("dtype", name, ALLOWED_DTYPES))
    return name


def itemsize(dtype: Any) -> int:
    """Bytes of an element.

    >>> itemsize("bfloat16"), itemsize("int64"), itemsize("bool")
    (2, 8, 1)
    """
    name = standardize_dtype(dtype)
    return 1 if name == "bool" else int(name.lstrip("abcdefghijklmnopqrstuvwxyz")) // 8


def is_float_dtype(dtype: Any) -> bool:
    """Whether `dtype` is a floating-point type.

    >>> is_float_dtype('float16'), is_float_dtype('int8')
    (True, False)
    """
    return standardize_dtype(dtype) in FLOAT_TYPES


def is_int_dtype(dtype: Any) -> bool:
    """Whether `dtype` is a signed or unsigned integer type.

    >>> is_int_dtype('uint8'), is_int_dtype('bool')
    (True, False)
    """
    return standardize_dtype(dtype) in INT_TYPES


@cache
def _above(name: str) -> frozenset[str]:
    """`name` and every type it can be promoted to."""
    return frozenset((name,)).union(*(_above(wider) for wider in _WIDER[name]))


@cache
def _least_upper_bound(names: frozenset[str]) -> str:
    common = frozenset.intersection(*(_above(name) for name in names))
    # In a lattice the least element is the one from which all the others can be reached.
    return next(name for name in common if common <= _above(name))


def result_type(*dtypes: Any) -> str:
    """The type of an operation on values of types `dtypes`; the Python types `int` and `float` are weak.

    >>> result_type("int32", "float32"), result_type("float16", float), result_type(int, int)
    ('float32', 'float16', 'int32')
    """
    names = frozenset("int" if d is int else "float" if d is float else standardize_dtype(d) for d in dtypes)
    if not names:
        return config.floatx()
    name = _least_upper_bound(names)
    if name in _LONG and names.isdisjoint(_LONG):
        return "int32"
    return {"int": "int32", "float": config.floatx()}.get(name, name)


def random_seed_dtype() -> str:
    """The type of the state of `random.SeedGenerator`: a seed and a counter, of which both may be large.

    >>> random_seed_dtype()
    'int64'
    """
    return "int64"
