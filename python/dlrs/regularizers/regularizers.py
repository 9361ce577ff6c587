"""Penalties on the size of weights."""

import math
from typing import Any, Self

from dlrs import ops
from dlrs.backend import Tensor


def validate_float_arg(value: Any, name: str) -> float:
    """`value`, the argument `name`, as a float that is finite and not negative.

    Raises:
        ValueError: it is something else.

    >>> validate_float_arg(1, "l1")
    1.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(
            f"Invalid value for argument `{name}`: expected a non-negative float that is finite, got {value!r}."
        )
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"Invalid value for argument `{name}`: expected a finite float, got {value!r}.") from None


class Regularizer:
    """A penalty that is added to the loss. A subclass defines `__call__(x)` and, if it has arguments, `get_config`.

    >>> class Largest(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.abs(x))
    >>> Largest()([-3.0, 2.0]).item()
    3.0
    """

    def __call__(self, x: Any) -> Tensor:
        """The penalty of the weights `x`, a scalar."""
        raise TypeError(f"{type(self).__name__} does not define `__call__`.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The regularizer that `get_config` described."""
        return cls(**config)


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x^2)`.

    >>> L1L2(l1=1.0, l2=0.5)([2.0, -2.0]).item()
    8.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = validate_float_arg(0.0 if l1 is None else l1, "l1")
        self.l2 = validate_float_arg(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        penalty = ops.multiply(ops.sum(ops.absolute(x)), self.l1) if self.l1 else None
        if not self.l2:
            return ops.zeros((), ops.dtype(x)) if penalty is None else penalty
        squares = ops.multiply(ops.sum(ops.square(x)), self.l2)
        return squares if penalty is None else ops.add(penalty, squares)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """`l1 * sum(|x|)`.

    >>> L1(0.5)([2.0, -2.0]).item()
    2.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = validate_float_arg(l1, "l1")

    def __call__(self, x: Any) -> Tensor:
        return ops.multiply(ops.sum(ops.absolute(x)), self.l1)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        return {"l1": self.l1}


class L2(Regularizer):
    """`l2 * sum(x^2)`.

    >>> L2(0.5)([2.0, -2.0]).item()
    4.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = validate_float_arg(l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        return ops.multiply(ops.sum(ops.square(x)), self.l2)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean size of the products of different rows (or columns), each scaled to length 1.

    >>> OrthogonalRegularizer(1.0)([[1.0, 0.0], [0.0, 1.0]]).item()
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(
                f'Invalid value for argument `mode`. Expected one of {{"rows", "columns"}}. Received: mode={mode}'
            )
        self.factor = validate_float_arg(factor, "factor")
        self.mode = mode

    def __call__(self, x: Any) -> Tensor:
        shape = ops.shape(x)
        if len(shape) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={shape}")
        vectors = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        size = vectors.shape[0]
        products = ops.multiply(ops.absolute(ops.matmul(vectors, ops.transpose(vectors))), 1.0 - ops.eye(size))
        return ops.multiply(ops.sum(products), self.factor * 0.5 / max(size * (size - 1) / 2, 1.0))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        return {"factor": self.factor, "mode": self.mode}
