"""Up-sampling of sequences, images and volumes."""

from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.errors import unknown_name
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_integer, standardize_sizes

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _UpSampling(Layer):
    """Makes each spatial axis a whole number of times as long."""

    def __init__(self, factors: tuple[int, ...], data_format: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_untracked("_factors", factors)
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=len(factors) + 2)
        self._build_at_init()

    _factors: tuple[int, ...]

    @property
    def size(self) -> Any:
        """The factor of each spatial axis."""
        return self._factors

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, factor in enumerate(self._factors, first_spatial_axis(self.data_format)):
            if shape[axis] is not None:
                shape[axis] *= factor
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        for axis, factor in enumerate(self._factors, first_spatial_axis(self.data_format)):
            inputs = self._lengthen(inputs, axis, factor)
        return inputs

    def _lengthen(self, inputs: Any, axis: int, factor: int) -> Any:
        return ops.repeat(inputs, factor, axis=axis)


class UpSampling1D(_UpSampling):
    """Repeats each time step.

    Args:
        size: how many times.
        **kwargs: `name`, `dtype`.

    Shapes: (batch, time, features) to (batch, time * size, features).

    >>> import numpy as np
    >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]], "float32")).tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__((standardize_integer(size, "size"),), "channels_last", **kwargs)

    @property
    def size(self) -> int:
        """How many times each step is repeated."""
        return self._factors[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class UpSampling2D(_UpSampling):
    """Enlarges images by whole factors.

    Args:
        size: factor of both axes, or (of the rows, of the columns).
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        interpolation: `"nearest"` repeats pixels; `"bilinear"`, `"bicubic"` (Keys 1981), `"lanczos3"` and `"lanczos5"`
            weigh those around, with the weights of pixels outside the image left out.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> x = np.array([[[[0.0], [4.0]]]], "float32")
    >>> UpSampling2D((1, 2))(x).numpy().ravel().tolist()
    [0.0, 0.0, 4.0, 4.0]
    >>> UpSampling2D((1, 2), interpolation="bilinear")(x).numpy().ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        if interpolation not in _INTERPOLATIONS:
            raise ValueError(unknown_name("interpolation", interpolation, _INTERPOLATIONS))
        super().__init__(standardize_sizes(size, 2, "size"), standardize_data_format(data_format), **kwargs)
        self.interpolation = interpolation

    def call(self, inputs: Any) -> Any:
        size = self.compute_output_shape(tuple(inputs.shape))
        start = first_spatial_axis(self.data_format)
        return ops.image.resize(inputs, size[start : start + 2], self.interpolation, data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


class UpSampling3D(_UpSampling):
    """Repeats the entries of volumes along each axis.

    Args:
        size: factor of all axes, or one for each.
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> UpSampling3D((1, 2, 3))(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 4, 10, 18, 3)
    """

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(standardize_sizes(size, 3, "size"), standardize_data_format(data_format), **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
