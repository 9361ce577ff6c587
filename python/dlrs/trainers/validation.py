"""Checks of targets against outputs before the first step, while nothing has changed yet."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import losses
from dlrs.backend import tree
from dlrs.trainers.compile_loss import CompileLoss
from dlrs.trainers.output_structure import at_path

Array = np.ndarray[Any, Any]


class LabelRange:
    """A check that integer labels lie in [0, classes). Cheap enough for every batch.

    Args:
        index: which of a step's arrays holds the labels.
        classes: number of classes.
        ignored: a label that is allowed besides, or None.
        what: names the argument and loss in the message.
    """

    def __init__(self, index: int, classes: int, ignored: int | None, what: str) -> None:
        self.index = index
        self.classes = classes
        self.ignored = ignored
        self.what = what

    def __call__(self, arrays: Sequence[Array]) -> None:
        labels = arrays[self.index]
        if self.ignored is not None:
            labels = labels[labels != self.ignored]
            if labels.size == 0:
                return
        low, high = np.minimum.reduce(labels, None), np.maximum.reduce(labels, None)
        if labels.dtype.kind == "f" and np.any(labels != np.floor(labels)) and np.isfinite(low + high):
            raise ValueError(f"{self.what}: labels must be whole numbers, got fractions.")
        if not (low >= 0 and high < self.classes):
            raise ValueError(
                f"{self.what}: labels must lie in [0, {self.classes}), got values from {low} to {high}. "
                f"The last size of the output is the number of classes."
            )


class IdRange:
    """A check that token ids lie in [0, rows), for inputs that an `Embedding` gets as they are.

    Args:
        index: which of a step's arrays holds the ids.
        rows: number of rows of the table.
        owner: the layer, as the message says it.
    """

    def __init__(self, index: int, rows: int, owner: str) -> None:
        self.index = index
        self.rows = rows
        self.owner = owner

    def __call__(self, arrays: Sequence[Array]) -> None:
        ids = arrays[self.index]
        # Fractions are cut off; comparisons with NaN are false.
        if ids.size and not (np.minimum.reduce(ids, None) > -1 and np.maximum.reduce(ids, None) < self.rows):
            position = tuple(int(i) for i in np.argwhere(~((ids > -1) & (ids < self.rows)))[0])
            raise IndexError(
                f"{self.owner}, lookup: id {ids[position]} at position {position} of the inputs is not in "
                f"[0, {self.rows})"
            )


Check = LabelRange | IdRange


def check_targets(loss: CompileLoss | None, data: tuple[Any, ...], y_pred: Any) -> list[LabelRange]:
    """Compare the shapes of targets and outputs; return the checks of label ranges that each batch must pass.

    Args:
        loss: the compiled loss, or None.
        data: arrays, or anything with `shape` and `dtype`, nested as `(x, y, sample_weight)`.
        y_pred: outputs, or placeholders of them.

    Raises:
        ValueError: a target is missing, or its shape cannot be meant for the output.
    """
    if loss is None:
        return []
    if len(data) < 2:
        raise ValueError("The model was compiled with a loss, but there are no targets: give `y`.")
    loss.build(data[1], y_pred)
    order = {id(leaf): index for index, leaf in enumerate(tree.flatten(data))}
    checks: list[LabelRange] = []
    targets = loss.aligned(data[1], y_pred)
    weights = loss.outputs_of(y_pred).weights(data[2] if len(data) > 2 else None)
    several = len(tree.flatten(y_pred)) > 1
    for path, entry, _, name in loss.entries:
        output, target, weight = at_path(y_pred, path), at_path(targets, path), at_path(weights, path)
        if tree.is_nested(output):
            continue  # a loss of the user's, of several outputs at once
        where = f"Argument `y` for the output {name!r}" if several else "Argument `y`"
        if target is None:
            raise ValueError(f"{where} is missing.")
        what = f"{where} (loss {entry.name!r})"
        if is_sparse(entry):
            checks.append(_check_sparse(entry, target, output, order[id(target)], what))
        else:
            _check_dense(entry, target, output, what)
        if weight is not None and _is_built_in(entry):
            _check_weight(tuple(weight.shape), tuple(output.shape))
    return checks


def is_sparse(loss: Any) -> bool:
    """Whether `loss` takes integer labels."""
    return isinstance(loss, losses.SparseCategoricalCrossentropy) or (
        getattr(loss, "fn", None) is losses.sparse_categorical_crossentropy
    )


def _check_sparse(loss: Any, target: Any, output: Any, index: int, what: str) -> LabelRange:
    pred = tuple(output.shape)
    true = tuple(target.shape)
    if len(pred) < 2:
        raise ValueError(f"{what}: the output must have an axis of classes, got shape {_examples(pred)}.")
    if true[1:] not in (pred[1:-1], (*pred[1:-1], 1)):
        hint = ""
        if true[1:] == pred[1:]:
            hint = " One-hot targets go with 'categorical_crossentropy'."
        raise ValueError(
            f"{what}: integer labels of shape {_examples(pred[:-1])} are expected for an output of shape "
            f"{_examples(pred)}, got {true}.{hint}"
        )
    classes = pred[-1]
    if classes is None:
        raise ValueError(f"{what}: the number of classes, the last size of the output, is not known.")
    return LabelRange(index, int(classes), getattr(loss, "ignore_class", None), what)


def _check_dense(loss: Any, target: Any, output: Any, what: str) -> None:
    true, pred = tuple(target.shape), tuple(output.shape)
    if not _is_built_in(loss):
        return  # what a loss of the user's makes of shapes is the user's affair
    # Targets of examples, or of their steps, may have a last axis of size 1 or not: the loss makes it one shape.
    fits = _same(true[1:], pred[1:])
    fits = fits or (len(true) == len(pred) - 1 and pred[-1] == 1 and _same(true[1:], pred[1:-1]))
    if fits or (len(true) == len(pred) + 1 and true[-1] == 1 and _same(true[1:-1], pred[1:])):
        return
    hint = ""
    if len(true) == len(pred) - 1 and np.dtype(str(target.dtype)).kind in "iu":
        hint = " Integer labels go with 'sparse_categorical_crossentropy', or make them one-hot with `to_categorical`."
    raise ValueError(f"{what}: targets of shape {true} do not fit outputs of shape {_examples(pred)}.{hint}")


def _check_weight(weight: tuple[Any, ...], pred: tuple[Any, ...]) -> None:
    """A weight for each example or each of its losses, of which there is one for each row of the output's last axis."""
    if len(pred) < 2:
        return
    values = pred[:-1]
    if len(weight) == len(values) + 1 and weight[-1] == 1:
        weight = weight[:-1]
    same = len(weight) == len(values) and all(
        a == 1 or b is None or a == b for a, b in zip(weight, values, strict=True)
    )
    if len(weight) > len(values) or (len(weight) == len(values) and not same):
        raise ValueError(
            f"Argument `sample_weight`: shape {_examples(weight)} does not fit losses of shape {_examples(values)}; "
            f"give one weight for each example."
        )


def _is_built_in(loss: Any) -> bool:
    return all(part.__module__.startswith("dlrs.") for part in (type(loss), getattr(loss, "fn", type(loss))))


def _same(true: tuple[Any, ...], pred: tuple[Any, ...]) -> bool:
    return len(true) == len(pred) and all(b is None or a == b for a, b in zip(true, pred, strict=True))


def _examples(shape: tuple[Any, ...]) -> str:
    rest = "".join(f", {size}" for size in shape[1:])
    return f"(n{rest})" if rest else "(n,)"
