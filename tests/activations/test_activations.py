"""Activations as Keras has them."""

import numpy as np
import pytest

from dlrs import activations

FUNCTIONS = sorted(
    set(activations.__all__) - {"get", "serialize", "deserialize", "glu", "threshold", "swish", "hard_swish"}
)
X = np.float32([-7, -1, -0.5, 0, 0.5, 1, 7])


def test_relu_with_all_its_arguments() -> None:
    np.testing.assert_array_equal(activations.relu(X).numpy(), np.maximum(X, 0))
    np.testing.assert_allclose(
        activations.relu(X, negative_slope=0.1, max_value=3.0, threshold=0.7).numpy(),
        np.where(X > 0.7, np.minimum(X, 3), 0.1 * (X - np.float32(0.7))),
        rtol=1e-6,
    )
    with pytest.raises(ValueError, match="negative_slope"):
        activations.relu(X, negative_slope=-1.0)


def test_gelu_is_exact_by_default() -> None:
    from math import erf, sqrt

    np.testing.assert_allclose(
        activations.gelu(X).numpy(), [0.5 * x * (1 + erf(x / sqrt(2))) for x in X], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_names_round_trip(name: str) -> None:
    activation = activations.get(name)
    assert activations.serialize(activation) == name
    assert activations.deserialize(name) is activation
    assert activation(X).shape == X.shape
    assert np.isfinite(activation(X).numpy()).all()


def test_identifiers() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu
    assert activations.get(np.tanh) is np.tanh
    with pytest.raises(ValueError, match="'relu'"):
        activations.get("rleu")
