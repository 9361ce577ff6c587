"""Tuples of inputs, targets and weights."""

from typing import Any

import numpy as np

from dlrs.backend import tree

Array = np.ndarray[Any, Any]


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` of a batch `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; missing parts are None.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"A batch must be `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, got a tuple of {len(data)} entries."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, ...]:
    """The shortest of `(x,)`, `(x, y)` and `(x, y, sample_weight)` that holds what is not None.

    >>> pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if sample_weight is not None:
        return (x, y, sample_weight)
    return (x,) if y is None else (x, y)


def as_given(batch: Any) -> Any:
    """A batch as a step of the user's gets it: what `fit` was given without targets stands alone, unless it is a list.

    >>> as_given((1,)), as_given(([1, 2],)), as_given((1, 2))
    (1, ([1, 2],), (1, 2))
    """
    alone = isinstance(batch, tuple) and len(batch) == 1 and not isinstance(batch[0], list | tuple)
    return batch[0] if alone else batch


def train_validation_split(arrays: Any, validation_split: float) -> tuple[Any, Any]:
    """The first part of every array of a nest, and the last `validation_split` of it.

    >>> train, validation = train_validation_split((np.arange(4), None), 0.25)
    >>> train[0].tolist(), validation[0].tolist()
    ([0, 1, 2], [3])
    """
    if not isinstance(validation_split, int | float | np.number) or not 0 <= validation_split <= 1:
        raise ValueError(f"`validation_split` must be a number from 0 to 1, got {validation_split!r}.")
    leaves = [leaf for leaf in tree.flatten(arrays) if leaf is not None]
    count = len(leaves[0])
    split = int(np.floor(count * (1.0 - validation_split)))
    if split in (0, count):
        raise ValueError(
            f"`validation_split`={validation_split} of {count} examples leaves {split} for training and "
            f"{count - split} for validation; both need at least one."
        )

    def part(start: int, stop: int) -> Any:
        return tree.map_structure(lambda leaf: None if leaf is None else leaf[start:stop], arrays)

    return part(0, split), part(split, count)


def class_weight_to_sample_weights(y: Any, class_weight: dict[int, float], classes: int | None = None) -> Array:
    """The weight of each example's class: `y` holds integer classes, (n,) or (n, 1), or one-hot rows.

    A class without a weight weighs 1. `classes` is the number of classes, None if it is not known.

    Raises:
        ValueError: a weight of a class that there is not, or that is not a finite number; several outputs.

    >>> class_weight_to_sample_weights(np.array([0, 1, 1]), {0: 1.0, 1: 2.0}).tolist()
    [1.0, 2.0, 2.0]
    """
    if tree.is_nested(y):
        raise ValueError("`class_weight` is for models with a single output; give `sample_weight` instead.")
    _check_class_weight(class_weight)
    labels = np.asarray(y)
    if labels.ndim > 2:
        raise ValueError(f"`class_weight` is for one class per example, got `y` of shape {labels.shape}.")
    if labels.ndim == 2:
        if labels.shape[1] > 1:
            labels, classes = labels.argmax(axis=1), labels.shape[1]
        else:
            labels = labels[:, 0]
    unknown = [label for label in class_weight if label < 0 or (classes is not None and label >= classes)]
    if unknown:
        among = "non-negative" if classes is None else f"in [0, {classes})"
        raise ValueError(f"`class_weight` names the classes {unknown}; classes are {among}.")
    labels = np.round(labels).astype("int64")
    weights = np.ones(len(labels), dtype="float32")
    for label, weight in class_weight.items():
        weights[labels == int(label)] = weight
    return weights


def _check_class_weight(class_weight: Any) -> None:
    if not isinstance(class_weight, dict):
        raise ValueError(f"`class_weight` must be a dict from class to weight, got {class_weight!r}.")
    for label, weight in class_weight.items():
        if isinstance(label, bool) or not isinstance(label, int | np.integer):
            raise ValueError(f"`class_weight`: the classes must be integers, got {label!r}.")
        if not isinstance(weight, int | float | np.number) or not np.isfinite(weight):
            raise ValueError(f"`class_weight`: the weight of class {label} must be a finite number, got {weight!r}.")
