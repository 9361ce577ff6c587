"""The gradient of `eig`, which runs eagerly only, and the sizes of `repeat`."""

import numpy as np
import pytest

import dlrs
from dlrs import ops


def test_gradient_of_eig_against_differences():
    rng = np.random.default_rng(0)
    basis, weights, slopes = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
    a = basis @ np.diag([1.0, 2.0, 3.5, 5.0]) @ np.linalg.inv(basis)

    def loss(x):
        w, v = ops.eig(x)
        return ops.sum(w * slopes) + ops.sum(v * v * v * weights)

    x = dlrs.Variable(a, dtype="float64")
    with dlrs.GradientTape() as tape:
        value = loss(x.value)
    gradient = tape.gradient(value, x).numpy()
    numeric = np.zeros_like(a)
    for place in np.ndindex(4, 4):
        step = np.zeros_like(a)
        step[place] = 1e-6
        numeric[place] = (float(loss(ops.array(a + step))) - float(loss(ops.array(a - step)))) / 2e-6
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("repeats", [0, 1, 3, [2], [1, 0, 2]])
def test_repeat_is_numpys(repeats):
    x = np.arange(6.0, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(ops.repeat(x, repeats, axis=1), np.repeat(x, repeats, axis=1))


def test_a_result_that_fits_no_memory_is_refused_before_any_is_taken():
    with pytest.raises(MemoryError):
        ops.repeat(np.ones((1, 2, 2), "float32"), 10**13, axis=1)
    with pytest.raises(MemoryError):
        dlrs.layers.UpSampling2D(10**9)(np.ones((1, 2, 2, 1), "float32"))


@pytest.mark.parametrize("repeats", [-1, 1.5, [1, -2], [[1]], "two"])
def test_repeats_that_are_no_counts_are_refused_by_name(repeats):
    with pytest.raises((ValueError, TypeError), match="repeats"):
        ops.repeat(np.ones((2, 2), "float32"), repeats, axis=0)
    with pytest.raises(ValueError, match=r"3 numbers for the 2 entries"):
        ops.repeat(np.ones((2, 2), "float32"), [1, 2, 3], axis=0)
