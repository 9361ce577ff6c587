"""Functions applied to the slices of tensors, one after the other or all at once.

The functions are traced once and become part of the program.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import any_symbolic_tensors, as_tensor, tree
from dlrs.backend.serialization import deserialize_keras_object
from dlrs.ops.operation import Operation


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
        unroll: Taken for compatibility: a positive integer or a bool.

    Returns:
        The last carried values, and the `y` of all steps stacked along a new first axis in the order of `xs`.

    Errors: TypeError if `f` cannot be called, ValueError if the number of steps is not given or contradictory.

    >>> total, sums = scan(lambda c, x: (c + x, c + x), 0.0, as_tensor([1.0, 2.0, 3.0]))
    >>> total.item(), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    if not callable(f):
        raise TypeError(f"scan: `f` should be a callable. Received: f={f!r}")
    if not isinstance(unroll, bool) and not (isinstance(unroll, int) and unroll > 0):
        raise ValueError(f"scan: `unroll` must be an positive integer or boolean. Received: unroll={unroll!r}")
    if xs is None and length is None:
        raise ValueError("scan: it needs either `xs` to scan over and take its length from, or `length`.")
    if any_symbolic_tensors((init, xs)):
        outputs: tuple[Any, Any] = Scan(length, reverse, unroll).symbolic_call(f, init, xs)
        return outputs
    return run_scan(f, init, xs, length, reverse)


def run_scan(f: Callable[[Any, Any], Any], init: Any, xs: Any, length: int | None, reverse: bool) -> tuple[Any, Any]:
    """`scan` of tensors."""
    slices = [] if xs is None else [as_tensor(x) for x in tree.flatten(xs)]
    lengths = {x.shape[0] if x.ndim else 0 for x in slices}
    if length is not None:
        lengths.add(int(length))
    if len(lengths) != 1:
        raise ValueError(f"scan: `xs` and `length` give different numbers of steps: {sorted(lengths)}.")
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

    >>> map(lambda x: x * x, as_tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 4.0, 9.0]
    """
    if any_symbolic_tensors((xs,)):
        return Map().symbolic_call(f, xs)
    return run_scan(lambda carry, x: (carry, f(x)), (), xs, None, False)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` applied to each slice of `elements` along the first axis, as `map`.

    >>> vectorized_map(lambda row: row * 2, as_tensor([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    if any_symbolic_tensors((elements,)):
        return VectorizedMap(function).symbolic_call(elements)
    return map(function, elements)


def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All partial results of combining the slices of `elems` along `axis` by the associative function `f`.

    Args:
        f: `f(a, b)` combines two nests like `elems`, whole ranges of slices at once: it must treat each by itself.
        elems: Nest of tensors with equal sizes along `axis`.
        reverse: Whether to begin at the last slice.
        axis: The axis of the slices.

    `f` is called about 2 log n times on ever shorter ranges instead of n times: half of the slices, those with odd
    places, are the partial results of neighbours combined in pairs (Ladner and Fischer 1980).

    Errors: ValueError if the sizes along `axis` differ.

    >>> associative_scan(lambda a, b: a + b, as_tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    if not callable(f):
        raise TypeError(f"associative_scan: `f` should be a callable. Received: f={f!r}")
    shapes = [leaf.shape if hasattr(leaf, "shape") else as_tensor(leaf).shape for leaf in tree.flatten(elems)]
    if any(not -len(shape) <= axis < len(shape) for shape in shapes):
        raise ValueError(f"associative_scan: axis {axis} is out of bounds for tensors of shapes {shapes}.")
    if len({shape[axis] for shape in shapes}) != 1:
        raise ValueError(
            f"associative_scan: `elems` must have the same size along axis {axis}, by default the first dimension, got"
            f" shapes {shapes}."
        )
    if any_symbolic_tensors((elems,)):
        return AssociativeScan(reverse, axis).symbolic_call(f, elems)
    leaves = [as_tensor(leaf) for leaf in tree.flatten(elems)]
    axes = [axis % leaf.ndim for leaf in leaves]

    def combine(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        result = f(tree.pack_sequence_as(elems, a), tree.pack_sequence_as(elems, b))
        return [as_tensor(leaf) for leaf in tree.flatten(result)]

    def turned(xs: list[Tensor]) -> list[Tensor]:
        return [_every(x, a, x.shape[a] - 1, -1, -1) for x, a in zip(xs, axes, strict=True)]

    # From the other end: the partial results of the turned slices, turned back.
    results = (
        turned(_partial_results(combine, turned(leaves), axes)) if reverse else _partial_results(combine, leaves, axes)
    )
    return tree.pack_sequence_as(elems, results)


def _partial_results(
    combine: Callable[[list[Tensor], list[Tensor]], list[Tensor]], leaves: list[Tensor], axes: list[int]
) -> list[Tensor]:
    count = leaves[0].shape[axes[0]] if leaves else 0
    if count < 2:
        return leaves

    def part(xs: list[Tensor], start: int, stop: int, step: int) -> list[Tensor]:
        return [_every(x, a, start, stop, step) for x, a in zip(xs, axes, strict=True)]

    pairs = combine(part(leaves, 0, count - 1, 2), part(leaves, 1, count, 2))
    odd = _partial_results(combine, pairs, axes)
    even = part(leaves, 0, 1, 1)
    if count > 2:
        later = combine(part(odd, 0, (count - 1) // 2, 1), part(leaves, 2, count, 2))
        even = [_dlrs.concatenate([x, y], a) for x, y, a in zip(even, later, axes, strict=True)]
    # The even results stand before the odd ones; each goes to its place.
    half = (count + 1) // 2
    order = np.asarray([i // 2 + (half if i % 2 else 0) for i in range(count)], dtype=np.int32)
    return [_dlrs.take(_dlrs.concatenate([x, y], a), order, a) for x, y, a in zip(even, odd, axes, strict=True)]


def _every(x: Tensor, axis: int, start: int, stop: int, step: int) -> Tensor:
    starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], stops[axis], steps[axis] = start, stop, step
    return _dlrs.slice(x, starts, stops, steps)


class Scan(Operation):
    """`scan` as an operation.

    >>> add = Scan(reverse=True)
    >>> total, sums = add(lambda c, x: (c + x, c + x), 0.0, as_tensor([1.0, 2.0, 3.0]))
    >>> total.item(), sums.tolist()
    (6.0, [6.0, 5.0, 3.0])
    """

    def __init__(
        self, length: int | None = None, reverse: bool = False, unroll: int | bool = 1, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.length = length
        self.reverse = reverse
        self.unroll = unroll

    def call(self, f: Callable[[Any, Any], Any], init: Any, xs: Any = None) -> tuple[Any, Any]:
        """Run the loop."""
        return scan(f, init, xs, self.length, self.reverse, self.unroll)


class Map(Operation):
    """`map` as an operation.

    >>> Map()(lambda row: row * row, as_tensor([1.0, 2.0])).tolist()
    [1.0, 4.0]
    >>> from dlrs import Input
    >>> Map()(lambda row: row * row, Input(batch_shape=(5, 2))).shape
    (5, 2)
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def call(self, f: Callable[[Any], Any], xs: Any) -> Any:
        """Apply `f` to each slice."""
        return map(f, xs)


class VectorizedMap(Operation):
    """`vectorized_map` as an operation.

    >>> VectorizedMap(lambda row: row + 1)(as_tensor([1.0, 2.0])).tolist()
    [2.0, 3.0]
    """

    def __init__(self, function: Callable[[Any], Any], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.function = function

    def get_config(self) -> dict[str, Any]:
        """The function, which saving knows by its registered name."""
        return {"name": self.name, "function": self.function}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "VectorizedMap":
        """The operation that `get_config` described."""
        return cls(deserialize_keras_object(config["function"]), name=config["name"])

    def call(self, elements: Any) -> Any:
        """Apply the function to each slice."""
        return vectorized_map(self.function, elements)


class AssociativeScan(Operation):
    """`associative_scan` as an operation.

    >>> AssociativeScan(reverse=True)(lambda a, b: a * b, as_tensor([1.0, 2.0, 3.0])).tolist()
    [6.0, 6.0, 3.0]
    """

    def __init__(self, reverse: bool = False, axis: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.reverse = reverse
        self.axis = axis

    def call(self, f: Callable[[Any, Any], Any], elems: Any) -> Any:
        """Combine the slices."""
        return associative_scan(f, elems, self.reverse, self.axis)
