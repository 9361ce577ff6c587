"""Max and average pooling of sequences, images and volumes."""

from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_sizes


class _Pooling(Layer):
    """Reduces each window over the spatial axes to one element."""

    def __init__(
        self, axes: int, pool_size: Any, strides: Any, padding: str, data_format: str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = standardize_sizes(pool_size, axes, "pool_size")
        self.strides = self.pool_size if strides is None else standardize_sizes(strides, axes, "strides")
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in ("valid", "same"):
            raise ValueError(f"{type(self).__name__}: `padding` must be 'valid' or 'same', got {padding!r}.")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=axes + 2)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        start = first_spatial_axis(self.data_format)
        for axis, (window, step) in enumerate(zip(self.pool_size, self.strides, strict=True), start):
            size = shape[axis]
            if size is None:
                continue
            shape[axis] = -(-size // step) if self.padding == "same" else (size - window) // step + 1
            if shape[axis] <= 0:
                raise ValueError(
                    f"{type(self).__name__}: Computed output size would be zero or negative. Received: input shape"
                    f" {tuple(input_shape)}, pool_size={self.pool_size}, strides={self.strides},"
                    f" padding={self.padding!r}."
                )
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class _MaxPooling(_Pooling):
    """The largest element of each window."""

    def call(self, inputs: Any) -> Any:
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _AveragePooling(_Pooling):
    """The mean of the elements of each window."""

    def call(self, inputs: Any) -> Any:
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(_MaxPooling):
    """The largest of each window of time steps.

    Args:
        pool_size: time steps of a window.
        strides: time steps from one window to the next; `pool_size` if None.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond the ends).
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    Errors: ValueError for windows larger than the input with `"valid"` padding.

    >>> import numpy as np
    >>> MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")).tolist()
    [[[3.0], [2.0]]]
    """

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, pool_size, strides, padding, data_format, **kwargs)


class MaxPooling2D(_MaxPooling):
    """The largest of each window of pixels.

    Args:
        pool_size: rows and columns of a window, one number or two.
        strides: rows and columns from one window to the next; `pool_size` if None.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond the borders).
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    Errors: ValueError for windows larger than the input with `"valid"` padding.

    >>> import numpy as np
    >>> MaxPooling2D(2)(np.zeros((2, 8, 9, 3), "float32")).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, pool_size, strides, padding, data_format, **kwargs)


class MaxPooling3D(_MaxPooling):
    """The largest of each window of a volume.

    Args:
        pool_size: depth, rows and columns of a window, one number or three.
        strides: from one window to the next; `pool_size` if None.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond the borders).
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    Errors: ValueError for windows larger than the input with `"valid"` padding.

    >>> import numpy as np
    >>> MaxPooling3D(2, padding="same")(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 2, 3, 3, 3)
    """

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, pool_size, strides, padding, data_format, **kwargs)


class AveragePooling1D(_AveragePooling):
    """The mean of each window of time steps.

    Args:
        pool_size, strides, data_format, **kwargs: as for `MaxPooling1D`.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond the ends, where nothing counts).

    Errors: ValueError for windows larger than the input with `"valid"` padding.

    >>> import numpy as np
    >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")).tolist()
    [[[2.0], [1.0]]]
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, pool_size, strides, padding, data_format, **kwargs)


class AveragePooling2D(_AveragePooling):
    """The mean of each window of pixels.

    Args:
        pool_size, strides, data_format, **kwargs: as for `MaxPooling2D`.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond the borders, where nothing counts).

    Errors: ValueError for windows larger than the input with `"valid"` padding.

    >>> import numpy as np
    >>> AveragePooling2D(2, strides=1)(np.zeros((2, 8, 9, 3), "float32")).shape
    (2, 7, 8, 3)
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, pool_size, strides, padding, data_format, **kwargs)


class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume.

    Args:
        pool_size, strides, data_format, **kwargs: as for `MaxPooling3D`.
        padding: `"valid"` (whole windows only) or `"same"` (windows reach beyond the borders, where nothing counts).

    Errors: ValueError for windows larger than the input with `"valid"` padding.

    >>> import numpy as np
    >>> AveragePooling3D(2)(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 2, 2, 3, 3)
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, pool_size, strides, padding, data_format, **kwargs)
