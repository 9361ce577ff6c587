"""How much a file may ask for: of memory (G9), and of expansion (K4)."""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlrs.errors import format_error
from dlrs.saving import saving_lib

# Any machine has this much: no file of the system is read to learn so.
_SMALL = 64 << 20
_CHUNK = 8 << 20
_GROUP = Path("/sys/fs/cgroup/memory.max")
# Members of an archive that are looked at; the reader takes no more than 16.
_MEMBERS = 64
_END, _ENTRY = 22, 46
_ABSENT = 0xFFFFFFFF


def check_memory(size: int, *, path: str, format: str, field: str) -> None:
    """FormatError if `size` bytes are more than may be used (G9), as `dlrs-io` asks of files and archives."""
    if size > _SMALL and size > (limit := memory_limit()):
        message = f"its {size} bytes are more than the {limit} that may be used"
        raise format_error(message, path=path, format=format, field=field, rule="G9")


def memory_limit() -> int:
    """80 % of the machine's memory, or of what the control group allows if that is less."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):  # there is no group, or it sets no limit
        sizes.append(int(_GROUP.read_text()))
    return min(sizes) // 5 * 4


def refuse_link(path: str, format: str) -> None:
    """FormatError for a symbolic link where a part stands that a file or folder names, and not the caller (G4)."""
    if os.path.islink(path):
        raise format_error("it is a symbolic link", path=path, format=format, field="path", rule="G4")


def read_stream(stream: Any, path: str) -> bytes:
    """What is left in an open binary stream, called `path` in messages.

    Raises:
        FormatError: it is longer than the memory that may be used (G9).
        TypeError: it gives texts.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_CHUNK):
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(
                f"`filepath` must be a path or an open binary stream; this one gives {type(piece).__name__}."
            )
        pieces.append(bytes(piece))
        size += len(piece)
        check_memory(size, path=path, format="file", field="size")
    return b"".join(pieces)


def refuse_bombs(archive: bytes, path: str) -> None:
    """FormatError for members that expand a hundredfold to very much (K4), before any is read.

    Keras writes members as they are, so that no model needs it; the limits are those of `saving_lib`.
    """
    members = list(_declared_sizes(archive))
    total = sum(size for _, _, size in members)
    for name, stored, size in members:
        large = size > saving_lib._ZIP_MEMBER_BOMB_FLOOR_BYTES or total > saving_lib._ZIP_EXTRACT_BOMB_FLOOR_BYTES
        if large and size > saving_lib._ZIP_MEMBER_MAX_EXPANSION * stored:
            message = f"its {stored} bytes claim to expand to {size}: a decompression bomb"
            raise format_error(message, path=path, format="zip", field=name, rule="K4")


def _declared_sizes(archive: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, stored and expanded size of the members as the directory at the end has them.

    It ends where something is not in order: the reader then says what.
    """
    end = archive[-_END:]
    if len(end) < _END or not end.startswith(b"PK\x05\x06"):
        return
    at = struct.unpack_from("<I", end, 16)[0]
    if at == _ABSENT and archive[-98:-94] == b"PK\x06\x06":  # the record of large archives, and its locator
        at = struct.unpack_from("<Q", archive, len(archive) - 98 + 48)[0]
    for _ in range(_MEMBERS):
        entry = archive[at : at + _ENTRY]
        if len(entry) < _ENTRY or not entry.startswith(b"PK\x01\x02"):
            return
        stored, size, name, extra, comment = struct.unpack_from("<IIHHH", entry, 20)
        start = at + _ENTRY
        large = archive[start + name + 4 : start + name + min(extra, 20)]  # sizes of 64 bits, the expanded one first
        if size == _ABSENT and len(large) >= 8:
            size, large = struct.unpack_from("<Q", large)[0], large[8:]
        if stored == _ABSENT and len(large) >= 8:
            stored = struct.unpack_from("<Q", large)[0]
        yield archive[start : start + min(name, 100)].decode("utf-8", "replace"), stored, size
        at = start + name + extra + comment
