"""Targets with and without a last axis of size 1."""

import numpy as np
import pytest

import dlrs
from dlrs import layers


@pytest.mark.parametrize("steps", [(), (6,)])
def test_a_last_axis_of_one_may_be_left_out(steps):
    """The loss of (n, steps) is that of (n, steps, 1)."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, *steps, 3)).astype("float32"), rng.integers(0, 2, (8, *steps)).astype("float32")
    model = dlrs.Sequential([dlrs.Input(x.shape[1:]), layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    without, with_axis = model.evaluate(x, y, verbose=0), model.evaluate(x, y[..., None], verbose=0)
    np.testing.assert_allclose(without, with_axis, rtol=1e-6)
    first = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history["loss"]
    assert first[1] < first[0]


def test_other_shapes_are_refused():
    model = dlrs.Sequential([dlrs.Input((6, 3)), layers.Dense(1)])
    model.compile("sgd", "mse")
    for shape in ((8, 5), (8, 6, 2), (8,), (8, 6, 1, 1, 1)):
        with pytest.raises(ValueError, match="do not fit outputs"):
            model.fit(np.ones((8, 6, 3)), np.ones(shape), verbose=0)
