"""Layers that arrange the entries of each sample anew."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import KerasTensor, Tensor
from dlrs.backend.checks import check_type
from dlrs.layers.input_spec import InputSpec
from dlrs.layers.layer import Layer
from dlrs.layers.spatial_arguments import standardize_integer


class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: shape without the batch axis; one size may be -1 and is then inferred.
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Reshape((2, -1))(np.zeros((5, 6), "float32")).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = tuple(target_shape)
        for size in shape:
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < -1:
                raise ValueError(
                    "Reshape: each size must be a non-negative integer, or -1 where it is to be inferred, got "
                    f"target_shape={shape}."
                )
        if shape.count(-1) > 1:
            raise ValueError(f"Reshape: there can be at most one unknown dimension (-1), got target_shape={shape}.")
        self._set_untracked("target_shape", shape)
        self._build_at_init()

    target_shape: tuple[int, ...]

    def _sizes(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The target shape with its -1 resolved, to None where an open size of the input decides it."""
        sizes = input_shape[1:]
        known = math.prod(size for size in self.target_shape if size != -1)
        if None in sizes:
            return tuple(None if size == -1 else size for size in self.target_shape)
        total = math.prod(size for size in sizes if size is not None)
        if -1 in self.target_shape:
            if known == 0 or total % known:
                raise ValueError(f"Reshape: samples of shape {tuple(sizes)} do not fit into {self.target_shape}.")
            return tuple(total // known if size == -1 else size for size in self.target_shape)
        if total != known:
            raise ValueError(f"Reshape: samples of shape {tuple(sizes)} do not fit into {self.target_shape}.")
        return self.target_shape

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], *self._sizes(input_shape))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)

    def call(self, inputs: Any) -> Any:
        check_type("Reshape", "inputs", inputs, Tensor, "a tensor")
        return ops.reshape(inputs, (inputs.shape[0], *self._sizes(inputs.shape)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """Changes the order of the axes of each sample.

    Args:
        dims: axis that stands at each place, counted from 1 (the batch axis, 0, stays).
        **kwargs: `name`, `dtype`.

    >>> import numpy as np
    >>> Permute((2, 1))(np.zeros((5, 2, 3), "float32")).shape
    (5, 3, 2)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = tuple(dims)
        if sorted(axes) != list(range(1, len(axes) + 1)):
            raise ValueError(
                f"Invalid permutation argument `dims`: it must hold each of 1 to {len(axes)} once, got dims={axes}."
            )
        self._set_untracked("dims", axes)
        self.input_spec = InputSpec(ndim=len(axes) + 1)
        self._build_at_init()

    dims: tuple[int, ...]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Repeats each vector along a new time axis.

    Args:
        n: how many times.
        **kwargs: `name`, `dtype`.

    Shapes: (batch, features) to (batch, n, features).

    >>> import numpy as np
    >>> RepeatVector(2)(np.array([[1.0, 2.0]], "float32")).tolist()
    [[[1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = standardize_integer(n, "n")
        self.input_spec = InputSpec(ndim=2)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], self.n, input_shape[1])

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
