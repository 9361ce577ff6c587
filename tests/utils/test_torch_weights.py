"""PyTorch's recurrent weights in this library's layers, against PyTorch's formulas written in NumPy."""

import numpy as np
import pytest

from dlrs import layers, utils

FEATURES, UNITS, STEPS = 3, 4, 5


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def weights_of(gates: int, bias: bool) -> list[np.ndarray]:
    rng = np.random.default_rng(gates)
    shapes = [(gates * UNITS, FEATURES), (gates * UNITS, UNITS)] + [(gates * UNITS,)] * (2 * bias)
    return [rng.standard_normal(shape) for shape in shapes]


def run(gates: int, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """The last hidden state, by the formulas in PyTorch's documentation of RNN, GRU and LSTM."""
    w, u, *biases = weights
    b, b_u = biases or (np.zeros(len(w)), np.zeros(len(w)))
    h = c = np.zeros((len(x), UNITS))
    for t in range(x.shape[1]):
        of_x, of_h = np.split(x[:, t] @ w.T + b, gates, axis=1), np.split(h @ u.T + b_u, gates, axis=1)
        if gates == 1:
            h = np.tanh(of_x[0] + of_h[0])
        elif gates == 3:
            r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
            h = (1 - z) * np.tanh(of_x[2] + r * of_h[2]) + z * h
        else:
            i, f, g, o = (a + b for a, b in zip(of_x, of_h, strict=True))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
    return h


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("gates", "kind"), [(1, layers.SimpleRNN), (3, layers.GRU), (4, layers.LSTM)])
def test_the_layer_computes_what_pytorch_does(gates: int, kind: type, bias: bool) -> None:
    weights = weights_of(gates, bias)
    layer = kind(UNITS, use_bias=bias, dtype="float64")
    layer.build((None, STEPS, FEATURES))
    layer.set_weights(utils.recurrent_weights_from_torch(*weights))
    x = np.random.default_rng(0).standard_normal((2, STEPS, FEATURES))
    np.testing.assert_allclose(layer(x), run(gates, x, weights), atol=1e-12)


def test_weights_that_do_not_fit() -> None:
    w, u, b, b_u = weights_of(3, True)
    with pytest.raises(ValueError, match="must be matrices of as many rows"):
        utils.recurrent_weights_from_torch(w[:-1], u, b, b_u)
    with pytest.raises(ValueError, match="must be matrices"):
        utils.recurrent_weights_from_torch(b, b, b, b)
    with pytest.raises(ValueError, match="must have 1, 3 or 4"):
        utils.recurrent_weights_from_torch(w[:8], u[:8])
    with pytest.raises(ValueError, match="two biases of shape"):
        utils.recurrent_weights_from_torch(w, u, b)
    with pytest.raises(ValueError, match="two biases of shape"):
        utils.recurrent_weights_from_torch(w, u, b, b_u[:-1])
