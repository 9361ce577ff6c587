"""Penalties."""

import numpy as np
import pytest

import dlrs
from dlrs import ops, regularizers

W = np.float32([[1, -2], [3, 4]])


def test_values_and_gradients() -> None:
    assert regularizers.L1(0.1)(W).item() == pytest.approx(1)
    assert regularizers.L2(0.1)(W).item() == pytest.approx(3)
    assert regularizers.L1L2(0.1, 0.1)(W).item() == pytest.approx(4)
    assert regularizers.L1L2()(W).item() == 0
    np.testing.assert_allclose(dlrs.grad(regularizers.L2(0.5))(ops.array(W)).numpy(), W)
    products = W / np.linalg.norm(W, axis=1, keepdims=True)
    expected = 0.01 * np.abs((products @ products.T)[0, 1])
    assert regularizers.OrthogonalRegularizer()(W).item() == pytest.approx(expected, rel=1e-5)


def test_identifiers() -> None:
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.0, "l2": 0.0}
    assert regularizers.get({"class_name": "L2", "config": {"l2": 0.3}}).l2 == 0.3
    assert regularizers.deserialize(regularizers.serialize(regularizers.L1(0.2))).l1 == 0.2
    with pytest.raises(ValueError, match="'l2'"):
        regularizers.get("l_2")
    for bad in (-1.0, float("nan"), "a"):
        with pytest.raises(ValueError, match="l2"):
            regularizers.L2(bad)
