"""Fourier transforms. Complex tensors are pairs of real ones: the real and the imaginary part."""

import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, compute_output_spec
from dlrs.ops.decompositions import transposed
from dlrs.ops.manipulation import pad
from dlrs.ops.operation import op, op_with_spec

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

P = ParamSpec("P")
R = TypeVar("R")


def _parts(x: Any, rank: int) -> tuple[Tensor, Tensor]:
    """The two parts of a complex tensor."""
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise ValueError(f"Input `x` should be a tuple of two tensors - real and imaginary. Received: x={x}")
    real, imaginary = as_tensor(x[0]), as_tensor(x[1])
    if real.shape != imaginary.shape:
        raise ValueError(
            "Input `x` should be a tuple of two tensors - real and imaginary. Both the real and imaginary parts should"
            f" have the same shape. Received: x[0].shape = {real.shape}, x[1].shape = {imaginary.shape}"
        )
    if real.ndim < rank:
        raise ValueError(f"Input should have rank >= {rank}. Received: input.shape = {real.shape}")
    return real, imaginary


def _lines_known(rank: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`op`, which of placeholders demands that the sizes of the last `rank` axes are known."""

    def decorate(fn: Callable[P, R]) -> Callable[P, R]:
        def spec(x: Any) -> Any:
            shape = x[0].shape if isinstance(x, tuple | list) and len(x) == 2 else ()
            if None in shape[-rank:]:
                which = "last dimension" if rank == 1 else "(-2, -1) axes"
                raise ValueError(f"Input should have its {which} fully-defined. Received: input.shape = {shape}")
            return compute_output_spec(fn, x)

        return op_with_spec(spec)(fn)

    return decorate


@_lines_known(1)
def fft(x: Sequence[TensorLike]) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last axis: the sums over j of `x[j] * exp(-2πi * j * k / n)`.

    Args:
        x: Pair of tensors of one shape `(..., n)`.

    >>> [y.tolist() for y in fft(([1.0, 2.0], [0.0, 1.0]))]
    [[3.0, -1.0], [1.0, -1.0]]
    """
    return _dlrs.fourier(*_parts(x, 1))


@_lines_known(2)
def fft2(x: Sequence[TensorLike]) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last two axes.

    >>> [y.tolist() for y in fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]))]
    [[[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]]]
    """
    return _over_two(*_parts(x, 2), inverse=False)


@_lines_known(2)
def ifft2(x: Sequence[TensorLike]) -> tuple[Tensor, Tensor]:
    """The inverse of `fft2`.

    >>> [y.tolist() for y in ifft2(([[4.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]))]
    [[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]
    """
    real, imaginary = _over_two(*_parts(x, 2), inverse=True)
    count = real.shape[-1] * real.shape[-2]
    return _dlrs.divide(real, count), _dlrs.divide(imaginary, count)


def _over_two(real: Tensor, imaginary: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
    for _ in range(2):
        real, imaginary = (transposed(part) for part in _dlrs.fourier(real, imaginary, inverse))
    return real, imaginary


@op
def rfft(x: TensorLike, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The first half, `fft_length // 2 + 1` numbers, of the transform of a real tensor along the last axis.

    Args:
        x: Tensor of shape `(..., n)`, which is cut or padded with zeros to `fft_length`.
        fft_length: Length of the transform; n if None.

    >>> rfft([1.0, 2.0, 1.0])[0].tolist()
    [4.0, -0.5]
    """
    x = as_tensor(x)
    if x.ndim < 1:
        raise ValueError(f"Input should have rank >= 1. Received: input.shape = {x.shape}")
    n = _length("rfft", x.shape[-1] if fft_length is None else fft_length)
    x = _resized(x, n)
    real, imaginary = _dlrs.fourier(x, _dlrs.broadcast_to(_dlrs.full((), 0, x.dtype), x.shape))
    return _resized(real, n // 2 + 1), _resized(imaginary, n // 2 + 1)


@op
def irfft(x: Sequence[TensorLike], fft_length: int | None = None) -> Tensor:
    """The inverse of `rfft`: a real tensor.

    Args:
        x: Pair of tensors of one shape `(..., n)`, cut or padded with zeros to `fft_length // 2 + 1`.
        fft_length: Length of the result; `2 * (n - 1)` if None.

    >>> irfft(([4.0, 0.0], [0.0, 0.0])).tolist()
    [2.0, 2.0]
    """
    real, imaginary = _parts(x, 1)
    n = _length("irfft", 2 * (real.shape[-1] - 1) if fft_length is None else fft_length)
    # The other half holds the conjugates: the real parts of this half's terms count twice, but for those of the
    # frequencies that are their own conjugates.
    weights = np.full(n // 2 + 1, 2.0)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    scale = _dlrs.tensor((weights / n).astype(np.float64 if real.dtype == "float64" else np.float32))
    real, imaginary = (_resized(_dlrs.multiply(_resized(part, n // 2 + 1), scale), n) for part in (real, imaginary))
    return _dlrs.fourier(real, imaginary, True)[0]


def _length(name: str, n: int) -> int:
    if n < 1:
        raise ValueError(f"{name}: the length of the transform must be at least 1, got {n}.")
    return n


def _resized(x: Tensor, n: int) -> Tensor:
    """`x` cut or padded with zeros to `n` numbers along the last axis."""
    have = x.shape[-1]
    if have > n:
        return _dlrs.slice(x, [0] * x.ndim, [*x.shape[:-1], n], [1] * x.ndim)
    return _dlrs.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - have)]) if have < n else x


@op
def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Tensor:
    """The windows of `sequence_length` numbers along the last axis, each `sequence_stride` after the one before.

    >>> extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    x = as_tensor(x)
    if x.ndim < 1:
        raise ValueError(f"Input should have rank >= 1. Received: input.shape = {x.shape}")
    if sequence_length < 1 or sequence_stride < 1:
        raise ValueError(
            "extract_sequences: `sequence_length` and `sequence_stride` must be positive, got"
            f" {sequence_length} and {sequence_stride}."
        )
    count = max(0, 1 + (x.shape[-1] - sequence_length) // sequence_stride)
    return _dlrs.take(x, _windows(count, sequence_length, sequence_stride), x.ndim - 1)


def _windows(count: int, length: int, stride: int) -> np.ndarray[Any, Any]:
    """The positions that the windows cover."""
    return (np.arange(count)[:, None] * stride + np.arange(length)).astype(np.int32)


# Of string names: the constant term and the coefficient of the cosine.
_WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}


def _window(window: Any, sequence_length: int, fft_length: int) -> np.ndarray[Any, Any]:
    """The window, periodic if it is named, in the middle of `fft_length` numbers."""
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ValueError(
                f'If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`. Received: window={window}'
            )
        constant, cosine = _WINDOWS[window]
        values = constant - cosine * np.cos(2 * math.pi * np.arange(sequence_length) / sequence_length)
    else:
        values = np.ones(sequence_length) if window is None else np.asarray(window, np.float64)
    if values.shape != (sequence_length,):
        raise ValueError(
            f"The shape of `window` must be equal to [sequence_length]. Received: window shape={values.shape}"
        )
    before = (fft_length - sequence_length) // 2
    return np.pad(values, (before, fft_length - sequence_length - before))


def _check_lengths(sequence_length: int, sequence_stride: int, fft_length: int) -> None:
    if fft_length < sequence_length:
        raise ValueError(
            "`fft_length` must equal or larger than `sequence_length`. Received:"
            f" sequence_length={sequence_length}, fft_length={fft_length}"
        )
    for name, value in (("sequence_length", sequence_length), ("sequence_stride", sequence_stride)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")


@op
def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """The short-time Fourier transform: `rfft` of the windows along the last axis.

    Args:
        x: Tensor of shape `(..., n)`, float32 or float64.
        sequence_length: Length of a window.
        sequence_stride: Distance of the windows.
        fft_length: Length of each transform, at least `sequence_length`.
        window: `"hann"`, `"hamming"`, weights of shape `(sequence_length,)`, or None for ones.
        center: Whether `x` is first extended at both ends by its mirror image, so that window i is centred at
            `i * sequence_stride`.

    Returns:
        Real and imaginary parts, of shape `(..., windows, fft_length // 2 + 1)`.

    >>> stft([1.0, 2.0, 3.0, 4.0], 2, 1, 2, window=None, center=False)[0].tolist()
    [[3.0, -1.0], [5.0, -1.0], [7.0, -1.0]]
    """
    x = as_tensor(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(f"Invalid input type. Expected `float32` or `float64`. Received: input type={x.dtype}")
    _check_lengths(sequence_length, sequence_stride, fft_length)
    weights = _window(window, sequence_length, fft_length).astype(x.dtype)
    if center:
        half = fft_length // 2
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(half, half)], mode="reflect")
    return rfft(_dlrs.multiply(extract_sequences(x, fft_length, sequence_stride), weights), fft_length)


@op
def istft(
    x: Sequence[TensorLike],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The inverse of `stft`, by adding the windows where they overlap (Griffin and Lim 1984).

    Args:
        x: Pair of tensors of one shape `(..., windows, fft_length // 2 + 1)`.
        sequence_length, sequence_stride, fft_length, window, center: As they were for `stft`. With `window` None the
            overlapping windows are added and not divided by their number.
        length: Length of the result; as long as the windows reach if None.

    >>> istft(stft([1.0, 2.0, 3.0], 2, 1, 2, np.ones(2), False), 2, 1, 2, window=np.ones(2), center=False).tolist()
    [1.0, 2.0, 3.0]
    """
    real, imaginary = _parts(x, 2)
    _check_lengths(sequence_length, sequence_stride, fft_length)
    weights = _window(window, sequence_length, fft_length)
    frames = irfft((real, imaginary), fft_length)
    count, total = frames.shape[-2], fft_length + sequence_stride * (frames.shape[-2] - 1)
    places = _windows(count, fft_length, sequence_stride).ravel()
    if window is not None:
        frames = _dlrs.multiply(frames, weights.astype(frames.dtype))
    lead = frames.shape[:-2]
    rows = transposed(_dlrs.reshape(frames, (math.prod(lead), count * fft_length)))
    added = transposed(_dlrs.segment_sum(rows, places, total))
    if window is not None:
        power = np.bincount(places, np.tile(weights**2, count), total)
        # Where no window reaches nothing was added either.
        added = _dlrs.divide(added, np.where(power > 1e-10, power, 1.0).astype(frames.dtype))
    start = fft_length // 2 if center else 0
    stop = start + length if length is not None else total - start
    return _resized(_dlrs.reshape(added[:, start:stop], (*lead, -1)), stop - start)
