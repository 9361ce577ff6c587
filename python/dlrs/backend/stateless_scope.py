"""Code that reads and writes variables, run as a function of their values."""

import threading
from collections.abc import Iterable
from typing import Any, Self

from dlrs._dlrs import Tensor
from dlrs.backend.tensors import convert_to_tensor
from dlrs.backend.variables import Variable, live_variables


class _Local(threading.local):
    scope: "StatelessScope | None" = None


_LOCAL = _Local()


class StatelessScope:
    """A block in which variables have given values, and after which they are as they were before.

    Args:
        state_mapping: pairs of a variable and its value in the block.
        collect_losses: whether `losses` gets what layers add by `add_loss`.
        initialize_variables: accepted as Keras does; variables made in the block have their values at once.

    What the block assigns to a variable is asked for by `get_current_value`. Of other threads the block knows nothing:
    they are not to assign to variables meanwhile.

    Raises:
        ValueError: a key that is no variable, or a value of another shape.

    >>> v = Variable([1.0, 2.0])
    >>> with StatelessScope([(v, [5.0, 5.0])]) as scope:
    ...     total = v + 1.0
    ...     v.assign(total)
    <Tensor shape=(2,), dtype=float32, values=[6. 6.]>
    >>> v.numpy().tolist(), scope.get_current_value(v).tolist()
    ([1.0, 2.0], [6.0, 6.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self._given = [(variable, _value_for(variable, value)) for variable, value in state_mapping or ()]
        self._values: dict[int, tuple[Variable, Tensor]] = {}
        self._before: list[tuple[Variable, int, Tensor]] = []
        self._outer: StatelessScope | None = None

    def __enter__(self) -> Self:
        self._outer, _LOCAL.scope = _LOCAL.scope, self
        self._before = [(variable, variable.version, variable.value) for variable in live_variables()]
        for variable, value in self._given:
            variable.assign(value)
        return self

    def __exit__(self, *exception: Any) -> None:
        _LOCAL.scope = self._outer
        for variable, version, value in self._before:
            if variable.version != version:
                self._values[id(variable)] = (variable, variable.value)
                variable.assign(value)
        self._before = []

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Give a variable another value in the block."""
        variable, value = update
        variable.assign(_value_for(variable, value))

    def add_loss(self, loss: Any) -> None:
        """Put a loss to `losses`."""
        self.losses.append(loss)

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value in the block, at its end if that has come; None if it is the variable's own."""
        for known, version, _ in self._before:
            if known is variable:
                return variable.value if variable.version != version else None
        found = self._values.get(id(variable))
        return None if found is None else found[1]


def _value_for(variable: Any, value: Any) -> Tensor:
    if not isinstance(variable, Variable):
        raise ValueError(f"StatelessScope: all keys in argument `mapping` must be Variable, got {variable!r}.")
    tensor: Tensor = convert_to_tensor(value, dtype=variable.dtype)
    if tuple(tensor.shape) != tuple(variable.shape):
        raise ValueError(
            f"StatelessScope: all values in argument `mapping` must be tensors with the shape of their variable. "
            f"{variable.path!r} has the shape {variable.shape}, its value {tuple(tensor.shape)}."
        )
    return tensor


def get_stateless_scope() -> StatelessScope | None:
    """The block that this thread is in, if any.

    >>> get_stateless_scope() is None
    True
    """
    return _LOCAL.scope


def in_stateless_scope() -> bool:
    """Whether this thread is in such a block.

    >>> in_stateless_scope()
    False
    """
    return _LOCAL.scope is not None
