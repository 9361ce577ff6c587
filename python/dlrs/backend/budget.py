"""How much memory variables may take while a file is loaded."""

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Self

_BUDGET: ContextVar["VariableBudget | None"] = ContextVar("variable_budget", default=None)


class VariableBudget:
    """A context in which new variables may take `limit` bytes in all.

    A configuration of a few bytes can describe a model of any size. The tensors beside it say how large the model
    really is, so that a larger one is refused before memory is taken for it.

    Args:
        limit: bytes.
        refuse: makes the exception from a message.
    """

    def __init__(self, limit: int, refuse: Callable[[str], Exception]) -> None:
        self.limit = limit
        self.used = 0
        self._refuse = refuse

    def __enter__(self) -> Self:
        self._token = _BUDGET.set(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _BUDGET.reset(self._token)

    def spend(self, shape: Sequence[int], itemsize: int) -> None:
        """Count a variable in; an exception if it is too much."""
        self.used += math.prod(shape) * itemsize
        if self.used > self.limit:
            raise self._refuse(
                f"the configuration asks for variables of {self.used} bytes and more, the tensors of the file have "
                f"{self.limit}"
            )


def spend(shape: Sequence[int], itemsize: int) -> None:
    """Count a variable in where a budget is open."""
    budget = _BUDGET.get()
    if budget is not None:
        budget.spend(shape, itemsize)
