"""Errors of the core as Python exceptions."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs._dlrs import ConcurrentUseError, InternalError, Tape, Tensor, Trace, TracingError, Variable, tensor


def test_classes() -> None:
    assert issubclass(TracingError, TypeError)
    assert issubclass(InternalError, RuntimeError)
    assert issubclass(ConcurrentUseError, RuntimeError)


A = tensor(np.ones((2, 3), np.float32))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: _dlrs.add(A, tensor(np.ones((2, 4)))), ValueError, r"add.*\(2, 3\).*\(2, 4\)"),
        (lambda: A @ A, ValueError, r"matmul.*\(2, 3\).*\(2, 3\).*3 and 2"),
        (lambda: A @ tensor([1.0, 2.0]), ValueError, r"matmul.*\(2, 3\).*\(2,\).*3 and 2"),
        (lambda: A @ 2.0, ValueError, r"matmul.*\(2, 3\).*\(\)"),
        (lambda: _dlrs.reshape(A, [4, -1]), ValueError, r"\(2, 3\).*6 elements.*\[4, -1\]"),
        (lambda: _dlrs.reshape(A, [-1, -1]), ValueError, "more than one -1"),
        (lambda: _dlrs.reshape(A, [-6]), ValueError, "negative length"),
        (lambda: _dlrs.transpose(A, [0]), ValueError, r"axes \[0\].*\(2, 3\)"),
        (lambda: _dlrs.transpose(A, [0, 5]), ValueError, "axis 5"),
        (lambda: _dlrs.transpose(A, [0, 0]), ValueError, "permutation"),
        (lambda: _dlrs.broadcast_to(A, [3, 3]), ValueError, r"\(2, 3\).*\(3, 3\)"),
        (lambda: _dlrs.sum(A, [2]), ValueError, "sum: axis 2"),
        (lambda: _dlrs.sum(A, [0, 0]), ValueError, "duplicate"),
        (lambda: _dlrs.argmax(A, 2), ValueError, "argmax: axis 2"),
        (lambda: _dlrs.max(tensor(np.zeros((0, 2)))), ValueError, "max"),
        (lambda: _dlrs.concatenate([]), ValueError, "at least one"),
        (lambda: _dlrs.concatenate([A, tensor([1.0])]), ValueError, r"\(2, 3\).*\(1,\)"),
        (lambda: _dlrs.pad(A, [(0, -1), (0, 0)]), ValueError, "negative width"),
        (lambda: _dlrs.pad(A, [(0, 1)]), ValueError, r"\(2, 3\)"),
        (lambda: _dlrs.slice(A, [0], [1], [1]), ValueError, r"\(2, 3\)"),
        (lambda: _dlrs.slice(A, [0, 0], [1, 1], [1, 0]), ValueError, "step"),
        (lambda: _dlrs.slice(A, [0, 0], [5, 1], [1, 1]), ValueError, r"\(2, 3\)"),
        (lambda: _dlrs.take(A, [5]), IndexError, "5"),
        (lambda: _dlrs.take(A, [0.5]), TypeError, "float32"),
        (lambda: _dlrs.take(A, [0], 2), ValueError, "axis 2"),
        (lambda: _dlrs.segment_sum(A, [0, 9], 3), IndexError, "9"),
        (lambda: _dlrs.segment_sum(A, [0, 1], -1), ValueError, "num_segments"),
        (lambda: _dlrs.cast(A, "float99"), ValueError, "float99.*float32"),
        (lambda: _dlrs.cast(A, 3), TypeError, "dtype"),
        (lambda: _dlrs.full([2, -1], 0.0, "float32"), ValueError, "negative length"),
        (lambda: _dlrs.full([1 << 40, 1 << 40], 0.0, "float32"), MemoryError, "memory|allocate"),
        (lambda: _dlrs.full([1 << 45], 0.0, "float32"), MemoryError, "memory|allocate"),
        (lambda: _dlrs.full([1] * 13, 0.0, "float32"), ValueError, "13 axes"),
        (lambda: _dlrs.full([2], [1.0, 2.0], "float32"), ValueError, r"value has shape \(2,\)"),
        (lambda: _dlrs.full([2], 300, "uint8"), ValueError, "300 does not fit uint8"),
        (lambda: _dlrs.reshape(A, [1 << 62, 4, -1]), ValueError, r"\(2, 3\)"),
        (lambda: _dlrs.set_num_threads(0), ValueError, "n is 0; expected 1 to 256"),
        (lambda: _dlrs.set_num_threads(100_000), ValueError, "n is 100000"),
        (lambda: _dlrs.add(A, "text"), TypeError, "str"),
        (lambda: _dlrs.exp(None), TypeError, "NoneType"),
        (lambda: Variable("text"), TypeError, "str"),
        (lambda: Tape().watch(tensor([1])), TypeError, "int32"),
        (lambda: Tape().watch(3.0), TypeError, "float"),
    ],
)
def test_texts(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_panic_is_an_internal_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InternalError, match="a bug: what happened"):
        _dlrs._panic("what happened")
    assert "what happened" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (bool, "bool"),
        (float, "float"),
        (int, "int"),
        (iter, "iteration"),
        (lambda x: x.item(), "item"),
        (lambda x: x.tolist(), "tolist"),
        (lambda x: x.numpy(), "numpy"),
        (np.asarray, "NumPy array"),
        (lambda x: [1, 2][x], "index"),
        (lambda x: x.__dlpack__(), "DLPack"),
        (Variable, "initial value"),
    ],
)
def test_symbolic_values_name_what_was_asked(ask: Callable[[Tensor], Any], named: str) -> None:
    trace = Trace()
    with trace:
        x = trace.input((1,), "float32")
        with pytest.raises(TracingError, match=rf"{named}.*\(1,\).*float32.*ops\.cond.*run_eagerly=True"):
            ask(x)


def test_a_symbol_outside_its_trace() -> None:
    trace = Trace()
    with trace:
        x = trace.input((1,), "float32")
    with pytest.raises(TracingError, match="outside"):
        _dlrs.exp(x)


def test_errors_leave_state_unchanged() -> None:
    v = Variable(tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="shape"):
        v.assign(np.ones((3,)))
    with pytest.raises(TypeError):
        v.assign("text")
    assert v.version == 0
    assert v.numpy().tolist() == [1, 2]


def test_notes_name_the_argument() -> None:
    with pytest.raises(TypeError) as caught:
        _dlrs.multiply(A, object())
    assert any("x2" in note for note in caught.value.__notes__)


def test_exceptions_can_be_pickled() -> None:
    error = TracingError("text")
    assert TracingError.__module__ == "dlrs.errors"
    try:
        copy = pickle.loads(pickle.dumps(error))
    except (ModuleNotFoundError, AttributeError, pickle.PicklingError):
        pytest.fail("dlrs.errors does not export the exception")
    assert copy.args == ("text",)


@pytest.mark.parametrize(
    "call",
    [
        lambda: _dlrs.broadcast_to(np.ones(1, np.float32), (2**45,)),
        lambda: _dlrs.add(np.ones((2**20, 1), np.float32), np.ones((1, 2**22), np.float32)),
        lambda: _dlrs.random_normal((2**42,), tensor(np.array([0, 0], np.int64))),
        lambda: _dlrs.full((2**43,), 0.0, "float64"),
    ],
)
def test_sizes_that_no_memory_holds_are_memory_errors(call: Callable[[], Any]) -> None:
    with pytest.raises(MemoryError, match="cannot allocate"):
        call()
