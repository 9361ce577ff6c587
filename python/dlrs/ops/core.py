"""Conversion, control flow, and slices at given places."""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs, backend
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, convert_to_numpy, is_tensor, shape, standardize_dtype
from dlrs.ops.class_forms import class_forms
from dlrs.ops.control_flow import (
    Cond,
    ForiLoop,
    Switch,
    WhileLoop,
    cond,
    custom_gradient,
    fori_loop,
    switch,
    while_loop,
)
from dlrs.ops.manipulation import unstack
from dlrs.ops.operation import op, op_with_spec
from dlrs.ops.scans import AssociativeScan, Map, Scan, VectorizedMap, associative_scan, map, scan, vectorized_map
from dlrs.ops.segments import scatter, scatter_update

__all__ = [
    "AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop",
    "associative_scan", "cast", "cond", "convert_to_numpy", "convert_to_tensor", "custom_gradient", "dtype",
    "fori_loop", "is_tensor", "map", "saturate_cast", "scan", "scatter", "scatter_update", "shape", "slice",
    "slice_update", "stop_gradient", "switch", "unstack", "vectorized_map", "while_loop",
]  # fmt: skip


@op
def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Tensor:
    """`x` (array, nested list, number, variable, tensor) as a tensor of type `dtype`.

    >>> convert_to_tensor([1, 2], dtype="float32").tolist()
    [1.0, 2.0]
    """
    return backend.convert_to_tensor(x, dtype, sparse, ragged)


@op
def cast(x: TensorLike, dtype: Any) -> Tensor:
    """`x` with elements of type `dtype`; floats are truncated towards zero to integers.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return backend.cast(x, dtype)


@op
def saturate_cast(x: TensorLike, dtype: Any) -> Tensor:
    """`x` limited to the range of `dtype`, then cast to it.

    >>> saturate_cast([-3.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    name = standardize_dtype(dtype)
    if not backend.is_int_dtype(name):
        return _dlrs.cast(x, name)
    limits = np.iinfo(name)
    x = as_tensor(x)
    if not backend.is_float_dtype(x.dtype):
        # Only the limits that the type of x can express; the others cannot be passed.
        own = np.iinfo(x.dtype) if x.dtype != "bool" else np.iinfo("uint8")
        x = x if own.min >= limits.min else _dlrs.maximum(x, limits.min)
        x = x if own.max <= limits.max else _dlrs.minimum(x, limits.max)
        return _dlrs.cast(x, name)
    # The largest integer may round up as a float; the next float below it is in range.
    host = np.float64 if x.dtype == "float64" else np.float32
    top = host(limits.max)
    if builtins.int(top) > limits.max:
        top = np.nextafter(top, host(0))
    return _dlrs.cast(_dlrs.minimum(_dlrs.maximum(x, float(limits.min)), float(top)), name)


def dtype(x: Any) -> str:
    """The name of the element type of `x`.

    >>> dtype([1.0])
    'float32'
    """
    return str(x.dtype) if hasattr(x, "dtype") else as_tensor(x).dtype


@op
def stop_gradient(variable: TensorLike) -> Tensor:
    """The value of `variable`, for gradients a constant.

    >>> from dlrs.backend import grad
    >>> grad(lambda x: x * stop_gradient(x))(3.0).item()
    3.0
    """
    return _dlrs.stop_gradient(variable)


def _slice_spec(inputs: Any, start_indices: Any, shape: Sequence[int]) -> KerasTensor:
    """The placeholder that `slice` gives: a size up to the end is open if the start or the end is."""
    dims = _check_axes("slice", tuple(inputs.shape), start_indices, shape)
    known = None if isinstance(start_indices, KerasTensor) else [int(start) for start in start_indices]
    sizes = [
        size if size != -1 else None if dim is None or known is None else dim - known[axis]
        for axis, (size, dim) in enumerate(zip(shape, dims, strict=True))
    ]
    return KerasTensor(sizes, inputs.dtype)


@op_with_spec(_slice_spec)
def slice(inputs: TensorLike, start_indices: TensorLike, shape: Sequence[int]) -> Tensor:
    """The block of `inputs` of sizes `shape` that begins at `start_indices`; a size of -1 means up to the end.

    Args:
        inputs: Tensor.
        start_indices: One integer for each axis, as numbers or tensors; in a traced function they may be unknown.
        shape: Sizes of the block.

    Errors: ValueError if the numbers of axes differ or a known block is not inside, IndexError for one that turns out
    not to be when the program runs.

    >>> slice([[1.0, 2.0], [3.0, 4.0]], (0, 1), (2, 1)).tolist()
    [[2.0], [4.0]]
    """
    inputs = as_tensor(inputs)
    _check_axes("slice", inputs.shape, start_indices, shape)
    starts = _starts(start_indices)
    if not isinstance(starts, Tensor):
        stops = [
            dim if size == -1 else start + int(size)
            for start, size, dim in zip(starts, shape, inputs.shape, strict=True)
        ]
        _check_block("slice", inputs.shape, starts, stops)
        return _dlrs.slice(inputs, starts, stops, [1] * inputs.ndim)
    if -1 in shape:
        raise ValueError("slice: `shape` cannot hold -1 where `start_indices` are not known: sizes must be.")
    return _dlrs.slice_at(inputs, starts, list(shape))


@op_with_spec(lambda inputs, start_indices, updates: KerasTensor(inputs.shape, inputs.dtype))
def slice_update(inputs: TensorLike, start_indices: TensorLike, updates: TensorLike) -> Tensor:
    """`inputs` with the block that begins at `start_indices` replaced by `updates`.

    Errors: as `slice`.

    >>> slice_update([1.0, 2.0, 3.0], (1,), [9.0]).tolist()
    [1.0, 9.0, 3.0]
    """
    inputs = as_tensor(inputs)
    updates = _dlrs.cast(updates, inputs.dtype)
    _check_axes("slice_update", inputs.shape, start_indices, updates.shape)
    starts = _starts(start_indices)
    if not isinstance(starts, Tensor):
        stops = [start + size for start, size in zip(starts, updates.shape, strict=True)]
        _check_block("slice_update", inputs.shape, starts, stops)
        starts = _dlrs.tensor(np.asarray(starts, dtype="int64"))
    return _dlrs.slice_update(inputs, starts, updates)


def _starts(start_indices: Any) -> list[int] | Tensor:
    """Where a block begins: numbers, or a vector if one of them is not known yet."""
    if isinstance(start_indices, Tensor | _dlrs.Variable):
        whole = as_tensor(start_indices)
        return whole if whole.is_symbolic else [int(start) for start in whole.numpy()]
    starts = list(start_indices)
    if not builtins.any(isinstance(start, Tensor) and start.is_symbolic for start in starts):
        return [int(start) for start in starts]
    return _dlrs.concatenate([_dlrs.reshape(_dlrs.cast(start, "int32"), (1,)) for start in starts], 0)


def _check_axes(
    name: str, dims: Sequence[int | None], start_indices: Any, shape: Sequence[int]
) -> tuple[int | None, ...]:
    if len(shape) != len(dims):
        raise ValueError(
            f"{name}: the number of dimensions in `inputs` must match the number of dimensions in `shape`, got"
            f" inputs.shape={tuple(dims)} and shape={tuple(shape)}."
        )
    count = start_indices.shape[0] if isinstance(start_indices, KerasTensor | Tensor) else len(start_indices)
    if count is not None and count != len(dims):
        raise ValueError(
            f"{name}: the number of dimensions in `start_indices` must match the number of dimensions in `inputs`, got"
            f" start_indices={start_indices} and inputs.shape={tuple(dims)}."
        )
    return tuple(dims)


def _check_block(name: str, shape: Sequence[int], starts: Sequence[int], stops: Sequence[int]) -> None:
    for axis, (start, stop, dim) in enumerate(zip(starts, stops, shape, strict=True)):
        if not 0 <= start <= stop <= dim:
            raise ValueError(
                f"{name}: elements {start} to {stop} of axis {axis} are not in a tensor of shape {tuple(shape)}."
            )


__getattr__ = class_forms(__name__, globals())  # their classes, as `keras.ops` has them
