"""WAV files and rates: what is written comes back, what is damaged is refused."""

import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import audio
from dlrs.errors import FormatError

TONE = np.sin(np.arange(400) * 0.1).astype("float32")


@pytest.mark.parametrize("samples", [TONE, np.stack([TONE, -TONE], 1)])
def test_what_is_written_comes_back(tmp_path: Path, samples: np.ndarray) -> None:
    audio.write_wav(tmp_path / "a.wav", samples, 8000)
    read, rate = audio.read_wav(tmp_path / "a.wav", 8000)
    assert rate == 8000 and read.dtype == np.float32
    np.testing.assert_allclose(read, np.clip(samples, -1, 32767 / 32768), atol=2**-16)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width(tmp_path: Path, width: int) -> None:
    top = 2 ** (8 * width - 1)
    levels = [-top, -top // 2, 0, top // 2, top - 1]
    raw = b"".join(
        struct.pack("B", v + top) if width == 1 else v.to_bytes(width, "little", signed=True) for v in levels
    )
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, width, 8000, 0, "NONE", ""))
        file.writeframes(raw)
    read, _ = audio.read_wav(tmp_path / "a.wav")
    np.testing.assert_allclose(read, np.array(levels) / top, atol=2**-24)


def test_every_shorter_file_is_refused(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "a.wav", TONE[:20], 8000)
    whole = (tmp_path / "a.wav").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "b.wav").write_bytes(whole[:size])
        with pytest.raises(FormatError, match=r"b\.wav: WAV"):
            audio.read_wav(tmp_path / "b.wav")


def test_changed_bytes_are_read_or_refused(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "a.wav", TONE[:20], 8000)
    whole = bytearray((tmp_path / "a.wav").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(2000):
        changed = whole.copy()
        changed[rng.integers(0, 44)] = rng.integers(0, 256)
        (tmp_path / "b.wav").write_bytes(changed)
        try:
            samples, rate = audio.read_wav(tmp_path / "b.wav")
        except FormatError:
            continue
        assert samples.size <= 40 and np.isfinite(samples).all() and rate > 0


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A file of these chunks."""
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def form(
    channels: int = 1, bits: int = 16, align: int = 2, speed: int = 16000, kind: int = 1, rate: int = 8000
) -> bytes:
    return struct.pack("<HHIIHH", kind, channels, rate, speed, align, bits)


GUID = bytes.fromhex("0100 0000 0000 1000 8000 00aa 0038 9b71")
RAW = np.array([0, 16384, -32768, 8192], "<i2").tobytes()


@pytest.mark.parametrize(("bits", "valid"), [(16, 16), (16, 12), (24, 20), (32, 24)])
def test_the_extensible_form(tmp_path: Path, bits: int, valid: int) -> None:
    width = bits // 8
    levels = [0, 1 << (bits - 2), -(1 << (bits - 1)), 1 << (bits - 3)]
    data = b"".join(level.to_bytes(width, "little", signed=True) for level in levels)
    head = form(2, bits, 2 * width, 16000 * width, 0xFFFE) + struct.pack("<HHI", 22, valid, 3) + GUID
    (tmp_path / "a.wav").write_bytes(riff((b"fmt ", head), (b"fact", b"\2\0\0\0"), (b"data", data)))
    samples, rate = audio.read_wav(tmp_path / "a.wav")
    assert rate == 8000 and samples.tolist() == [[0.0, 0.5], [-1.0, 0.25]]


def test_other_chunks_and_a_lacking_last_byte(tmp_path: Path) -> None:
    others = [(b"LIST", b"abc"), (b"fmt ", form()), (b"\xff\0id", b""), (b"data", RAW), (b"LIST", b"xyz")]
    for content in (
        riff(*others),
        riff((b"fmt ", form()), (b"data", RAW), (b"id3 ", b"odd"))[:-1],
        riff(*others) + b"x",
    ):
        (tmp_path / "a.wav").write_bytes(content)
        assert audio.read_wav(tmp_path / "a.wav")[0].tolist() == [0.0, 0.5, -1.0, 0.25]
    (tmp_path / "a.wav").write_bytes(riff((b"fmt ", form(1, 8, 1, 8000)), (b"data", b"\x80\xc0\0"))[:-1])
    assert audio.read_wav(tmp_path / "a.wav")[0].tolist() == [0.0, 0.5, -1.0]


EXTENSION = struct.pack("<HHI", 22, 16, 3)
LIES = {
    "65535 channels": (riff((b"fmt ", form(65535)), (b"data", b"")), "do not hold 65535 channels"),
    "no channel": (riff((b"fmt ", form(0, align=0, speed=0)), (b"data", b"")), "do not hold 0 channels"),
    "frames of 7 bytes": (riff((b"fmt ", form(align=7)), (b"data", RAW)), "frames of 7 bytes"),
    "24 bits in 2 bytes": (riff((b"fmt ", form(bits=24)), (b"data", RAW)), "1 channels of 24 bits"),
    "64 bits": (riff((b"fmt ", form(1, 64, 8, 64000)), (b"data", RAW)), "samples of 64 bits"),
    "another speed": (riff((b"fmt ", form(speed=16001)), (b"data", RAW)), "16001 bytes a second"),
    "no rate": (riff((b"fmt ", form(rate=0, speed=0)), (b"data", RAW)), "0 samples a second"),
    "half a frame": (riff((b"fmt ", form()), (b"data", RAW + b"x")), "no whole number of frames"),
    "floats": (riff((b"fmt ", form(kind=3)), (b"data", RAW)), "floating point"),
    "a short form": (riff((b"fmt ", form()[:14]), (b"data", RAW)), "14 bytes instead of 16"),
    "a short extension": (riff((b"fmt ", form(kind=0xFFFE) + EXTENSION), (b"data", RAW)), "lacks its extension"),
    "more bits than there are": (
        riff((b"fmt ", form(kind=0xFFFE) + struct.pack("<HHI", 22, 17, 3) + GUID), (b"data", RAW)), "17 of 16 bits"
    ),
    "another subformat": (
        riff((b"fmt ", form(kind=0xFFFE) + EXTENSION + GUID[::-1]), (b"data", RAW)), "subformat 719b.* is not known"
    ),
    "extensible floats": (
        riff((b"fmt ", form(kind=0xFFFE) + EXTENSION + b"\3" + GUID[1:]), (b"data", RAW)), "floating point"
    ),
    "data first": (riff((b"data", RAW), (b"fmt ", form())), "before the chunk `fmt`"),
    "no data": (riff((b"fmt ", form())), "no such chunk"),
    "two forms": (riff((b"fmt ", form()), (b"fmt ", form()), (b"data", RAW)), "twice"),
    "a pipe's size": (riff((b"fmt ", form()), (b"data", RAW))[:40] + b"\xff" * 4 + RAW, "4294967295 bytes"),
    "big-endian": (b"RIFX" + riff((b"fmt ", form()), (b"data", RAW))[4:], "no WAV file"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_headers_that_lie(tmp_path: Path, name: str) -> None:
    content, message = LIES[name]
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(FormatError, match=rf"a\.wav: WAV.*{message}") as caught:
        audio.read_wav(tmp_path / "a.wav")
    assert 0 <= caught.value.offset <= len(content)


def test_samples_of_16_bits_are_written_as_they_are(tmp_path: Path) -> None:
    samples = np.array([[0, 16384], [-32768, 8192]], ">i2")
    audio.write_wav(tmp_path / "a.wav", samples, 8000)
    np.testing.assert_array_equal(audio.read_wav(tmp_path / "a.wav")[0], samples / 32768)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 8000, 2) and file.readframes(2) == samples.astype("<i2").tobytes()


@pytest.mark.parametrize("rate", ["8000", 0, 8000.0, True])
def test_a_rate_that_is_none_is_refused(tmp_path: Path, rate: Any) -> None:
    audio.write_wav(tmp_path / "a.wav", TONE, 8000)
    with pytest.raises(ValueError, match="read_wav: `sampling_rate` must be a positive integer"):
        audio.read_wav(tmp_path / "a.wav", rate)


def test_a_missing_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileNotFoundError):
        audio.write_wav(tmp_path / "none" / "a.wav", TONE, 8000)
    assert capfd.readouterr().err == ""


def test_another_rate_is_refused(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "a.wav", TONE, 8000)
    with pytest.raises(ValueError, match=r"8000 samples a second, not 16000.*resample"):
        audio.read_wav(tmp_path / "a.wav", 16000)


@pytest.mark.parametrize(("samples", "rate"), [
    ([[[0.0]]], 8000), ([np.nan], 8000), ([0.0], 0), ([0.0], 8000.5), (["0.5"], 8000), ([0.5j], 8000), ([True], 8000),
    (np.zeros(4, "int32"), 8000), (np.zeros(4, "uint8"), 8000), (np.zeros((1, 40000)), 8000), ([[0.0] * 4], 2**30),
    ([[0.0], []], 8000),
])  # fmt: skip
def test_what_cannot_be_written_is_refused(tmp_path: Path, samples: Any, rate: Any) -> None:
    with pytest.raises(ValueError, match="write_wav"):
        audio.write_wav(tmp_path / "a.wav", samples, rate)
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(("rate", "new_rate"), [(8000, 16000), (16000, 8000), (22050, 16000), (8000, 8000)])
def test_a_tone_keeps_its_pitch(rate: int, new_rate: int) -> None:
    seconds = 0.25
    tone = np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    again = audio.resample(tone, rate, new_rate)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(again)) / new_rate)
    inner = slice(len(again) // 8, -len(again) // 8)
    np.testing.assert_allclose(again[inner], expected[inner], atol=2e-4)


def test_what_the_lower_rate_cannot_hold_is_cut_off() -> None:
    high = np.sin(2 * np.pi * 6000 * np.arange(4000) / 16000)
    assert np.abs(audio.resample(high, 16000, 8000)[100:-100]).max() < 1e-3


def test_what_is_not_finite_is_not_resampled() -> None:
    with pytest.raises(ValueError, match=r"resample: `samples` must be finite, got nan at \[2\]"):
        audio.resample([0.0, 1.0, np.nan], 8000, 16000)
