"""The loss of `compile`, matched to the outputs of a model."""

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

from dlrs import losses, metrics
from dlrs.backend import tree
from dlrs.trainers.output_structure import OutputStructure, Path, at_path

_CROSSENTROPY = {
    "binary": losses.BinaryCrossentropy,
    "sparse": losses.SparseCategoricalCrossentropy,
    "categorical": losses.CategoricalCrossentropy,
}


class LossEntry(NamedTuple):
    """One loss: the output, or the nest of outputs, that it is of, its factor and its name."""

    path: Path
    loss: losses.Loss
    weight: Any
    name: str


class CompileLoss:
    """The weighted sum of the losses of all outputs.

    Args:
        loss: a loss (name, function or `Loss`), or a nest of them like the outputs: a list, or a dict by key or by
            name of output. None, or a key left out, is an output without a loss; a list where there is a single output
            is several losses of it; a single loss is for every output.
        loss_weights: the weight of each loss, nested likewise; 1 by default.
        output_names: names of the model's outputs.

    Raises:
        ValueError: an unknown loss.

    >>> import numpy as np
    >>> loss = CompileLoss(["mse", "mae"], loss_weights=[1.0, 0.5])
    >>> y_true, y_pred = [np.array([[1.0]]), np.array([[2.0]])], [np.array([[3.0]]), np.array([[6.0]])]
    >>> loss(y_true, y_pred).item()  # 1 * (1 - 3)^2 + 0.5 * |2 - 6|
    6.0
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None) -> None:
        fits = loss_weights is None or isinstance(loss_weights, list | tuple | dict | numbers.Real)
        if not fits or any(isinstance(weight, str) for weight in tree.flatten(loss_weights)):
            raise ValueError(
                f"`loss_weights` must be a number, or a list, tuple or dict of them by output, got {loss_weights!r}."
            )
        self.loss = loss
        self.loss_weights = loss_weights
        self.output_names = list(output_names or [])
        self.entries: list[LossEntry] = []
        self.metrics: list[metrics.Mean] = []
        self.built = False
        self._outputs: OutputStructure | None = None
        for one in tree.flatten(loss):
            if not _is_by_shape(one):
                losses.get(one)  # an unknown name is an error of `compile`, not of the first step

    @property
    def variables(self) -> list[Any]:
        """The variables of the means of the single losses."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def outputs_of(self, y_pred: Any) -> OutputStructure:
        """The structure of the outputs `y_pred`."""
        known = self._outputs
        nest = tree.map_structure(lambda leaf: None, y_pred)
        if known is None or tree.structure_key(known.nest) != tree.structure_key(nest):
            return OutputStructure(y_pred, self.output_names)
        return known

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Match the losses to targets and outputs, whose nesting and shapes decide.

        Raises:
            KeyError: the loss names a part of the outputs that there is not.
            ValueError: a name of an output that there is not; another number of weights than of losses.
        """
        if self.built:
            return
        outputs = self._outputs = OutputStructure(y_pred, self.output_names)
        loss, weights = self._by_output(self.loss, self.loss_weights, outputs)
        names = outputs.packed(outputs.names)
        y_true = outputs.targets(y_true, self._has_loss(loss))
        self._match(loss, weights, y_true, y_pred, names, ())
        if len(self.entries) > 1:
            self.metrics = [metrics.Mean(name=f"{entry.name}_loss") for entry in self.entries]
        self.built = True

    def _has_loss(self, loss: Any) -> list[bool]:
        return [one is not None for one in tree.flatten(loss)]

    def _by_output(self, loss: Any, weights: Any, outputs: OutputStructure) -> tuple[Any, Any]:
        """The losses and weights with names of outputs resolved, a single loss given to every output."""
        if isinstance(weights, dict) and outputs.is_flat and None not in outputs.names:
            unknown = sorted(set(weights) - set(outputs.names))
            if unknown:
                raise ValueError(
                    f"`loss_weights` names the outputs {unknown}; the model's outputs are {outputs.names}."
                )
        if isinstance(loss, dict) and not isinstance(outputs.nest, dict):
            unknown = [name for name in loss if name not in outputs.names]
            if unknown:
                raise ValueError(f"Expected keys {outputs.names} in the dict `loss`, but found {list(loss)}.")
            if isinstance(weights, dict):
                weights = outputs.packed([weights.get(name) for name in outputs.names])
            loss = outputs.packed([loss.get(name) for name in outputs.names])
        elif not tree.is_nested(loss):
            loss = outputs.packed([loss] * len(outputs))
            if isinstance(weights, dict) and not isinstance(outputs.nest, dict):
                weights = outputs.packed([weights.get(name) for name in outputs.names])
        return loss, _like_losses(weights, loss)

    def _match(self, loss: Any, weight: Any, y_true: Any, y_pred: Any, names: Any, path: Path) -> None:
        if loss is None:
            return
        if not tree.is_nested(loss):
            made = as_loss(loss, y_true, y_pred)
            self.entries.append(LossEntry(path, made, weight, _entry_name(path, names, made)))
            return
        if isinstance(loss, list | tuple):
            leaves = tree.flatten(y_pred)
            plain = not any(map(tree.is_nested, loss))
            if plain and tree.is_nested(y_pred) and len(loss) == len(leaves):
                loss = tree.pack_sequence_as(y_pred, list(loss))
                weight = None if weight is None else tree.pack_sequence_as(y_pred, tree.flatten(weight))
            elif not isinstance(y_pred, type(loss)):
                # Several losses of one part of the outputs.
                for place, one in enumerate(loss):
                    self._match(one, _part(weight, place), y_true, y_pred, names, path)
                return
        parts = list(loss.items()) if isinstance(loss, dict) else list(enumerate(loss))
        if isinstance(loss, dict) and not isinstance(y_pred, dict):
            raise KeyError(f"The path: {path} in the `loss` argument, can't be found in the model's output (`y_pred`).")
        for key, one in parts:
            if one is None:
                continue
            if not all(_has(nest, key) for nest in (y_true, y_pred)):
                raise KeyError(
                    f"The path: {(*path, key)} in the `loss` argument, can't be found in either the model's output "
                    f"(`y_pred`) or in the labels (`y_true`)."
                )
            self._match(one, _part(weight, key), y_true[key], y_pred[key], names[key], (*path, key))

    def aligned(self, y_true: Any, y_pred: Any) -> Any:
        """The targets, nested like the outputs."""
        outputs = self.outputs_of(y_pred)
        return outputs.targets(y_true, self._has_loss(self._by_output(self.loss, None, outputs)[0]))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The total loss, a scalar; None if no output has a loss."""
        self.build(y_true, y_pred)
        if self._outputs is not None and isinstance(y_pred, dict) and not isinstance(self._outputs.nest, dict):
            y_pred = self._outputs.targets(y_pred)
        targets = self.aligned(y_true, y_pred)
        weights = self.outputs_of(y_pred).weights(sample_weight)
        total: Any = None
        for place, (path, loss, factor, _) in enumerate(self.entries):
            true, pred = at_path(targets, path), at_path(y_pred, path)
            weight = at_path(weights, path)
            value = loss(true, pred, sample_weight=_one_weight(weight))
            if self.metrics:
                self.metrics[place].update_state(value, sample_weight=tree.flatten(pred)[0].shape[0])
            value = value if factor is None else value * factor
            total = value if total is None else total + value
        return total


def _like_losses(weights: Any, loss: Any) -> Any:
    """The weights, nested like the losses."""
    if weights is None or not tree.is_nested(loss):
        return weights[0] if isinstance(weights, list | tuple) and len(weights) == 1 else weights
    if isinstance(loss, dict) and isinstance(weights, dict) and set(weights) <= set(loss):
        return {key: _like_losses(weights.get(key), value) for key, value in loss.items()}
    flat = tree.flatten(weights)
    count = len(tree.flatten(loss))
    if len(flat) != count:
        raise ValueError(f"`loss_weights` must match the number of losses, got {count} losses and {len(flat)} weights.")
    return tree.pack_sequence_as(loss, flat)


def _part(weight: Any, key: Any) -> Any:
    if weight is None:
        return None
    return weight.get(key) if isinstance(weight, dict) else weight[key]


def _has(nest: Any, key: Any) -> bool:
    if isinstance(nest, dict):
        return key in nest
    return isinstance(nest, list | tuple) and isinstance(key, int) and key < len(nest)


def _one_weight(weight: Any) -> Any:
    """The weight of a loss of several outputs: theirs, if it is one and the same."""
    leaves = tree.flatten(weight)
    return leaves[0] if all(leaf is leaves[0] for leaf in leaves) else weight


def _entry_name(path: Path, names: Any, loss: losses.Loss) -> str:
    """The output's name, in place of a position in a list, behind the keys that lead to it."""
    if tree.is_nested(names):
        if path:
            return "/".join(map(str, path))
        parts = list(names) if isinstance(names, dict) else tree.flatten(names)
        return "_".join(map(str, parts))
    name = names if names is not None else loss.name
    if not path:
        return str(name)
    return "/".join(map(str, (*path[:-1], name if isinstance(path[-1], int) else path[-1])))


def _is_by_shape(identifier: Any) -> bool:
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def as_loss(identifier: Any, y_true: Any, y_pred: Any) -> losses.Loss:
    """The `Loss` for a name, a configuration, a function or a loss; `"crossentropy"` is chosen by the shapes."""
    if _is_by_shape(identifier):
        made: losses.Loss = _CROSSENTROPY[label_kind(y_true, y_pred)]()
        return made
    found: Any = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=getattr(found, "__name__", "loss"))


def label_kind(y_true: Any, y_pred: Any) -> str:
    """What targets of this shape are to outputs of that: "binary", "sparse" or "categorical"."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if len(pred) <= 1 or pred[-1] == 1:
        return "binary"
    if len(true) < len(pred) or (true[-1] == 1 and pred[-1] != 1):
        return "sparse"
    return "categorical"


def total_of(values: Sequence[Any]) -> Any:
    """The sum of scalar losses."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total
