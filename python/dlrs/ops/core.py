"""Conversion, control flow, and slices at given places."""

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs, backend
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, convert_to_numpy, is_tensor, standardize_dtype, tree
from dlrs.ops.class_forms import class_forms
from dlrs.ops.operation import op

__all__ = [
    "cast", "cond", "convert_to_numpy", "convert_to_tensor", "dtype", "fori_loop", "is_tensor", "map", "saturate_cast",
    "scan", "shape", "slice", "slice_update", "stop_gradient", "switch", "vectorized_map", "while_loop",
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


def shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of the axes of `x`, as integers; None where a placeholder leaves one open.

    >>> shape([[1.0, 2.0]])
    (1, 2)
    """
    if isinstance(x, KerasTensor):
        return x.shape
    return tuple(x.shape if isinstance(x, Tensor | _dlrs.Variable | np.ndarray) else as_tensor(x).shape)


def dtype(x: Any) -> str:
    """The name of the element type of `x`.

    >>> dtype([1.0])
    'float32'
    """
    return str(x.dtype) if hasattr(x, "dtype") else as_tensor(x).dtype


@op
def stop_gradient(variable: TensorLike) -> Tensor:
    """The value of `variable`, for gradients a constant."""
    return _dlrs.stop_gradient(variable)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Apply `carry, y = f(carry, x)` to the slices `x` of `xs` along their first axis, one after the other.

    Args:
        f: Function of the carried values and one slice. It is traced once; both may be nests of tensors.
        init: The first carried values. `f` must return carried values of the same shapes and types.
        xs: Nest of tensors with equal first sizes; None if `f` needs no slices.
        length: Number of steps; needed if `xs` is None.
        reverse: Whether to begin at the last slice.
        unroll: Taken for compatibility.

    Returns:
        The last carried values, and the `y` of all steps stacked along a new first axis in the order of `xs`.

    >>> total, sums = scan(lambda c, x: (c + x, c + x), 0.0, convert_to_tensor([1.0, 2.0, 3.0]))
    >>> total.item(), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    slices = [] if xs is None else [as_tensor(x) for x in tree.flatten(xs)]
    lengths = {x.shape[0] if x.ndim else 0 for x in slices}
    if length is not None:
        lengths.add(length)
    if len(lengths) != 1:
        raise ValueError(
            "scan: `length` is needed when `xs` is None."
            if not lengths
            else f"scan: `xs` and `length` give different numbers of steps: {sorted(lengths)}."
        )
    nesting: list[Any] = [None]

    def body(carry: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        new, y = f(tree.pack_sequence_as(init, carry), None if xs is None else tree.pack_sequence_as(xs, x))
        tree.assert_same_structure(init, new)
        nesting[0] = tree.map_structure(lambda leaf: leaf is not None, y)
        return (
            [as_tensor(leaf) for leaf in tree.flatten(new)],
            [as_tensor(leaf) for leaf in tree.flatten(y) if leaf is not None],
        )

    first = [as_tensor(x) for x in tree.flatten(init)]
    last, ys = _dlrs.scan(body, first, slices, lengths.pop(), reverse)
    stacked = iter(ys)
    return (
        tree.pack_sequence_as(init, last),
        tree.map_structure(lambda present: next(stacked) if present else None, nesting[0]),
    )


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` applied to each slice of `xs` along the first axis, the results stacked.

    >>> map(lambda x: x * x, convert_to_tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 4.0, 9.0]
    """
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` applied to each slice of `elements` along the first axis, as `map`."""
    return map(function, elements)


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` if `pred` holds, else `false_fn()`.

    While a function is traced and `pred` is not known, both are computed and the result is selected: assignments in
    either take place.

    >>> cond(True, lambda: 1.0, lambda: 2.0)
    1.0
    """
    if not (isinstance(pred, Tensor | _dlrs.Variable) and as_tensor(pred).is_symbolic):
        return true_fn() if bool(pred) else false_fn()
    return tree.map_structure(lambda a, b: _dlrs.where(pred, a, b), true_fn(), false_fn())


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`, with `index` limited to the branches there are.

    >>> switch(1, [lambda x: x, lambda x: -x], 3.0)
    -3.0
    """
    if not branches:
        raise ValueError("switch: `branches` is empty.")
    if not (isinstance(index, Tensor | _dlrs.Variable) and as_tensor(index).is_symbolic):
        return branches[min(max(int(index), 0), len(branches) - 1)](*operands)
    result = branches[-1](*operands)
    for i in reversed(range(len(branches) - 1)):
        chosen = _dlrs.less_equal(index, i)
        result = tree.map_structure(
            lambda a, b, chosen=chosen: _dlrs.where(chosen, a, b), branches[i](*operands), result
        )
    return result


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Apply `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds, at most `maximum_iterations` times.

    While a function is traced, `maximum_iterations` must be given: that many steps are computed, those after the end
    without effect, so that the loop has gradients.

    >>> while_loop(lambda i: i < 5, lambda i: (i + 2,), (0,))
    (6,)
    """
    single = not isinstance(loop_vars, list | tuple)
    state = (loop_vars,) if single else tuple(loop_vars)

    def step(values: tuple[Any, ...]) -> tuple[Any, ...]:
        new = body(*values)
        return tuple(new) if isinstance(new, list | tuple) else (new,)

    if not _dlrs.is_tracing():
        done = 0
        while (maximum_iterations is None or done < maximum_iterations) and bool(cond(*state)):
            state = step(state)
            done += 1
    else:
        if maximum_iterations is None:
            raise _dlrs.TracingError(
                "while_loop: in a traced function the number of steps must be bounded: pass `maximum_iterations`, or"
                " run with `run_eagerly=True`."
            )

        def bounded(values: tuple[Any, ...], _: Any) -> tuple[tuple[Any, ...], None]:
            active = cond(*values)
            return tree.map_structure(lambda new, old: _dlrs.where(active, new, old), step(values), values), None

        state = scan(bounded, state, length=maximum_iterations)[0]
    if single:
        return state[0]
    return type(loop_vars)(state)


def fori_loop(lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Apply `value = body_fun(i, value)` for `i` from `lower` to `upper - 1`.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    6
    """
    if not _dlrs.is_tracing():
        value = init_val
        for i in range(int(lower), int(upper)):
            value = body_fun(i, value)
        return value

    def step(value: Any, i: Any) -> tuple[Any, None]:
        return body_fun(i, value), None

    return scan(step, init_val, np.arange(int(lower), int(upper), dtype=np.int32))[0]


@op
def slice(inputs: TensorLike, start_indices: Any, shape: Sequence[int]) -> Tensor:
    """The block of `inputs` of sizes `shape` that begins at `start_indices`; a size of -1 means up to the end.

    >>> slice([[1.0, 2.0], [3.0, 4.0]], (0, 1), (2, 1)).tolist()
    [[2.0], [4.0]]
    """
    inputs = as_tensor(inputs)
    if isinstance(start_indices, Tensor) and start_indices.is_symbolic:
        return _slice_at(inputs, start_indices, shape)
    starts = [int(start) for start in start_indices]
    stops = [dim if size == -1 else start + size for start, size, dim in zip(starts, shape, inputs.shape, strict=True)]
    _check_block("slice", inputs.shape, starts, stops)
    return _dlrs.slice(inputs, starts, stops, [1] * inputs.ndim)


def _slice_at(inputs: Tensor, starts: Tensor, shape: Sequence[int]) -> Tensor:
    """A block whose place is known only when the program runs."""
    for axis, size in enumerate(shape):
        start = _dlrs.slice(starts, [axis], [axis + 1], [1])
        inputs = _dlrs.take(inputs, _dlrs.add(np.arange(size, dtype=starts.dtype), start), axis)
    return inputs


@op
def slice_update(inputs: TensorLike, start_indices: Sequence[int], updates: TensorLike) -> Tensor:
    """`inputs` with the block that begins at `start_indices` replaced by `updates`.

    >>> slice_update([1.0, 2.0, 3.0], (1,), [9.0]).tolist()
    [1.0, 9.0, 3.0]
    """
    inputs, updates = as_tensor(inputs), as_tensor(updates)
    starts = [int(start) for start in start_indices]
    stops = [start + size for start, size in zip(starts, updates.shape, strict=True)]
    _check_block("slice_update", inputs.shape, starts, stops)
    widths = [(start, dim - stop) for start, stop, dim in zip(starts, stops, inputs.shape, strict=True)]
    inside = np.zeros(inputs.shape, dtype=bool)
    inside[tuple(builtins.slice(start, stop) for start, stop in zip(starts, stops, strict=True))] = True
    return _dlrs.where(inside, _dlrs.pad(_dlrs.cast(updates, inputs.dtype), widths), inputs)


def _check_block(name: str, shape: Sequence[int], starts: Sequence[int], stops: Sequence[int]) -> None:
    for axis, (start, stop, dim) in enumerate(zip(starts, stops, shape, strict=True)):
        if not 0 <= start <= stop <= dim:
            raise ValueError(
                f"{name}: elements {start} to {stop} of axis {axis} are not in a tensor of shape {tuple(shape)}."
            )


__getattr__ = class_forms(__name__, globals())  # their classes, as `keras.ops` has them
