"""Windows of signals (Harris 1978, "On the use of windows for harmonic analysis with the discrete Fourier transform").

Each is a function of the number of points, symmetric, on the host in double precision.
"""

from collections.abc import Callable

import numpy as np

from dlrs.errors import unknown_name

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

# Sums of cosines, a0 - a1 cos(2πx) + a2 cos(4πx) - ...; flattop as in D'Antona and Ferrero 2006, nuttall the minimum
# 4-term window with continuous first derivative of Nuttall 1981.
_COSINE_SUMS = {
    "blackman": (0.42, 0.50, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "boxcar": (1.0,),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "hamming": (0.54, 0.46),
    "hann": (0.5, 0.5),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
}


def _cosine_sum(coefficients: tuple[float, ...], size: int) -> Array:
    angle = 2 * np.pi * np.arange(size) / (size - 1)
    total: Array = sum((-1) ** k * a * np.cos(k * angle) for k, a in enumerate(coefficients))
    return total


def _distance(size: int) -> Array:
    """Distance from the centre, 1 at both ends."""
    distance: Array = np.abs(np.linspace(-1.0, 1.0, size))
    return distance


def bartlett(size: int) -> Array:
    """A triangle that reaches 0 at the ends."""
    return 1 - _distance(size)


def triang(size: int) -> Array:
    """A triangle that would reach 0 one step outside."""
    return 1 - _distance(size) * (size - 1) / (size + size % 2)


def barthann(size: int) -> Array:
    """The modified Bartlett-Hann window (Ha and Pearce 1989)."""
    d = _distance(size) / 2
    return 0.62 - 0.48 * d + 0.38 * np.cos(2 * np.pi * d)


def bohman(size: int) -> Array:
    """The convolution of two half-cosines."""
    d = _distance(size)
    return (1 - d) * np.cos(np.pi * d) + np.sin(np.pi * d) / np.pi


def cosine(size: int) -> Array:
    """Half a sine, sampled in the middle of `size` equal parts."""
    window: Array = np.sin(np.pi * (np.arange(size) + 0.5) / size)
    return window


def parzen(size: int) -> Array:
    """A piecewise cubic."""
    d = _distance(size) * (size - 1) / size
    inner = _distance(size) <= 0.5
    return np.where(inner, 1 - 6 * d**2 * (1 - d), 2 * (1 - d) ** 3)


def tukey(size: int, share: float = 0.5) -> Array:
    """Flat, with half a cosine over `share` of the length at both ends together."""
    rising = np.minimum((1 - _distance(size)) / share, 1.0)
    return 0.5 * (1 - np.cos(np.pi * rising))


_FUNCTIONS: dict[str, Callable[[int], Array]] = {
    function.__name__: function for function in (bartlett, barthann, bohman, cosine, parzen, triang, tukey)
}
WINDOWS = tuple(sorted([*_COSINE_SUMS, *_FUNCTIONS]))


def check_window(name: str) -> None:
    """ValueError with the names there are unless `name` is one."""
    if name not in WINDOWS:
        raise ValueError(unknown_name("window", name, WINDOWS))


def get_window(name: str, size: int, periodic: bool = True) -> Array:
    """The window `name` of `size` points; if `periodic`, without the last of `size + 1`, so that copies join smoothly.

    >>> get_window("hann", 4).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    check_window(name)
    points = size + 1 if periodic else size
    if size < 2:
        return np.ones(size)
    coefficients = _COSINE_SUMS.get(name)
    window = _FUNCTIONS[name](points) if coefficients is None else _cosine_sum(coefficients, points)
    return window[:size]
