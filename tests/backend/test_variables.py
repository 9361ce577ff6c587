"""Variables."""

import numpy as np
import pytest

import dlrs
from dlrs import ops
from dlrs.backend import name_scope


def test_initial_values() -> None:
    assert dlrs.Variable([1, 2]).dtype == "int32"
    assert dlrs.Variable([1.0, 2]).dtype == "float32"
    assert dlrs.Variable(np.zeros(2)).dtype == "float64"
    assert dlrs.Variable(np.zeros(2), dtype="float32").dtype == "float32"
    v = dlrs.Variable(lambda shape, dtype: ops.full(shape, 3, dtype), shape=(2, 2))
    assert v.numpy().tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert v.trainable
    assert dlrs.Variable(ops.ones, shape=[2]).shape == (2,)


def test_the_value_is_a_copy() -> None:
    x = np.ones(2, np.float32)
    v = dlrs.Variable(x)
    x[0] = 5
    before = v.value
    copy = v.numpy()
    copy[0] = 9
    v.assign([3.0, 4.0])
    assert before.tolist() == [1.0, 1.0]
    assert v.numpy().tolist() == [3.0, 4.0]


def test_assignments() -> None:
    v = dlrs.Variable([1.0, 2.0])
    version = v.version
    assert v.assign([3.0, 4.0]).tolist() == [3.0, 4.0]
    assert v.assign_add([1.0, 1.0]).tolist() == [4.0, 5.0]
    assert v.assign_sub(1.0).tolist() == [3.0, 4.0]
    assert v.version > version
    v.assign(np.float64([7, 8]))
    assert v.dtype == "float32"
    with pytest.raises(ValueError, match=r"3"):
        v.assign([1.0, 2.0, 3.0])
    assert v.numpy().tolist() == [7.0, 8.0]


def test_operators() -> None:
    v = dlrs.Variable([[1.0, 2.0]])
    assert (v + 1).tolist() == (1 + v).tolist() == [[2.0, 3.0]]
    assert (v @ ops.ones((2, 1))).tolist() == [[3.0]]
    assert v[0].tolist() == [1.0, 2.0]
    assert (-v).tolist() == [[-1.0, -2.0]]
    assert (v > 1.5).tolist() == [[False, True]]
    np.testing.assert_array_equal(np.asarray(v), [[1.0, 2.0]])
    assert ops.sum(v).item() == 3.0


def test_names_and_paths() -> None:
    with name_scope("outer"), name_scope("inner"):
        v = dlrs.Variable(1.0, name="kernel")
    assert (v.name, v.path) == ("kernel", "outer/inner/kernel")
    assert dlrs.Variable(1.0).name != dlrs.Variable(1.0).name
    assert "kernel" in repr(v)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"initializer": "zeros", "shape": (2,)}, "initializers.get"),
        ({"initializer": None}, "initializer"),
        ({"initializer": ops.zeros}, "shape"),
        ({"initializer": ops.zeros, "shape": (2, None)}, "known"),
        ({"initializer": ops.zeros, "shape": (-2,)}, "negative"),
        ({"initializer": [1.0, 2.0], "shape": (3,)}, r"\(3,\)"),
        ({"initializer": 1.0, "name": "a/b"}, "name"),
        ({"initializer": 1.0, "aggregation": "most"}, "aggregation"),
        ({"initializer": 1.0, "dtype": "float31"}, "float32"),
    ],
)
def test_bad_arguments(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dlrs.Variable(**arguments)
