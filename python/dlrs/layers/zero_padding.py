"""Zero padding of sequences, images and volumes."""

from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis, standardize_margins


class _ZeroPadding(Layer):
    """Puts zeros before and after the entries of each spatial axis."""

    def __init__(self, margins: tuple[tuple[int, int], ...], data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_untracked("_margins", margins)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=len(margins) + 2)
        self._build_at_init()

    _margins: tuple[tuple[int, int], ...]

    @property
    def padding(self) -> Any:
        """(before, after) for each spatial axis."""
        return self._margins

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, (before, after) in enumerate(self._margins, first_spatial_axis(self.data_format)):
            if shape[axis] is not None:
                shape[axis] += before + after
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        widths = [(0, 0)] * inputs.ndim
        start = first_spatial_axis(self.data_format)
        widths[start : start + len(self._margins)] = self._margins
        return ops.pad(inputs, tuple(widths))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and after sequences.

    Args:
        padding: how many at both ends, or (before, after).
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> ZeroPadding1D((1, 0))(np.ones((1, 2, 1), "float32")).tolist()
    [[[0.0], [1.0], [1.0]]]
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(standardize_margins(padding, 1, "padding"), data_format, **kwargs)

    @property
    def padding(self) -> tuple[int, int]:
        """(before, after)."""
        return self._margins[0]


class ZeroPadding2D(_ZeroPadding):
    """Puts rows and columns of zeros around images.

    Args:
        padding: a number for all sides, one for each axis, or ((top, bottom), (left, right)).
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> ZeroPadding2D(((1, 0), (2, 2)))(np.zeros((2, 8, 8, 3), "float32")).shape
    (2, 9, 12, 3)
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(standardize_margins(padding, 2, "padding"), data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Puts zeros around volumes.

    Args:
        padding: a number for all sides, one for each axis, or a pair for each axis.
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> ZeroPadding3D(1)(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 6, 7, 8, 3)
    """

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(standardize_margins(padding, 3, "padding"), data_format, **kwargs)
