"""Other arrangements of the same elements: reshaping, reordering, joining, splitting, indexing."""

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.operation import op, op_with_spec
from dlrs.ops.operation_utils import validate_reshape_shape

__all__ = [
    "append", "broadcast_to", "concatenate", "expand_dims", "flip", "get_item", "hstack", "moveaxis", "pad", "ravel",
    "repeat", "reshape", "roll", "split", "squeeze", "stack", "swapaxes", "take", "take_along_axis", "tile",
    "transpose", "vstack",
]  # fmt: skip


def normalize_axis(name: str, axis: int, ndim: int) -> int:
    """`axis` counted from the front; one that does not exist is a ValueError that names the op."""
    if not -ndim <= axis < ndim:
        raise ValueError(f"{name}: axis {axis} is out of bounds for a tensor of {ndim} axes.")
    return axis % ndim


def _axes(name: str, axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    axes = tuple(normalize_axis(name, a, ndim) for a in ((axis,) if isinstance(axis, int) else axis))
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: an axis is named twice in {axis}.")
    return axes


@op
def reshape(x: TensorLike, newshape: int | Sequence[int | None]) -> Tensor:
    """The elements of `x`, in the same order, with shape `newshape`; one size may be -1 (or None), which is worked out.

    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    shape = (newshape,) if isinstance(newshape, int) else newshape
    validate_reshape_shape(shape)
    return _dlrs.reshape(x, [-1 if dim is None else dim for dim in shape])


@op
def ravel(x: TensorLike) -> Tensor:
    """The elements of `x` on one axis.

    >>> ravel([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return _dlrs.reshape(x, (-1,)) if as_tensor(x).size else _dlrs.reshape(x, (0,))


@op
def expand_dims(x: TensorLike, axis: int | Sequence[int]) -> Tensor:
    """`x` with axes of size 1 at the places `axis` of the result.

    >>> expand_dims([1.0, 2.0], -1).shape
    (2, 1)
    """
    x = as_tensor(x)
    ndim = x.ndim + (1 if isinstance(axis, int) else len(axis))
    axes = tuple(operator.index(i) for i in _axes("expand_dims", axis, ndim))
    if len(set(axes)) != ndim - x.ndim:
        raise ValueError(f"expand_dims: `axis` names an axis twice: {axis}.")
    sizes = iter(x.shape)
    return _dlrs.reshape(x, [1 if i in axes else next(sizes) for i in range(ndim)])


@op
def squeeze(x: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """`x` without its axes of size 1, or without those of `axis`, which must have size 1.

    >>> squeeze([[1.0], [2.0]]).shape
    (2,)
    """
    x = as_tensor(x)
    if axis is None:
        return _dlrs.reshape(x, [dim for dim in x.shape if dim != 1])
    axes = _axes("squeeze", axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} of shape {x.shape} has size {x.shape[a]}, not 1.")
    return _dlrs.reshape(x, [dim for i, dim in enumerate(x.shape) if i not in axes])


@op
def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """`x` with its axes in the order `axes`; reversed if None.

    >>> transpose([[1.0, 2.0]]).tolist()
    [[1.0], [2.0]]
    """
    if axes is not None and len({a % len(axes) for a in axes}) != len(axes):
        raise ValueError(f"transpose: an axis is named twice; a valid permutation was expected, got axes={list(axes)}.")
    return _dlrs.transpose(x, axes)


@op
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """`x` with two axes exchanged.

    >>> swapaxes([[1.0, 2.0]], 0, 1).tolist()
    [[1.0], [2.0]]
    """
    x = as_tensor(x)
    order = list(range(x.ndim))
    a, b = normalize_axis("swapaxes", axis1, x.ndim), normalize_axis("swapaxes", axis2, x.ndim)
    order[a], order[b] = b, a
    return _dlrs.transpose(x, order)


@op
def moveaxis(x: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """`x` with the axes `source` moved to the places `destination`, the others in their order.

    >>> moveaxis([[[1.0, 2.0]]], -1, 0).shape
    (2, 1, 1)
    """
    x = as_tensor(x)
    sources, destinations = _axes("moveaxis", source, x.ndim), _axes("moveaxis", destination, x.ndim)
    if len(sources) != len(destinations):
        raise ValueError(f"moveaxis: `source` {source} and `destination` {destination} differ in length.")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for to, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, axis)
    return _dlrs.transpose(x, order)


@op
def broadcast_to(x: TensorLike, shape: Sequence[int]) -> Tensor:
    """`x` repeated along axes of size 1 and along new leading axes, to shape `shape`.

    >>> broadcast_to([1.0, 2.0], (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    return _dlrs.broadcast_to(x, shape)


@op
def concatenate(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """The tensors `xs` one after the other along `axis`; their other sizes must agree.

    >>> concatenate([[1.0], [2.0, 3.0]]).tolist()
    [1.0, 2.0, 3.0]
    """
    if axis is None:
        raise ValueError("concatenate: `axis` must be an integer, got None.")
    if isinstance(xs, dict):
        raise TypeError("concatenate: `xs` must be a sequence of tensors, got a dict.")
    if len(xs):
        normalize_axis("concatenate", axis, as_tensor(xs[0]).ndim)
    return _dlrs.concatenate(xs, axis)


@op
def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """The tensors `x`, of one shape, along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    tensors = [as_tensor(t) for t in x]
    if len({t.shape for t in tensors}) != 1:
        raise ValueError(f"stack: `x` must hold tensors of one shape, got {[t.shape for t in tensors]}.")
    return _dlrs.concatenate([expand_dims(t, axis) for t in tensors], axis)


@op
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """The tensors `xs` joined along their second axis, vectors along their only one.

    >>> hstack([[1.0], [2.0]]).tolist()
    [1.0, 2.0]
    """
    tensors = [_with_axes(t, 1) for t in xs]
    return _dlrs.concatenate(tensors, 0 if all(t.ndim == 1 for t in tensors) else 1)


@op
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """The tensors `xs` joined along their first axis, vectors as rows.

    >>> vstack([[1.0], [2.0]]).tolist()
    [[1.0], [2.0]]
    """
    return _dlrs.concatenate([_with_axes(t, 2) for t in xs], 0)


def _with_axes(x: TensorLike, ndim: int) -> Tensor:
    x = as_tensor(x)
    return x if x.ndim >= ndim else _dlrs.reshape(x, (1,) * (ndim - x.ndim) + x.shape)


@op
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along `axis`; both flattened if None.

    >>> append([1.0], [2.0]).tolist()
    [1.0, 2.0]
    """
    if axis is None:
        return _dlrs.concatenate([ravel(x1), ravel(x2)], 0)
    return _dlrs.concatenate([x1, x2], axis)


@op
def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis`, into equal parts (an integer) or before the given indices.

    >>> [part.tolist() for part in split([1.0, 2.0, 3.0], [1])]
    [[1.0], [2.0, 3.0]]
    """
    x = as_tensor(x)
    axis = normalize_axis("split", axis, x.ndim)
    size = x.shape[axis]
    if isinstance(indices_or_sections, int):
        parts = indices_or_sections
        if parts <= 0 or size % parts:
            raise ValueError(f"split: axis {axis} of size {size} cannot be cut into {parts} equal parts.")
        cuts = list(range(0, size + 1, size // parts)) if size else [0] * (parts + 1)
    else:
        cuts = [0, *(min(max(i + size if i < 0 else i, 0), size) for i in indices_or_sections), size]
    return [_range(x, axis, start, max(start, stop)) for start, stop in pairwise(cuts)]


def _unstack_spec(x: Any, num: int | None = None, axis: int = 0) -> list[KerasTensor]:
    axis = normalize_axis("unstack", axis, len(x.shape))
    count = x.shape[axis] if num is None else num
    if count is None:
        raise ValueError(f"unstack: Cannot infer argument `num` from shape {x.shape}: axis {axis} is open there.")
    return [KerasTensor(x.shape[:axis] + x.shape[axis + 1 :], x.dtype) for _ in range(count)]


@op_with_spec(_unstack_spec)
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices of `x` along `axis`, without that axis.

    >>> [part.tolist() for part in unstack([[1.0, 2.0], [3.0, 4.0]])]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x = as_tensor(x)
    axis = normalize_axis("unstack", axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: `num` is {num}, but axis {axis} has size {x.shape[axis]}.")
    return [squeeze(_range(x, axis, i, i + 1), axis) for i in range(x.shape[axis])]


def _range(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """Elements `start` to `stop` along `axis`."""
    starts, stops = [0] * x.ndim, list(x.shape)
    starts[axis], stops[axis] = start, stop
    return _dlrs.slice(x, starts, stops, [1] * x.ndim)


@op
def flip(x: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """`x` in reverse order along `axis`, or along every axis.

    >>> flip([1.0, 2.0, 3.0]).tolist()
    [3.0, 2.0, 1.0]
    """
    x = as_tensor(x)
    axes = range(x.ndim) if axis is None else _axes("flip", axis, x.ndim)
    starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for a in axes:
        if x.shape[a]:
            starts[a], stops[a], steps[a] = x.shape[a] - 1, -1, -1
    return _dlrs.slice(x, starts, stops, steps)


@op
def roll(x: TensorLike, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """`x` shifted along `axis`, what leaves at one end entering at the other; flattened meanwhile if `axis` is None.

    >>> roll([1.0, 2.0, 3.0], 1).tolist()
    [3.0, 1.0, 2.0]
    """
    x = as_tensor(x)
    if axis is None:
        total = shift if isinstance(shift, int) else sum(shift)
        return _dlrs.reshape(roll(ravel(x), total, 0), x.shape)
    axes = _axes("roll", axis, x.ndim)
    shifts = (shift,) * len(axes) if isinstance(shift, int) else tuple(shift)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: `shift` {shift} and `axis` {axis} differ in length.")
    for a, s in zip(axes, shifts, strict=True):
        size = x.shape[a]
        cut = -s % size if size else 0
        if cut:
            x = _dlrs.concatenate([_range(x, a, cut, size), _range(x, a, 0, cut)], a)
    return x


@op
def repeat(x: TensorLike, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Each element, or each slice along `axis`, `repeats` times; `repeats` may hold a number for each.

    >>> repeat([1.0, 2.0], 2).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("repeat", axis, x.ndim)
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or (counts < 0).any():
        raise ValueError(f"repeat: `repeats` must be an integer of at least 0, or a list of them, got {repeats!r}.")
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if counts.size == 1:
        # Without indices, so that a result too large for the memory is found out before any is taken.
        count = int(counts.reshape(()))
        if size == 1:
            return _dlrs.broadcast_to(x, (*before, count, *after))
        copies = _dlrs.broadcast_to(_dlrs.reshape(x, (*before, size, 1, *after)), (*before, size, count, *after))
        return _dlrs.reshape(copies, (*before, size * count, *after))
    if counts.size != size:
        raise ValueError(f"repeat: `repeats` has {counts.size} numbers for the {size} entries of axis {axis}.")
    return _dlrs.take(x, np.repeat(np.arange(size, dtype=np.int32), counts), axis)


@op
def tile(x: TensorLike, repeats: int | Sequence[int]) -> Tensor:
    """`x` laid side by side, `repeats` times along each axis; new axes come first.

    >>> tile([1.0, 2.0], 2).tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    x = as_tensor(x)
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    ndim = max(x.ndim, len(counts))
    counts = [1] * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    pairs = [size for dim in shape for size in (1, dim)]
    repeated = [size for count, dim in zip(counts, shape, strict=True) for size in (count, dim)]
    result = [count * dim for count, dim in zip(counts, shape, strict=True)]
    return _dlrs.reshape(_dlrs.broadcast_to(_dlrs.reshape(x, pairs), repeated), result)


@op
def pad(x: TensorLike, pad_width: Any, mode: str = "constant", constant_values: TensorLike | None = None) -> Tensor:
    """`x` with elements added at the ends of its axes.

    Args:
        x: Tensor.
        pad_width: A number, a pair (before, after), or such a pair for each axis.
        mode: `"constant"`, `"reflect"` (mirrored without the edge) or `"symmetric"` (mirrored with the edge).
        constant_values: Value of the added elements in mode `"constant"`; 0 if None.

    >>> pad([1.0, 2.0], 1).tolist()
    [0.0, 1.0, 2.0, 0.0]
    >>> pad([1.0, 2.0, 3.0], (0, 2), mode="reflect").tolist()
    [1.0, 2.0, 3.0, 2.0, 1.0]
    """
    x = as_tensor(x)
    widths = [(int(a), int(b)) for a, b in np.broadcast_to(np.asarray(pad_width, dtype=np.int64), (x.ndim, 2))]
    if mode == "constant":
        return _dlrs.pad(x, widths, 0.0 if constant_values is None else as_tensor(constant_values).item())
    if constant_values is not None:
        raise ValueError(
            f"pad: Argument `constant_values` can only be provided when `mode == 'constant'`, got mode {mode!r}."
        )
    if mode not in ("reflect", "symmetric"):
        raise ValueError(f"pad: `mode` must be 'constant', 'reflect' or 'symmetric', got {mode!r}.")
    for axis, width in enumerate(widths):
        if width != (0, 0):
            indices = np.pad(np.arange(x.shape[axis], dtype=np.int32), width, mode=mode)  # type: ignore[call-overload]
            x = _dlrs.take(x, indices, axis)
    return x


@op
def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The slices of `x` along `axis` at `indices`, whose axes replace it; of the flattened `x` if `axis` is None.

    >>> take([1.0, 2.0, 3.0], [2, 0]).tolist()
    [3.0, 1.0]
    """
    if axis is None:
        x, axis = ravel(x), 0
    return _dlrs.take(x, indices, normalize_axis("take", axis, as_tensor(x).ndim))


@op
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """For each place of `indices`, the element of `x` at the same place but for its index along `axis`.

    Sizes of 1 are repeated along the other axes. Negative indices count from the end.

    Errors: ValueError if the shapes do not fit, IndexError for an index out of range.

    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1).tolist()
    [[2.0], [3.0]]
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        return _dlrs.take(ravel(x), ravel(indices), 0)
    axis = normalize_axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(f"take_along_axis: `indices` has {indices.ndim} axes, `x` has {x.ndim}.")
    pairs = list(zip(indices.shape, x.shape, strict=True))
    shape = [i if a == axis else d if i == 1 else i for a, (i, d) in enumerate(pairs)]
    source = [d if a == axis else i if d == 1 else d for a, (i, d) in enumerate(pairs)]
    return _dlrs.take_along_axis(_dlrs.broadcast_to(x, source), _dlrs.broadcast_to(indices, shape), axis)


@op
def get_item(x: TensorLike, key: Any) -> Tensor:
    """`x[key]`.

    >>> get_item([[1.0, 2.0], [3.0, 4.0]], (slice(None), 1)).tolist()
    [2.0, 4.0]
    """
    return as_tensor(x)[key]
