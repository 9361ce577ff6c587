"""The variables, sublayers and losses of a layer."""

import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs import _dlrs, constraints, initializers, regularizers
from dlrs.backend import (
    Variable,
    current_path,
    get_stateless_scope,
    is_float_dtype,
    name_scope,
    standardize_dtype,
    standardize_shape,
    tree,
)
from dlrs.backend.structure import bump_structure
from dlrs.layers.layer_types import LayerTypes
from dlrs.layers.tracking import unique
from dlrs.metrics import Metric
from dlrs.random import SeedGenerator

if TYPE_CHECKING:
    from dlrs.layers.layer import Layer

# Whether some layer holds losses of its last call; without any, clearing them is free.
_holders: "weakref.WeakSet[LayerState]" = weakref.WeakSet()


class LayerState(LayerTypes):
    """What a layer holds: weights, sublayers, metrics, losses; and whether it is trained."""

    name: str
    _path: str | None

    def _init_state(self, trainable: bool) -> None:
        if not isinstance(trainable, bool):
            raise ValueError(f"{type(self).__name__}: expected `trainable` to be a boolean, got {trainable!r}.")
        object.__setattr__(self, "_trainable", trainable)
        object.__setattr__(self, "_added", [])
        # Variables that are not trained because this layer was frozen.
        object.__setattr__(self, "_frozen", [])
        object.__setattr__(self, "_losses", [])

    # Sublayers

    def _child_layers(self) -> "list[Layer]":
        from dlrs.layers.layer import Layer

        return self._tracked_values(Layer)

    def _layers_as_saved(self) -> "list[Layer]":
        """The sublayers in the order in which files name them."""
        return self._child_layers()

    @property
    def _layers(self) -> "list[Layer]":
        return self._child_layers()

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> "list[Layer]":
        """This layer and those below it, each once, parents first."""
        seen: set[int] = {id(self)}
        found: list[Any] = [self] if include_self else []
        stack = list(reversed(self._child_layers()))
        while stack:
            layer = stack.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            found.append(layer)
            if recursive:
                stack.extend(reversed(layer._child_layers()))
        return found

    # Variables

    def add_variable(
        self,
        shape: Sequence[int] | None,
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of this layer: another name of `add_weight`, whose arguments these are."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def add_weight(
        self,
        *args: Any,
        shape: Sequence[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A new variable of this layer. `shape`, `initializer` and `dtype` may be positional.

        Args:
            *args: `shape`, `initializer`, `dtype`, in this order.
            shape: its shape; a scalar by default.
            initializer: function, or name of one; Glorot uniform for floats by default, zeros for the rest.
            dtype: element type; the layer's variable type by default.
            trainable: whether it is trained.
            autocast: whether a mixed policy may cast it.
            regularizer: function whose value is added to the loss.
            constraint: function applied after each update.
            aggregation: how replicas would be joined.
            overwrite_with_gradient: whether the optimizer assigns its gradient to it.
            name: name.
        """
        positional = _weight_arguments(args, {"shape": shape, "initializer": initializer, "dtype": dtype})
        shape, initializer, dtype = positional["shape"], positional["initializer"], positional["dtype"]
        element_type = standardize_dtype(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float_dtype(element_type) else "zeros"
        with name_scope(self._path or self.name) if not current_path() else name_scope(self.name, self):
            variable = Variable(
                initializers.get(initializer),
                shape=standardize_shape(() if shape is None else shape),  # type: ignore[arg-type]
                dtype=element_type,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = bool(overwrite_with_gradient)
        self._track_variable(variable)
        return variable

    def _track_variable(self, variable: Variable) -> None:
        if self._tracker.locked:
            self._refuse_state()
        self.__dict__["_added"].append(variable)
        if not self.trainable:
            self._freeze([variable])
        bump_structure()

    def _untrack_variable(self, variable: Variable) -> None:
        """Forget a variable made by `add_weight`; an attribute that holds it is to be set anew or deleted."""
        added = self.__dict__["_added"]
        added[:] = [known for known in added if known is not variable]
        frozen = self.__dict__["_frozen"]
        frozen[:] = [known for known in frozen if known is not variable]
        bump_structure()

    def _freeze(self, variables: Iterable[Variable]) -> None:
        frozen = self.__dict__["_frozen"]
        for variable in variables:
            if variable.trainable:
                frozen.append(variable)
                variable.trainable = False

    def _thaw(self) -> None:
        frozen = self.__dict__["_frozen"]
        for variable in frozen:
            variable.trainable = True
        frozen.clear()

    def _own_variables(self) -> list[Variable]:
        return unique([*self.__dict__["_added"], *self._tracked_values(Variable)])

    @property
    def _trainable_variables(self) -> list[Variable]:
        frozen = {id(v) for v in self.__dict__["_frozen"]}
        return [v for v in self._own_variables() if v.trainable or id(v) in frozen]

    @property
    def _non_trainable_variables(self) -> list[Variable]:
        frozen = {id(v) for v in self.__dict__["_frozen"]}
        return [v for v in self._own_variables() if not v.trainable and id(v) not in frozen]

    def _own_weights(self) -> list[Variable]:
        # Freezing keeps the order, so that saved weights fit.
        passing = {id(v) for v in self._own_passing_states()}
        return [v for v in (*self._trainable_variables, *self._non_trainable_variables) if id(v) not in passing]

    @property
    def weights(self) -> list[Variable]:
        """The variables of this layer, trainable ones first, then those of the layers below it."""
        return unique(v for layer in self._flatten_layers() for v in layer._own_weights())

    @property
    def variables(self) -> list[Variable]:
        """The weights and what passes from one call to the next, layer by layer."""
        layers = self._flatten_layers()
        return unique(v for layer in layers for v in [*layer._own_weights(), *layer._own_passing_states()])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that training leaves, or changes without gradients."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes; none if the layer is not trainable."""
        if not self.trainable:
            return []
        layers = list(self._flatten_layers())
        frozen = {id(v) for layer in layers if not layer.trainable for v in layer.weights}
        weights = unique(v for layer in layers for v in layer._own_weights())
        return [v for v in weights if v.trainable and id(v) not in frozen]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves, or changes without gradients."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def _seed_generators(self) -> list[SeedGenerator]:
        return self._tracked_values(SeedGenerator)

    def _own_passing_states(self) -> list[Variable]:
        """What passes from one call to the next, and is not learned: states of seed generators, of stateful layers."""
        return [seed.state for seed in self._seed_generators]

    @property
    def metrics(self) -> list[Metric]:
        """The metrics set as attributes of this layer and those below it."""
        return unique(metric for layer in self._flatten_layers() for metric in layer._tracked_values(Metric))

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained. Setting it sets it for the layers below, too."""
        return bool(self.__dict__["_trainable"])

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            object.__setattr__(layer, "_trainable", bool(value))
            if value:
                layer._thaw()
            else:
                layer._freeze(layer._own_variables())
        bump_structure()

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of the weights, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign arrays to the weights, in the order of `weights`: all of them, or none if one does not fit."""
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f"Layer {self.name!r}: set_weights got {len(weights)} arrays for {len(variables)} weights."
            )
        assign_all(self.name, variables, weights)

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Call the layer with these values of its variables, which themselves stay as they are.

        Args:
            trainable_variables: values of `trainable_variables`, in their order.
            non_trainable_variables: values of `non_trainable_variables`, in their order.
            *args: positional arguments of the call.
            return_losses: whether to return the losses of the call, too.
            **kwargs: further arguments of the call.

        Returns:
            The outputs, the new values of `non_trainable_variables` and, if asked for, the losses.

        Raises:
            ValueError: the layer is not built, or the number of values is another than that of the variables.
        """
        if not self.__dict__.get("built"):
            raise ValueError(f"Layer {self.name!r} must be built before `stateless_call`: call it on data first.")
        kept = self.non_trainable_variables
        variables, values = [*self.trainable_variables, *kept], [*trainable_variables, *non_trainable_variables]
        for argument, given, own in (
            ("trainable_variables", trainable_variables, self.trainable_variables),
            ("non_trainable_variables", non_trainable_variables, kept),
        ):
            if len(given) != len(own):
                raise ValueError(
                    f"stateless_call: `{argument}` must have the length {len(own)} of the layer's, got {len(given)}."
                )
        before = [variable.value for variable in variables]
        # Values given may be the variables themselves, which the first assignment would change.
        values = [value.value if isinstance(value, _dlrs.Variable) else value for value in values]
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            outputs = self(*args, **kwargs)  # type: ignore[operator]
            results = (outputs, [variable.value for variable in kept])
            return (*results, self.losses) if return_losses else results
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:
            ValueError: the layer has no weights yet because its input shape is not known.
        """
        if not self.__dict__.get("built"):
            raise ValueError(
                f"Layer {self.name!r} is not built, so its weights cannot be counted. Call it, or `build`."
            )
        return sum(int(np.prod(v.shape, dtype="int64")) for v in self.weights)

    # Losses

    def add_loss(self, loss: Any) -> None:
        """Add a scalar, or a list of them, to the loss of the call in progress."""
        for value in tree.flatten(loss):
            if not isinstance(value, _dlrs.Tensor | _dlrs.Variable | int | float):
                raise ValueError(f"Layer {self.name!r}: add_loss takes scalar tensors, got {value!r}.")
            self.__dict__["_losses"].append(value)
            scope = get_stateless_scope()
            if scope is not None and scope.collect_losses:
                scope.add_loss(value)
        _holders.add(self)

    @property
    def losses(self) -> list[Any]:
        """The losses added in the last call, then those of the regularizers of trainable weights."""
        values = [loss for layer in self._flatten_layers() for loss in layer.__dict__["_losses"]]
        return values + [v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None]

    def _clear_losses(self) -> None:
        if not _holders:
            return
        for layer in self._flatten_layers():
            layer.__dict__["_losses"].clear()
            _holders.discard(layer)


def _weight_arguments(args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The first arguments of `add_weight`, given by position or by name."""
    if len(args) > len(named):
        raise TypeError(f"add_weight takes at most {len(named)} positional arguments ({', '.join(named)}).")
    if args and isinstance(args[0], str):
        raise ValueError(
            f"add_weight: the first positional argument is the shape; pass the name {args[0]!r} as the "
            f"keyword argument `name`."
        )
    values = dict(named)
    for name, value in zip(named, args, strict=False):
        if named[name] is not None:
            raise ValueError(f"add_weight: `{name}` was passed both positionally and as a keyword argument.")
        values[name] = value
    return values


def assign_all(layer: str, variables: Sequence[Variable], values: Sequence[Any]) -> None:
    """Assign every value to its variable, or none if one does not fit."""
    arrays = [np.asarray(value) for value in values]
    for array, variable in zip(arrays, variables, strict=True):
        if array.shape != variable.shape:
            raise ValueError(
                f"Layer {layer!r}: shapes must match, got an array of shape {array.shape} for the weight "
                f"{variable.path!r} of shape {variable.shape}."
            )
        if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
            raise ValueError(f"Layer {layer!r}: got {array.dtype} values for the weight {variable.path!r}.")
    for array, variable in zip(arrays, variables, strict=True):
        variable.assign(array)
