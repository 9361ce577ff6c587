"""WAV files of linear samples (PCM), and samples at another rate."""

import os
from math import gcd
from typing import Any

import numpy as np

from dlrs.utils.wav_format import header, read_chunks

Array = np.ndarray[Any, np.dtype[Any]]


def read_wav(path: str | os.PathLike[str], sampling_rate: int | None = None) -> tuple[Array, int]:
    """The samples of a WAV file, float32 in [-1, 1], and how many there are a second.

    Args:
        path: A file of linear samples of up to 32 bits, with the usual header or the extensible one.
        sampling_rate: The rate that the file must have; any by default. `resample` converts.

    Returns:
        Samples of shape (time,) of one channel, (time, channels) of several; and the rate.

    Raises:
        OSError: the file cannot be read.
        FormatError: it is no such file, its header contradicts itself, or it holds less than its header says.
        ValueError: it has another rate, or `sampling_rate` is none.

    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "tone.wav")
    >>> write_wav(path, np.array([0.0, 0.5, -0.5]), 8000)
    >>> samples, rate = read_wav(path)
    >>> samples.round(2).tolist(), rate
    ([0.0, 0.5, -0.5], 8000)
    """
    if sampling_rate is not None:
        _check_rate("read_wav", "sampling_rate", sampling_rate)
    path = os.fsdecode(path)
    channels, width, rate, data = read_chunks(path)
    if sampling_rate is not None and rate != sampling_rate:
        raise ValueError(
            f"read_wav: {path!r} has {rate} samples a second, not {sampling_rate}. Read it with `sampling_rate=None` "
            f"and convert it by `audio.resample(samples, {rate}, {sampling_rate})`."
        )
    samples = _floats(data, width)
    return (samples.reshape(-1, channels) if channels > 1 else samples), rate


def _floats(data: memoryview, width: int) -> Array:
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
        samples: Numbers in [-1, 1], of shape (time,) or (time, channels); what lies beyond is cut off. An int16 array
            holds samples as files have them, -32,768 to 32,767, and is written as it is.
        sampling_rate: How many there are a second.

    Raises:
        OSError: the file cannot be written.
        ValueError: samples of another shape, integers of another type, whose full scale is not known, NaN or infinity,
            a rate that is not positive, or more than a WAV file holds.

    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "tone.wav")
    >>> write_wav(path, np.array([0, 16384, -32768], "int16"), 8000)
    >>> read_wav(path)[0].tolist()
    [0.0, 0.5, -1.0]
    """
    values = signal("write_wav", "samples", samples, (1, 2))
    channels = 1 if values.ndim == 1 else values.shape[1]
    _check_rate("write_wav", "sampling_rate", sampling_rate)
    if not 1 <= channels < 2**15:
        raise ValueError(f"write_wav: `samples` must have 1 to 32,767 channels, got the shape {values.shape}.")
    if 2 * values.size + 36 >= 2**32 or sampling_rate * 2 * channels >= 2**32:
        raise ValueError(
            f"write_wav: a WAV file holds less than 4 GiB, and as much a second; `samples` have the shape "
            f"{values.shape}, {sampling_rate} a second."
        )
    integers = _of_16_bits(np.asarray(samples), values)
    with open(os.fsdecode(path), "wb") as file:
        file.write(header(channels, int(sampling_rate), integers.nbytes))
        file.write(integers.tobytes())


def _of_16_bits(given: Array, values: Array) -> Array:
    """Samples as files have them: those given, if they are, or those of numbers in [-1, 1]."""
    if given.dtype.kind == "i" and given.dtype.itemsize == 2:
        return given.astype("<i2")
    if given.dtype.kind in "iub":
        raise ValueError(
            f"write_wav: `samples` must be floating, in [-1, 1], or int16, got {given.dtype}. Divide integers by their "
            "full scale, such as 32768 for samples of 16 bits."
        )
    return np.clip(np.rint(values * 32768.0), -32768, 32767).astype("<i2")


def resample(samples: Any, rate: int, new_rate: int) -> Array:
    """Samples at another rate: interpolated by a windowed sinc that cuts off what the lower rate cannot hold.

    Args:
        samples: Array of shape (time,) or (time, channels).
        rate: Samples a second now.
        new_rate: Samples a second wanted.

    Returns:
        float32 array of `ceil(time * new_rate / rate)` samples.

    Raises:
        ValueError: samples of another shape, NaN or infinity, or a rate that is not positive.

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
    """`value` as finite float64 samples of one of these ranks; ValueError if it is something else."""
    try:
        samples = np.asarray(value)
        if samples.dtype.kind not in "fiub" and samples.dtype.name != "bfloat16":
            raise TypeError(f"it holds {samples.dtype}")
        samples = samples.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{function}: `{argument}` must be an array of numbers ({error}).") from None
    if samples.ndim not in ranks:
        shapes = "(time,) or (time, channels)" if 2 in ranks else "(time,)"
        raise ValueError(f"{function}: `{argument}` must have the shape {shapes}, got {samples.shape}.")
    if not np.isfinite(samples).all():
        first = np.argwhere(~np.isfinite(samples))[0].tolist()
        raise ValueError(f"{function}: `{argument}` must be finite, got {samples[tuple(first)]} at {first}.")
    return samples


def _check_rate(function: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
        raise ValueError(f"{function}: `{name}` must be a positive integer (samples a second), got {value!r}.")
