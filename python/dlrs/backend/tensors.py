"""Conversions between tensors, variables, NumPy arrays and Python values."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend.dtypes import standardize_dtype
from dlrs.backend.keras_tensor import KerasTensor
from dlrs.backend.ragged import explained

# What an op takes; the sequence holds numbers, at any depth.
TensorLike: TypeAlias = (
    Tensor | _dlrs.Variable | KerasTensor | np.ndarray[Any, Any] | np.generic | float | Sequence[Any]
)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, concrete or symbolic, or a placeholder of a functional model.

    >>> is_tensor(as_tensor(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, Tensor | KerasTensor)


def shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of the axes of `x`, as integers; None where a placeholder leaves one open.

    >>> shape([[1.0, 2.0]])
    (1, 2)
    """
    if isinstance(x, Tensor | _dlrs.Variable | KerasTensor | np.ndarray):
        return tuple(x.shape)
    return as_tensor(x).shape


def as_tensor(x: Any) -> Tensor:
    """`x` as a tensor of its own type.

    >>> as_tensor([1, 2]).dtype
    'int32'
    """
    if isinstance(x, Tensor):
        return x
    if isinstance(x, _dlrs.Variable):
        return x.value
    try:
        return _dlrs.tensor(x)
    except (TypeError, ValueError) as error:
        if (clear := explained(error, x)) is error:
            raise
        raise clear from None


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Tensor:
    """`x` (array, nested list, number, variable, tensor) as a tensor of type `dtype`.

    Without `dtype`, NumPy arrays keep their type, Python floats become `config.floatx()`, Python integers int32.

    >>> convert_to_tensor([[1, 2], [3, 4]]).dtype
    'int32'
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: sparse and ragged tensors are not supported.")
    tensor = as_tensor(x)
    if dtype is None:
        return tensor
    name = standardize_dtype(dtype)
    return tensor if tensor.dtype == name else _dlrs.cast(tensor, name)


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """`x` as a NumPy array.

    >>> convert_to_numpy(convert_to_tensor([1.0, 2.0]))
    array([1., 2.], dtype=float32)

    Errors: ValueError for a placeholder, which has no values.
    """
    if isinstance(x, KerasTensor):
        raise ValueError(f"convert_to_numpy: the placeholder {x.name!r} of shape {x.shape} has no values.")
    return np.asarray(x.numpy() if isinstance(x, Tensor | _dlrs.Variable) else x)


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` with elements of type `dtype`; floats are truncated towards zero to integers.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return _dlrs.cast(x, standardize_dtype(dtype))
