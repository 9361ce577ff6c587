"""What bad arguments of ops get."""

import numpy as np
import pytest

from dlrs import ops
from dlrs.backend import KerasTensor


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.squeeze(ops.ones((2, 3)), 1), ValueError, ("squeeze", "(2, 3)")),
        (lambda: ops.swapaxes(ops.ones((2, 3)), 0, 2), ValueError, ("swapaxes", "2")),
        (lambda: ops.stack([ops.ones((2,)), ops.ones((3,))]), ValueError, ("stack", "(2,)", "(3,)")),
        (lambda: ops.split(ops.ones((5,)), 2), ValueError, ("split", "5", "2")),
        (lambda: ops.slice(ops.ones((3,)), (2,), (2,)), ValueError, ("slice", "(3,)")),
        (lambda: ops.tensordot(ops.ones((2, 3)), ops.ones((2, 3)), 1), ValueError, ("(2, 3)",)),
        (lambda: ops.norm(ops.ones((2, 3)), "nuclear"), ValueError, ("norm", "nuclear")),
        (lambda: ops.glu(ops.ones((3,))), ValueError, ("glu", "(3,)")),
        (lambda: ops.conv(ops.ones((1, 3, 3, 2)), ops.ones((2, 2, 3, 1))), ValueError, ("conv", "2", "(2, 2, 3, 1)")),
        (lambda: ops.conv(ops.ones((3, 3)), ops.ones((2, 2))), ValueError, ("conv", "(3, 3)")),
        (lambda: ops.pad(ops.ones((3,)), 1, mode="wrap"), ValueError, ("pad", "wrap")),
        (lambda: ops.binary_crossentropy(ops.ones((3,)), ops.ones((3, 1))), ValueError, ("(3,)", "(3, 1)")),
        (lambda: ops.categorical_crossentropy([1, 0], ops.ones((2, 3))), ValueError, ("(2,)", "(2, 3)", "sparse")),
        (lambda: ops.sparse_categorical_crossentropy(ops.ones((2, 3)), ops.ones((2, 3))), ValueError, ("(2, 3)",)),
        (lambda: ops.zeros((2, -1)), ValueError, ("negative", "-1")),
        (lambda: ops.zeros((2, None)), ValueError, ("zeros", "None")),
        (lambda: ops.cast([1.0], "float31"), ValueError, ("float31", "float32")),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0), ValueError, ("scan", "length")),
        (lambda: ops.average([1.0, 2.0], weights=[1.0]), ValueError, ("average", "(1,)")),
        (lambda: ops.add(ops.ones((2,)), ops.ones((3,))), ValueError, ("2", "3")),
        (lambda: ops.add(np.array(["a"]), 1.0), TypeError, ()),
        (lambda: ops.add(np.array([object()]), 1.0), TypeError, ()),
    ],
)
def test_errors(call, error, words) -> None:
    with pytest.raises(error) as raised:
        call()
    for word in words:
        assert word in str(raised.value)


def test_impossible_sizes_are_memory_errors() -> None:
    with pytest.raises((MemoryError, ValueError)):
        ops.zeros((2**40, 2**20))


def test_placeholders_have_no_values() -> None:
    x = KerasTensor((None, 3), name="x")
    for use in (bool, float, int, list, np.asarray, len):
        with pytest.raises(TypeError, match="x"):
            use(x)


def test_disconnected_graph() -> None:
    x, y = KerasTensor((2,), name="x"), KerasTensor((2,), name="y")
    with pytest.raises(ValueError, match="'y'"):
        ops.Function(x, ops.add(x, y))


def test_numbers_that_make_no_tensor_are_named() -> None:
    with pytest.raises(ValueError, match=r"one_hot: `num_classes`.*-3"):
        ops.one_hot([0, 1], -3)
    with pytest.raises(ValueError, match="arange: `step`"):
        ops.arange(0, 3, 0)
