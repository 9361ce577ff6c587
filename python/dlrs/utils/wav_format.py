"""The chunks of a WAV file, and what its header says of the samples.

Source: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991), "Waveform Audio File
Format"; for the extensible form, Microsoft's documentation of WAVEFORMATEXTENSIBLE. Every number of the header is
compared with the others and with the file, so that a damaged one is found before samples are made of it.
"""

import struct
from typing import NamedTuple

from dlrs.errors import format_error

_PCM, _EXTENSIBLE = 1, 0xFFFE
_KINDS = {2: "ADPCM", 3: "floating point", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x55: "MP3"}
_SUBFORMAT = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")  # what follows the kind in a GUID of Microsoft's
_MOST_BITS = 32


class Wave(NamedTuple):
    """A file's samples as they are stored, and what is needed to read them."""

    channels: int
    width: int
    """Bytes of a sample."""
    rate: int
    data: memoryview


def read_chunks(path: str) -> Wave:
    """The header and the samples of a file of linear samples; FormatError if they do not fit together."""
    with open(path, "rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise _damaged(path, "header", "it is no WAV file, which begins with RIFF, a size and WAVE", 0)
        content = memoryview(head + file.read())
    # Where a last chunk has an odd size, not every program writes the byte that makes it even.
    end = 8 + _u32(content, 4)
    if end > len(content) + 1:
        raise _damaged(path, "RIFF", f"the header says {end} bytes, the file holds {len(content)}", 4)
    form: tuple[int, int, int] | None = None
    at = 12
    while at + 8 <= min(end, len(content)):
        name, size, start = bytes(content[at : at + 4]), _u32(content, at + 4), at + 8
        if start + size > (last := min(end, len(content))):
            inside = max(last - start, 0)
            raise _damaged(path, _shown(name), f"the header says {size} bytes, the file holds {inside}", at + 4)
        if name == b"fmt ":
            if form is not None:
                raise _damaged(path, "fmt", "it occurs twice", at)
            form = _form(path, content[start : start + size], start)
        elif name == b"data":
            if form is None:
                raise _damaged(path, "data", "it comes before the chunk `fmt`, which says what it holds", at)
            channels, width, rate = form
            if size % (channels * width):
                message = f"{size} bytes are no whole number of frames of {channels * width} bytes"
                raise _damaged(path, "data", message, at + 4)
            return Wave(channels, width, rate, content[start : start + size])
        at = start + size + size % 2
    raise _damaged(path, "data" if form else "fmt", "the file has no such chunk", min(at, len(content)))


def _form(path: str, chunk: memoryview, at: int) -> tuple[int, int, int]:
    """Channels, bytes of a sample and samples a second."""
    if len(chunk) < 16:
        raise _damaged(path, "fmt", f"it has {len(chunk)} bytes instead of 16", at - 4)
    kind, channels, rate, speed, align, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE:
        kind = _kind_of_extensible(path, chunk, bits, at)
    if kind != _PCM:
        found = _KINDS.get(kind, "unknown")
        raise _damaged(path, "fmt", f"samples of the format {kind} ({found}); only linear ones (1) are read", at)
    if not 1 <= rate < 2**31:
        raise _damaged(path, "fmt", f"{rate} samples a second", at + 4)
    if not 1 <= bits <= _MOST_BITS:
        raise _damaged(path, "fmt", f"samples of {bits} bits; 1 to {_MOST_BITS} are read", at + 14)
    width = (bits + 7) // 8
    if channels < 1 or align != channels * width:
        message = f"frames of {align} bytes do not hold {channels} channels of {bits} bits"
        raise _damaged(path, "fmt", message, at + 12)
    # Nothing is read by this number, but where it does not fit one of the others is wrong.
    if speed != rate * align:
        message = f"{speed} bytes a second are not {rate} frames of {align} bytes"
        raise _damaged(path, "fmt", message, at + 8)
    return channels, width, rate


def _kind_of_extensible(path: str, chunk: memoryview, bits: int, at: int) -> int:
    """The kind of samples that the longer form of the header says."""
    if len(chunk) < 40 or struct.unpack_from("<H", chunk, 16)[0] < 22:
        raise _damaged(path, "fmt", "the extensible form lacks its extension of 22 bytes", at + 16)
    valid = struct.unpack_from("<H", chunk, 18)[0]
    if valid > bits:
        raise _damaged(path, "fmt", f"{valid} of {bits} bits are valid", at + 18)
    if bytes(chunk[26:40]) != _SUBFORMAT:
        raise _damaged(path, "fmt", f"the subformat {bytes(chunk[24:40]).hex()} is not known", at + 24)
    return int(struct.unpack_from("<H", chunk, 24)[0])


def _u32(content: memoryview, at: int) -> int:
    return int(struct.unpack_from("<I", content, at)[0])


def _shown(name: bytes) -> str:
    return name.decode("ascii").strip() if name.isascii() and name.decode("ascii").isprintable() else name.hex()


def _damaged(path: str, field: str, message: str, at: int) -> Exception:
    return format_error(message, path=path, format="WAV", field=field, rule="W1", offset=at)


def header(channels: int, rate: int, size: int) -> bytes:
    """The header of a file of `size` bytes of samples of 16 bits."""
    align = 2 * channels
    form = struct.pack("<HHIIHH", _PCM, channels, rate, rate * align, align, 16)
    return b"".join(
        (b"RIFF", struct.pack("<I", 36 + size), b"WAVEfmt \x10\0\0\0", form, b"data", struct.pack("<I", size))
    )
