"""WAV files of linear samples (PCM), read by Python's own `wave`."""

import os
import wave
from math import gcd
from typing import Any

import numpy as np

from dlrs.errors import format_error

Array = np.ndarray[Any, np.dtype[Any]]
_LOWEST, _HIGHEST = 1, 4  # bytes of a sample


def read_wav(path: str | os.PathLike[str], sampling_rate: int | None = None) -> tuple[Array, int]:
    """The samples of a WAV file, float32 in [-1, 1], and how many there are a second.

    Args:
        path: A file of linear samples of 8, 16, 24 or 32 bits.
        sampling_rate: The rate that the file must have; any by default. `resample` converts.

    Returns:
        Samples of shape (time,) of one channel, (time, channels) of several; and the rate.

    Raises:
        FormatError: it is no such file, or holds less than its header says.
        ValueError: it has another rate.

    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "tone.wav")
    >>> write_wav(path, np.array([0.0, 0.5, -0.5]), 8000)
    >>> samples, rate = read_wav(path)
    >>> samples.round(2).tolist(), rate
    ([0.0, 0.5, -0.5], 8000)
    """
    path = os.fsdecode(path)

    def damaged(field: str, message: str) -> Exception:
        return format_error(message, path=path, format="WAV", field=field, rule="W1")

    try:
        with wave.open(path, "rb") as file:
            channels, width, rate, frames = file.getparams()[:4]
            data = file.readframes(frames)
    except (wave.Error, EOFError, RuntimeError) as error:  # `wave` raises all three for damaged headers
        raise damaged(
            "header", f"it is not a WAV file of linear samples ({str(error) or 'it ends too early'})"
        ) from None
    if rate < 1:
        raise damaged("fmt", "it has no samples a second")
    if not _LOWEST <= width <= _HIGHEST:
        raise damaged("fmt", f"samples of {8 * width} bits are not known")
    if len(data) != frames * channels * width:
        raise damaged("data", f"the header says {frames} frames, the file holds {len(data) // (channels * width)}")
    if sampling_rate is not None and rate != sampling_rate:
        raise ValueError(
            f"read_wav: {path!r} has {rate} samples a second, not {sampling_rate}. Read it with `sampling_rate=None` "
            f"and convert it by `audio.resample(samples, {rate}, {sampling_rate})`."
        )
    samples = _floats(data, width)
    return (samples.reshape(-1, channels) if channels > 1 else samples), rate


def _floats(data: bytes, width: int) -> Array:
    """Samples of `width` bytes as numbers in [-1, 1)."""
    if width == 1:  # the only unsigned ones
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    if width == 3:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        integers = padded.view("<i4")[:, 0] >> 8
    else:
        integers = np.frombuffer(data, f"<i{width}")
    return (integers / 2.0 ** (8 * width - 1)).astype(np.float32)


def write_wav(path: str | os.PathLike[str], samples: Any, sampling_rate: int) -> None:
    """Write samples as a WAV file of 16 bits.

    Args:
        path: The file.
        samples: Numbers in [-1, 1], of shape (time,) or (time, channels); what lies beyond is cut off.
        sampling_rate: How many there are a second.

    Raises:
        ValueError: samples of another shape, or NaN or infinite, or a rate that is not positive.
    """
    values = signal("write_wav", "samples", samples, (1, 2))
    if values.ndim == 2 and not 1 <= values.shape[1] < 2**16:
        raise ValueError(f"write_wav: `samples` must have 1 to 65,535 channels, got the shape {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("write_wav: `samples` must be finite.")
    _check_rate("write_wav", "sampling_rate", sampling_rate)
    integers = np.clip(np.rint(values * 32768.0), -32768, 32767).astype("<i2")
    with wave.open(os.fsdecode(path), "wb") as file:
        file.setnchannels(1 if values.ndim == 1 else values.shape[1])
        file.setsampwidth(2)
        file.setframerate(sampling_rate)
        file.writeframes(integers.tobytes())


def resample(samples: Any, rate: int, new_rate: int) -> Array:
    """Samples at another rate: interpolated by a windowed sinc that cuts off what the lower rate cannot hold.

    Args:
        samples: Array of shape (time,) or (time, channels).
        rate: Samples a second now.
        new_rate: Samples a second wanted.

    Returns:
        float32 array of `ceil(time * new_rate / rate)` samples.

    >>> resample(np.ones(80), 8000, 16000).shape
    (160,)
    """
    _check_rate("resample", "rate", rate)
    _check_rate("resample", "new_rate", new_rate)
    x = signal("resample", "samples", samples, (1, 2))
    divisor = gcd(rate, new_rate)
    up, down = new_rate // divisor, rate // divisor
    if up == down:
        return x.astype(np.float32)
    cutoff = min(1.0, up / down)  # as a share of the old rate's half
    reach = int(np.ceil(_ZEROS / cutoff))
    out = np.zeros((-(-len(x) * up // down), *x.shape[1:]))
    padded = np.pad(x, [(reach, reach + 1)] + [(0, 0)] * (x.ndim - 1))
    # Outputs that lie alike between two samples share their weights.
    for phase in range(min(up, len(out))):
        at = np.arange(phase, len(out), up) * down
        start, offset = at // up, (phase * down % up) / up
        weights = _kernel(np.arange(-reach, reach + 1) - offset, cutoff)
        out[phase::up] = np.tensordot(padded[start[:, None] + np.arange(2 * reach + 1)], weights, (1, 0))
    return out.astype(np.float32)


_ZEROS = 16  # crossings of zero on either side of the sinc


def _kernel(distance: Array, cutoff: float) -> Array:
    """The weights of samples at these distances: sinc under a Kaiser window (beta 8, stop band below -80 dB)."""
    inside = np.clip(1.0 - (distance * cutoff / _ZEROS) ** 2, 0.0, None)
    values: Array = cutoff * np.sinc(cutoff * distance) * np.i0(8.0 * np.sqrt(inside)) / np.i0(8.0)
    values /= values.sum()
    return values


def signal(function: str, argument: str, value: Any, ranks: tuple[int, ...] = (1,)) -> Array:
    """`value` as float64 samples of one of these ranks; ValueError if it is something else."""
    try:
        samples = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{function}: `{argument}` must be an array of numbers ({error}).") from None
    if samples.ndim not in ranks:
        shapes = "(time,) or (time, channels)" if 2 in ranks else "(time,)"
        raise ValueError(f"{function}: `{argument}` must have the shape {shapes}, got {samples.shape}.")
    return samples


def _check_rate(function: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
        raise ValueError(f"{function}: `{name}` must be a positive integer (samples a second), got {value!r}.")
