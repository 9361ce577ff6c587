"""Different optimizers for different variables."""

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, Self

from dlrs.backend import Variable
from dlrs.optimizers.loss_scale_optimizer import LossScaleOptimizer
from dlrs.optimizers.optimizer import Optimizer


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by the paths of variables.

    A key is a path or a regular expression that must match a whole path.

    Args:
        default_optimizer: the optimizer of variables that no key matches.
        optimizer_map: optimizers by key.

    >>> from dlrs.optimizers import SGD
    >>> optimizers = OptimizerMap(SGD(0.1), {"encoder/.*": SGD(0.01)})
    >>> round(float(optimizers["encoder/dense/kernel"].learning_rate), 3)
    0.01
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap: `default_optimizer` must be an Optimizer, got {default_optimizer!r}.")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"OptimizerMap: `optimizer_map` must be a dict, got {optimizer_map!r}.")
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of variables that no key matches."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        """The optimizer of the path `key`; ValueError if several keys match it."""
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        matches = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(matches) > 1:
            raise ValueError(f"OptimizerMap: several keys match variable {key!r}: {matches}.")
        return self._optimizer_map[matches[0]] if matches else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"OptimizerMap: a key must be a string, got {key!r}.")
        if key in self._optimizer_map:
            raise ValueError(f"OptimizerMap: the key {key!r} has an optimizer already.")
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"OptimizerMap: the value for {key!r} must be an Optimizer, got {optimizer!r}.")
        _check_plain(optimizer, "OptimizerMap: optimizer cannot be {}.")
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of `variable`."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values."""
        from dlrs.optimizers import serialize

        return {
            "default_optimizer": serialize(self._default_optimizer),
            "optimizer_map": {key: serialize(optimizer) for key, optimizer in self._optimizer_map.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Self:
        """The map made from what `get_config` returned."""
        from dlrs.optimizers import deserialize

        by_key = {key: deserialize(value, custom_objects) for key, value in config["optimizer_map"].items()}
        return cls(deserialize(config["default_optimizer"], custom_objects), by_key)


class MultiOptimizer(Optimizer):
    """An optimizer that leaves each variable to one of several.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that returns the optimizer of a variable.
        loss_scale_factor: replaces that of the optimizers.
        name: name of the optimizer.

    Each optimizer has its own learning rate, so this one has none: see `optimizers`.

    >>> from dlrs import ops
    >>> from dlrs.optimizers import SGD
    >>> w, b = Variable([1.0], name="kernel"), Variable([1.0], name="bias")
    >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"bias": SGD(0.25)}))
    >>> optimizer.apply([ops.array([1.0]), ops.array([1.0])], [w, b])
    >>> w.numpy().tolist(), b.numpy().tolist()
    ([0.5], [0.75])
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        self._inner_optimizers: list[Optimizer] = []
        self._var_to_optimizer_idx: dict[Variable, int] = {}
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in [*optimizer_map.values(), optimizer_map.default_optimizer]:
                self._position(optimizer)

    def _position(self, optimizer: Optimizer) -> int:
        """The place of `optimizer` in `optimizers`, where it is put if it is new."""
        for index, known in enumerate(self._inner_optimizers):
            if known is optimizer:
                return index
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner_optimizers.append(optimizer)
        return len(self._inner_optimizers) - 1

    def _var_key(self, variable: Variable) -> Variable:
        """What tells a variable from others: itself, by its identity, which deep copies preserve."""
        return variable

    def build(self, variables: Any) -> None:
        if self.built:
            return
        chosen = []
        for variable in variables:
            optimizer = self._optimizer_map(variable)
            if not isinstance(optimizer, Optimizer):
                raise ValueError(
                    f"{self.name}: the optimizer of variable {variable.path!r} must be an Optimizer, got {optimizer!r}."
                )
            _check_plain(optimizer, "{} cannot be used inside an MultiOptimizer.")
            chosen.append(self._position(optimizer))
        self._var_to_optimizer_idx = {
            self._var_key(variable): index for variable, index in zip(variables, chosen, strict=True)
        }
        for optimizer, own in self._by_optimizer(variables):
            optimizer.build(own)
        super().build(variables)

    def _by_optimizer(self, variables: Sequence[Variable]) -> list[tuple[Optimizer, list[Variable]]]:
        """Each optimizer that has some of `variables`, with those."""
        groups: list[list[Variable]] = [[] for _ in self._inner_optimizers]
        for variable in variables:
            groups[self._var_to_optimizer_idx[self._var_key(variable)]].append(variable)
        return [(optimizer, own) for optimizer, own in zip(self._inner_optimizers, groups, strict=True) if own]

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers to which variables are left."""
        return self._inner_optimizers

    @property
    def variables(self) -> list[Variable]:
        """The own state, then that of each of `optimizers`."""
        return [*self._variables, *(variable for inner in self._inner_optimizers for variable in inner.variables)]

    @property
    def iterations(self) -> Any:
        """Number of calls of `apply`."""
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """AttributeError: each of `optimizers` has its own."""
        raise AttributeError("A MultiOptimizer has no learning rate. Read that of each of its `optimizers` instead.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("A MultiOptimizer has no learning rate. Set that of each of its `optimizers` instead.")

    @property
    def loss_scale_factor(self) -> float | None:
        """Factor of the loss, the same for all of `optimizers`."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for optimizer in self._inner_optimizers:
            optimizer.loss_scale_factor = value

    def _update(self, grads: list[Any], variables: list[Variable]) -> None:
        gradients = dict(zip(variables, grads, strict=True))
        for optimizer, own in self._by_optimizer(variables):
            optimizer._update([gradients[variable] for variable in own], own)
        self._iterations.assign(self._iterations.value + 1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """What each of `optimizers` does at the end of training."""
        if self.built:
            for optimizer, own in self._by_optimizer(var_list):
                optimizer.finalize_variable_values(own)

    def get_config(self) -> dict[str, Any]:
        from dlrs.optimizers import serialize

        return {
            "optimizer_map": serialize(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Self:
        """The optimizer made from what `get_config` returned, without state."""
        from dlrs.optimizers import deserialize_map

        return cls(**{**config, "optimizer_map": deserialize_map(config["optimizer_map"], custom_objects)})


def _check_plain(optimizer: Optimizer, message: str) -> None:
    for kind in (LossScaleOptimizer, MultiOptimizer):
        if isinstance(optimizer, kind):
            raise ValueError(message.format(kind.__name__))
