"""`scan`: eagerly, under a tape and traced."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs._dlrs import Tape, Tensor, Trace, TracingError, Variable, scan, tensor

Body = Callable[[list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 2, 3))
W = RNG.normal(size=(3, 3)) / 2
C = RNG.normal(size=(2, 3))
B = RNG.normal(size=3)


def cell(w: Any, b: Any) -> Body:
    def body(carry: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        new = _dlrs.tanh(carry[0] @ w + x[0] + b)
        return [new], [new * x[0], _dlrs.sum(new)]

    return body


def unrolled(w: Any, b: Any, c: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    """The same loop step by step; the last carry and the sum of the first ys."""
    total: Any = 0.0
    for t in reversed(range(len(X))) if reverse else range(len(X)):
        c = _dlrs.tanh(c @ w + xs[t] + b)
        total = total + _dlrs.sum(c * xs[t])
    return c, total


def whole(w: Any, b: Any, c: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    (last,), (ys, _) = scan(cell(w, b), [c], [xs], len(X), reverse)
    return last, _dlrs.sum(ys)


@pytest.mark.parametrize("reverse", [False, True])
def test_results(reverse: bool) -> None:
    (last,), (ys, sums) = scan(cell(tensor(W), tensor(B)), [tensor(C)], [tensor(X)], 5, reverse)
    assert ys.shape == (5, 2, 3)
    assert sums.shape == (5,)
    c, expected = C, np.zeros((5, 2, 3))
    for t in range(4, -1, -1) if reverse else range(5):
        c = np.tanh(c @ W + X[t] + B)
        expected[t] = c * X[t]
    np.testing.assert_allclose(last.numpy(), c, rtol=1e-12)
    np.testing.assert_allclose(ys.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_on_a_tape(reverse: bool) -> None:
    results = []
    for loop in (unrolled, whole):
        w, b, c, xs = Variable(tensor(W)), tensor(B), tensor(C), tensor(X)
        with Tape() as tape:
            for x in (b, c, xs):
                tape.watch(x)
            last, total = loop(w, b, c, xs, reverse)
            loss = _dlrs.sum(_dlrs.square(last)) + total
        results.append([loss, *tape.gradient([loss], [w, b, c, xs])])
    for one, other in zip(*results, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(other.numpy(), one.numpy(), rtol=1e-10)


def test_second_derivatives_on_tapes() -> None:
    seconds = []
    for loop in (unrolled, whole):
        c = tensor(C)
        with Tape() as outer:
            outer.watch(c)
            with Tape() as inner:
                inner.watch(c)
                last, total = loop(tensor(W), tensor(B), c, tensor(X), False)
                loss = _dlrs.sum(last) + total
            (d,) = inner.gradient([loss], [c])
            assert d is not None
            s = _dlrs.sum(_dlrs.square(d))
        seconds.append(outer.gradient([s], [c])[0])
    np.testing.assert_allclose(seconds[1].numpy(), seconds[0].numpy(), rtol=1e-9)


def test_in_a_trace() -> None:
    w = Variable(tensor(W))
    programs = []
    for loop in (unrolled, whole):
        trace = Trace()
        with trace:
            c, xs, b = (trace.input(a.shape, "float64") for a in (C, X, B))
            last, total = loop(w, b, c, xs, False)
            d = trace.gradients([total + _dlrs.sum(last)], [w, c, xs, b])
            programs.append(trace.finish([last, total, *[g for g in d if g is not None]]))
    one, other = (p(C, X, B) for p in programs)
    assert len(one) == len(other) == 6
    for x, y in zip(one, other, strict=True):
        np.testing.assert_allclose(y.numpy(), x.numpy(), rtol=1e-10)
    eager, _ = whole(w, tensor(B), tensor(C), tensor(X), False)
    np.testing.assert_array_equal(eager.numpy(), other[0].numpy())


def test_numbers_and_no_slices() -> None:
    (n, total), (ys,) = scan(lambda c, _: ([c[0] + 1, c[1] + 2], [c[0]]), [0, 0.5], [], 4)
    assert (n.item(), n.dtype, total.item(), total.dtype) == (4, "int32", 8.5, "float32")
    assert ys.tolist() == [0, 1, 2, 3]
    (last,), ys = scan(lambda c, _: ([3.0], []), [tensor(1.0)], [], 2)
    assert (last.item(), ys) == (3, [])


def test_no_steps() -> None:
    (last,), (ys,) = scan(lambda c, x: ([c[0] + x[0]], [x[0]]), [1.0], [tensor(np.zeros((0,), np.float32))], 0)
    assert last.item() == 1
    assert ys.shape == (0,)


def test_loops_in_loops() -> None:
    def outer(c: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        (inner,), _ = scan(lambda d, y: ([d[0] + y[0] * c[0]], []), [0.0], [x[0]], 3)
        return [c[0] + inner], [inner]

    (last,), (ys,) = scan(outer, [1.0], [tensor([[1.0, 2.0, 3.0], [1.0, 0.0, 0.0]])], 2)
    assert ys.tolist() == [6, 7]
    assert last.item() == 14


def test_what_a_body_may_not_do() -> None:
    v = Variable(tensor(0.0))

    def assigns(c: list[Tensor], _: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        v.assign(c[0])
        return c, []

    bad: list[tuple[Any, list[Any], list[Any], int, type[Exception], str]] = [
        (lambda c, x: (c, x), [0.0], [[1.0, 2.0]], 3, ValueError, r"xs\[0\] has shape \(2,\); expected 3 slices"),
        (lambda c, x: (c, x), [0.0], [1.0], 3, ValueError, r"xs\[0\] has shape \(\)"),
        (lambda c, x: (c, x), [0.0], [], -1, ValueError, "length is -1"),
        (lambda c, x: ([], x), [0.0], [], 3, ValueError, "0 carries; expected 1"),
        (lambda c, x: ([c[0] + 0.5], x), [0], [], 3, TypeError, "carry 0 begins as int32"),
        (lambda c, x: ([tensor([1.0, 2.0])], x), [0.0], [], 3, ValueError, r"carry 0.*float32\(\).*float32\(2,\)"),
        (lambda c, x: c[0], [0.0], [], 3, TypeError, ""),
        (lambda c, x: (c, [None]), [0.0], [], 3, TypeError, "NoneType"),
        (lambda c, x: 1 / 0, [0.0], [], 3, ZeroDivisionError, "division"),
        (lambda c, x: ([c[0] if c[0] > 0 else -c[0]], []), [0.0], [], 3, TracingError, "bool"),
        (assigns, [0.0], [], 3, TracingError, "assigned inside"),
    ]
    for body, init, xs, length, error, text in bad:
        with pytest.raises(error, match=text or "."):
            scan(body, init, xs, length)
        assert not _dlrs.is_tracing()
    assert v.version == 0
