"""The variables, sublayers and losses of a layer."""

import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend import Variable, tree
from dlrs.backend.structure import bump_structure
from dlrs.layers.tracking import Trackable, unique
from dlrs.metrics import Metric
from dlrs.random import SeedGenerator

if TYPE_CHECKING:
    from dlrs.layers.layer import Layer

# Whether some layer holds losses of its last call; without any, clearing them is free.
_holders: "weakref.WeakSet[LayerState]" = weakref.WeakSet()


class LayerState(Trackable):
    """What a layer holds: weights, sublayers, metrics, losses; and whether it is trained."""

    name: str

    def _init_state(self, trainable: bool) -> None:
        object.__setattr__(self, "_tracked", {})
        object.__setattr__(self, "_trainable", bool(trainable))
        object.__setattr__(self, "_added", [])
        object.__setattr__(self, "_losses", [])

    # Sublayers

    def _child_layers(self) -> "list[Layer]":
        from dlrs.layers.layer import Layer

        return self._tracked_values(Layer)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> "Iterator[Layer]":
        """This layer and those below it, each once, parents first."""
        seen: set[int] = {id(self)}
        if include_self:
            yield self  # type: ignore[misc]
        stack = list(reversed(self._child_layers()))
        while stack:
            layer = stack.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            yield layer
            if recursive:
                stack.extend(reversed(layer._child_layers()))

    # Variables

    def _track_variable(self, variable: Variable) -> None:
        self.__dict__["_added"].append(variable)
        bump_structure()

    def _own_weights(self) -> list[Variable]:
        own = unique([*self.__dict__["_added"], *self._tracked_values(Variable)])
        return [v for v in own if v.trainable] + [v for v in own if not v.trainable]

    @property
    def weights(self) -> list[Variable]:
        """The variables of this layer, trainable ones first, then those of the layers below it."""
        return unique(v for layer in self._flatten_layers() for v in layer._own_weights())

    @property
    def variables(self) -> list[Variable]:
        """The weights and the states of seed generators."""
        return unique([*self.weights, *self._seed_states()])

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

    def _seed_states(self) -> list[Variable]:
        return [seed.state for layer in self._flatten_layers() for seed in layer._tracked_values(SeedGenerator)]

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
        arrays = [np.asarray(weight) for weight in weights]
        for array, variable in zip(arrays, variables, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"Layer {self.name!r}: set_weights got an array of shape {array.shape} for the weight "
                    f"{variable.path!r} of shape {variable.shape}."
                )
            if array.dtype.kind not in "biuf":
                raise ValueError(
                    f"Layer {self.name!r}: set_weights got {array.dtype} values for the weight {variable.path!r}."
                )
        for array, variable in zip(arrays, variables, strict=True):
            variable.assign(array)

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
