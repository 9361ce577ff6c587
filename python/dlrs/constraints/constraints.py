"""Sets that weights are brought back to after each update."""

from collections.abc import Sequence
from typing import Any, Self

from dlrs import backend, ops
from dlrs.backend import Tensor

Axis = int | Sequence[int]


def _norms(w: Any, axis: Axis) -> Tensor:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class Constraint:
    """A projection of weights. A subclass defines `__call__(w)` and, if it has arguments, `get_config`.

    >>> Constraint()([-1.0, 2.0]).tolist()
    [-1.0, 2.0]
    """

    def __call__(self, w: Any) -> Tensor:
        """The weights nearest to `w`, in the sense of the subclass, that are allowed: all, if it does not say."""
        return backend.convert_to_tensor(w)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The constraint that `get_config` described."""
        return cls(**config)


class MaxNorm(Constraint):
    """Vectors along `axis` no longer than `max_value`.

    >>> MaxNorm(5.0)([[6.0], [8.0]]).tolist()
    [[3.0], [4.0]]
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        norms = _norms(w, self.axis)
        # Only vectors that are too long are scaled: the others stay as they are, to the bit.
        factor = ops.divide(self.max_value, ops.maximum(norms, self.max_value))
        return ops.multiply(w, factor)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No negative weights.

    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Tensor:
        return ops.relu(w)


class UnitNorm(Constraint):
    """Vectors along `axis` of length 1.

    >>> [round(v, 5) for v in UnitNorm()([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        return ops.divide(w, ops.add(_norms(w, self.axis), backend.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Vectors along `axis` of lengths from `min_value` to `max_value`, approached at rate `rate`.

    >>> [round(v, 5) for v in MinMaxNorm(0.0, 1.0)([3.0, 4.0]).tolist()]
    [0.6, 0.8]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        norms = _norms(w, self.axis)
        limited = ops.clip(norms, self.min_value, self.max_value)
        wanted = ops.add(ops.multiply(limited, self.rate), ops.multiply(norms, 1 - self.rate))
        return ops.multiply(w, ops.divide(wanted, ops.add(norms, backend.epsilon())))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}
