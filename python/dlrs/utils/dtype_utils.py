"""Sizes of element types, and a float type that several tensors share."""

from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.backend import standardize_dtype

DTYPE_TO_SIZE = {
    "bool": 1,
    "bfloat16": 16,
    **{f"float{bits}": bits for bits in (16, 32, 64)},
    **{f"{kind}{bits}": bits for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
}


def dtype_size(dtype: str) -> int:
    """Bits of an element; a bool counts as one.

    Raises:
        ValueError: an unknown type.

    >>> dtype_size("bfloat16")
    16
    """
    if dtype not in DTYPE_TO_SIZE:
        raise ValueError(f"Invalid dtype: {dtype}")
    return DTYPE_TO_SIZE[dtype]


def is_float(dtype: str) -> bool:
    """Whether `dtype` names a float type.

    >>> is_float("bfloat16"), is_float("int8")
    (True, False)
    """
    return "float" in dtype


def cast_to_common_dtype(tensors: Sequence[Any]) -> list[Any]:
    """The tensors in the widest float type among them, float32 for float16 beside bfloat16; unchanged without floats.

    >>> [x.dtype for x in cast_to_common_dtype([ops.ones(2, "float16"), ops.ones(2, "bfloat16"), ops.ones(2, "int8")])]
    ['float32', 'float32', 'float32']
    """
    floats = {dtype for x in tensors if is_float(dtype := standardize_dtype(x.dtype))}
    if not floats:
        return list(tensors)
    # Neither of the two holds the other's values.
    common = "float32" if floats == {"float16", "bfloat16"} else max(floats, key=dtype_size)
    return [ops.cast(x, common) for x in tensors]
