"""What all optimizers share: state, clipping, weight decay, averaging, and one program for an eager update."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import numpy as np

from dlrs import _dlrs, initializers, ops
from dlrs.backend import Variable, auto_name, floatx, name_scope
from dlrs.backend.structure import bump_structure, structure_version
from dlrs.optimizers.schedules import LearningRateSchedule
from dlrs.optimizers.schedules import deserialize as deserialize_schedule
from dlrs.optimizers.schedules import serialize as serialize_schedule

Tensor = _dlrs.Tensor


class Optimizer:
    """Base of optimizers. A subclass defines `update_step`, and `build` if it keeps slots.

    Args:
        learning_rate: a number, a `LearningRateSchedule`, or a function without arguments.
        weight_decay: fraction of each variable, times the learning rate, taken off before its update.
        clipnorm: largest L2 norm of each gradient.
        clipvalue: largest magnitude of each element of a gradient.
        global_clipnorm: largest L2 norm of all gradients together.
        use_ema: keep an exponential moving average of the variables; `finalize_variable_values` puts it in their place.
        ema_momentum: weight of the old average.
        ema_overwrite_frequency: also put the average in place every so many steps.
        loss_scale_factor: factor that `scale_loss` applies to the loss and `apply` takes back from the gradients.
        name: name of the optimizer, and prefix of its variables.

    >>> import numpy as np
    >>> class SignDescent(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         variable.assign(variable - learning_rate * ops.sign(gradient))
    >>> w = Variable(np.array([1.0, 2.0], "float32"))
    >>> SignDescent(0.5).apply([np.array([0.1, -3.0], "float32")], [w])
    >>> w.numpy().tolist()
    [0.5, 2.5]
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable[[], Any] | dict[str, Any],
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        self._programs: dict[tuple[Any, ...], _dlrs.Program] = {}
        self.name = name if name is not None else auto_name(type(self).__name__)
        _check_clipping(self.name, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        if not 0 <= ema_momentum <= 1:
            raise ValueError(f"{self.name}: `ema_momentum` must be in [0, 1], got {ema_momentum}.")
        if ema_overwrite_frequency is not None and ema_overwrite_frequency < 1:
            raise ValueError(
                f"{self.name}: `ema_overwrite_frequency` must be at least 1, got {ema_overwrite_frequency}."
            )
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}
        self._averages: list[Variable] = []
        self._excluded_from_decay: tuple[set[int], list[str]] = (set(), [])
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

    # State

    @property
    def iterations(self) -> Variable:
        """Number of updates applied (int32)."""
        return self._iterations

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
    def variables(self) -> list[Variable]:
        """The state: iteration, learning rate, then the slots in the order of their creation."""
        return list(self._variables)

    def _set_learning_rate(self, value: Any) -> None:
        if isinstance(value, dict):
            value = deserialize_schedule(value)
        is_function = callable(value) and not isinstance(value, _dlrs.Tensor | _dlrs.Variable)
        if isinstance(value, LearningRateSchedule) or is_function:
            self._replace_learning_rate(value)
        else:
            try:
                number = np.asarray(value, dtype="float64")
            except (TypeError, ValueError):
                number = np.asarray(np.nan)
            if number.ndim != 0 or not np.isfinite(number) or number < 0:
                raise ValueError(
                    f"{self.name}: `learning_rate` must be a finite number ≥ 0, a `LearningRateSchedule` or a "
                    f"function, got {value!r}."
                )
            if isinstance(self._learning_rate, Variable):
                self._learning_rate.assign(number)
            else:
                variable = self.add_variable((), initializer=float(number), name="learning_rate")
                self._replace_learning_rate(variable)

    def _replace_learning_rate(self, value: Any) -> None:
        if isinstance(self._learning_rate, Variable):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
        self._learning_rate = value
        self._programs.clear()
        bump_structure()

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the state for `variables`, once. Subclasses add their slots after calling this."""
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._index = {id(variable): index for index, variable in enumerate(variables)}
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        self.built = True

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A new state variable; `initializer` is a number, a name or a function of shape and dtype."""
        is_number = isinstance(initializer, int | float)
        value = np.full(tuple(shape), initializer) if is_number else initializers.get(initializer)
        with name_scope(self.name):
            variable = Variable(value, shape=tuple(shape), dtype=dtype or floatx(), trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new state variable shaped and typed like `reference_variable`."""
        full_name = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, full_name)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str, initializer: Any = "zeros"
    ) -> list[Variable]:
        """One slot called `name` for each variable."""
        return [self.add_variable_from_reference(v, name, initializer) for v in trainable_variables]

    def _get_variable_index(self, variable: Variable) -> int:
        try:
            return self._index[id(variable)]
        except KeyError:
            raise ValueError(
                f"{self.name}: variable {variable.path!r} (shape {variable.shape}) is not one the optimizer was built "
                f"with. Use one optimizer for one set of variables, or call `build` with all of them first."
            ) from None

    # One update

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assign the new value of `variable` and of its slots."""
        raise TypeError(f"{type(self).__name__} does not define `update_step(gradient, variable, learning_rate)`.")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Apply pairs of gradient and variable; return `iterations`."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update `trainable_variables` (default: those of `build`) by `grads`; a None gradient leaves its variable.

        Raises:
            ValueError: the numbers of gradients and variables differ, shapes differ, or every gradient is None.
        """
        grads = list(grads)
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"{self.name}.apply: {len(grads)} gradients for {len(variables)} variables.")
        if not variables:
            return
        if not self.built:
            self.build(variables)
        grads, variables = self._with_gradient(grads, variables)
        if _dlrs.is_tracing():
            self._update(grads, variables)
        else:
            self._run_update_program(grads, variables)

    def _with_gradient(self, grads: list[Any], variables: Sequence[Variable]) -> tuple[list[Any], list[Variable]]:
        """The pairs whose gradient is there, checked against the shape of the variable."""
        kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not kept:
            raise ValueError(f"{self.name}: no gradients provided for any variable: all {len(grads)} are None.")
        if len(kept) < len(grads):
            missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
            warnings.warn(f"{self.name}: no gradient for {missing}; they are not updated.", stacklevel=4)
        for gradient, variable in kept:
            self._get_variable_index(variable)
            shape = tuple(getattr(gradient, "shape", variable.shape))
            if shape != variable.shape:
                raise ValueError(
                    f"{self.name}: the gradient for {variable.path!r} has shape {shape}, the variable {variable.shape}."
                )
        return [g for g, _ in kept], [v for _, v in kept]

    def _run_update_program(self, grads: list[Any], variables: list[Variable]) -> None:
        """Run the whole update as one program, traced once for each set of variables."""
        key = (tuple(map(id, variables)), structure_version())
        program = self._programs.get(key)
        if program is None:
            trace = _dlrs.Trace()
            with trace:
                inputs = [trace.input(v.shape, v.dtype, f"gradient_{i}") for i, v in enumerate(variables)]
                self._update(inputs, variables)
                program = trace.finish([])
            self._programs.clear()
            self._programs[key] = program
        program(*[_as_type(g, v.dtype) for g, v in zip(grads, variables, strict=True)])

    def _update(self, grads: list[Any], variables: list[Variable]) -> None:
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        grads = self._clip_gradients(grads)
        learning_rate = self.learning_rate
        self._apply_weight_decay(variables, learning_rate)
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, learning_rate)
        if self.use_ema:
            self._update_averages()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign(self._iterations.value + 1)

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm is not None:
            return [_clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm is not None:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue is not None:
            return [_dlrs.minimum(_dlrs.maximum(g, -self.clipvalue), self.clipvalue) for g in grads]
        return grads

    def _apply_weight_decay(self, variables: list[Variable], learning_rate: Any) -> None:
        if self.weight_decay is None:
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                rate = ops.cast(learning_rate, variable.dtype)
                variable.assign(variable.value - variable.value * self.weight_decay * rate)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Spare the variables of `var_list`, and those whose path contains one of `var_names`, from weight decay."""
        self._excluded_from_decay = ({id(v) for v in var_list or ()}, list(var_names or ()))
        self._programs.clear()
        bump_structure()

    def _use_weight_decay(self, variable: Variable) -> bool:
        ids, names = self._excluded_from_decay
        return id(variable) not in ids and not any(name in variable.path for name in names)

    # Moving averages of the variables (Polyak and Juditsky, 1992)

    def _update_averages(self) -> None:
        first = ops.equal(self._iterations, 0)
        for variable, average in zip(self._trainable_variables, self._averages, strict=True):
            new = self.ema_momentum * average.value + (1 - self.ema_momentum) * variable.value
            average.assign(ops.where(first, variable.value, new))
        if self.ema_overwrite_frequency:
            due = ops.equal((self._iterations.value + 1) % self.ema_overwrite_frequency, 0)
            for variable, average in zip(self._trainable_variables, self._averages, strict=True):
                variable.assign(ops.where(due, average.value, variable.value))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Put the moving averages in the place of the variables, at the end of training with `use_ema`."""
        if self.use_ema and self.built:
            for variable in var_list:
                variable.assign(self._averages[self._get_variable_index(variable)].value)

    # The rest of the protocol

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign the state from arrays in the order of `variables`, all or nothing."""
        if len(weights) != len(self._variables):
            raise ValueError(f"{self.name}.set_weights: {len(weights)} arrays for {len(self._variables)} variables.")
        arrays = [np.asarray(weight) for weight in weights]
        for array, variable in zip(arrays, self._variables, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"{self.name}.set_weights: variable {variable.path!r} has shape {variable.shape}, "
                    f"the array {array.shape}."
                )
            if array.dtype.kind not in "biuf" and array.dtype.name != variable.dtype:
                raise ValueError(
                    f"{self.name}.set_weights: variable {variable.path!r} takes numbers, not {array.dtype}."
                )
        for array, variable in zip(arrays, self._variables, strict=True):
            variable.assign(array)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": serialize_schedule(rate)
            if isinstance(rate, LearningRateSchedule)
            else float(rate.numpy() if isinstance(rate, Variable) else rate()),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The optimizer made from what `get_config` returned, without state."""
        return cls(**config)


def _check_clipping(name: str, **limits: float | None) -> None:
    given = {key: limit for key, limit in limits.items() if limit is not None}
    if len(given) > 1:
        raise ValueError(f"{name}: give at most one of `clipnorm`, `clipvalue`, `global_clipnorm`, got {given}.")
    for key, limit in given.items():
        if limit <= 0:
            raise ValueError(f"{name}: `{key}` must be positive, got {limit}.")


def check_share(name: str, argument: str, value: Any) -> None:
    """ValueError unless `value` is a number in [0, 1), the share of an old average that is kept."""
    if not isinstance(value, int | float | np.number) or not 0 <= value < 1:
        raise ValueError(f"{name}: `{argument}` must be a number in [0, 1), got {value!r}.")


def _as_type(gradient: Any, dtype: str) -> Any:
    if str(getattr(gradient, "dtype", "")) == dtype:
        return gradient
    return ops.cast(gradient, dtype)


def _clip_by_norm(gradient: Any, limit: float) -> Any:
    norm = _dlrs.sqrt(_dlrs.sum(_dlrs.square(gradient)))
    return gradient * (limit / _dlrs.maximum(norm, limit))


def global_norm(value_list: Sequence[Any]) -> Any:
    """The L2 norm of all values together, a scalar."""
    total: Any = 0.0
    for value in value_list:
        total = total + _dlrs.sum(_dlrs.square(value))
    return _dlrs.sqrt(total)


def clip_by_global_norm(value_list: Sequence[Any], clip_norm: float) -> list[Any]:
    """The values scaled down together so that their `global_norm` is at most `clip_norm`."""
    scale = clip_norm / _dlrs.maximum(global_norm(value_list), clip_norm)
    return [value * scale for value in value_list]
