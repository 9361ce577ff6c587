"""The state of an optimizer: iteration, learning rate, and slots for the variables it was built with."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs, initializers
from dlrs.backend import Variable, auto_name, floatx, name_scope
from dlrs.backend.structure import bump_structure
from dlrs.optimizers.schedules import LearningRateSchedule
from dlrs.optimizers.schedules import deserialize as deserialize_schedule
from dlrs.optimizers.schedules import serialize as serialize_schedule

Observer = Callable[[Sequence[Any], Sequence[Variable]], None]
LearningRate = float | LearningRateSchedule | Callable[[], Any] | dict[str, Any]


class OptimizerState:
    """The variables of an optimizer and its learning rate. The base of `Optimizer`."""

    def __init__(self, learning_rate: LearningRate, name: str | None) -> None:
        self._programs: dict[tuple[Any, ...], _dlrs.Program] = {}
        self._observers: list[Observer] = []
        self.name = name if name is not None else auto_name(type(self).__name__)
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        # Keyed by the variables themselves, which hash by identity, so that a deep copy is keyed by their copies.
        self._index: dict[Variable, int] = {}
        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate: Any = None
        self._set_learning_rate(learning_rate)

    def __setattr__(self, name: str, value: Any) -> None:
        """A hyperparameter, other than the learning rate, is a constant of the programs: a new value discards them."""
        old = self.__dict__.get(name, value)
        if not name.startswith("_") and old is not value and not (isinstance(old, int | float | str) and old == value):
            self._programs.clear()
            bump_structure()
        object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        """All but the programs, which are traced anew, and those who watch."""
        return {**self.__dict__, "_programs": {}, "_observers": []}

    @property
    def variables(self) -> list[Variable]:
        """The state: iteration, learning rate, then the slots in the order of their creation."""
        return list(self._variables)

    @property
    def iterations(self) -> Any:
        """Number of updates applied (int32)."""
        return self._iterations

    # Learning rate

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a Variable, or the present value of the schedule or function it was set to."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._set_learning_rate(value)

    @property
    def _rate_is_a_function(self) -> bool:
        return not isinstance(self._learning_rate, Variable | LearningRateSchedule)

    def _set_learning_rate(self, value: Any) -> None:
        if isinstance(value, dict) and "class_name" in value:
            value = deserialize_schedule(value)
        is_function = callable(value) and not isinstance(value, _dlrs.Tensor | _dlrs.Variable)
        if isinstance(value, LearningRateSchedule) or is_function:
            self._replace_learning_rate(value)
            return
        try:
            number = np.asarray(np.nan if isinstance(value, str | bytes | bool) else value, dtype="float64")
        except (TypeError, ValueError, OverflowError):
            number = np.asarray(np.nan)
        if number.ndim != 0 or not np.isfinite(number) or number < 0:
            raise ValueError(
                f"{self.name}: `learning_rate` must be a finite number ≥ 0, a `LearningRateSchedule` or a "
                f"function, got {value!r}."
            )
        if isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"This optimizer was created with a `LearningRateSchedule`, so its learning rate cannot be set to "
                f"{value!r}. Set another schedule, or create the optimizer with a number."
            )
        if isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(number)
        else:
            self._replace_learning_rate(self.add_variable((), initializer=float(number), name="learning_rate"))

    def _replace_learning_rate(self, value: Any) -> None:
        if isinstance(self._learning_rate, Variable):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
        self._learning_rate = value
        self._programs.clear()
        bump_structure()

    def _learning_rate_config(self) -> Any:
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return serialize_schedule(rate)
        return float(rate.numpy() if isinstance(rate, Variable) else rate())

    # Slots

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str | None = "none",
        layout: None = None,
        name: str | None = None,
    ) -> Variable:
        """A new state variable; `initializer` is a number, a name or a function of shape and dtype."""
        if layout is not None:
            raise ValueError(f"{self.name}.add_variable: `layout` must be None: variables are not distributed.")
        is_number = isinstance(initializer, int | float)
        value = np.full(tuple(shape), initializer) if is_number else initializers.get(initializer)
        with name_scope(self.name):
            variable = Variable(
                value,
                shape=tuple(shape),
                dtype=dtype or floatx(),
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new state variable shaped and typed like `reference_variable`."""
        full_name = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=full_name)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str | Sequence[str], initializer: Any = "zeros"
    ) -> Any:
        """One slot called `name` for each variable, or with several names a list of slots for each name.

        A variable that its gradient replaces (`overwrite_with_gradient`) gets None instead of a slot. `initializer` is
        one for all names, or a list of as many.
        """
        names = [name] if isinstance(name, str) else list(name)
        given = list(initializer) if isinstance(initializer, list | tuple) else [initializer] * len(names)
        if len(names) != len(given):
            raise ValueError(
                f"{self.name}.add_optimizer_variables: `initializer` must be one or as many as the names {names}, "
                f"got {len(given)}."
            )
        slots: list[list[Any]] = [[] for _ in names]
        for variable in trainable_variables:
            for slot, slot_name, slot_initializer in zip(slots, names, given, strict=True):
                slot.append(
                    None
                    if variable.overwrite_with_gradient
                    else self.add_variable_from_reference(variable, slot_name, slot_initializer)
                )
        return slots[0] if isinstance(name, str) else slots

    def _get_variable_index(self, variable: Variable) -> int:
        try:
            return self._index[variable]
        except (KeyError, TypeError):
            if not isinstance(variable, Variable):
                raise TypeError(f"{self.name}: expected a Variable, got {type(variable).__name__}.") from None
            raise ValueError(
                f"{self.name}: variable {variable.path!r} (shape {variable.shape}) is not one the optimizer was built "
                f"with. Use one optimizer for one set of variables, or call `build` with all of them first."
            ) from None

    # Values of the state

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign the state from arrays in the order of `variables`, all or nothing."""
        if not self.built:
            raise ValueError(
                f"You are calling `set_weights()` on optimizer {self.name!r}, which has not been built. Call "
                "`build(trainable_variables)` first, which makes its variables."
            )
        own = self.variables
        if len(weights) != len(own):
            raise ValueError(f"{self.name}.set_weights: {len(weights)} arrays for {len(own)} variables.")
        arrays = [np.asarray(weight) for weight in weights]
        for array, variable in zip(arrays, own, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"{self.name}.set_weights: variable {variable.path!r} has shape {variable.shape}, "
                    f"the array {array.shape}."
                )
            if array.dtype.kind not in "biuf" and array.dtype.name != variable.dtype:
                raise ValueError(
                    f"{self.name}.set_weights: variable {variable.path!r} takes numbers, not {array.dtype}."
                )
        for array, variable in zip(arrays, own, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the values of `variables` into `store` under "0", "1", ..."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assign the values that `save_own_variables` stored, all or nothing."""
        values = [store[str(index)] for index in range(len(store))]
        if self.built or len(values) != len(self.variables):
            self.set_weights(values)
            return
        # Saved before its first step: it has its count of steps and its rate alone.
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
