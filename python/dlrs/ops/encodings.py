"""Integers as vectors of zeros and ones."""

from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, standardize_dtype
from dlrs.ops.manipulation import normalize_axis
from dlrs.ops.operation import op

__all__ = ["multi_hot", "one_hot"]


@op
def one_hot(x: TensorLike, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """Ones at the places given by the integers `x` along a new axis of size `num_classes`, zeros elsewhere.

    Integers outside of 0 to `num_classes - 1` give zeros only.

    >>> one_hot([1, 0], 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    if sparse:
        raise ValueError("one_hot: sparse tensors are not supported.")
    x = as_tensor(x)
    return _dlrs.cast(one_hot_mask(x, num_classes, axis), standardize_dtype(dtype))


def one_hot_mask(x: Tensor, num_classes: int, axis: int = -1) -> Tensor:
    """`one_hot` as booleans."""
    if num_classes < 0:
        raise ValueError(f"one_hot: `num_classes` must not be negative, got {num_classes}.")
    axis = normalize_axis("one_hot", axis, x.ndim + 1)
    classes = np.arange(num_classes, dtype=np.int32).reshape([-1 if i == axis else 1 for i in range(x.ndim + 1)])
    return _dlrs.equal(_dlrs.reshape(x, [*x.shape[:axis], 1, *x.shape[axis:]]), classes)


@op
def multi_hot(
    inputs: TensorLike, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """Ones at all the places given by integers, zeros elsewhere.

    Args:
        inputs: Integers of shape `(n,)` or `(batch, n, ...)`: the places of one vector stand along the axis n. Those
            outside of 0 to `num_classes - 1` count for nothing.
        num_classes: Length of the vectors; must be given.
        axis: The axis of the vectors in the result.
        dtype: Type of the result.
        sparse: Must be False.

    >>> multi_hot([[0, 2], [1, 1]], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if sparse:
        raise ValueError("multi_hot: sparse tensors are not supported.")
    if num_classes is None:
        raise ValueError("multi_hot: `num_classes` must be given.")
    inputs = as_tensor(inputs)
    if inputs.ndim == 0:
        raise ValueError("multi_hot: `inputs` must have at least one axis.")
    present = _dlrs.any(one_hot_mask(inputs, num_classes), (min(inputs.ndim - 1, 1),), False)
    if axis not in (-1, present.ndim - 1):
        order = list(range(present.ndim - 1))
        order.insert(normalize_axis("multi_hot", axis, present.ndim), present.ndim - 1)
        present = _dlrs.transpose(present, order)
    return _dlrs.cast(present, standardize_dtype(dtype))
