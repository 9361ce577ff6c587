"""Spectrograms by a convolution whose kernels are those of a short-time Fourier transform."""

import math
import warnings
from typing import Any

from dlrs import config, initializers, ops
from dlrs.backend.checks import positive_size
from dlrs.errors import unknown_name
from dlrs.initializers.windows import check_window
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer

Shape = tuple[int | None, ...]
_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class _SignalSpec(InputSpec):
    """A batch of signals of one or more channels."""

    def __init__(self, data_format: str) -> None:
        super().__init__(ndim=3)
        self.axes_names = "(batch, time, channels)" if data_format == "channels_last" else "(batch, channels, time)"

    def problem_with(self, shape: Shape) -> str | None:
        problem = super().problem_with(shape)
        return problem and f"{problem}, for signals have the shape {self.axes_names}"


class STFTSpectrogram(Layer):
    """The spectrum of overlapping frames of a signal, as a convolution that may be trained.

    Args:
        mode: `"log"` and `"magnitude"` of the spectrum, `"psd"` (power at positive and negative frequencies), its
            `"real"` or `"imag"` part, both (`"stft"`), or its `"angle"`.
        frame_length: samples of a frame.
        frame_step: samples between the starts of frames; half a frame by default.
        fft_length: samples a frame is extended to by zeros; the next power of two by default.
        window: name of a window, its values, or None.
        periodic: whether a window given by name is periodic rather than symmetric.
        scaling: `"density"` divides by the L2 norm of the window, `"spectrum"` by its L1 norm; None by nothing.
        padding: `"valid"`: frames lie within the signal; `"same"`: the signal is extended by zeros.
        expand_dims: whether frequencies have an axis of their own, as the width of an image.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `name`, `dtype`, `trainable`: pass `trainable=False` to keep the transform as it is.

    Shapes: (batch, time, channels) to (batch, frames, channels * bins), with `expand_dims` (batch, frames, bins,
    channels); channels first: (batch, channels * bins, frames) or (batch, channels, frames, bins). There are
    `fft_length // 2 + 1` bins.

    Raises:
        ValueError: an argument is not as above, or a signal is shorter than a frame.
        TypeError: the input is not floating.

    >>> import numpy as np
    >>> STFTSpectrogram("magnitude", frame_length=4)(np.ones((1, 8, 1), "float32")).shape
    (1, 3, 3)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        frame_length = positive_size("frame_length", frame_length)
        frame_step = None if frame_step is None else positive_size("frame_step", frame_step)
        fft_length = None if fft_length is None else positive_size("fft_length", fft_length)
        if frame_step is not None and frame_step > frame_length:
            raise ValueError(
                "STFTSpectrogram: `frame_step` must not be greater than `frame_length`. Received: "
                f"frame_step={frame_step}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                "STFTSpectrogram: `fft_length` must not be less than `frame_length`. Received: "
                f"fft_length={fft_length}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length & (fft_length - 1):
            warnings.warn(f"`fft_length` is recommended to be a power of two. Received: {fft_length}", stacklevel=2)
        if mode not in _MODES:
            raise ValueError(f"STFTSpectrogram: {unknown_name('mode', mode, _MODES)}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"STFTSpectrogram: `scaling` must be None, 'density' or 'spectrum', got {scaling!r}.")
        if padding not in ("valid", "same"):
            raise ValueError(f"STFTSpectrogram: `padding` must be 'valid' or 'same', got {padding!r}.")
        if isinstance(window, str):
            check_window(window)
        super().__init__(**kwargs)
        self.mode = mode
        self.frame_length = frame_length
        self.frame_step = frame_step
        self.fft_length = fft_length
        self._stride = frame_step or max(1, frame_length // 2)
        self._bins = (fft_length or 2 ** math.ceil(math.log2(frame_length))) // 2 + 1
        self._set_untracked("window", window)
        self.periodic = periodic
        self.scaling = scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = _SignalSpec(self.data_format)

    window: Any

    def build(self, input_shape: Any) -> None:
        self._check_time(input_shape[1 if self.data_format == "channels_last" else 2])
        shape = (self.frame_length, 1, self._bins)
        for side, other in (("real", "imag"), ("imag", "real")):
            if self.mode != other:
                initializer = initializers.STFT(side, self.window, self.scaling, self.periodic)
                setattr(self, f"{side}_kernel", self.add_weight(shape, initializer, name=f"{side}_kernel"))

    def call(self, inputs: Any) -> Any:
        if inputs.dtype not in ("float16", "float32", "float64"):
            raise TypeError(
                "Invalid input type. Expected `float16`, `float32` or `float64`. Received: input type="
                f"{inputs.dtype} in layer {self.name!r}"
            )
        if self.data_format == "channels_last":
            inputs = ops.swapaxes(inputs, 1, 2)
        batch, channels, time = inputs.shape
        self._check_time(time)
        signals = ops.reshape(inputs, (batch * channels, time, 1))
        spectrum = self._spectrum(signals)
        return self._arranged(ops.reshape(spectrum, (batch, channels, *spectrum.shape[1:])))

    def _check_time(self, time: int | None) -> None:
        if self.padding == "valid" and time is not None and time < self.frame_length:
            raise ValueError(
                f"Layer {self.name!r}: signals of {time} samples have no frame of {self.frame_length}; "
                "`padding='same'` extends them by zeros."
            )

    def _spectrum(self, signals: Any) -> Any:
        """What `mode` says of signals (n, time, 1), (n, frames, bins)."""
        if self.mode in ("real", "imag"):
            return self._transformed(signals, self.mode)
        real, imag = self._transformed(signals, "real"), self._transformed(signals, "imag")
        if self.mode == "stft":
            return ops.concatenate([real, imag], axis=-1)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        power = ops.add(ops.square(real), ops.square(imag))
        if self.mode == "psd":
            # All bins but the first and the last stand for a negative frequency, too.
            return ops.add(power, ops.pad(power[..., 1:-1], ((0, 0), (0, 0), (1, 1))))
        magnitude = ops.sqrt(ops.maximum(power, config.epsilon()))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, config.epsilon()))

    def _transformed(self, signals: Any, side: str) -> Any:
        kernel = ops.cast(getattr(self, f"{side}_kernel"), signals.dtype)
        return ops.conv(signals, kernel, self._stride, self.padding, "channels_last")

    def _arranged(self, spectrum: Any) -> Any:
        """A spectrum (batch, channels, frames, bins) in the order asked for."""
        batch, channels, frames, bins = spectrum.shape
        if self.expand_dims:
            return spectrum if self.data_format == "channels_first" else ops.transpose(spectrum, (0, 2, 3, 1))
        if self.data_format == "channels_first":
            return ops.reshape(ops.swapaxes(spectrum, 2, 3), (batch, channels * bins, frames))
        return ops.reshape(ops.swapaxes(spectrum, 1, 2), (batch, frames, channels * bins))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        last = self.data_format == "channels_last"
        batch, time, channels = tuple(input_shape) if last else (input_shape[0], input_shape[2], input_shape[1])
        span = self.frame_length - 1 if self.padding == "valid" else 0
        frames = None if time is None else max(0, (time - span + self._stride - 1) // self._stride)
        bins = self._bins * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (batch, frames, bins, channels) if last else (batch, channels, frames, bins)
        joined = None if channels is None else channels * bins
        return (batch, frames, joined) if last else (batch, joined, frames)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": self.window,
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "expand_dims": self.expand_dims,
            "data_format": self.data_format,
        }
