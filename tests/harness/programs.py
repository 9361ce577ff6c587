"""Random programs of ops, to see that planning them changes no bit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from harness.row import Array, Shape, ints

# One step of a program: which op, which two earlier values, which axis or the like. Numbers wrap around.
Step = tuple[int, int, int, int]

Values = list[Any]
Op = Callable[[Any, Any, int], Any]


def inputs(rows: int, columns: int, dtype: str) -> list[Array]:
    """A matrix, two that broadcast against it, a square matrix, a scalar."""
    rng = np.random.default_rng([rows, columns])
    shapes: Sequence[Shape] = ((rows, columns), (columns,), (rows, 1), (columns, columns), ())
    return [np.asarray(rng.uniform(-1, 1, shape)).astype(dtype) for shape in shapes]


def run(steps: Sequence[Step], values: Sequence[Any]) -> Values:
    """All values that the program computes, each from those before it."""
    results = list(values)
    for op, first, second, choice in steps:
        a, b = results[first % len(results)], results[second % len(results)]
        value = OPS[op % len(OPS)](a, b, choice)
        if value is not None:
            results.append(value)
    return results[len(values) :]


def broadcast(op: Callable[[Any, Any], Any]) -> Op:
    """An op on two values, if their shapes agree."""

    def apply(a: Any, b: Any, choice: int) -> Any:
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            return None
        return op(a, b)

    return apply


def unary(op: Callable[[Any], Any]) -> Op:
    """An op on one value."""
    return lambda a, b, choice: op(a)


def along(op: Callable[[Any, int], Any]) -> Op:
    """An op along an axis, if there is one and it has elements."""
    return lambda a, b, choice: op(a, choice % a.ndim) if a.ndim and a.shape[choice % a.ndim] else None


def matmul(a: Any, b: Any, choice: int) -> Any:
    """A product of matrices, either of them transposed, if their sizes agree."""
    transpose_a, transpose_b = bool(choice & 1), bool(choice & 2)
    if a.ndim != 2 or b.ndim != 2 or a.shape[0 if transpose_a else 1] != b.shape[1 if transpose_b else 0]:
        return None
    # Tamed, so that products of products stay finite.
    return _dlrs.tanh(_dlrs.matmul(a, b, transpose_a, transpose_b))


def concatenate(a: Any, b: Any, choice: int) -> Any:
    """A value beside itself or its negative."""
    return _dlrs.concatenate([a, _dlrs.negative(a)], choice % a.ndim) if a.ndim and a.size < 10_000 else None


def halves(a: Any, axis: int) -> Any:
    """Every second slice, from the end."""
    start, stop, step = [0] * a.ndim, list(a.shape), [1] * a.ndim
    start[axis], stop[axis], step[axis] = a.shape[axis] - 1, -1, -2
    return _dlrs.slice(a, start, stop, step)


def gather(a: Any, axis: int) -> Any:
    """Slices taken twice and out of order."""
    return _dlrs.take(a, ints(-1, 0, a.shape[axis] // 2, 0), axis)


OPS: Sequence[Op] = (
    *(unary(op) for op in (_dlrs.negative, _dlrs.tanh, _dlrs.sigmoid, _dlrs.relu, _dlrs.absolute, _dlrs.sin)),
    *(unary(op) for op in (_dlrs.erf, _dlrs.softplus, _dlrs.sign, _dlrs.stop_gradient, _dlrs.transpose)),
    *(unary(op) for op in (lambda a: _dlrs.exp(_dlrs.tanh(a)), lambda a: _dlrs.sqrt(_dlrs.square(a) + 1.0))),
    *(unary(op) for op in (lambda a: _dlrs.multiply(a, 0.5), lambda a: _dlrs.reshape(a, (-1, 1)) if a.size else None)),
    *(broadcast(op) for op in (_dlrs.add, _dlrs.subtract, _dlrs.maximum, _dlrs.minimum, _dlrs.add)),
    broadcast(lambda a, b: _dlrs.tanh(_dlrs.multiply(a, b))),
    broadcast(lambda a, b: _dlrs.divide(a, _dlrs.absolute(b) + 1.0)),
    broadcast(lambda a, b: _dlrs.where(_dlrs.less(a, b), a, b)),
    *(along(op) for op in (halves, gather, _dlrs.softmax, _dlrs.log_softmax)),
    *(along(lambda a, axis, op=op: op(a, (axis,), True)) for op in (_dlrs.mean, _dlrs.max)),  # type: ignore[misc]
    along(lambda a, axis: _dlrs.tanh(_dlrs.sum(a, (axis,)))),
    matmul,
    matmul,
    concatenate,
)


def repeated_product(size: int, products: int) -> tuple[_dlrs.Program, _dlrs.Variable]:
    """A program that takes long: a matrix times itself again and again, assigned to a variable at the end."""
    w = _dlrs.Variable(_dlrs.tensor(np.zeros((size, size), np.float32)))
    trace = _dlrs.Trace()
    with trace:
        x = trace.input((size, size), "float32")
        y = x
        for _ in range(products):
            y = y @ x
        w.assign(y)
        program = trace.finish([_dlrs.sum(y)])
    return program, w
