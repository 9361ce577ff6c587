"""FarmHash64 (G. Pike, https://github.com/google/farmhash, `farmhashna::Hash64`) of many strings of one length at once.

Its value of a string is the same on every machine and for ever, so it is what tables of hashed categories are made by.
All numbers are arrays of uint64, one element for each string, which wrap around.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Words = np.ndarray[Any, np.dtype[np.uint64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_K0, _K1, _K2 = np.uint64(0xC3A5C85C97CB3127), np.uint64(0xB492B66FBE98F273), np.uint64(0x9AE16A3B2F90404F)
_CAT = np.uint64(0xC6A4A7935BD1E995)


def farm_hash_64(data: Bytes) -> Words:
    """FarmHash64 of each row of `data`, uint8 (strings, bytes), as uint64 (strings,).

    >>> [int(h) for h in farm_hash_64(np.frombuffer(b"omarwire", np.uint8).reshape(2, 4))]
    [3378277989609990986, 11687945737211704864]
    """
    length = data.shape[1]
    if length <= 16:
        return _up_to_16(data, length)
    if length <= 32:
        return _up_to_32(data, length)
    if length <= 64:
        return _up_to_64(data, length)
    return _longer(data, length)


def fingerprint_cat_64(first: Words, second: Words) -> Words:
    """One fingerprint for two, in order, as TensorFlow joins those of crossed features (`FingerprintCat64`).

    >>> int(fingerprint_cat_64(np.uint64([1]), np.uint64([2]))[0])
    14454907135238785252
    """
    joined = ((first ^ _CAT) ^ (_shift_mix(second * _CAT) * _CAT)) * _CAT
    return _shift_mix(_shift_mix(joined) * _CAT)


def _word(data: Bytes, start: int, size: int = 8) -> Words:
    """`size` bytes of each row from `start` on as a number, the lowest byte first."""
    piece = np.ascontiguousarray(data[:, start : start + size])
    return np.asarray(piece.view(f"<u{size}")[:, 0], np.uint64)


def _rotate(value: Words, bits: int) -> Words:
    """To the right."""
    return (value >> np.uint64(bits)) | (value << np.uint64(64 - bits))


def _shift_mix(value: Words) -> Words:
    return value ^ (value >> np.uint64(47))


def _hash_16(u: Words, v: Words, mul: Words) -> Words:
    a = _shift_mix((u ^ v) * mul)
    return _shift_mix((v ^ a) * mul) * mul


def _multiplier(length: int) -> Words:
    return np.array([(int(_K2) + 2 * length) % 2**64], np.uint64)


def _up_to_16(data: Bytes, length: int) -> Words:
    mul = _multiplier(length)
    if length >= 8:
        a, b = _word(data, 0) + _K2, _word(data, length - 8)
        return _hash_16(_rotate(b, 37) * mul + a, (_rotate(a, 25) + b) * mul, mul)
    if length >= 4:
        first, last = _word(data, 0, 4), _word(data, length - 4, 4)
        return _hash_16(np.uint64(length) + (first << np.uint64(3)), last, mul)
    if length > 0:
        bytes_ = data.astype(np.uint64)
        y = bytes_[:, 0] + (bytes_[:, length >> 1] << np.uint64(8))
        z = np.uint64(length) + (bytes_[:, length - 1] << np.uint64(2))
        return _shift_mix(y * _K2 ^ z * _K0) * _K2
    return np.full(len(data), _K2)


def _up_to_32(data: Bytes, length: int) -> Words:
    mul = _multiplier(length)
    a, b = _word(data, 0) * _K1, _word(data, 8)
    c, d = _word(data, length - 8) * mul, _word(data, length - 16) * _K2
    return _hash_16(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, mul)


def _up_to_64(data: Bytes, length: int) -> Words:
    mul = _multiplier(length)
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, length - 8) * mul, _word(data, length - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _hash_16(y, a + _rotate(b + _K2, 18) + c, mul)
    e, f = _word(data, 16) * mul, _word(data, 24)
    g, h = (y + _word(data, length - 32)) * mul, (z + _word(data, length - 24)) * mul
    return _hash_16(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _weak_32(at: Callable[[int], Words], start: int, a: Words, b: Words) -> tuple[Words, Words]:
    """Of 32 bytes and two seeds, two numbers."""
    w, x, y, z = (at(start + 8 * i) for i in range(4))
    a = a + w
    b = _rotate(b + a + z, 21)
    c = a
    a = a + x + y
    b = b + _rotate(a, 44)
    return a + z, b + c


def _longer(data: Bytes, length: int) -> Words:
    def at(start: int) -> Words:
        return _word(data, start)

    def full(value: int) -> Words:
        return np.full(len(data), value % 2**64, np.uint64)

    x, y = full(81), full(81 * int(_K1) + 113)
    z = _shift_mix(y * _K2 + np.uint64(113)) * _K2
    v0, v1, w0, w1 = full(0), full(0), full(0), full(0)
    x = x * _K2 + at(0)
    ends = [*range(0, (length - 1) // 64 * 64, 64), length - 64]
    for start in ends:
        mul, nine = np.full(1, _K1), np.uint64(1)
        if start == ends[-1]:  # the last 64 bytes, which overlap those before
            mul, nine = _K1 + ((z & np.uint64(0xFF)) << np.uint64(1)), np.uint64(9)
            w0 = w0 + np.uint64((length - 1) & 63)
            v0 = v0 + w0
            w0 = w0 + v0
        x = _rotate(x + y + v0 + at(start + 8), 37) * mul
        y = _rotate(y + v1 + at(start + 48), 42) * mul
        x = x ^ (w1 * nine)
        y = y + v0 * nine + at(start + 40)
        z = _rotate(z + w0, 33) * mul
        v0, v1 = _weak_32(at, start, v1 * mul, x + w0)
        w0, w1 = _weak_32(at, start + 32, z + w1, y + at(start + 16))
        z, x = x, z
    return _hash_16(_hash_16(v0, w0, mul) + _shift_mix(y) * _K0 + z, _hash_16(v1, w1, mul) + x, mul)
