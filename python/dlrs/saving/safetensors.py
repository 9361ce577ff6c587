"""Tensors by name in the safetensors format (https://github.com/huggingface/safetensors)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dlrs import _dlrs
from dlrs.backend import cast, standardize_dtype
from dlrs.backend.dtypes import itemsize

Array = np.ndarray[Any, Any]


class StoredTensor(NamedTuple):
    """The elements of a tensor as they stand in a file.

    `array` has the type `dtype`; elements of type bfloat16, which NumPy lacks, stand in it as their bits, in uint16.
    """

    dtype: str
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(self.array.shape)

    def numpy(self) -> Array:
        """The values; those of type bfloat16 as float32, which holds them exactly."""
        if self.dtype != "bfloat16":
            return self.array
        return (self.array.astype("uint32") << 16).view("float32")


def stored(value: Any) -> StoredTensor:
    """A tensor, variable or array as it is to be written.

    >>> stored(np.zeros((2, 3), "int8")).dtype
    'int8'
    """
    dtype = standardize_dtype(value.dtype)
    if dtype == "bfloat16":
        wide = np.ascontiguousarray(cast(_dlrs.tensor(value), "float32").numpy()).view("uint32")
        return StoredTensor(dtype, (wide >> 16).astype("uint16").reshape(value.shape))
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    little = array.dtype.newbyteorder("<")
    return StoredTensor(dtype, np.ascontiguousarray(array, dtype=little).reshape(array.shape))


def encode(tensors: Mapping[str, StoredTensor], path: str = "safetensors", part: str = "") -> list[Any]:
    """The contents of a file as pieces to be written one after another.

    Raises:
        FormatError: a name that the format does not allow.
    """
    entries = [(name, tensor.dtype, tensor.shape) for name, tensor in tensors.items()]
    pieces: list[Any] = [_dlrs.safetensors_header(entries, path, part)]
    return pieces + [tensor.array.reshape(-1).view("uint8") for tensor in tensors.values() if tensor.array.size]


def decode(data: bytes, path: str = "safetensors", part: str = "") -> dict[str, StoredTensor]:
    """The tensors of a file by name, as read-only views of `data`.

    Raises:
        FormatError: a rule of the format is broken.
    """
    entries, _ = _dlrs.parse_safetensors(data, path, part)
    tensors: dict[str, StoredTensor] = {}
    for name, dtype, shape, start, stop in entries:
        kind = np.dtype("uint16" if dtype == "bfloat16" else dtype).newbyteorder("<")
        count = (stop - start) // itemsize(dtype)
        tensors[name] = StoredTensor(dtype, np.frombuffer(data, kind, count, start).reshape(shape))
    return tensors


def dumps(arrays: Mapping[str, Any]) -> bytes:
    """Arrays by name as the contents of a safetensors file.

    >>> loads(dumps({"a": np.arange(3)}))["a"].tolist()
    [0, 1, 2]
    """
    return b"".join(bytes(piece) for piece in encode({name: stored(array) for name, array in arrays.items()}))


def loads(data: bytes) -> dict[str, Array]:
    """The arrays of a safetensors file; those of type bfloat16 as float32.

    Raises:
        FormatError: a rule of the format is broken.
    """
    return {name: tensor.numpy() for name, tensor in decode(data).items()}
