"""Ops of NumPy's namespace whose results have shapes of their own, the classes of functions, and open sizes."""

import pickle

import numpy as np
import pytest

import dlrs
from dlrs import ops
from dlrs.backend import KerasTensor
from dlrs.ops import nn, numpy


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
@pytest.mark.parametrize("size", [0, 1, 2, 9])
def test_windows(name, size) -> None:
    window = getattr(ops, name)(size)
    assert window.dtype == "float32"
    np.testing.assert_array_equal(window, getattr(np, name)(size).astype("float32"))


def test_kaiser_and_a_negative_length() -> None:
    np.testing.assert_array_equal(ops.kaiser(7, 3.5), np.kaiser(7, 3.5).astype("float32"))
    with pytest.raises(ValueError, match=r"hanning.*-1"):
        ops.hanning(-1)


def test_bincount() -> None:
    x, weights = np.array([1, 2, 2, 5]), np.array([0.5, 1.0, 2.0, 4.0])
    assert ops.bincount(x, minlength=8).tolist() == np.bincount(x, minlength=8).tolist()
    assert ops.bincount(x, weights=weights).tolist() == np.bincount(x, weights).tolist()
    assert ops.bincount([[0, 1], [2, 2]]).tolist() == [[1, 1, 0], [0, 0, 2]]
    assert ops.bincount(np.zeros(0, "int32"), minlength=2).tolist() == [0, 0]
    assert numpy.Bincount(minlength=3)(KerasTensor((4, None), "int32")).shape == (4, None)
    for bad in ([-1, 2], [0.5], 3):
        with pytest.raises(ValueError, match="bincount"):
            ops.bincount(bad)
    with pytest.raises(dlrs.errors.TracingError, match="bincount"):
        dlrs.function(ops.bincount)(x)


@pytest.mark.parametrize("range_", [None, (-1.0, 0.5), (0.0, 0.0)])
def test_histogram(range_) -> None:
    x = np.random.default_rng(1).standard_normal(50)
    for call in (ops.histogram, dlrs.function(ops.histogram)):
        for found, expected in zip(call(x, 7, range_), np.histogram(x, 7, range_), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    counts, edges = ops.histogram([3.0, 3.0], bins=2)
    assert (counts.tolist(), edges.tolist()) == ([0, 2], [2.5, 3.0, 3.5])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(([1.0], -5), "bins"), (([1.0], 5, (1,)), "range"), (([1.0], 5, (2, 1)), "range"), (([[1.0]],), "1-dimensional")],
)
def test_histogram_refuses(arguments, words) -> None:
    with pytest.raises(ValueError, match=f"histogram.*{words}"):
        ops.histogram(*arguments)


def test_shape_equal() -> None:
    assert ops.shape_equal((2, None), (2, 3))
    assert not ops.shape_equal((2, None), (2, 3), allow_none=False)
    assert not ops.shape_equal((2, 3), (2, 3, 1))
    assert ops.shape_equal((2, 3), (2, 4), axis=-1)


def test_view_reads_the_same_bytes() -> None:
    x = np.array([[1.0, -2.0]], "float64")
    np.testing.assert_array_equal(ops.view(x, "int64"), x.view("int64"))
    np.testing.assert_array_equal(ops.view(x, "int32"), x.view("int32"))
    assert ops.view(KerasTensor((None, 3)), "uint8").shape == (None, 12)
    with pytest.raises(ValueError, match=r"view.*\(3,\)"):
        ops.view(np.zeros(3, "int32"), "int64")


def test_vectorize() -> None:
    trace = ops.vectorize(ops.trace, signature="(m,m)->()")
    x = np.random.default_rng(2).standard_normal((2, 3, 4, 4))
    np.testing.assert_allclose(trace(x), np.trace(x, axis1=2, axis2=3), rtol=1e-12)
    scaled = ops.vectorize(lambda a, factor: a * factor, excluded={1})
    assert scaled([1.0, 2.0], 3.0).tolist() == [3.0, 6.0]
    with pytest.raises(ValueError, match="signature"):
        ops.vectorize(ops.trace, signature="(m,m)")


def test_classes_of_functions() -> None:
    x = np.array([[1.0, 2.0, 3.0]])
    assert numpy.Sum(axis=1)(x).tolist() == [6.0]
    assert numpy.Sum is numpy.Sum
    assert numpy.Clip(0.0, x_max=2.0)(x).tolist() == [[1.0, 2.0, 2.0]]
    assert nn.Relu()(x).tolist() == x.tolist()
    assert [g.shape for g in numpy.Meshgrid(indexing="ij")(x[0], x[0])] == [(3, 3), (3, 3)]
    assert numpy.Sum(axis=1, name="total").get_config() == {"name": "total", "axis": 1, "keepdims": False}
    assert pickle.loads(pickle.dumps(numpy.Sum)) is numpy.Sum
    assert numpy.Add()(KerasTensor((None, 3)), x).shape == (None, 3)
    for call in (lambda: numpy.Summe, lambda: numpy.Sum(axes=1), lambda: numpy.Add()(x, x, x)):
        with pytest.raises((AttributeError, TypeError)):
            call()


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: ops.add(KerasTensor((None, 3)), KerasTensor((2, None))), (2, 3)),
        (lambda: ops.matmul(KerasTensor((None, 3, 4)), KerasTensor((3, None, 4, 5))), (3, None, 3, 5)),
        (lambda: ops.append(KerasTensor((None, 3)), KerasTensor((2, None))), (None,)),
        (lambda: ops.linspace(KerasTensor((None, 3)), KerasTensor((2, 3)), 4, axis=1), (2, 4, 3)),
        (lambda: ops.split(KerasTensor((None, 4)), 2)[0], (None, 4)),
        (lambda: ops.reshape(KerasTensor((None, 6)), (-1, 4)), (None, 4)),
    ],
)
def test_open_sizes_that_must_fit(call, shape) -> None:
    assert call().shape == shape


def test_open_sizes_that_cannot_fit_name_what_was_written() -> None:
    with pytest.raises(ValueError, match=r"\(None, 3\)"):
        ops.add(KerasTensor((None, 3)), KerasTensor((2, 4)))


@pytest.mark.parametrize(
    ("pattern", "lengths", "words"),
    [
        ("a b -> a c", {}, "same names"),
        ("a b c -> c b a", {}, r"3 axes.*\(2, 6\)"),
        ("a (b c) -> a b c", {}, "not known"),
        ("a (b c) -> a b c", {"b": 4}, "size 6"),
        ("a b", {}, "pattern"),
        ("a b -> b a", {"z": 1}, "z"),
    ],
)
def test_rearrange_refuses(pattern, lengths, words) -> None:
    with pytest.raises(ValueError, match=f"rearrange.*{words}"):
        ops.rearrange(np.zeros((2, 6)), pattern, **lengths)


@pytest.mark.parametrize("k", [2**31, -(2**40), 2**70, -3, 3, np.int64(1)])
def test_diagonals_far_outside_a_matrix(k: int) -> None:
    near = int(np.clip(float(k), -9, 9))
    x = np.arange(6.0).reshape(2, 3)
    assert ops.tri(2, 3, k).tolist() == np.tri(2, 3, near).tolist()
    assert ops.eye(2, 3, k).tolist() == np.eye(2, 3, near).tolist()
    assert ops.tril(x, k).tolist() == np.tril(x, near).tolist()
    assert ops.triu(x, k).tolist() == np.triu(x, near).tolist()
