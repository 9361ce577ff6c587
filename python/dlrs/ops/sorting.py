"""Sorting, ranks, the largest elements, places in sorted lists.

Wherever elements are compared, equal ones keep their order and NaN stands behind all numbers, as in NumPy.
"""

from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import KerasTensor, TensorLike, as_tensor, convert_to_tensor
from dlrs.ops.manipulation import normalize_axis, take_along_axis
from dlrs.ops.operation import op, op_with_spec

__all__ = ["argpartition", "argsort", "in_top_k", "nonzero", "searchsorted", "sort", "top_k", "unique"]


def _sorted(name: str, x: TensorLike, axis: int | None) -> tuple[Tensor, Tensor]:
    x = as_tensor(x)
    if axis is None or x.ndim == 0:
        return _dlrs.sort(_dlrs.reshape(x, (x.size,)), 0)
    return _dlrs.sort(x, normalize_axis(name, axis, x.ndim))


@op
def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The elements along `axis` in ascending order; those of the flattened `x` if it is None.

    >>> sort([3.0, 1.0, 2.0]).tolist()
    [1.0, 2.0, 3.0]
    """
    return _sorted("sort", x, axis)[0]


@op
def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The places (int32) from which `sort` takes its elements.

    >>> argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    return _sorted("argsort", x, axis)[1]


@op
def argpartition(x: TensorLike, kth: int, axis: int | None = -1) -> Tensor:
    """Places (int32) in an order in which the `kth` element is where sorting puts it, with no larger one before it.

    >>> argpartition([3.0, 1.0, 2.0], 1).tolist()
    [1, 2, 0]
    """
    if isinstance(kth, bool) or not isinstance(kth, int | np.integer):
        raise ValueError(f"argpartition: `kth` must be an integer, got {kth!r}.")
    return _sorted("argpartition", x, axis)[1]


@op
def searchsorted(sorted_sequence: TensorLike, values: TensorLike, side: str = "left") -> Tensor:
    """For each of `values` its place (int32) in the ascending vector `sorted_sequence`.

    Args:
        sorted_sequence: Vector.
        values: Tensor of any shape, which is that of the result.
        side: Whether the place is before the elements that equal the value (`"left"`) or behind them (`"right"`).

    Errors: ValueError for another `side` and for a `sorted_sequence` that is not a vector.

    >>> searchsorted([1.0, 2.0, 3.0], [2.0, 9.0]).tolist()
    [1, 3]
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: `side` must be 'left' or 'right', got {side!r}.")
    sequence = as_tensor(sorted_sequence)
    if sequence.ndim != 1:
        raise ValueError(
            "searchsorted: `searchsorted` only supports 1-D sorted sequences; use `vectorized_map` for more. Received:"
            f" sorted_sequence.shape={sequence.shape}."
        )
    return _dlrs.searchsorted(sequence, values, side == "right")


@op
def top_k(x: TensorLike, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest elements along the last axis in descending order, and their places (int32).

    Of equal elements the first is taken first. `sorted` is taken for compatibility: the order is always descending.

    Errors: ValueError if there are fewer than `k` elements.

    >>> values, places = top_k([1.0, 3.0, 2.0], 2)
    >>> values.tolist(), places.tolist()
    ([3.0, 2.0], [1, 2])
    """
    return _dlrs.top_k(x, k)


@op
def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Tensor:
    """Whether fewer than `k` of the `predictions` of a row are larger than that for its target.

    Args:
        targets: Integer labels, of the shape of `predictions` without its last axis.
        predictions: Scores of the classes along the last axis. One of NaN is in no top.
        k: How many classes are the top.

    Errors: ValueError if the shapes do not fit, IndexError for a label that is no class.

    >>> in_top_k([2, 0], [[0.1, 0.3, 0.2], [0.5, 0.6, 0.7]], 2).tolist()
    [True, False]
    """
    targets, predictions = as_tensor(targets), as_tensor(predictions)
    if predictions.ndim == 0 or targets.shape != predictions.shape[:-1]:
        raise ValueError(
            "in_top_k: `targets` must have the shape of `predictions` without its last axis, got"
            f" {targets.shape} and {predictions.shape}."
        )
    score = take_along_axis(predictions, _dlrs.reshape(targets, (*targets.shape, 1)), -1)
    score = _dlrs.where(_dlrs.isnan(score), -float("inf"), score)
    above = _dlrs.sum(_dlrs.cast(_dlrs.greater(predictions, score), "int32"), (-1,), False)
    return _dlrs.less(above, k)


def _unique_spec(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Any:
    shape = list(x.shape)
    values, inverse = [size], shape
    if axis is not None:
        axis = normalize_axis("unique", axis, len(shape))
        values, inverse = [*shape[:axis], size, *shape[axis + 1 :]], [shape[axis]]
    results = [KerasTensor(values, x.dtype)]
    for wanted, extra in ((return_index, [size]), (return_inverse, inverse), (return_counts, [size])):
        if wanted:
            results.append(KerasTensor(extra, "int32"))
    return results[0] if len(results) == 1 else tuple(results)


@op_with_spec(_unique_spec)
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Any:
    """The different elements of `x` in ascending order, or its different slices along `axis`.

    Args:
        x: Tensor with known values: the shape of the result depends on them. Inside traced functions it cannot be used.
        sorted: Taken for compatibility: the result is always sorted.
        return_index: Whether to return the place of the first occurrence of each.
        return_inverse: Whether to return which of the results each element of `x` is.
        return_counts: Whether to return how often each occurs.
        axis: Axis of the slices; None for the elements.
        size: Number of results: further ones are left out, missing ones filled up with `fill_value`.
        fill_value: 0 if None.

    Returns:
        The results, or a tuple of them and what else was asked for (int32), in the order of the arguments.

    >>> values, counts = unique([3, 1, 3], return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 3], [1, 2])
    """
    host = known_values("unique", x)
    values, index, inverse, counts = np.unique(
        host, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    along = 0 if axis is None else axis
    inverse = inverse.reshape(host.shape if axis is None else (host.shape[axis],))
    if size is not None:
        kept = min(size, values.shape[along])

        def resized(a: np.ndarray[Any, Any], fill: float, axis: int = 0) -> np.ndarray[Any, Any]:
            a = a.take(range(kept), axis)
            widths = [(0, size - kept) if i == axis % a.ndim else (0, 0) for i in range(a.ndim)]
            return np.pad(a, widths, constant_values=fill)

        values = resized(values, 0 if fill_value is None else fill_value, along)
        index, counts = resized(index, 0), resized(counts, 0)
        inverse = np.minimum(inverse, max(size - 1, 0))
    results = [convert_to_tensor(values, as_tensor(x).dtype)]
    for wanted, extra in ((return_index, index), (return_inverse, inverse), (return_counts, counts)):
        if wanted:
            results.append(convert_to_tensor(extra, "int32"))
    return results[0] if len(results) == 1 else tuple(results)


def _nonzero_spec(x: Any) -> tuple[KerasTensor, ...]:
    return tuple(KerasTensor((None,), "int32") for _ in x.shape)


@op_with_spec(_nonzero_spec)
def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """The indices (int32) of the elements that are not 0, one vector for each axis.

    The number of them depends on the values, which traced functions do not know: there this is a TracingError.

    >>> [i.tolist() for i in nonzero([[0, 1], [2, 0]])]
    [[0, 1], [1, 0]]
    """
    return tuple(convert_to_tensor(i, "int32") for i in np.nonzero(np.atleast_1d(known_values("nonzero", x))))


def known_values(name: str, x: TensorLike) -> np.ndarray[Any, Any]:
    """`x` on the host, for an op whose result has a shape that depends on values.

    Errors: TracingError for a symbolic tensor, which has none yet.
    """
    x = as_tensor(x)
    if x.is_symbolic:
        raise _dlrs.TracingError(
            f"{name}: the shape of the result depends on the values of `x`, which are not known while a function is"
            " traced. Compute it outside, or run with `run_eagerly=True`."
        )
    return x.numpy()
