"""Spectra against definitions in NumPy and SciPy, and librosa where it is installed."""

from typing import Any

import numpy as np
import pytest

from dlrs import layers

RNG = np.random.default_rng(0)
X = (np.sin(np.arange(6000) * 0.3) + 0.1 * RNG.normal(size=6000)).astype("float32")
SETTINGS = {"fft_length": 512, "sequence_stride": 160, "sampling_rate": 8000, "num_mel_bins": 40}


def in_numpy(x: np.ndarray, mfcc: int | None = None) -> np.ndarray:
    """The definition, in float64."""
    padded = np.pad(x.astype("float64"), 256, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 512)[::160]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    energy = np.abs(np.fft.rfft(frames * window)) ** 2
    mel = 2595 * np.log10(1 + np.linspace(0, 4000, 257) / 700)
    edges = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 4000 / 700), 42)
    weights = np.array([np.interp(mel, edges[i : i + 3], [0, 1, 0], 0, 0) for i in range(40)])
    decibels = 10 * np.log10(np.maximum(weights @ energy.T, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    if mfcc is None:
        return decibels
    return pytest.importorskip("scipy.fft", reason="scipy is not installed").dct(decibels, axis=0, norm="ortho")[:mfcc]


def test_mel_spectrogram_is_its_definition() -> None:
    found = layers.MelSpectrogram(**SETTINGS)(X).numpy()
    expected = in_numpy(X)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    batch = layers.MelSpectrogram(**SETTINGS)(np.stack([X, X])).numpy()
    np.testing.assert_allclose(batch[1], found, atol=1e-4)


def test_mfcc_is_its_definition() -> None:
    found = layers.MFCC(13, **SETTINGS)(X).numpy()
    expected = in_numpy(X, 13)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_librosa_agrees() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa is not installed")
    for samples, rate, settings in ((X, 8000, SETTINGS), (X[:3000], 16000, {**SETTINGS, "sampling_rate": 16000})):
        settings = {**settings, "mel_scale": "slaney", "min_freq": 0.0}
        energy = librosa.feature.melspectrogram(
            y=samples, sr=rate, n_fft=512, hop_length=160, n_mels=40, pad_mode="reflect"
        )
        decibels = librosa.power_to_db(energy)
        found = layers.MelSpectrogram(**settings)(samples).numpy()
        assert np.abs(found - decibels).max() <= 1e-4 * np.abs(decibels).max()
        expected = librosa.feature.mfcc(S=decibels, n_mfcc=13)
        found = layers.MFCC(13, **settings)(samples).numpy()
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_angle_is_that_of_the_transform() -> None:
    x = X[:128].reshape(1, -1, 1)
    found = layers.STFTSpectrogram("angle", 32, 16, window=None, scaling=None)(x).numpy()[0]
    frames = np.lib.stride_tricks.sliding_window_view(x[0, :, 0], 32)[::16]
    difference = np.exp(1j * found) * np.exp(-1j * np.angle(np.fft.rfft(frames)))
    np.testing.assert_allclose(difference[:, 1:-1], 1, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.STFTSpectrogram(frame_length=4, frame_step=5), "frame_step"),
        (lambda: layers.STFTSpectrogram(frame_length=8, fft_length=4), "fft_length"),
        (lambda: layers.STFTSpectrogram("loud"), "mode"),
        (lambda: layers.STFTSpectrogram(window="round"), "window"),
        (lambda: layers.STFTSpectrogram(name="four")(np.zeros((1, 2, 3, 4), "float32")), "four.*rank"),
        (lambda: layers.MelSpectrogram(256, sequence_length=512), "fft_length"),
        (lambda: layers.MelSpectrogram(min_freq=9000.0), "min_freq"),
        (lambda: layers.MelSpectrogram(256, name="short")(np.zeros(128, "float32")), "short.*samples"),
        (lambda: layers.MFCC(41, num_mel_bins=40), "num_mfcc"),
        (lambda: layers.MFCC(power_to_db=False), "power_to_db"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
