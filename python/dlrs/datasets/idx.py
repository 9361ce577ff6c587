"""The IDX format of MNIST and its successors, read strictly.

A file is two zero bytes, a type byte, a byte with the number of dimensions, that many big-endian unsigned 32-bit
sizes, and the values in C order, big-endian. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# DEFLATE's longest match, 258 bytes, takes at least two bits: no stream expands further (RFC 1951).
DEFLATE_MAX_RATIO = 1032


def read_idx(path: str | Path) -> np.ndarray[Any, Any]:
    """Read an IDX file, gzipped (by its first two bytes) or plain.

    Sizes are checked against the length of the file before anything is allocated, so neither a damaged header nor a
    small file that unpacks to a huge one costs memory.

    Args:
        path: the file.

    Returns:
        An array of the file's shape in native byte order, C-contiguous and writable.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not IDX, is cut short, holds more than its header says, or its compression is damaged.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels-idx1-ubyte"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3]) + bytes([7, 2, 1]))
        >>> read_idx(path)
        array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    stored = path.stat().st_size
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not zipped:
            return _read(raw, path, most=stored, exactly=True)
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read(unpacked, path, most=stored * DEFLATE_MAX_RATIO, exactly=False)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: the gzip stream is damaged or cut short ({error})") from error


def _read(stream: BinaryIO | gzip.GzipFile, path: Path, most: int, exactly: bool) -> np.ndarray[Any, Any]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise ValueError(f"{path}: not an IDX file, expected 00 00 TYPE DIMENSIONS, it starts with {magic.hex(' ')!r}")
    dtype, rank = np.dtype(DTYPES[magic[2]]), magic[3]
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(f"{path}: cut short inside its header of {4 + 4 * rank} bytes")
    shape = struct.unpack(f">{rank}I", sizes)
    header, body = 4 + 4 * rank, math.prod(shape) * dtype.itemsize
    if header + body > most or (exactly and header + body != most):
        holds = f"holds {most}" if exactly else f"can hold at most {most}"
        raise ValueError(
            f"{path}: an IDX file of shape {shape} and type {dtype} has {header + body} bytes, this {holds}"
        )

    values = np.empty(shape, dtype)
    view, filled = values.reshape(-1).view(np.uint8).data, 0
    while filled < body:
        count = stream.readinto(view[filled:])  # type: ignore[union-attr]
        if not count:
            raise ValueError(f"{path}: cut short, {filled} of the {body} bytes of shape {shape} are there")
        filled += count
    if stream.read(1):
        raise ValueError(f"{path}: more bytes follow the {body} of shape {shape}")
    return values.astype(dtype.newbyteorder("="), copy=False)
