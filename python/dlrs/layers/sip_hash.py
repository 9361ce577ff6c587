"""SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012) of many strings at once.

All numbers are arrays of uint64, one element for each string, which wrap around.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

Words = np.ndarray[Any, Any]


def sip_hash_64(data: Words, key: Sequence[int]) -> Words:
    """SipHash-2-4 of each row of `data`, uint8 (strings, bytes), under a key of two 64-bit numbers; uint64 (strings,).

    The example is the first of the vectors in the paper's appendix.

    >>> key = [0x0706050403020100, 0x0F0E0D0C0B0A0908]
    >>> hex(sip_hash_64(np.arange(15, dtype=np.uint8)[None], key)[0])
    '0xa129ca6149be45e5'
    """
    count, length = data.shape
    padded = np.zeros((count, length // 8 * 8 + 8), np.uint8)
    padded[:, :length] = data
    padded[:, -1] = length & 0xFF
    k0, k1 = (int(part) % 2**64 for part in key)
    # "somepseudorandomlygeneratedbytes"
    state = [
        np.full(count, part, np.uint64)
        for part in (
            k0 ^ 0x736F6D6570736575,
            k1 ^ 0x646F72616E646F6D,
            k0 ^ 0x6C7967656E657261,
            k1 ^ 0x7465646279746573,
        )
    ]
    for word in padded.view("<u8").T.astype(np.uint64):
        state[3] = state[3] ^ word
        state = _round(*_round(*state))
        state[0] = state[0] ^ word
    state[2] = state[2] ^ np.uint64(0xFF)
    for _ in range(4):
        state = _round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _left(value: Words, bits: int) -> Words:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


def _round(v0: Words, v1: Words, v2: Words, v3: Words) -> list[Words]:
    v0 = v0 + v1
    v2 = v2 + v3
    v1 = _left(v1, 13) ^ v0
    v3 = _left(v3, 16) ^ v2
    v0 = _left(v0, 32)
    v2 = v2 + v1
    v0 = v0 + v3
    v1 = _left(v1, 17) ^ v2
    v3 = _left(v3, 21) ^ v0
    v2 = _left(v2, 32)
    return [v0, v1, v2, v3]
