"""The exponentially weighted moving average."""

import numpy as np
import pytest

import dlrs
from dlrs import GradientTape, utils


def reference(x, beta, corrected):
    average, rows = np.zeros(x.shape[1:]), []
    for t, value in enumerate(np.asarray(x, "float64"), 1):
        average = beta * average + (1 - beta) * value
        rows.append(average / (1 - beta**t) if corrected else average)
    return np.array(rows)


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("beta", [0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("shape", [(1,), (50,), (20, 3, 2)])
def test_values(shape, beta, corrected):
    x = np.random.default_rng(0).normal(size=shape) + 3
    expected = reference(x, beta, corrected)
    np.testing.assert_allclose(utils.ewma(x, beta, corrected).numpy(), expected, rtol=1e-12)
    single = utils.ewma(x.astype("float32"), beta, corrected)
    assert single.dtype == "float32"
    np.testing.assert_allclose(single.numpy(), expected, rtol=3e-6)
    compiled = dlrs.function(lambda values: utils.ewma(values, beta, corrected))(x.astype("float32"))
    assert compiled.numpy().tobytes() == single.numpy().tobytes()


def test_gradients():
    x = np.random.default_rng(0).normal(size=(6, 2))
    weight = np.arange(12.0).reshape(6, 2)
    variable = dlrs.Variable(x)
    with GradientTape() as tape:
        loss = dlrs.ops.sum(utils.ewma(variable.value, 0.75) * weight)
    gradient = tape.gradient(loss, variable).numpy()
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        rise = (reference(x + step, 0.75, True) - reference(x - step, 0.75, True)) * weight
        assert gradient[index] == pytest.approx(rise.sum() / 2e-6, rel=1e-6)


def test_corners():
    assert utils.ewma(np.array([2, 4]), 0.5, False).tolist() == [1.0, 2.5]
    assert utils.ewma(np.zeros((0, 3)), 0.5).shape == (0, 3)
    for beta in (-0.1, 1.0, 1.5, float("nan"), "0.9", None, True):
        with pytest.raises(ValueError, match=r"`beta` must be a number in \[0, 1\)"):
            utils.ewma([1.0], beta)
    with pytest.raises(ValueError, match="`x` must have at least one axis"):
        utils.ewma(3.0, 0.5)
