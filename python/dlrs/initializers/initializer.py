"""The base of initializers."""

from collections.abc import Sequence
from typing import Any, Self

from dlrs.backend import Tensor


class Initializer:
    """Gives the first value of a variable.

    A subclass defines `__call__(shape, dtype)` and, if it has arguments, `get_config`.

    >>> class Sevens(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         from dlrs import ops
    ...
    ...         return ops.full(shape, 7, dtype)
    >>> Sevens()((2,)).tolist()
    [7.0, 7.0]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """A tensor of shape `shape` and type `dtype` (`config.floatx()` if None)."""
        raise TypeError(f"{type(self).__name__} does not define `__call__`.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The initializer that `get_config` described."""
        return cls(**config)

    def clone(self) -> Self:
        """One of the same configuration; a seed that was left open is drawn anew."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"
