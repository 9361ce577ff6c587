"""Pooling to a given number of windows, whatever the size of the input."""

from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_integer


class _AdaptivePooling(Layer):
    """Reduces each of `output_size` windows over the spatial axes to one element."""

    def __init__(self, axes: int, output_size: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        counts = (output_size,) * axes if isinstance(output_size, int) else output_size
        if not isinstance(counts, list | tuple) or len(counts) != axes:
            raise TypeError(
                f"{type(self).__name__}: `output_size` must be an integer or a tuple of {axes} integers. Received:"
                f" {output_size!r} of type {type(output_size).__name__}."
            )
        self.output_size = tuple(standardize_integer(count, "output_size") for count in counts)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=axes + 2)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape, start = list(input_shape), first_spatial_axis(self.data_format)
        shape[start : start + len(self.output_size)] = self.output_size
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class _AdaptiveMaxPooling(_AdaptivePooling):
    """The largest element of each window."""

    def call(self, inputs: Any) -> Any:
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class _AdaptiveAveragePooling(_AdaptivePooling):
    """The mean of the elements of each window."""

    def call(self, inputs: Any) -> Any:
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The largest of each of `output_size` windows of time steps.

    Args:
        output_size: number of windows. Window i of n over s steps begins at floor(i * s / n), ends before
            ceil((i + 1) * s / n).
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> AdaptiveMaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")).tolist()
    [[[3.0], [2.0]]]
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, output_size, data_format, **kwargs)


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """The largest of each of `output_size` windows of pixels.

    Args:
        output_size: rows and columns of windows, one number or two.
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> AdaptiveMaxPooling2D((7, 5))(np.zeros((2, 30, 20, 3), "float32")).shape
    (2, 7, 5, 3)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, output_size, data_format, **kwargs)


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """The largest of each of `output_size` windows of a volume.

    Args:
        output_size: number of windows along each axis, one number or three.
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> AdaptiveMaxPooling3D(2)(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 2, 2, 2, 3)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, output_size, data_format, **kwargs)


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows of time steps.

    Args:
        output_size, data_format, **kwargs: as for `AdaptiveMaxPooling1D`.

    >>> import numpy as np
    >>> AdaptiveAveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")).tolist()
    [[[2.0], [1.0]]]
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, output_size, data_format, **kwargs)


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows of pixels.

    Args:
        output_size, data_format, **kwargs: as for `AdaptiveMaxPooling2D`.

    >>> import numpy as np
    >>> AdaptiveAveragePooling2D(1)(np.zeros((2, 30, 20, 3), "float32")).shape
    (2, 1, 1, 3)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, output_size, data_format, **kwargs)


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows of a volume.

    Args:
        output_size, data_format, **kwargs: as for `AdaptiveMaxPooling3D`.

    >>> import numpy as np
    >>> AdaptiveAveragePooling3D(2)(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 2, 2, 2, 3)
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, output_size, data_format, **kwargs)
