"""Windows of signal processing: vectors of `config.floatx()`, symmetric, largest in the middle."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, convert_to_tensor, floatx
from dlrs.ops.operation import op

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


@op
def bartlett(x: TensorLike) -> Tensor:
    """The triangular window of `x` points, with zeros at its ends.

    >>> bartlett(5).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window("bartlett", np.bartlett, x)


@op
def blackman(x: TensorLike) -> Tensor:
    """The window `0.42 - 0.5 cos(t) + 0.08 cos(2 t)` at `x` points `t` from 0 to `2 pi`.

    >>> blackman(3).shape
    (3,)
    """
    return _window("blackman", np.blackman, x)


@op
def hamming(x: TensorLike) -> Tensor:
    """The window `0.54 - 0.46 cos(t)` at `x` points `t` from 0 to `2 pi`.

    >>> hamming(1).tolist()
    [1.0]
    """
    return _window("hamming", np.hamming, x)


@op
def hanning(x: TensorLike) -> Tensor:
    """The window `0.5 - 0.5 cos(t)` at `x` points `t` from 0 to `2 pi`.

    >>> hanning(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window("hanning", np.hanning, x)


@op
def kaiser(x: TensorLike, beta: TensorLike) -> Tensor:
    """The window of `x` points made from a Bessel function, narrower for larger `beta` (Kaiser 1974).

    >>> kaiser(3, 0.0).tolist()
    [1.0, 1.0, 1.0]
    """
    shape = float(np.asarray(beta))
    return _window("kaiser", lambda size: np.kaiser(size, shape), x)


def _window(name: str, window: Callable[[int], Any], x: TensorLike) -> Tensor:
    """A window as a constant: its length is a shape, so it is known before anything is computed."""
    size = int(np.asarray(x))
    if size < 0:
        raise ValueError(f"{name}: the number of points must not be negative, got {size}.")
    return convert_to_tensor(window(size), floatx())
