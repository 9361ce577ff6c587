"""Cropping of sequences, images and volumes."""

from typing import Any

from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_margins


class _Cropping(Layer):
    """Leaves out the first and the last entries of each spatial axis."""

    def __init__(self, margins: tuple[tuple[int, int], ...], data_format: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_untracked("_margins", margins)
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=len(margins) + 2)
        self._build_at_init()

    _margins: tuple[tuple[int, int], ...]
    _too_much = "Values in `cropping` argument should be smaller than the corresponding spatial dimension of the input."

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, (before, after) in enumerate(self._margins, first_spatial_axis(self.data_format)):
            size = shape[axis]
            if size is not None:
                if before + after >= size:
                    raise ValueError(
                        f"{self._too_much} Received: cropping={self._margins} for axis {axis} of the input shape "
                        f"{tuple(input_shape)}."
                    )
                shape[axis] = size - before - after
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        self.compute_output_shape(tuple(inputs.shape))
        index: list[slice] = [slice(None)] * inputs.ndim
        for axis, (before, after) in enumerate(self._margins, first_spatial_axis(self.data_format)):
            index[axis] = slice(before, -after if after else None)
        return inputs[tuple(index)]


class Cropping1D(_Cropping):
    """Leaves out time steps at the ends of sequences.

    Args:
        cropping: how many at both ends, or (at the start, at the end).
        **kwargs: `name`, `dtype`.

    Shapes: (batch, time, features) to (batch, cropped time, features). Cropping everything is a ValueError.

    >>> import numpy as np
    >>> Cropping1D((1, 2))(np.zeros((2, 6, 3), "float32")).shape
    (2, 3, 3)
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(standardize_margins(cropping, 1, "cropping"), "channels_last", **kwargs)

    _too_much = "`cropping` parameter of `Cropping1D` layer must be smaller than the number of time steps."

    @property
    def cropping(self) -> tuple[int, int]:
        """(at the start, at the end)."""
        return self._margins[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


class _SpatialCropping(_Cropping):
    """Cropping of several axes, with a data format."""

    @property
    def cropping(self) -> tuple[tuple[int, int], ...]:
        """(before, after) for each spatial axis."""
        return self._margins

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


class Cropping2D(_SpatialCropping):
    """Leaves out rows and columns at the borders of images.

    Args:
        cropping: a number for all sides, one for each axis, or ((top, bottom), (left, right)).
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Cropping2D(((1, 0), (2, 2)))(np.zeros((2, 8, 8, 3), "float32")).shape
    (2, 7, 4, 3)
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(standardize_margins(cropping, 2, "cropping"), standardize_data_format(data_format), **kwargs)


class Cropping3D(_SpatialCropping):
    """Leaves out entries at the borders of volumes.

    Args:
        cropping: a number for all sides, one for each axis, or a pair for each axis.
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Cropping3D(1)(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 2, 3, 4, 3)
    """

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(standardize_margins(cropping, 3, "cropping"), standardize_data_format(data_format), **kwargs)
