"""Helpers on arrays."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import Tensor
from dlrs.backend.checks import check_type
from dlrs.losses.circle import build_pos_neg_masks

__all__ = ["build_pos_neg_masks", "normalize", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Integer classes as one-hot float32 rows.

    Args:
        x: integers in [0, num_classes), of any shape; a last axis of length 1 is dropped.
        num_classes: number of classes; by default the largest class plus one.

    Returns:
        An array of shape `x.shape + (num_classes,)`; a tensor if `x` is one.

    Raises:
        ValueError: a class is not an integer or out of range.

    >>> to_categorical([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if isinstance(x, Tensor) and not x.is_symbolic:
        return ops.convert_to_tensor(to_categorical(ops.convert_to_numpy(x), num_classes))
    if isinstance(x, Tensor) and num_classes is not None:
        return ops.one_hot(ops.squeeze(x, -1) if x.ndim > 1 and x.shape[-1] == 1 else x, num_classes)
    given = np.asarray(x)
    if given.dtype.kind not in "biuf" or (given.dtype.kind == "f" and not np.all(given == np.floor(given))):
        raise ValueError(f"to_categorical: `x` must hold integers, got {given.dtype} values.")
    classes = given.astype("int64")
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    if num_classes is None:
        num_classes = int(classes.max()) + 1 if classes.size else 0
    if classes.size and not (classes.min() >= 0 and classes.max() < num_classes):
        raise ValueError(
            f"to_categorical: `x` must lie in [0, {num_classes}), got values from {classes.min()} to {classes.max()}."
        )
    rows = np.zeros((classes.size, num_classes), dtype="float32")
    rows[np.arange(classes.size), classes.ravel()] = 1
    return rows.reshape(*classes.shape, num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """`x`, an array or a tensor, divided by its norm of order `order` along `axis`; zero vectors stay zero.

    >>> normalize(np.array([[3.0, 4.0]])).tolist()
    [[0.6, 0.8]]
    """
    if isinstance(x, Tensor):
        return ops.normalize(x, axis=axis, order=order)
    array = np.atleast_1d(np.asarray(x))
    check_type("normalize", "axis", axis, int | np.integer, "an integer")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"normalize: `axis` {axis} is out of range for an array of shape {array.shape}.")
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    result: np.ndarray[Any, Any] = array / np.expand_dims(norm, axis)
    return result
