"""Shapes of results, worked out from shapes alone."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, is_tensor
from dlrs.backend.checks import check_type

Shape = tuple[int | None, ...]


def broadcast_shapes(shape1: Sequence[int | None], shape2: Sequence[int | None]) -> list[int | None]:
    """The shape of two tensors broadcast together; an open size gives way to one that is known and not 1.

    >>> broadcast_shapes((5, None), (1, 3))
    [5, 3]
    """
    ndim = max(len(shape1), len(shape2))
    first, second = ([*[1] * (ndim - len(shape)), *shape] for shape in (shape1, shape2))
    result: list[int | None] = []
    for a, b in zip(first, second, strict=True):
        if a == b or b == 1:
            result.append(a)
        elif a == 1 or a is None:
            result.append(b)
        elif b is None:
            result.append(a)
        else:
            raise ValueError(f"Cannot broadcast shape, the failure dim has value {a} and {b}: {shape1} and {shape2}.")
    return result


def _placed(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for {ndim} axes.")
    return axis % ndim


def compute_expand_dims_output_shape(input_shape: Sequence[int | None], axis: int | Sequence[int]) -> Shape:
    """The shape with axes of size 1 at the places `axis` of the result.

    >>> compute_expand_dims_output_shape((2, 3), (0, -1))
    (1, 2, 3, 1)
    """
    axes = [axis] if isinstance(axis, int) else list(axis)
    ndim = len(input_shape) + len(axes)
    places = {_placed(a, ndim) for a in axes}
    sizes = iter(input_shape)
    return tuple(1 if place in places else next(sizes) for place in range(ndim))


def reduce_shape(shape: Sequence[int | None], axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Shape:
    """The shape of a reduction.

    >>> reduce_shape((2, 3, 4), axis=[1], keepdims=True)
    (2, 1, 4)
    """
    axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    places = {_placed(a, len(shape)) for a in axes}
    return tuple(1 if i in places else size for i, size in enumerate(shape) if keepdims or i not in places)


def _window_sizes(
    input_shape: Sequence[int | None],
    spatial: Sequence[int | None],
    window: Sequence[int],
    strides: int | Sequence[int],
    padding: str,
    dilation: int | Sequence[int],
) -> Shape:
    """Sizes of the axes of space after a window has moved along them."""
    count = len(spatial)
    steps = [strides] * count if isinstance(strides, int) else list(strides)
    spreads = [dilation] * count if isinstance(dilation, int) else list(dilation)
    if not len(steps) == len(spreads) == len(window) == count:
        raise ValueError(
            f"`strides` {strides}, `dilation_rate` {dilation} and the window {tuple(window)} must have a number for"
            f" each axis of space of the input shape {tuple(input_shape)}."
        )
    sizes: list[int | None] = []
    for size, width, step, spread in zip(spatial, window, steps, spreads, strict=True):
        if size is None:
            sizes.append(None)
            continue
        reach = spread * (width - 1) + 1 if padding == "valid" else 1
        result = (size - reach) // step + 1
        if result <= 0:
            raise ValueError(
                f"Computed output size would be zero or negative: input shape {tuple(input_shape)}, window"
                f" {tuple(window)}, strides {strides}, padding {padding!r}."
            )
        sizes.append(result)
    return tuple(sizes)


def compute_pooling_output_shape(
    input_shape: Sequence[int | None],
    pool_size: Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Shape:
    """The shape after pooling.

    >>> compute_pooling_output_shape((1, 4, 4, 1), (2, 2))
    (1, 2, 2, 1)
    """
    if padding not in ("valid", "same"):
        raise ValueError(f"`padding` must be 'valid' or 'same', got {padding!r}.")
    last = data_format == "channels_last"
    spatial = input_shape[1:-1] if last else input_shape[2:]
    steps = pool_size if strides is None else strides
    sizes = _window_sizes(input_shape, spatial, pool_size, steps, padding, 1)
    return (input_shape[0], *sizes, input_shape[-1]) if last else (*input_shape[:2], *sizes)


def compute_conv_output_shape(
    input_shape: Sequence[int | None],
    filters: int,
    kernel_size: Sequence[int],
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: int | Sequence[int] = 1,
) -> Shape:
    """The shape after a convolution.

    >>> compute_conv_output_shape((1, 4, 4, 1), 8, (3, 3))
    (1, 2, 2, 8)
    """
    if padding not in ("valid", "same", "causal"):
        raise ValueError(f"`padding` must be 'valid', 'same' or 'causal', got {padding!r}.")
    last = data_format == "channels_last"
    spatial = input_shape[1:-1] if last else input_shape[2:]
    sizes = _window_sizes(input_shape, spatial, kernel_size, strides, padding, dilation_rate)
    return (input_shape[0], *sizes, filters) if last else (input_shape[0], filters, *sizes)


def validate_reshape_shape(newshape: Any, newshape_arg_name: str = "newshape") -> None:
    """Refuse a shape with negative sizes other than one -1. Sizes known only later are not looked at."""
    if is_tensor(newshape):
        return
    sizes = [size for size in newshape if isinstance(size, int | np.integer)]
    if any(size < -1 for size in sizes):
        raise ValueError(
            f"Each dimension in `{newshape_arg_name}` must be a non-negative integer, or -1 once. Received:"
            f" {newshape_arg_name}={newshape}."
        )
    if sizes.count(-1) > 1:
        raise ValueError(
            f"There must be at most one unknown dimension (-1) in `{newshape_arg_name}`. Received:"
            f" {newshape_arg_name}={newshape}."
        )


def compute_reshape_output_shape(input_shape: Sequence[int | None], newshape: Any, newshape_arg_name: str) -> Shape:
    """The shape after reshaping, with the size for -1 worked out, or open where it is not known.

    >>> compute_reshape_output_shape((2, 6), (-1, 4), "newshape")
    (3, 4)
    """
    validate_reshape_shape(newshape, newshape_arg_name)
    if is_tensor(newshape):
        length = newshape.shape[0] if len(newshape.shape) == 1 else None
        return (None,) * (1 if length is None else length)
    wanted = [int(size) if isinstance(size, int | np.integer) else None for size in newshape]
    known = [size for size in wanted if size is not None and size != -1]
    if None in wanted or any(size is None for size in input_shape):
        return tuple(None if size == -1 else size for size in wanted)
    total, product = math.prod(size for size in input_shape if size is not None), math.prod(known)
    if (product != total) if -1 not in wanted else (product == 0 or total % product != 0):
        raise ValueError(
            f"The total size of the tensor must be unchanged. Received: input_shape={tuple(input_shape)},"
            f" {newshape_arg_name}={tuple(newshape)}."
        )
    return tuple(total // product if size == -1 else size for size in wanted)


def get_source_inputs(tensor: Any) -> list[KerasTensor]:
    """The input placeholders that `tensor`, a placeholder, was made from, each once.

    >>> x = KerasTensor((2,))
    >>> get_source_inputs(x * 2.0) == [x]
    True
    """
    check_type("get_source_inputs", "tensor", tensor, KerasTensor, "a placeholder")
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    stack = [tensor]
    while stack:
        x = stack.pop()
        history = x._keras_history
        node = None if history is None else history.operation._inbound_nodes[history.node_index]
        if node is None or node.is_input:
            for source in [x] if node is None else node.outputs:
                found.setdefault(id(source), source)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.extend(reversed(node.input_tensors))
    return list(found.values())
