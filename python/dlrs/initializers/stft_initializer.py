"""Kernels of convolutions that are short-time Fourier transforms."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import Tensor, standardize_dtype
from dlrs.initializers.initializer import Initializer
from dlrs.initializers.windows import check_window, get_window

_SIDES = ("real", "imag")
_SCALINGS = (None, "density", "spectrum")


class STFT(Initializer):
    """The kernel of a convolution over time whose channels are frequencies of a short-time Fourier transform.

    The shape is (frame length, 1, F // 2 + 1) where F is the length of the transform; element (t, 0, f) is the cosine,
    or sine, of `-2π t f / F`, times the window at t.

    Args:
        side: `"real"` for cosines or `"imag"` for sines.
        window: Name of a window, its values, or None.
        scaling: `"density"` divides by the L2 norm of the window, `"spectrum"` by its L1 norm; None leaves it.
        periodic: Whether a window given by name is periodic rather than symmetric.

    >>> STFT("real", window=None)((4, 1, 3)).numpy().round(3)[1, 0].tolist()
    [1.0, 0.0, -1.0]
    """

    def __init__(
        self,
        side: str = "real",
        window: str | Sequence[float] | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in _SIDES:
            raise ValueError(f"STFT: `side` must be 'real' or 'imag', got {side!r}.")
        if isinstance(window, str):
            check_window(window)
        if scaling not in _SCALINGS:
            raise ValueError(f"STFT: `scaling` must be None, 'density' or 'spectrum', got {scaling!r}.")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ValueError(f"STFT: the shape must be (frame length, 1, frequencies >= 2), got {tuple(shape)}.")
        frame_length, _, frequencies = shape
        cycles = np.outer(np.arange(frame_length), np.arange(frequencies)) / (2 * (frequencies - 1))
        # Whole cycles are taken off before the angle is formed, which keeps it accurate.
        angle = -2 * np.pi * (cycles % 1.0)
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            kernel = kernel * self._scaled_window(frame_length)[:, None]
        return ops.convert_to_tensor(kernel.reshape(shape), standardize_dtype(dtype))

    def _scaled_window(self, size: int) -> Any:
        if isinstance(self.window, str):
            window = get_window(self.window, size, self.periodic)
        else:
            try:
                window = np.asarray(self.window, "float64")
            except OverflowError:
                raise ValueError(f"STFT: `window` must be made of finite numbers, got {self.window!r}.") from None
        if window.shape != (size,):
            raise ValueError(f"STFT: `window` must have the frame length {size}, got shape {window.shape}.")
        if self.scaling == "density":
            return window / np.sqrt(np.sum(window**2))
        return window / np.sum(np.abs(window)) if self.scaling == "spectrum" else window

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer; values of a window as a list."""
        window = self.window
        if window is not None and not isinstance(window, str):
            window = np.asarray(window).tolist()
        return {"side": self.side, "window": window, "scaling": self.scaling, "periodic": self.periodic}
