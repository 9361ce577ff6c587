"""Compiled functions."""

import threading

import numpy as np
import pytest

import dlrs
from dlrs import ops
from dlrs.backend.compiled_function import MAX_PROGRAMS


def test_nested_arguments_and_results() -> None:
    @dlrs.function
    def f(a, pair, *, flag, extra=None):
        total = a + pair[0] * pair[1]["x"]
        return {"total": total, "rest": (flag, None, [total * 2.0]), "extra": extra}

    result = f(np.float32([1, 2]), (ops.array(2.0), {"x": ops.array([3.0, 4.0])}), flag="on")
    assert result["total"].tolist() == [7.0, 10.0]
    assert result["rest"][:2] == ("on", None)
    assert result["rest"][2][0].tolist() == [14.0, 20.0]
    assert result["extra"] is None


def test_one_trace_for_each_signature() -> None:
    traces = []

    @dlrs.function
    def f(x, scale=1.0):
        traces.append((x.shape, x.dtype, scale))
        return x * scale

    for _ in range(2):
        f(ops.ones((2,)))
        f(np.ones((2,), np.float32))
        f(ops.ones((3,)))
        f(ops.ones((2,)), 2.0)
        f(ops.ones((2,)), 2)
        f(ops.ones((2,)), scale=2.0)
        f(np.ones((2,)))
    assert len(traces) == 6
    assert f(ops.ones((2,)), 2.0).tolist() == f(ops.ones((2,)), scale=2.0).tolist() == [2.0, 2.0]


def test_the_oldest_programs_go() -> None:
    traces = []

    @dlrs.function
    def f(x):
        traces.append(x.shape)
        return x + 1.0

    for n in range(MAX_PROGRAMS + 1):
        f(ops.ones((n,)))
    assert f.num_programs == MAX_PROGRAMS
    f(ops.ones((MAX_PROGRAMS,)))
    assert len(traces) == MAX_PROGRAMS + 1
    f(ops.ones((0,)))
    assert len(traces) == MAX_PROGRAMS + 2


def test_state() -> None:
    count, total = dlrs.Variable(0, dtype="int32"), dlrs.Variable([0.0, 0.0])

    @dlrs.function
    def step(x):
        count.assign(count + 1)
        total.assign_add(x)
        return total * 2.0

    assert step(np.float32([1, 2])).tolist() == [2.0, 4.0]
    assert step(np.float32([1, 2])).tolist() == [4.0, 8.0]
    assert (count.numpy(), total.numpy().tolist()) == (2, [2.0, 4.0])
    total.assign([10.0, 10.0])
    assert step(np.float32([1, 2])).tolist() == [22.0, 24.0]


def test_variables_as_arguments() -> None:
    @dlrs.function
    def increment(v):
        v.assign(v + 1.0)
        return v

    a, b = dlrs.Variable([1.0]), dlrs.Variable([5.0])
    assert increment(a).tolist() == [2.0]
    assert increment(b).tolist() == [6.0]
    assert increment(a).tolist() == [3.0]
    assert (a.numpy().item(), b.numpy().item()) == (3.0, 6.0)


def test_inside_another_function_and_under_a_tape() -> None:
    square = dlrs.function(lambda x: x * x)
    assert dlrs.function(lambda x: square(x) + 1.0)(ops.array(3.0)).item() == 10.0
    assert dlrs.grad(square)(ops.array(3.0)).item() == 6.0
    assert square(dlrs.KerasTensor((None, 2))).shape == (None, 2)


def test_methods() -> None:
    class Scaler:
        def __init__(self, factor: float) -> None:
            self.factor = dlrs.Variable(factor)

        @dlrs.function
        def __call__(self, x):
            return x * self.factor

    assert Scaler(2.0).__call__(ops.array(3.0)).item() == 6.0
    assert Scaler(5.0).__call__(ops.array(3.0)).item() == 15.0


def test_an_error_while_tracing_leaves_nothing_behind() -> None:
    v = dlrs.Variable(1.0)

    @dlrs.function
    def f(x, fail):
        v.assign(v + x)
        if fail:
            raise KeyError("no")
        return x

    with pytest.raises(KeyError):
        f(ops.array(1.0), True)
    assert v.numpy() == 1.0
    assert ops.add(1.0, 1.0).item() == 2.0
    f(ops.array(1.0), False)
    assert v.numpy() == 2.0


def test_values_of_symbols_are_errors_that_help() -> None:
    for use in (float, int, bool, lambda x: x.numpy(), lambda x: np.asarray(x), list):

        @dlrs.function
        def f(x, use=use):
            return use(x)

        with pytest.raises(TypeError):
            f(ops.array([1.0]) if use is list else ops.array(1.0))


def test_unhashable_arguments() -> None:
    @dlrs.function
    def name(x, s):
        return x

    with pytest.raises(TypeError, match="name"):
        name(ops.array(1.0), {1})


def test_threads() -> None:
    @dlrs.function
    def f(x):
        return ops.sum(ops.exp(x) * 2.0)

    xs = [np.full((50,), i / 10, np.float32) for i in range(8)]
    expected = [f(x).item() for x in xs]
    got: list[float | None] = [None] * 8

    def run(i: int) -> None:
        for _ in range(20):
            got[i] = f(xs[i]).item()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == expected


def test_a_changed_layer_is_traced_anew() -> None:
    layer = dlrs.layers.Dropout(1e-9, seed=1)
    call = dlrs.function(lambda x: layer(x, training=True))
    assert call(np.ones((2, 2), np.float32)).tolist() == [[1, 1], [1, 1]]
    layer.rate = 1.0
    assert call(np.ones((2, 2), np.float32)).tolist() == [[0, 0], [0, 0]]
