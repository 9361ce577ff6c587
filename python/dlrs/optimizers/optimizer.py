"""What all optimizers share: clipping, weight decay, accumulation, averaging, and one program for an eager update."""

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Self

from dlrs import _dlrs, ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_count, check_number
from dlrs.backend.old_spellings import takes_old_arguments
from dlrs.backend.structure import bump_structure, structure_version
from dlrs.backend.unknown_arguments import knows_its_arguments
from dlrs.optimizers.clipping import assign_where, clip_by_global_norm, clip_by_norm, clip_by_value
from dlrs.optimizers.old_arguments import OLD_ARGUMENTS
from dlrs.optimizers.optimizer_state import LearningRate, Observer, OptimizerState

_takes_old_arguments = takes_old_arguments(OLD_ARGUMENTS)


class Optimizer(OptimizerState):
    """Base of optimizers. A subclass defines `update_step`, and `build` if it keeps slots.

    Args:
        learning_rate: a number, a `LearningRateSchedule`, or a function without arguments, which is called at each
            eager update but only while a compiled step is traced.
        weight_decay: fraction of each variable, times the learning rate, taken off before its update.
        clipnorm: largest L2 norm of each gradient.
        clipvalue: largest magnitude of each element of a gradient.
        global_clipnorm: largest L2 norm of all gradients together.
        use_ema: keep an exponential moving average of the variables; `finalize_variable_values` puts it in their place.
        ema_momentum: weight of the old average.
        ema_overwrite_frequency: also put the average in place every so many updates.
        loss_scale_factor: factor that `scale_loss` applies to the loss and `apply` takes back from the gradients.
        gradient_accumulation_steps: update only every so many calls, by the mean of the gradients since then.
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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls.__init__ = _takes_old_arguments(cls.__init__)  # type: ignore[method-assign]

    @knows_its_arguments
    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        _check_clipping(self.name, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        check_number(self.name, "weight_decay", weight_decay, least=0, optional=True)
        check_number(self.name, "ema_momentum", ema_momentum, least=0, most=1)
        check_count(self.name, "ema_overwrite_frequency", ema_overwrite_frequency, 1, optional=True)
        check_number(self.name, "loss_scale_factor", loss_scale_factor, above=0, optional=True)
        check_count(self.name, "gradient_accumulation_steps", gradient_accumulation_steps, 2, optional=True)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._model_variables_moving_average: list[Any] = []
        self._accumulated_gradients: list[Variable] = []
        self._excluded_variables: list[Variable] = []
        self._excluded_names: list[str] = []

    @property
    def iterations(self) -> Any:
        """Number of updates made: of calls of `apply`, divided by `gradient_accumulation_steps` where that is given."""
        steps = self.gradient_accumulation_steps
        return self._iterations.value // steps if steps else self._iterations

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the state for `variables`, once. Subclasses add their slots after calling this."""
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._index = {variable: index for index, variable in enumerate(variables)}
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = [
                self.add_variable_from_reference(variable, "gradient_accumulator") for variable in variables
            ]
        self.built = True

    # One update

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assign the new value of `variable` and of its slots."""
        raise TypeError(f"{type(self).__name__} does not define `update_step(gradient, variable, learning_rate)`.")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Apply pairs of gradient and variable; return the iteration variable."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update `trainable_variables` (default: those of `build`) by `grads`; a None gradient leaves its variable.

        Raises:
            ValueError: the numbers of gradients and variables differ, shapes differ, or every gradient is None.
        """
        grads = list(grads)
        if trainable_variables is None and grads and not self.built:
            raise ValueError(
                f"{self.name}.apply: gradients without variables need an optimizer that is built. Call "
                "`build(trainable_variables)` first, or give `trainable_variables`."
            )
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"{self.name}.apply: {len(grads)} gradients for {len(variables)} variables.")
        if not variables:
            return
        if not self.built:
            self.build(variables)
        grads, variables = self._with_gradient(grads, variables)
        for observe in self._observers:
            observe(grads, variables)
        if _dlrs.is_tracing() or self._rate_is_a_function:
            self._update(grads, variables)
        else:
            self._run_update_program(grads, variables)

    def _watch(self, observe: Observer) -> None:
        """Let `observe` see the gradients and variables of every `apply`, as part of the step that is traced."""
        self._observers.append(observe)
        bump_structure()

    def _unwatch(self, observe: Observer) -> None:
        """Undo `_watch`."""
        if observe in self._observers:
            self._observers.remove(observe)
            bump_structure()

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """What `apply` would make of these values; variables keep their own.

        Args:
            optimizer_variables: values in the order of `variables`.
            grads: gradients in the order of the variables of `build`.
            trainable_variables: values of those.

        Returns:
            The new values of the trainable variables and of `variables`.
        """
        if not self.built:
            raise ValueError(
                f"To call `stateless_apply`, {self.name} must be built. Call `build(trainable_variables)` first."
            )
        state, trained = self.variables, self._trainable_variables
        for argument, values, own in (
            ("optimizer_variables", optimizer_variables, state),
            ("trainable_variables", trainable_variables, trained),
        ):
            if len(values) != len(own):
                raise ValueError(
                    f"{self.name}.stateless_apply: `{argument}` has {len(values)} values for {len(own)} variables."
                )
        every = [*trained, *state]
        kept = [variable.value for variable in every]
        try:
            for variable, value in zip(every, [*trainable_variables, *optimizer_variables], strict=True):
                variable.assign(value)
            self.apply(grads)
            new = [variable.value for variable in every]
        finally:
            for variable, value in zip(every, kept, strict=True):
                variable.assign(value)
        return new[: len(trained)], new[len(trained) :]

    def _with_gradient(self, grads: list[Any], variables: Sequence[Variable]) -> tuple[list[Any], list[Variable]]:
        """The pairs whose gradient is there, checked against the shape of the variable."""
        kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not kept:
            raise ValueError(f"No gradients provided for any variable: {self.name} got None for all {len(grads)}.")
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
        """All of a call of `apply`."""
        for gradient, variable in zip(grads, variables, strict=True):
            if variable.overwrite_with_gradient:
                self._overwrite(gradient, variable)
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if not v.overwrite_with_gradient]
        if pairs:
            grads, variables = [g for g, _ in pairs], [v for _, v in pairs]
            if self.loss_scale_factor is not None:
                grads = [g / self.loss_scale_factor for g in grads]
            if self.gradient_accumulation_steps:
                self._accumulate(grads, variables)
            else:
                self._step(grads, variables)
            if self.use_ema:
                self._update_averages()
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable.value))
        self._iterations.assign(self._iterations.value + 1)

    def _step(self, grads: list[Any], variables: list[Variable]) -> None:
        grads = self._clip_gradients(grads)
        self._apply_weight_decay(variables)
        self._update_variables(grads, variables, self.learning_rate)

    def _update_variables(self, grads: list[Any], variables: list[Variable], learning_rate: Any) -> None:
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    # Accumulation of gradients

    def _is_update(self) -> Any:
        """Whether this call of `apply` is one of every `gradient_accumulation_steps`."""
        return ops.equal((self._iterations.value + 1) % self.gradient_accumulation_steps, 0)

    def _accumulate(self, grads: list[Any], variables: list[Variable]) -> None:
        slots = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]
        totals = [slot.value + gradient for slot, gradient in zip(slots, grads, strict=True)]
        due = self._is_update()
        means = [total / self.gradient_accumulation_steps for total in totals]
        untouched = {self._iterations, self._learning_rate, *self._accumulated_gradients}
        untouched.update(self._model_variables_moving_average)
        slots_of_rule = [v for v in self._variables if v not in untouched]
        assign_where(due, lambda: self._step(means, variables), [*variables, *slots_of_rule])
        for slot, total in zip(slots, totals, strict=True):
            slot.assign(ops.where(due, ops.zeros_like(total), total))

    def _overwrite(self, gradient: Any, variable: Variable) -> None:
        """Replace `variable` by its gradient, by the largest since the last update where gradients are accumulated."""
        if not self.gradient_accumulation_steps:
            variable.assign(gradient)
            return
        slot = self._accumulated_gradients[self._get_variable_index(variable)]
        largest = ops.maximum(slot.value, gradient)
        due = self._is_update()
        variable.assign(ops.where(due, largest, variable.value))
        slot.assign(ops.where(due, ops.zeros_like(largest), largest))

    # Clipping and weight decay

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm is not None:
            limit = self.clipnorm
            return [None if g is None else clip_by_norm(g, limit) for g in grads]
        if self.global_clipnorm is not None:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue is not None:
            limit = self.clipvalue
            return [None if g is None else clip_by_value(g, limit) for g in grads]
        return grads

    def _apply_weight_decay(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            decay = self._weight_decay_of(variable)
            if decay is not None:
                rate = ops.cast(self.learning_rate, variable.dtype)
                variable.assign(variable.value - variable.value * decay * rate)

    def _weight_decay_of(self, variable: Variable) -> float | None:
        return self.weight_decay if self._use_weight_decay(variable) else None

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Spare variables from weight decay.

        Args:
            var_list: those to spare.
            var_names: regular expressions; variables in whose name one is found are spared, too.
        """
        self._excluded_variables = list(var_list or ())
        self._excluded_names = list(var_names or ())
        self._programs.clear()
        bump_structure()

    def _use_weight_decay(self, variable: Variable) -> bool:
        if any(variable is excluded for excluded in self._excluded_variables):
            return False
        return not any(re.search(pattern, variable.name) for pattern in self._excluded_names)

    # Moving averages of the variables (Polyak and Juditsky, 1992)

    def _update_averages(self) -> None:
        pairs = [
            (variable, average)
            for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True)
            if average is not None
        ]
        updates = ops.convert_to_tensor(self.iterations)
        first = ops.equal(updates, 0)
        for variable, average in pairs:
            new = self.ema_momentum * average.value + (1 - self.ema_momentum) * variable.value
            average.assign(ops.where(first, variable.value, new))
        if self.ema_overwrite_frequency:
            due = ops.equal((updates + 1) % self.ema_overwrite_frequency, 0)
            for variable, average in pairs:
                variable.assign(ops.where(due, average.value, variable.value))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Put the moving averages in the place of the variables, at the end of training with `use_ema`."""
        if self.use_ema and self.built:
            for variable in var_list:
                average = self._model_variables_moving_average[self._get_variable_index(variable)]
                if average is not None:
                    variable.assign(average.value)

    # The rest of the protocol

    def assign(self, variable: Variable, value: Any) -> None:
        """`variable.assign(value)`."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """`variable.assign_add(value)`."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """`variable.assign_sub(value)`."""
        variable.assign_sub(value)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values."""
        return {
            "name": self.name,
            "learning_rate": self._learning_rate_config(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Self:
        """The optimizer made from what `get_config` returned, without state."""
        return cls(**config)


def _check_clipping(name: str, **limits: float | None) -> None:
    given = {key: limit for key, limit in limits.items() if limit is not None}
    if len(given) > 1:
        raise ValueError(f"{name}: Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set, got {given}.")
    for key, limit in given.items():
        check_number(name, key, limit, above=0)


def _as_type(gradient: Any, dtype: str) -> Any:
    if str(getattr(gradient, "dtype", "")) == dtype:
        return gradient
    return ops.cast(gradient, dtype)
