"""The safetensors format: a length, a JSON header, and the bytes of arrays (https://github.com/huggingface/safetensors)."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_TYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
_NAMES = {name: code for code, name in _TYPES.items()}
_MAX_HEADER = 100_000_000


def dumps(arrays: Mapping[str, Array]) -> bytes:
    """Arrays by name as the contents of a safetensors file.

    >>> loads(dumps({"a": np.arange(3)}))["a"].tolist()
    [0, 1, 2]
    """
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        if array.dtype.name not in _NAMES:
            raise ValueError(f"Array {name!r}: {array.dtype} values cannot be saved.")
        data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        offset += len(data)
        parts.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def loads(data: bytes) -> dict[str, Array]:
    """The arrays of a safetensors file, after every number in its header has been checked.

    Raises:
        ValueError: the contents are cut short or inconsistent.
    """
    if len(data) < 8:
        raise ValueError("The safetensors data is cut short: it has no header.")
    size = int.from_bytes(data[:8], "little")
    if size > min(_MAX_HEADER, len(data) - 8):
        raise ValueError(f"The safetensors header claims {size} bytes of {len(data) - 8}.")
    try:
        header = json.loads(data[8 : 8 + size])
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"The safetensors header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("The safetensors header is not a JSON object.")
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + size :]
    arrays = {name: _array(name, entry, body) for name, entry in header.items()}
    if sum(array.nbytes for array in arrays.values()) != len(body):
        raise ValueError("The arrays of the safetensors data overlap or leave gaps.")
    return arrays


def _array(name: str, entry: Any, body: memoryview) -> Array:
    try:
        dtype = np.dtype(_TYPES[entry["dtype"]])
        shape = tuple(entry["shape"])
        start, stop = entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"The safetensors entry {name!r} is malformed: {entry!r}.") from None
    numbers = (*shape, start, stop)
    if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers):
        raise ValueError(f"The safetensors entry {name!r} holds sizes that are not natural numbers: {entry!r}.")
    if not start <= stop <= len(body) or stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"The safetensors entry {name!r} does not fit its data: {entry!r} of {len(body)} bytes.")
    return np.frombuffer(body[start:stop], dtype.newbyteorder("<")).reshape(shape).astype(dtype)
