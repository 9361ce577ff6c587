"""Ops whose results have shapes that depend on values, and what the table cannot say of sorting and scattering."""

import numpy as np
import pytest

import dlrs
from dlrs import ops

X = np.array([[3, 1, 2], [1, 2, 1]], dtype=np.int32)


def test_unique_is_numpys() -> None:
    values, index, inverse, counts = ops.unique(X, return_index=True, return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert index.tolist() == [1, 2, 0]
    assert ops.take(values, inverse).tolist() == X.tolist()
    assert counts.tolist() == [3, 2, 1]
    rows, which = ops.unique(np.array([[1, 2], [0, 5], [1, 2]]), axis=0, return_inverse=True)
    assert rows.tolist() == [[0, 5], [1, 2]]
    assert which.tolist() == [1, 0, 1]


def test_unique_of_fixed_size() -> None:
    values, counts = ops.unique(X, size=5, fill_value=-1, return_counts=True)
    assert values.tolist() == [1, 2, 3, -1, -1]
    assert counts.tolist() == [3, 2, 1, 0, 0]
    assert ops.unique(X, size=2).tolist() == [1, 2]


def test_nonzero_is_numpys() -> None:
    for x in (X, X[0], np.zeros((2, 0)), np.array(5)):
        assert [i.tolist() for i in ops.nonzero(x)] == [i.tolist() for i in np.nonzero(np.atleast_1d(x))]


@pytest.mark.parametrize("function", [ops.unique, ops.nonzero])
def test_shapes_that_depend_on_values_cannot_be_traced(function) -> None:
    with pytest.raises(dlrs.errors.TracingError, match=f"{function.__name__}.*run_eagerly"):
        dlrs.function(function)(ops.array(X))


def test_slices_of_negative_segments_are_left_out() -> None:
    data, ids = np.float32([1, 2, 4, 8]), np.int32([-1, 0, 1, -5])
    for fn, expected in ((ops.segment_sum, [2, 4, 0]), (ops.segment_prod, [2, 4, 1])):
        assert fn(data, ids, 3).tolist() == expected
    for fn, none in ((ops.segment_max, -np.inf), (ops.segment_min, np.inf)):
        assert fn(data, ids, 3).tolist() == [2, 4, none]
        limits = np.iinfo(np.int32)
        assert fn(np.int32([3, 5]), np.int32([-1, -1]), 1).tolist() == [limits.min if none < 0 else limits.max]
    assert ops.segment_sum(data, np.int32([-1, -1, -1, -1])).shape == (0,)


def test_segments_count_themselves() -> None:
    assert ops.segment_sum([1.0, 2.0, 4.0], [0, 2, 0]).tolist() == [5, 0, 2]
    assert ops.segment_max(np.zeros((0, 2)), np.zeros(0, np.int32)).shape == (0, 2)
    with pytest.raises(ValueError, match="num_segments"):
        dlrs.function(ops.segment_sum)(ops.array([1.0]), ops.array([0]))


def test_a_coordinate_out_of_range_is_not_another_row() -> None:
    for run in (ops.scatter_update, dlrs.function(ops.scatter_update)):
        with pytest.raises(IndexError, match="2"):
            run(ops.zeros((2, 2)), ops.array([[0, 2]]), ops.array([1.0]))


def test_gradients_go_to_the_update_that_is_kept() -> None:
    x, updates = ops.array([1.0, 2.0]), ops.array([5.0, 7.0])
    gradient = dlrs.grad(lambda x, u: ops.sum(ops.scatter_update(x, [[1], [1]], u) * 3.0), argnums=(0, 1))
    dx, du = gradient(x, updates)
    assert (dx.tolist(), du.tolist()) == ([3, 0], [0, 3])


def test_products_of_updates_may_hold_zeros() -> None:
    product = ops.scatter_update([2.0, 3.0], [[0], [0], [1]], [0.0, 5.0, 2.0], reduction="mul")
    assert product.tolist() == [0, 6]
    assert ops.scatter_update([2, 3], [[0], [0]], [4, 5], reduction="mul").tolist() == [40, 3]


def test_a_segment_with_nan_gives_no_gradient() -> None:
    gradient = dlrs.grad(lambda x: ops.segment_max(x, [0, 0, 1], 2)[1])
    assert gradient(ops.array([1.0, np.nan, 2.0])).tolist() == [0, 0, 1]
