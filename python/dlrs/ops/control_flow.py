"""Loops and choices whose bodies are Python functions.

Eagerly they call their functions as Python would. In traced functions those are traced once, into the program.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import any_symbolic_tensors, as_tensor, compute_output_spec, tree
from dlrs.backend.checks import check_type
from dlrs.ops.operation import Operation
from dlrs.ops.scans import run_scan


def _is_unknown(x: Any) -> bool:
    return isinstance(x, Tensor | _dlrs.Variable) and as_tensor(x).is_symbolic


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` if `pred` holds, else `false_fn()`.

    While a function is traced and `pred` is not known, both are traced, and the program runs the one that is chosen.
    Both must then return tensors of the same shapes in the same nest, and assign no variables.

    >>> cond(True, lambda: 1.0, lambda: 2.0)
    1.0
    """
    if any_symbolic_tensors((pred,)):
        return Cond().symbolic_call(pred, true_fn, false_fn)
    if not _is_unknown(pred):
        return true_fn() if bool(pred) else false_fn()
    index = _dlrs.where(_dlrs.reshape(_dlrs.cast(pred, "bool"), ()), 0, 1)
    return _branch("cond", index, (true_fn, false_fn))


def _branch(name: str, index: Any, branches: Sequence[Callable[[], Any]]) -> Any:
    """The program's choice between functions; leaves of None stay None."""
    nests: list[Any] = []

    def leaves_of(branch: Callable[[], Any]) -> Callable[[list[Tensor]], list[Tensor]]:
        def function(_: list[Tensor]) -> list[Tensor]:
            result = branch()
            nest = tree.map_structure(lambda leaf: leaf is not None, result)
            nests.append(nest)
            leaves = [as_tensor(leaf) for leaf in tree.flatten(result) if leaf is not None]
            shapes.append([leaf.shape for leaf in leaves])
            if nest != nests[0] or shapes[-1] != shapes[0]:
                raise ValueError(
                    f"{name}: the branches must return the same nest of tensors of the same shapes, got"
                    f" {_nest(nests[0], shapes[0])} and {_nest(nest, shapes[-1])}."
                )
            return leaves

        return function

    shapes: list[list[tuple[int, ...]]] = []
    results = iter(_dlrs.switch(index, [leaves_of(branch) for branch in branches]))
    return tree.map_structure(lambda present: next(results) if present else None, nests[0])


def _nest(nest: Any, shapes: list[tuple[int, ...]]) -> str:
    """A nest for a message: the shapes of its tensors in their places."""
    remaining = iter(shapes)
    return str(tree.map_structure(lambda present: next(remaining) if present else None, nest))


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`, with `index` limited to the branches there are.

    While a function is traced and `index` is not known, all branches are traced and one runs, as with `cond`.

    >>> switch(1, [lambda x: x, lambda x: -x], 3.0)
    -3.0
    """
    check_type("switch", "branches", branches, list | tuple, "a list of functions")
    if not branches:
        raise ValueError("switch: `branches` is empty.")
    if any_symbolic_tensors((index, operands)):
        return Switch().symbolic_call(index, branches, *operands)
    if not _is_unknown(index):
        try:
            chosen = int(index)
        except OverflowError:
            raise ValueError(f"switch: `index` must be an integer, got {index!r}.") from None
        return branches[min(max(chosen, 0), len(branches) - 1)](*operands)
    # An index of another type may be larger than int32 holds.
    place = _dlrs.cast(_dlrs.minimum(_dlrs.maximum(index, 0), len(branches) - 1), "int32")
    return _branch("switch", _dlrs.reshape(place, ()), [functools.partial(branch, *operands) for branch in branches])


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Apply `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds, at most `maximum_iterations` times.

    In a traced function the loop is part of the program. With `maximum_iterations` it has a gradient: that many steps
    are computed, those after the end without effect. Without, it stops when `cond` says so and has none.

    Args:
        cond: Function of the values that says whether to go on.
        body: Function of the values that returns the next ones.
        loop_vars: List or tuple of nests of tensors, or one such nest.
        maximum_iterations: Most steps.

    Errors: In a traced function, ValueError or TypeError if `body` changes the nest, a shape or a type, and ValueError
    when the gradient of an unbounded loop is asked for.

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
        state = _unbounded(cond, step, state)
    else:

        def bounded(values: tuple[Any, ...], _: Any) -> tuple[tuple[Any, ...], None]:
            active = cond(*values)
            return tree.map_structure(lambda new, old: _dlrs.where(active, new, old), step(values), values), None

        state = run_scan(bounded, state, None, maximum_iterations, False)[0]
    return state[0] if single else type(loop_vars)(state)


def _unbounded(
    cond: Callable[..., Any], step: Callable[[tuple[Any, ...]], tuple[Any, ...]], state: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The program's loop with a condition alone."""

    def test(leaves: list[Tensor]) -> list[Tensor]:
        return [_dlrs.reshape(_dlrs.cast(cond(*tree.pack_sequence_as(state, leaves)), "bool"), ())]

    def body(leaves: list[Tensor]) -> list[Tensor]:
        new = step(tree.pack_sequence_as(state, leaves))
        tree.assert_same_structure(state, new)
        return [as_tensor(leaf) for leaf in tree.flatten(new)]

    results: tuple[Any, ...] = tree.pack_sequence_as(state, _dlrs.while_loop(test, body, tree.flatten(state)))
    return results


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

    return run_scan(step, value, np.arange(int(lower), int(upper), dtype=np.int32), None, False)[0]


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """A function whose gradient is given beside its value.

    Args:
        f: Function of tensors that returns a pair: its value, a nest of tensors, and a function that takes the
            gradients with respect to the leaves of the value and returns those with respect to the arguments of `f`,
            one or a list or tuple; None where there is none.

    The function of gradients is traced whenever `f` is called, so it may only use what ops can do.

    Errors: ValueError if the number of gradients is not that of the arguments.

    >>> @custom_gradient
    ... def clipped(x):
    ...     return x * 1.0, lambda upstream: _dlrs.minimum(upstream, 1.0)
    >>> from dlrs.backend import grad
    >>> grad(lambda x: clipped(x) * 5.0)(2.0).item()
    1.0
    """

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        value, gradient = f(*args, **kwargs)
        arguments = tree.flatten(list(args))
        tensors = [as_tensor(leaf) if _is_tensor(leaf) else _dlrs.tensor(0) for leaf in arguments]

        def gradients(upstream: list[Tensor]) -> list[Any]:
            found = gradient(*upstream)
            grads = tree.flatten(list(found)) if isinstance(found, list | tuple) else [found]
            if len(grads) != len(arguments):
                raise ValueError(
                    f"custom_gradient: {len(grads)} gradients were returned for the {len(arguments)} arguments of"
                    f" {getattr(f, '__name__', f)}."
                )
            return grads

        leaves = [as_tensor(leaf) for leaf in tree.flatten(value)]
        return tree.pack_sequence_as(value, _dlrs.custom_gradient(leaves, tensors, gradients))

    return function


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor | _dlrs.Variable | np.ndarray | np.generic | int | float)


class Cond(Operation):
    """`cond` as an operation.

    On placeholders, ValueError if the branches return other nests, shapes or types.

    >>> x = as_tensor(3.0)
    >>> Cond()(x > 2.0, lambda: x * 2.0, lambda: x).item()
    6.0
    """

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
    """`switch` as an operation.

    >>> Switch()(1, [lambda x: x + 1.0, lambda x: x * 10.0], as_tensor(2.0)).item()
    20.0
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def call(self, index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
        """Compute the branch."""
        return switch(index, branches, *operands)


class WhileLoop(Operation):
    """`while_loop` as an operation.

    Args:
        cond, body, maximum_iterations: see `while_loop`.
        name: name.

    >>> double = WhileLoop(lambda x: x < 100.0, lambda x: x * 2.0)
    >>> double(as_tensor(3.0)).item()
    192.0
    """

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
    """`fori_loop` as an operation.

    Args:
        lower, upper, body_fun: see `fori_loop`.
        name: name.

    >>> ForiLoop(1, 5, lambda i, total: total + i)(as_tensor(0)).item()
    10
    """

    def __init__(self, lower: int, upper: int, body_fun: Callable[[Any, Any], Any], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.lower = lower
        self.upper = upper
        self.body_fun = body_fun

    def call(self, init_val: Any) -> Any:
        """Run the loop."""
        return fori_loop(self.lower, self.upper, self.body_fun, init_val)
