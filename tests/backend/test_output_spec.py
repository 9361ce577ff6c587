"""Shapes found by tracing, and graphs of operations."""

import dlrs
from dlrs import ops
from dlrs.backend import KerasTensor, compute_output_spec


def test_open_sizes() -> None:
    def f(x, y):
        n = x.shape[0]
        return {"flat": ops.reshape(x, (n, -1)), "cross": ops.matmul(x[:, 0], ops.transpose(y)), "fixed": ops.sum(y)}

    spec = compute_output_spec(f, KerasTensor((None, 2, 3)), KerasTensor((None, 3), "float32"))
    assert {key: value.shape for key, value in spec.items()} == {
        "flat": (None, 6),
        "cross": (None, None),
        "fixed": (),
    }
    assert spec["flat"].dtype == "float32"


def test_state_is_untouched() -> None:
    v = dlrs.Variable(1.0)

    def f(x):
        v.assign(v + 1.0)
        return x * v

    assert compute_output_spec(f, KerasTensor((None,))).shape == (None,)
    assert v.numpy() == 1.0


def test_function_of_several_inputs_and_outputs() -> None:
    x, y = KerasTensor((None, 3), name="x"), KerasTensor((None, 3), name="y")
    hidden = ops.relu(x - y)
    f = ops.Function({"x": x, "y": y}, [ops.sum(hidden, axis=1), hidden * 2.0])
    total, twice = f({"x": ops.array([[1.0, 2.0, 3.0]]), "y": ops.array([[0.0, 5.0, 1.0]])})
    assert total.tolist() == [3.0]
    assert twice.tolist() == [[2.0, 0.0, 4.0]]
    names = [operation.name for operation in f.operations]
    assert len(names) == len(set(names)) == 4
    inner = ops.Function(hidden, hidden * 3.0)
    assert inner(ops.array([[1.0, 1.0, 1.0]])).tolist() == [[3.0, 3.0, 3.0]]


def test_deep_graphs() -> None:
    x = KerasTensor((2,))
    y = x
    for _ in range(3000):
        y = y + 1.0
    assert ops.Function(x, y)(ops.zeros((2,))).tolist() == [3000.0, 3000.0]
