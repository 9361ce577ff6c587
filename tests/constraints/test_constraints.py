"""Projections of weights."""

import numpy as np
import pytest

from dlrs import constraints

W = np.float32([[3, 0.1], [4, -0.2]])


def test_values() -> None:
    norms = np.linalg.norm(W, axis=0)
    limited = constraints.MaxNorm(2.0)(W).numpy()
    np.testing.assert_allclose(np.linalg.norm(limited, axis=0), np.minimum(norms, 2), rtol=1e-6)
    np.testing.assert_array_equal(limited[:, 1], W[:, 1])
    np.testing.assert_array_equal(constraints.NonNeg()(W).numpy(), np.maximum(W, 0))
    np.testing.assert_allclose(np.linalg.norm(constraints.UnitNorm()(W).numpy(), axis=0), 1, rtol=1e-5)
    between = constraints.MinMaxNorm(1.0, 2.0)(W).numpy()
    np.testing.assert_allclose(np.linalg.norm(between, axis=0), [2, 1], rtol=1e-5)
    half = constraints.MinMaxNorm(1.0, 2.0, rate=0.5)(W).numpy()
    np.testing.assert_allclose(np.linalg.norm(half, axis=0), (norms + np.array([2, 1])) / 2, rtol=1e-5)


def test_zero_vectors_stay() -> None:
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.NonNeg()):
        assert constraint(np.zeros((2, 2), np.float32)).tolist() == [[0, 0], [0, 0]]


def test_identifiers() -> None:
    assert constraints.get("max_norm").max_value == 2
    assert constraints.deserialize(constraints.serialize(constraints.MaxNorm(3, axis=1))).axis == 1
    with pytest.raises(ValueError, match="'non_neg'"):
        constraints.get("nonnegg")
