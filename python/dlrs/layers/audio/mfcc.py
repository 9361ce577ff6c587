"""Cepstral coefficients of sound."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.layers.audio.mel_spectrogram import Array, MelSpectrogram, Shape


def cosine_basis(count: int, size: int) -> Array:
    """The first `count` vectors of the orthonormal cosine transform (DCT-II) of `size` points, (size, count).

    >>> np.round(cosine_basis(2, 2), 3).tolist()
    [[0.707, 0.707], [0.707, -0.707]]
    """
    basis: Array = np.cos(np.pi / size * np.outer(np.arange(size) + 0.5, np.arange(count))) * np.sqrt(2.0 / size)
    basis[:, 0] *= np.sqrt(0.5)
    return basis


class MFCC(MelSpectrogram):
    """Mel-frequency cepstral coefficients: the cosine transform of a mel spectrogram in decibels, over its bands.

    Davis and Mermelstein, IEEE Transactions on Acoustics, Speech, and Signal Processing 28 (1980). The shape of the
    spectrum in few numbers that hardly depend on each other.

    Args:
        num_mfcc: number of coefficients, at most `num_mel_bins`.
        **kwargs: the arguments of `MelSpectrogram`, but for `power_to_db`, which is True.

    Shapes: (time,) or (batch, time) to (..., num_mfcc, frames).

    >>> import numpy as np
    >>> MFCC(3, fft_length=8, sequence_stride=4, num_mel_bins=4)(np.ones((1, 16), "float32")).shape
    (1, 3, 5)
    """

    def __init__(self, num_mfcc: int = 20, **kwargs: Any) -> None:
        if kwargs.pop("power_to_db", True) is not True:
            raise ValueError("MFCC: the spectrogram is in decibels; `power_to_db` must be True.")
        super().__init__(**kwargs)
        if isinstance(num_mfcc, bool) or not isinstance(num_mfcc, int) or not 1 <= num_mfcc <= self.num_mel_bins:
            raise ValueError(
                f"MFCC: `num_mfcc` must be an integer from 1 to `num_mel_bins` = {self.num_mel_bins}, got {num_mfcc!r}."
            )
        self.num_mfcc = num_mfcc

    def call(self, inputs: Any) -> Any:
        bands = self._mel(self._working(inputs))
        basis = cosine_basis(self.num_mfcc, self.num_mel_bins).T.astype(self._working_dtype)
        return ops.cast(ops.matmul(basis, bands), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        *batch, _, frames = super().compute_output_shape(input_shape)
        return (*batch, self.num_mfcc, frames)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_mfcc": self.num_mfcc}
