"""Initial values without randomness."""

from collections.abc import Sequence
from typing import Any

from dlrs import ops
from dlrs.backend import Tensor, TensorLike
from dlrs.backend.checks import check_number
from dlrs.initializers.initializer import Initializer


class Constant(Initializer):
    """`value`, which is broadcast to the shape.

    >>> Constant(3.0)((2,)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: TensorLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return ops.full(shape, self.value, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer; arrays as nested lists."""
        value = self.value
        return {"value": value if isinstance(value, int | float) else ops.convert_to_numpy(value).tolist()}


class Zeros(Initializer):
    """Zeros.

    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return ops.zeros(shape, dtype)


class Ones(Initializer):
    """Ones.

    >>> Ones()((2,)).tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return ops.ones(shape, dtype)


class Identity(Initializer):
    """The identity matrix times `gain`.

    >>> Identity()((2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        check_number("Identity", "gain", gain)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity: the shape must have two axes, got {tuple(shape)}.")
        return ops.multiply(ops.eye(shape[0], shape[1], dtype=dtype), self.gain)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {"gain": self.gain}
