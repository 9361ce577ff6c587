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


def test_another_rate_is_refused(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "a.wav", TONE, 8000)
    with pytest.raises(ValueError, match=r"8000 samples a second, not 16000.*resample"):
        audio.read_wav(tmp_path / "a.wav", 16000)


@pytest.mark.parametrize(("samples", "rate"), [([[[0.0]]], 8000), ([np.nan], 8000), ([0.0], 0), ([0.0], 8000.5)])
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
