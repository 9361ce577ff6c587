"""The IDX reader takes what the format allows and refuses everything else, before it allocates."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dlrs.datasets.idx import DTYPES, read_idx


def idx_bytes(values: np.ndarray, code: int = 0x08) -> bytes:
    header = struct.pack(f">4B{values.ndim}I", 0, 0, code, values.ndim, *values.shape)
    return header + values.astype(DTYPES[code]).tobytes()


@pytest.mark.parametrize("code", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (0, 5), (1, 1, 1, 7)])
@pytest.mark.parametrize("zipped", [False, True])
def test_reads_every_type_and_rank(tmp_path: Path, code: int, shape: tuple[int, ...], zipped: bool) -> None:
    values = np.arange(np.prod(shape)).reshape(shape)
    data = idx_bytes(values, code)
    path = tmp_path / "values"
    path.write_bytes(gzip.compress(data) if zipped else data)
    read = read_idx(path)
    assert read.shape == shape
    assert read.dtype == np.dtype(DTYPES[code]).newbyteorder("=")
    assert read.flags.c_contiguous and read.flags.writeable
    np.testing.assert_array_equal(read, values)


GOOD = idx_bytes(np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not an IDX file"),
        (b"\0\0\x08", "not an IDX file"),
        (b"\x89PNG" + GOOD, "not an IDX file"),
        (b"\0\0\x07" + GOOD[3:], "not an IDX file"),
        (b"\0\0\x08\0", "not an IDX file"),
        (GOOD[:10], "cut short inside its header"),
        (GOOD[:-1], "has 40 bytes, this holds 39"),
        (GOOD + b"\0", "has 40 bytes, this holds 41"),
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "bytes, this holds 16"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_refuses_what_is_not_idx(tmp_path: Path, data: bytes, says: str, zipped: bool) -> None:
    path = tmp_path / "bad"
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.raises(ValueError, match="bad: ") as info:
        read_idx(path)
    if not zipped:
        assert says in str(info.value)


def test_refuses_a_damaged_gzip_stream(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD)
    for damaged in (whole[:-9], whole[:20], whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:], b"\x1f\x8b" + bytes(30)):
        path = tmp_path / "bad.gz"
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"bad\.gz: "):
            read_idx(path)


def test_a_small_file_cannot_claim_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "claims.gz"
    path.write_bytes(gzip.compress(struct.pack(">4B1I", 0, 0, 8, 1, 2**32 - 1) + bytes(1000)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="can hold at most"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(GOOD + bytes(256 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more bytes follow"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_a_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
