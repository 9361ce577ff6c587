"""Loops and choices whose bodies are Python functions.

Eagerly `cond`, `switch`, `while_loop` and `fori_loop` call their functions as Python would. In traced functions, and in
`scan`, `map` and `vectorized_map` always, the functions are traced once and become part of the program.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import any_symbolic_tensors, as_tensor, compute_output_spec, tree
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
    return _scan(f, init, xs, length, reverse)


def _scan(f: Callable[[Any, Any], Any], init: Any, xs: Any, length: int | None, reverse: bool) -> tuple[Any, Any]:
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
    return _scan(lambda carry, x: (carry, f(x)), (), xs, None, False)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` applied to each slice of `elements` along the first axis, as `map`."""
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


def _is_unknown(x: Any) -> bool:
    return isinstance(x, Tensor | _dlrs.Variable) and as_tensor(x).is_symbolic


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` if `pred` holds, else `false_fn()`.

    While a function is traced and `pred` is not known, both are computed and the result is selected: assignments in
    either take place. Both must then return tensors of the same shapes in the same nest.

    >>> cond(True, lambda: 1.0, lambda: 2.0)
    1.0
    """
    if any_symbolic_tensors((pred,)):
        return Cond().symbolic_call(pred, true_fn, false_fn)
    if not _is_unknown(pred):
        return true_fn() if bool(pred) else false_fn()
    return _select("cond", pred, true_fn(), false_fn())


def _select(name: str, pred: Any, first: Any, second: Any) -> Any:
    """The leaves of `first` where `pred` holds, else those of `second`."""
    try:
        tree.assert_same_structure(first, second)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: the branches must return the same nest of tensors: {error}") from None

    def leaf(a: Any, b: Any) -> Any:
        if a is None and b is None:
            return None
        if a is None or b is None or as_tensor(a).shape != as_tensor(b).shape:
            shapes = ["None" if x is None else str(as_tensor(x).shape) for x in (a, b)]
            raise ValueError(
                f"{name}: the branches must return tensors of the same shapes, got {' and '.join(shapes)}."
            )
        return _dlrs.where(pred, a, b)

    return tree.map_structure(leaf, first, second)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`, with `index` limited to the branches there are.

    While a function is traced and `index` is not known, all branches are computed, as by `cond`.

    >>> switch(1, [lambda x: x, lambda x: -x], 3.0)
    -3.0
    """
    if not branches:
        raise ValueError("switch: `branches` is empty.")
    if any_symbolic_tensors((index, operands)):
        return Switch().symbolic_call(index, branches, *operands)
    if not _is_unknown(index):
        return branches[min(max(int(index), 0), len(branches) - 1)](*operands)
    result = branches[-1](*operands)
    for i in reversed(range(len(branches) - 1)):
        result = _select("switch", _dlrs.less_equal(index, i), branches[i](*operands), result)
    return result


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Apply `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds, at most `maximum_iterations` times.

    While a function is traced, `maximum_iterations` must be given: that many steps are computed, those after the end
    without effect, so that the loop has gradients.

    Args:
        cond: Function of the values that says whether to go on.
        body: Function of the values that returns the next ones.
        loop_vars: List or tuple of nests of tensors, or one such nest.
        maximum_iterations: Most steps.

    Errors: TracingError in a traced function without `maximum_iterations`.

    >>> [x.item() for x in while_loop(lambda i: i < 5, lambda i: (i + 2,), (0,))]
    [6]
    """
    if any_symbolic_tensors((loop_vars,)):
        return WhileLoop(cond, body, maximum_iterations).symbolic_call(loop_vars)
    single = not isinstance(loop_vars, list | tuple)
    state = tree.map_structure(as_tensor, (loop_vars,) if single else tuple(loop_vars))

    def step(values: tuple[Any, ...]) -> tuple[Any, ...]:
        new = body(*values)
        if single:
            return (new,)
        return tuple(new) if isinstance(new, list | tuple) else (new,)

    if not _dlrs.is_tracing():
        done = 0
        while (maximum_iterations is None or done < maximum_iterations) and bool(cond(*state)):
            state = step(state)
            done += 1
    elif maximum_iterations is None:
        raise _dlrs.TracingError(
            "while_loop: in a traced function the number of steps must be bounded: pass `maximum_iterations`, or"
            " run with `run_eagerly=True`."
        )
    else:

        def bounded(values: tuple[Any, ...], _: Any) -> tuple[tuple[Any, ...], None]:
            active = cond(*values)
            return tree.map_structure(lambda new, old: _dlrs.where(active, new, old), step(values), values), None

        state = _scan(bounded, state, None, maximum_iterations, False)[0]
    return state[0] if single else type(loop_vars)(state)


def fori_loop(lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Apply `value = body_fun(i, value)` for `i` from `lower` to `upper - 1`.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0).item()
    6
    """
    if any_symbolic_tensors((init_val,)):
        return ForiLoop(lower, upper, body_fun).symbolic_call(init_val)
    value = tree.map_structure(as_tensor, init_val)
    if not _dlrs.is_tracing():
        for i in range(int(lower), int(upper)):
            value = body_fun(i, value)
        return value

    def step(value: Any, i: Any) -> tuple[Any, None]:
        return body_fun(i, value), None

    return _scan(step, value, np.arange(int(lower), int(upper), dtype=np.int32), None, False)[0]


class Scan(Operation):
    """`scan` as an operation."""

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
    """`map` as an operation."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def call(self, f: Callable[[Any], Any], xs: Any) -> Any:
        """Apply `f` to each slice."""
        return map(f, xs)


class VectorizedMap(Operation):
    """`vectorized_map` as an operation."""

    def __init__(self, function: Callable[[Any], Any], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.function = function

    def get_config(self) -> dict[str, Any]:
        """The function, which saving knows by its registered name."""
        return {**super().get_config(), "function": self.function}

    def call(self, elements: Any) -> Any:
        """Apply the function to each slice."""
        return vectorized_map(self.function, elements)


class AssociativeScan(Operation):
    """`associative_scan` as an operation."""

    def __init__(self, reverse: bool = False, axis: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.reverse = reverse
        self.axis = axis

    def call(self, f: Callable[[Any, Any], Any], elems: Any) -> Any:
        """Combine the slices."""
        return associative_scan(f, elems, self.reverse, self.axis)


class Cond(Operation):
    """`cond` as an operation."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def call(self, pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
        """Compute the branch."""
        return cond(pred, true_fn, false_fn)

    def compute_output_spec(self, pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
        """What either branch returns, which must be of the same kind."""
        first, second = compute_output_spec(true_fn), compute_output_spec(false_fn)
        if not self._check_output_spec(first, second):
            raise ValueError(
                f"cond: `true_fn` and `false_fn` must return tensors of the same nest, shapes and types, got"
                f" {first} and {second}."
            )
        return first

    def _check_output_spec(self, true_fn_spec: Any, false_fn_spec: Any) -> bool:
        """Whether the branches return nests, shapes and types alike."""
        try:
            tree.assert_same_structure(true_fn_spec, false_fn_spec)
        except (TypeError, ValueError):
            return False
        pairs = zip(tree.flatten(true_fn_spec), tree.flatten(false_fn_spec), strict=True)
        return all(a is b if a is None or b is None else (a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)


class Switch(Operation):
    """`switch` as an operation."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def call(self, index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
        """Compute the branch."""
        return switch(index, branches, *operands)


class WhileLoop(Operation):
    """`while_loop` as an operation."""

    def __init__(
        self,
        cond: Callable[..., Any],
        body: Callable[..., Any],
        maximum_iterations: int | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.cond = cond
        self.body = body
        self.maximum_iterations = maximum_iterations

    def call(self, loop_vars: Any) -> Any:
        """Run the loop."""
        return while_loop(self.cond, self.body, loop_vars, self.maximum_iterations)

    def compute_output_spec(self, loop_vars: Any) -> Any:
        """The values keep their shapes and types, however often the body runs."""
        return compute_output_spec(lambda values: values, loop_vars)


class ForiLoop(Operation):
    """`fori_loop` as an operation."""

    def __init__(self, lower: int, upper: int, body_fun: Callable[[Any, Any], Any], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.lower = lower
        self.upper = upper
        self.body_fun = body_fun

    def call(self, init_val: Any) -> Any:
        """Run the loop."""
        return fori_loop(self.lower, self.upper, self.body_fun, init_val)
