"""Values combined by the place that each belongs to: segments and scattering."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor
from dlrs.ops.operation import op_with_spec

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]

P = ParamSpec("P")
R = TypeVar("R")


class _Combine(Protocol):
    def __call__(self, x: Tensor, indices: Tensor, num_segments: int) -> Tensor: ...


def _check_segments(name: str, data: Any, ids: Any) -> None:
    """Check shapes, of placeholders as far as they are known."""
    if len(ids.shape) != 1:
        raise ValueError(f"{name}: Argument `segment_ids` should be an 1-D vector, got shape: {ids.shape}.")
    if not data.shape or (data.shape[0] != ids.shape[0] and None not in (data.shape[0], ids.shape[0])):
        raise ValueError(
            f"{name}: Argument `segment_ids` and `data` should have same leading dimension. Got {ids.shape} v.s."
            f" {data.shape}."
        )


def _segment_op(fn: Callable[P, R]) -> Callable[P, R]:
    """`op`, which gives placeholders an open number of segments unless it is an argument."""

    def spec(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> KerasTensor:
        _check_segments(fn.__name__, data, segment_ids)
        return KerasTensor((num_segments, *data.shape[1:]), data.dtype)

    return op_with_spec(spec)(fn)


def _segment(
    name: str, combine: _Combine, none: float, data: TensorLike, segment_ids: TensorLike, segments: int | None
) -> Tensor:
    """`combine` of the slices of segments that are not negative; `none`, limited to the dtype, changes no result."""
    data, ids = as_tensor(data), as_tensor(segment_ids)
    _check_segments(name, data, ids)
    if segments is None:
        if ids.is_symbolic:
            raise ValueError(
                f"{name}: `num_segments` is needed while a function is traced, as the ids are not known then."
            )
        segments = max(int(_dlrs.max(ids).item()) + 1, 0) if ids.size else 0
    if math.isinf(none) and np.dtype(data.dtype).kind in "iu":
        limits = np.iinfo(data.dtype)
        none = limits.max if none > 0 else limits.min
    inside = _dlrs.reshape(_dlrs.greater_equal(ids, 0), (ids.size, *[1] * (data.ndim - 1)))
    # Without segments there is no place for a slice that is left out: ids are as they are.
    ids = _dlrs.maximum(ids, 0) if segments else ids
    return combine(_dlrs.where(inside, data, none), ids, segments)


@_segment_op
def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Sums of the slices of `data` along the first axis that have the same segment id.

    Args:
        data: Tensor (n, ...).
        segment_ids: n integers: to which segment a slice belongs. Slices of negative ids are left out.
        num_segments: First size of the result; one more than the largest id if None.
        sorted: Taken for compatibility.

    Errors: ValueError if the shapes do not fit, IndexError for an id that is not less than `num_segments`.

    >>> segment_sum([1.0, 2.0, 4.0], [0, 1, 0], num_segments=3).tolist()
    [5.0, 2.0, 0.0]
    """
    return _segment("segment_sum", _dlrs.segment_sum, 0, data, segment_ids, num_segments)


@_segment_op
def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest of the slices with the same segment id, as `segment_sum`; of none, the least number of the dtype.

    >>> segment_max([1.0, 2.0, 4.0], [0, 1, 0], num_segments=3).tolist()
    [4.0, 2.0, -inf]
    """
    return _segment("segment_max", _dlrs.segment_max, -math.inf, data, segment_ids, num_segments)


@_segment_op
def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest of the slices with the same segment id, as `segment_sum`; of none, the greatest number of the dtype.

    >>> segment_min([1.0, 2.0, 4.0], [0, 1, 0], num_segments=3).tolist()
    [1.0, 2.0, inf]
    """
    return _segment("segment_min", _dlrs.segment_min, math.inf, data, segment_ids, num_segments)


@_segment_op
def segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Products of the slices with the same segment id, as `segment_sum`; of none, 1.

    >>> segment_prod([1.0, 2.0, 4.0], [0, 1, 0], num_segments=3).tolist()
    [4.0, 2.0, 1.0]
    """
    return _segment("segment_prod", _products, 1, data, segment_ids, num_segments)


def _products(x: Tensor, indices: Tensor, num_segments: int) -> Tensor:
    inner = math.prod(x.shape[1:])
    # Looked up, so that an id out of range is refused.
    rows = _dlrs.take(np.arange(num_segments, dtype=np.int64), indices, 0)
    places = _Places((num_segments, *x.shape[1:]), num_segments, inner, rows)
    ones = _dlrs.full((num_segments, inner), 1, x.dtype)
    return _dlrs.reshape(_multiplied(ones, _dlrs.reshape(x, (places.count, inner)), places), places.shape)


@dataclasses.dataclass(frozen=True)
class _Places:
    """Where values belong in a tensor seen as a matrix, whose rows are the places.

    Attributes:
        shape: Of the tensor.
        size: Number of places.
        inner: Elements of a place.
        rows: The places of the values, int64.
    """

    shape: tuple[int, ...]
    size: int
    inner: int
    rows: Tensor

    @property
    def count(self) -> int:
        """Number of values."""
        return self.rows.shape[0]


def _places(name: str, indices: TensorLike, values: Tensor, shape: Sequence[int]) -> _Places:
    """The places in a tensor of shape `shape` at which `indices`, whose last axis holds coordinates, point."""
    indices = as_tensor(indices)
    if indices.ndim == 0:
        raise ValueError(f"{name}: `indices` must have an axis of coordinates, got a scalar.")
    depth = indices.shape[-1]
    if depth > len(shape):
        raise ValueError(f"{name}: `indices` hold {depth} coordinates, the shape {tuple(shape)} has {len(shape)} axes.")
    if values.shape != (*indices.shape[:-1], *shape[depth:]):
        raise ValueError(
            f"{name}: values of shape {values.shape} do not fit `indices` of shape {indices.shape} into a tensor of"
            f" shape {tuple(shape)}."
        )
    dims = tuple(int(dim) for dim in shape)
    count = math.prod(indices.shape[:-1])
    rows = _dlrs.full((count,), 0, "int64")
    for axis, dim in enumerate(dims[:depth]):
        # Looked up, so that a coordinate out of range is refused instead of being a place in another row.
        coordinate = _dlrs.take(np.arange(dim, dtype=np.int64), _coordinate(indices, axis, count), 0)
        rows = _dlrs.add(_dlrs.multiply(rows, dim), coordinate)
    return _Places(dims, math.prod(dims[:depth]), math.prod(dims[depth:]), rows)


def _coordinate(indices: Tensor, axis: int, count: int) -> Tensor:
    first = [0] * (indices.ndim - 1)
    part = _dlrs.slice(indices, [*first, axis], [*indices.shape[:-1], axis + 1], [1] * indices.ndim)
    return _dlrs.reshape(part, (count,))


@op_with_spec(lambda indices, values, shape: KerasTensor(shape, values.dtype))
def scatter(indices: TensorLike, values: TensorLike, shape: Sequence[int]) -> Tensor:
    """Zeros of shape `shape` with `values` added at `indices`, whose last axis holds the leading coordinates.

    Errors: ValueError if the shapes do not fit, IndexError for a coordinate out of range.

    >>> scatter([[0], [2]], [1.0, 2.0], (4,)).tolist()
    [1.0, 0.0, 2.0, 0.0]
    """
    values = as_tensor(values)
    places = _places("scatter", indices, values, shape)
    return _dlrs.reshape(
        _dlrs.segment_sum(_dlrs.reshape(values, (places.count, places.inner)), places.rows, places.size), places.shape
    )


@op_with_spec(lambda inputs, indices, updates, reduction=None: KerasTensor(inputs.shape, inputs.dtype))
def scatter_update(
    inputs: TensorLike, indices: TensorLike, updates: TensorLike, reduction: str | None = None
) -> Tensor:
    """`inputs` with the elements at `indices`, whose last axis holds the leading coordinates, replaced by `updates`.

    Args:
        inputs: Tensor.
        indices: Integers (..., depth).
        updates: Tensor of shape `indices.shape[:-1] + inputs.shape[depth:]`, cast to the type of `inputs`.
        reduction: None replaces, with the last of the updates of the same place; `"add"`, `"max"`, `"min"` and `"mul"`
            combine all of them with the input (products of integers are exact up to 2^53).

    Errors: ValueError if the shapes do not fit or for another reduction, IndexError for a coordinate out of range.

    >>> scatter_update([1.0, 2.0, 3.0], [[1]], [9.0]).tolist()
    [1.0, 9.0, 3.0]
    """
    inputs = as_tensor(inputs)
    updates = _dlrs.cast(updates, inputs.dtype)
    places = _places("scatter_update", indices, updates, inputs.shape)
    old = _dlrs.reshape(inputs, (places.size, places.inner))
    new = _dlrs.reshape(updates, (places.count, places.inner))
    if reduction == "add":
        result = _dlrs.add(old, _dlrs.segment_sum(new, places.rows, places.size))
    elif reduction == "max":
        result = _dlrs.maximum(old, _dlrs.segment_max(new, places.rows, places.size))
    elif reduction == "min":
        result = _dlrs.minimum(old, _dlrs.segment_min(new, places.rows, places.size))
    elif reduction == "mul":
        result = _multiplied(old, new, places)
    elif reduction is None:
        result = _replaced(old, new, places)
    else:
        raise ValueError(f"scatter_update: `reduction` must be None, 'add', 'max', 'min' or 'mul', got {reduction!r}.")
    return _dlrs.reshape(result, places.shape)


def _replaced(old: Tensor, new: Tensor, places: _Places) -> Tensor:
    """Rows of `old`, with the last of the rows of `new` that belong there instead."""
    if not places.count or not places.size:
        return old
    order = np.arange(places.count, dtype=np.int64)
    last = _dlrs.reshape(_dlrs.segment_max(order, places.rows, places.size), (places.size,))
    found = _dlrs.greater_equal(last, 0)
    written = _dlrs.take(new, _dlrs.maximum(last, 0), 0)
    return _dlrs.where(_dlrs.reshape(found, (places.size, 1)), written, old)


def _multiplied(old: Tensor, new: Tensor, places: _Places) -> Tensor:
    """Rows of `old` times the product of the rows of `new` that belong there.

    A place's updates stand together once sorted by place. The running product restarts at each place, as the recurrence
    y[t] = a[t] y[t-1] + b[t] does where a is 0; its value at the last update of a place is the product.
    """
    if not places.count or not places.size:
        return old
    rows, order = _dlrs.sort(places.rows, 0)
    ordered = _dlrs.take(new, order, 0)
    first = np.full((1,), -1, dtype=np.int64)
    before = _dlrs.concatenate([first, _dlrs.slice(rows, [0], [places.count - 1], [1])], 0)
    starts = _dlrs.reshape(_dlrs.not_equal(rows, before), (places.count, 1))
    kind: Any = new.dtype if new.dtype in ("float32", "float64") else "float64"
    factors = _dlrs.cast(ordered, kind)
    starts = _dlrs.broadcast_to(starts, factors.shape)
    products = _dlrs.linear_recurrence(_dlrs.where(starts, 0.0, factors), _dlrs.where(starts, factors, 0.0), 0)
    ones = _dlrs.full(old.shape, 1, kind)
    return _dlrs.multiply(old, _dlrs.cast(_replaced(ones, products, dataclasses.replace(places, rows=rows)), old.dtype))
