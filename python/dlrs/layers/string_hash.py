"""Hashes of arrays of strings or integers, each different one hashed once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs.layers.farm_hash import farm_hash_64
from dlrs.layers.sip_hash import sip_hash_64

Array = np.ndarray[Any, Any]


def hashes(values: Array, key: Sequence[int] | None = None) -> Array:
    """A number for each of `values`, strings or integers, of which the decimal form is hashed; uint64 of their shape.

    Without a key it is FarmHash64 of the UTF-8 bytes, with one, two 64-bit numbers, SipHash-2-4: those of TensorFlow's
    `strings.to_hash_bucket_fast` and `to_hash_bucket_strong`.

    >>> (hashes(np.array([["a", "b"], ["c", "a"]])) % np.uint64(10)).tolist()
    [[9, 2], [2, 9]]
    """
    flat = values.reshape(-1)
    if flat.dtype.kind == "O":
        place: dict[Any, int] = {}
        where = np.array([place.setdefault(value, len(place)) for value in flat], np.intp)
        different: list[Any] = list(place)
    else:
        unique, where = np.unique(flat, return_inverse=True)
        different = unique.tolist()
    found = _of_bytes([_bytes(value) for value in different], key)
    return found[where].reshape(values.shape)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode("utf-8", "surrogatepass")


def _of_bytes(strings: list[bytes], key: Sequence[int] | None) -> Array:
    """Strings of one length are hashed together."""
    lengths = np.fromiter(map(len, strings), np.intp, len(strings))
    found = np.empty(len(strings), np.uint64)
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        data = np.frombuffer(b"".join(strings[i] for i in places), np.uint8).reshape(len(places), length)
        found[places] = farm_hash_64(data) if key is None else sip_hash_64(data, key)
    return found
