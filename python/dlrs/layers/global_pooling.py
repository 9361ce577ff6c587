"""Pooling of everything over the spatial axes."""

from typing import Any

from dlrs import ops
from dlrs.config import standardize_data_format
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import first_spatial_axis


class _GlobalPooling(Layer):
    """Reduces each channel to one element."""

    def __init__(self, axes: int, data_format: str | None, keepdims: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        start = first_spatial_axis(self.data_format)
        self._set_untracked("_axes", tuple(range(start, start + axes)))
        self.input_spec = InputSpec(ndim=axes + 2)
        self._build_at_init()

    _axes: tuple[int, ...]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self.keepdims:
            return tuple(1 if axis in self._axes else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in self._axes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalMaxPooling(_GlobalPooling):
    """The largest element of each channel."""

    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self._axes, keepdims=self.keepdims)


class _GlobalAveragePooling(_GlobalPooling):
    """The mean of each channel."""

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest of all time steps.

    Args:
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        keepdims: keep the time axis, with length 1.
        **kwargs: `name`, `dtype`.

    Shapes: (batch, time, features) to (batch, features).

    >>> import numpy as np
    >>> GlobalMaxPooling1D()(np.array([[[1.0, 5.0], [3.0, 4.0]]], "float32")).tolist()
    [[3.0, 5.0]]
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(1, data_format, keepdims, **kwargs)


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest of all pixels.

    Args:
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        keepdims: keep the spatial axes, with length 1.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GlobalMaxPooling2D(keepdims=True)(np.zeros((2, 4, 5, 3), "float32")).shape
    (2, 1, 1, 3)
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(2, data_format, keepdims, **kwargs)


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest of all elements of a volume.

    Args:
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        keepdims: keep the spatial axes, with length 1.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GlobalMaxPooling3D()(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 3)
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(3, data_format, keepdims, **kwargs)


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of all time steps, or of those that a mask leaves.

    Args:
        data_format: `"channels_last"`, (batch, time, features), or `"channels_first"`.
        keepdims: keep the time axis, with length 1.
        **kwargs: `name`, `dtype`.

    Call arguments:
        inputs: tensor of shape (batch, time, features).
        mask: truth values of shape (batch, time); steps where they are false do not count. The mean of none is zero
            (Keras's is no number).

    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [9.0]]], "float32")
    >>> GlobalAveragePooling1D()(x, mask=np.array([[True, True, False]])).tolist()
    [[2.0]]
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(1, data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        kept = ops.expand_dims(ops.cast(mask, "bool"), 1 if self.data_format == "channels_first" else 2)
        # What is masked may be infinite or no number: it is left out, not multiplied by 0.
        total = ops.sum(ops.where(kept, inputs, 0), axis=self._axes, keepdims=self.keepdims)
        count = ops.sum(ops.cast(kept, inputs.dtype), axis=self._axes, keepdims=self.keepdims)
        return total / ops.maximum(count, 1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: there are no time steps left."""
        return


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of all pixels.

    Args:
        data_format: `"channels_last"`, (batch, height, width, channels), or `"channels_first"`.
        keepdims: keep the spatial axes, with length 1.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GlobalAveragePooling2D()(np.zeros((2, 4, 5, 3), "float32")).shape
    (2, 3)
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(2, data_format, keepdims, **kwargs)


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of all elements of a volume.

    Args:
        data_format: `"channels_last"`, (batch, depth, height, width, channels), or `"channels_first"`.
        keepdims: keep the spatial axes, with length 1.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> GlobalAveragePooling3D()(np.zeros((2, 4, 5, 6, 3), "float32")).shape
    (2, 3)
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(3, data_format, keepdims, **kwargs)
