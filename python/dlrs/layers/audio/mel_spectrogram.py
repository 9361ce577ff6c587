"""Spectrograms in bands that are evenly spaced to the ear."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend.checks import check_count, check_number
from dlrs.errors import unknown_name
from dlrs.layers.data_layer import DataLayer

Shape = tuple[int | None, ...]
Array = np.ndarray[Any, np.dtype[Any]]


def hertz_to_mel(hertz: Any) -> Array:
    """The mel scale of O'Shaughnessy (1987) as HTK has it: 2595 · log10(1 + f / 700).

    >>> round(float(hertz_to_mel(1000.0)))
    1000
    """
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hertz, np.float64) / 700.0))


def htk_weights(bands: int, bins: int, sampling_rate: float, lower: float, upper: float) -> Array:
    """Triangles in mel with a peak of 1, evenly spaced between `lower` and `upper` Hz: (bins, bands), as in Keras.

    >>> htk_weights(1, 3, 8.0, 1.0, 3.0).round(2).ravel().tolist()
    [0.0, 1.0, 0.0]
    """
    at = hertz_to_mel(np.linspace(0.0, sampling_rate / 2, bins))
    weights = _triangles(at, np.linspace(hertz_to_mel(lower), hertz_to_mel(upper), bands + 2))
    weights[0] = 0.0  # the mean of the signal is no sound
    return weights


# Slaney's scale (Auditory Toolbox, 1998): 200/3 Hz a mel up to 1 kHz, 27 mel for each factor of 6.4 above.
_LINEAR, _KNEE, _LOG_STEP = 200.0 / 3.0, 15.0, np.log(6.4) / 27.0


def _slaney_mel(hertz: float) -> float:
    return hertz / _LINEAR if hertz < _KNEE * _LINEAR else _KNEE + float(np.log(hertz / (_KNEE * _LINEAR))) / _LOG_STEP


def slaney_weights(bands: int, bins: int, sampling_rate: float, lower: float, upper: float) -> Array:
    """Triangles in Hz with an area of 1, evenly spaced on Slaney's scale: (bins, bands), as in librosa.

    >>> slaney_weights(1, 3, 8.0, 1.0, 3.0).round(2).ravel().tolist()
    [0.0, 1.0, 0.0]
    """
    mel = np.linspace(_slaney_mel(lower), _slaney_mel(upper), bands + 2)
    logarithmic = _KNEE * _LINEAR * np.exp(_LOG_STEP * (mel - _KNEE))
    edges = np.where(mel < _KNEE, mel * _LINEAR, logarithmic)
    return _triangles(np.linspace(0.0, sampling_rate / 2, bins), edges) * (2.0 / (edges[2:] - edges[:-2]))


def _triangles(at: Array, edges: Array) -> Array:
    """The heights at `at` of triangles that rise and fall between three neighbouring edges each."""
    rising = (at[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at[:, None]) / (edges[2:] - edges[1:-1])
    heights: Array = np.maximum(0.0, np.minimum(rising, falling))
    return heights


_SCALES = {"htk": htk_weights, "slaney": slaney_weights}


class MelSpectrogram(DataLayer):
    """The energy of a signal over time in bands of the mel scale, in decibels by default.

    The short-time Fourier transform of frames centred `sequence_stride` samples apart, its magnitude to the power
    `mag_exp`, summed in triangular bands, then 10·log10 of it relative to `ref_power`.

    Args:
        fft_length: samples of each transform.
        sequence_stride: samples between frames.
        sequence_length: samples of a frame; `fft_length` by default.
        window: `"hann"`, `"hamming"`, values, or None.
        sampling_rate: samples per second.
        num_mel_bins: number of bands.
        min_freq: lower edge of the lowest band, in Hz.
        max_freq: upper edge of the highest band, in Hz; half the sampling rate by default.
        power_to_db: whether the energies are turned to decibels.
        top_db: decibels below the loudest of the whole input at which values are cut off; None for no cut.
        mag_exp: power of the magnitude, 2 for energy.
        min_power: energies below count as this.
        ref_power: the energy of 0 dB.
        mel_scale: `"htk"`, Keras's bands, or `"slaney"`, those that librosa has by default.
        **kwargs: `name`, `dtype`.

    Shapes: (time,) or (batch, time) to (..., num_mel_bins, frames), with one frame for every stride, plus one.

    >>> import numpy as np
    >>> MelSpectrogram(fft_length=8, sequence_stride=4, num_mel_bins=2)(np.ones((1, 16), "float32")).shape
    (1, 2, 5)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float | None = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        mel_scale: str = "htk",
        **kwargs: Any,
    ) -> None:
        sequence_length = sequence_length or fft_length
        owner = type(self).__name__
        for name, count in (
            ("fft_length", fft_length),
            ("sequence_stride", sequence_stride),
            ("sequence_length", sequence_length),
            ("num_mel_bins", num_mel_bins),
        ):
            check_count(owner, name, count, 1)
        check_number(owner, "sampling_rate", sampling_rate, above=0)
        for name, number in (("mag_exp", mag_exp), ("min_power", min_power)):
            check_number(owner, name, number, above=0)
        for name, number in (("min_freq", min_freq), ("ref_power", ref_power)):
            check_number(owner, name, number)
        for name, choice in (("max_freq", max_freq), ("top_db", top_db)):
            check_number(owner, name, choice, optional=True)
        if fft_length < sequence_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"sequence_length={sequence_length}, fft_length={fft_length}."
            )
        if mel_scale not in _SCALES:
            raise ValueError(f"{type(self).__name__}: {unknown_name('mel scale', mel_scale, _SCALES)}")
        super().__init__(**kwargs)
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = sequence_length
        self._set_untracked("window", window)
        self.sampling_rate = sampling_rate
        self.num_mel_bins = num_mel_bins
        self.min_freq = min_freq
        self.max_freq = max_freq or sampling_rate / 2
        if not 0 <= self.min_freq < self.max_freq:
            raise ValueError(
                f"{type(self).__name__}: `min_freq` must lie between 0 and `max_freq`, got {min_freq} and {max_freq}."
            )
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        self.mel_scale = mel_scale
        self._build_at_init()

    window: Any

    def call(self, inputs: Any) -> Any:
        return ops.cast(self._mel(self._working(inputs)), self.compute_dtype)

    def _mel(self, x: Any) -> Any:
        """The spectrogram (..., bands, frames) in the working type."""
        if x.ndim not in (1, 2):
            raise ValueError(
                f"Layer {self.name!r}: expected signals of shape (time,) or (batch, time), got {tuple(x.shape)}."
            )
        if x.shape[-1] <= self.fft_length // 2:
            raise ValueError(
                f"Layer {self.name!r}: a signal must have more than fft_length // 2 = {self.fft_length // 2} samples, "
                f"got {x.shape[-1]}."
            )
        real, imag = ops.stft(x, self.sequence_length, self.sequence_stride, self.fft_length, self.window)
        energy = ops.add(ops.square(real), ops.square(imag))
        if self.mag_exp != 2:
            energy = ops.power(energy, self.mag_exp / 2)
        bins = self.fft_length // 2 + 1
        weights = _SCALES[self.mel_scale](self.num_mel_bins, bins, self.sampling_rate, self.min_freq, self.max_freq)
        bands = ops.swapaxes(ops.matmul(energy, weights.astype(self._working_dtype)), -1, -2)
        return self._decibels(bands) if self.power_to_db else bands

    def _decibels(self, energy: Any) -> Any:
        reference = 10.0 * np.log10(max(abs(self.ref_power), self.min_power))
        decibels = 10.0 * ops.log10(ops.maximum(energy, self.min_power)) - reference
        return decibels if self.top_db is None else ops.maximum(decibels, ops.max(decibels) - self.top_db)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        time = input_shape[-1]
        frames = None
        if time is not None:
            frames = 1 + (time + 2 * (self.fft_length // 2) - self.fft_length) // self.sequence_stride
        return (*input_shape[:-1], self.num_mel_bins, frames)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fft_length": self.fft_length,
            "sequence_stride": self.sequence_stride,
            "sequence_length": self.sequence_length,
            "window": self.window,
            "sampling_rate": self.sampling_rate,
            "num_mel_bins": self.num_mel_bins,
            "min_freq": self.min_freq,
            "max_freq": self.max_freq,
            "power_to_db": self.power_to_db,
            "top_db": self.top_db,
            "mag_exp": self.mag_exp,
            "min_power": self.min_power,
            "ref_power": self.ref_power,
            "mel_scale": self.mel_scale,
        }
