"""Traces, programs, epochs and tapes."""

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs._dlrs import Program, Tape, Tensor, Trace, Variable, tensor
from harness.programs import repeated_product


def rows(n: int, width: int, dtype: str = "float32") -> np.ndarray[Any, Any]:
    return (np.arange(n * width).reshape(n, width) % 17).astype(dtype)


def accumulate() -> tuple[Program, Variable]:
    """A step that adds its batch's sum to a total and returns both."""
    total = Variable(tensor(0.0))
    trace = Trace()
    with trace:
        x = trace.input((4, 3), "float32", "x")
        s = _dlrs.sum(x)
        total.assign(total + s)
        program = trace.finish([s, x])
    return program, total


def test_inputs_of_every_kind() -> None:
    trace = Trace()
    with trace:
        x = trace.input((2, 3), "float32", "images")
        y = trace.input((), "float32")
        program = trace.finish([x * y, x + y])
    assert program.input_names == ["images", "input_1"]
    a = rows(2, 3)
    fortran = np.asfortranarray(a)
    for given in (
        a,
        a.astype("float64"),
        a.astype("uint8"),
        fortran,
        a[:, ::-1][:, ::-1],
        a.tolist(),
        tensor(a),
        Variable(tensor(a)),
    ):
        product, total = program(given, 2)
        np.testing.assert_array_equal(product.numpy(), a * 2)
        np.testing.assert_array_equal(total.numpy(), a + 2)
    assert "multiply" in program.explain()
    with pytest.raises(ValueError, match=r'"images".*\(2, 3\).*\(3, 2\)'):
        program(a.T, 1)
    with pytest.raises(ValueError, match=r'"images".*\(2, 3\).*\(6,\)'):
        program(a.ravel(), 1)
    with pytest.raises(ValueError, match="1 inputs given, 2 expected: images, input_1"):
        program(a)
    with pytest.raises(TypeError, match="str"):
        program("text", 1)


def test_results_do_not_alias_inputs() -> None:
    trace = Trace()
    with trace:
        x = trace.input((3,), "float32")
        program = trace.finish([x])
    a = np.ones(3, np.float32)
    (y,) = program(a)
    a[:] = 5
    assert y.tolist() == [1, 1, 1]


def test_variables_are_read_and_written() -> None:
    program, total = accumulate()
    s, _ = program(np.ones((4, 3)))
    assert float(s) == 12
    assert float(total) == 12
    assert total.version == 1
    program(np.ones((4, 3)))
    assert float(total) == 24


def test_gradients_in_a_trace() -> None:
    w = Variable(tensor([2.0, 3.0]))
    trace = Trace()
    with trace:
        x = trace.input((2,), "float32")
        y = _dlrs.sum(x * x * w)
        dx, dw, none = trace.gradients([y], [x, w, trace.input((1,), "float32")])
        assert none is None
        assert dx is not None
        assert dw is not None
        (ddx,) = trace.gradients([dx], [x], [[1.0, 0.0]])
        assert ddx is not None
        program = trace.finish([y, dx, dw, ddx])
    y, dx, dw, ddx = program([1.0, 2.0], [0.0])
    assert (float(y), dx.tolist(), dw.tolist(), ddx.tolist()) == (14, [4, 12], [1, 4], [4, 0])


def test_epoch() -> None:
    program, total = accumulate()
    x = rows(12, 3)
    steps, (last, batch) = program.run_epoch([x], None)
    assert steps == 3
    assert float(last) == x[8:].sum()
    np.testing.assert_array_equal(batch.numpy(), x[8:])
    assert float(total) == x.sum()

    order = np.array([11, 3, 3, 0, 1, 2, 4, 5])
    steps, (sums, batches) = program.run_epoch([x], order, collect=True)
    assert steps == 2
    np.testing.assert_array_equal(sums.numpy(), [x[order[:4]].sum(), x[order[4:]].sum()])
    np.testing.assert_array_equal(batches.numpy(), x[order])


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "float64", "bool", "float16", "strided", "tensor", "list"])
def test_epoch_converts_rows(kind: str) -> None:
    program, _ = accumulate()
    x = rows(8, 3)
    given: Any = {
        "strided": lambda: rows(16, 3)[::2],
        "tensor": lambda: tensor(x),
        "list": x.tolist,
    }.get(kind, lambda: x.astype(kind))()
    _, (_, batches) = program.run_epoch([given], None, collect=True)
    np.testing.assert_array_equal(batches.numpy(), np.asarray(given))


def test_epoch_refuses_what_does_not_fit() -> None:
    program, total = accumulate()
    x = rows(8, 3)

    def refused(error: type[Exception], text: str, *args: Any, **kwargs: Any) -> None:
        with pytest.raises(error, match=text):
            program.run_epoch(*args, **kwargs)
        assert total.version == 0

    refused(ValueError, r'"x".*\(N, 3\).*\(8, 4\)', [rows(8, 4)], None)
    refused(ValueError, r'"x".*\(N, 3\).*\(8,\)', [np.zeros(8)], None)
    refused(ValueError, "2 arrays given, 1 expected: x", [x, x], None)
    refused(ValueError, "multiple of the batch size 4", [x], np.arange(6))
    refused(IndexError, "row 8 is out of range", [x], np.array([0, 1, 2, 8]))
    refused(IndexError, "row -1 is out of range", [x], np.array([0, 1, 2, -1]))
    refused(TypeError, "order.*float32", [x], [0.0, 1.0, 2.0, 3.0])
    refused(TypeError, "complex", [x.astype(complex)], None)
    refused(ValueError, "interval", [x], None, interval=-1.0)
    refused(ValueError, "there is no output 7", [x], None, stop_on_nonfinite=7)
    refused(ValueError, r"output 1 is float32\(4, 3\)", [x], None, stop_on_nonfinite=1)

    trace = Trace()
    with trace:
        a, b = trace.input((2, 1), "float32", "a"), trace.input((2,), "float32", "b")
        two = trace.finish([a, b])
    with pytest.raises(ValueError, match='"a" has 4, "b" has 6'):
        two.run_epoch([np.zeros((4, 1)), np.zeros(6)], None)


def test_epoch_stops_where_the_loss_is_not_finite() -> None:
    program, total = accumulate()
    x = rows(12, 3)
    x[9, 1] = np.nan
    steps, _ = program.run_epoch([x], None, stop_on_nonfinite=0)
    assert steps == 2
    assert float(total) == x[:8].sum()


def test_progress() -> None:
    program, _ = accumulate()
    x = rows(400, 3)
    seen: list[int] = []
    steps, _ = program.run_epoch([x], None, seen.append, interval=0.0)
    assert steps == 100
    assert seen == sorted(seen)
    assert 1 <= len(seen) <= 100


def test_an_exception_in_progress_ends_the_epoch_between_steps() -> None:
    program, total = accumulate()

    def stop(steps: int) -> None:
        if steps >= 3:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        program.run_epoch([np.ones((400, 3))], None, stop, interval=0.0)
    assert float(total) == 3 * 12
    assert total.version == 3


def test_keyboard_interrupt_between_steps_of_an_epoch() -> None:
    program, total = accumulate()
    x = np.ones((4 * 2_000_000, 3), np.float32)
    threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(50):
            program.run_epoch([x], None)
    assert float(total) % 12 == 0
    assert total.version > 0


def test_a_long_run_releases_the_interpreter() -> None:
    program, _ = repeated_product(512, 60)
    x = np.eye(512, dtype=np.float32)
    program(x)
    ticks = 0
    done = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    time.sleep(0.01)
    before = ticks
    program(x)
    during = ticks - before
    done.set()
    thread.join()
    assert during > 5


def test_programs_on_two_threads() -> None:
    trace = Trace()
    with trace:
        x = trace.input((200, 200), "float32")
        program = trace.finish([x @ x])
    a = np.eye(200, dtype=np.float32) * 2
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(30):
                (y,) = program(a)
                assert y[3, 3].item() == 4
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_tape() -> None:
    v = Variable(tensor([1.0, 2.0]))
    x = tensor([3.0, 4.0])
    with Tape() as tape:
        tape.watch(x)
        y = _dlrs.sum(v * v * x)
    dv, dx, none = tape.gradient([y], [v, x, tensor([1.0])])
    assert dv is not None
    assert dx is not None
    assert dv.tolist() == [6, 16]
    assert dx.tolist() == [1, 4]
    assert none is None


def test_tape_output_gradients_and_persistence() -> None:
    x = tensor([3.0, 4.0])
    with Tape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        tape.stop_recording()
        z = y * 2
        tape.resume_recording()
    (d,) = tape.gradient([y], [x], [[1.0, 10.0]])
    assert d is not None
    assert d.tolist() == [6, 80]
    assert tape.gradient([z], [x]) == [None]
    with pytest.raises(ValueError, match="output_gradients: 2 given for 1 targets"):
        tape.gradient([y], [x], [x, x])


def test_second_derivatives_by_nested_tapes() -> None:
    x = tensor([1.0, 2.0])
    with Tape() as outer:
        outer.watch(x)
        with Tape() as inner:
            inner.watch(x)
            y = _dlrs.sum(x * x * x)
        (d,) = inner.gradient([y], [x])
        assert isinstance(d, Tensor)
    (dd,) = outer.gradient([d], [x])
    assert dd is not None
    assert dd.tolist() == [6, 12]


def test_threads_and_instruction_sets() -> None:
    assert _dlrs.num_threads() >= 1
    assert _dlrs.isa() in _dlrs.supported_isas()
    assert _dlrs.supported_isas()[0] == "portable"
    before = _dlrs.num_threads()
    try:
        _dlrs.set_num_threads(3)
        assert _dlrs.num_threads() == 3
        assert (tensor(np.ones((300, 300), np.float32)) @ tensor(np.ones((300, 300), np.float32)))[0, 0].item() == 300
    finally:
        _dlrs.set_num_threads(before)


def test_peaks() -> None:
    peaks = _dlrs.machine_peaks()
    assert set(peaks) == {"fma_gflops", "copy_gbs"}
    assert 0.1 < _dlrs.read_gbs(1 << 22) < 1e5
    assert all(value > 0.1 for value in peaks.values())
