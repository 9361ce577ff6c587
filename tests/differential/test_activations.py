"""Every activation agrees with Keras on JAX: values and gradients, to 1e-5 in float32."""

import inspect

import numpy as np
import pytest

from dlrs import activations, ops
from dlrs.backend import GradientTape, Variable
from harness.keras_on_jax import TRIALS, assert_close, draws, jax, keras

CASES: dict[str, list[dict[str, object]]] = {
    "celu": [{}, {"alpha": 0.6}],
    "elu": [{}, {"alpha": 0.6}],
    "exponential": [{}],
    "gelu": [{}, {"approximate": True}],
    "glu": [{}, {"axis": 0}],
    "hard_shrink": [{}, {"threshold": 0.8}],
    "hard_sigmoid": [{}],
    "hard_silu": [{}],
    "hard_tanh": [{}],
    "leaky_relu": [{}, {"negative_slope": 0.3}],
    "linear": [{}],
    "log_sigmoid": [{}],
    "log_softmax": [{}, {"axis": 0}],
    "mish": [{}],
    "relu": [{}, {"negative_slope": 0.1, "max_value": 1.5, "threshold": 0.2}],
    "relu6": [{}],
    "selu": [{}],
    "sigmoid": [{}],
    "silu": [{}],
    "soft_shrink": [{}, {"threshold": 0.8}],
    "softmax": [{}, {"axis": 1}],
    "softplus": [{}],
    "softsign": [{}],
    "sparse_plus": [{}],
    "sparse_sigmoid": [{}],
    "squareplus": [{}, {"b": 2}],
    "tanh": [{}],
    "tanh_shrink": [{}],
    "threshold": [{"threshold": 0.5, "default_value": 0.25}],
}


# Keras sums the running sums where the last of them is meant, which is right for at most one nonzero output.
KERAS_IS_WRONG = {"sparsemax"}


def test_every_activation_has_a_case() -> None:
    # `hard_swish` and `swish` are other names.
    exported = {
        function.__name__
        for name, function in vars(activations).items()
        if inspect.isfunction(function) and name[0] != "_" and name not in ("get", "serialize", "deserialize")
    }
    assert exported - KERAS_IS_WRONG == set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments"), [(name, arguments) for name in CASES for arguments in CASES[name]])
def test_activations(name: str, arguments: dict[str, object]) -> None:
    ours, theirs = getattr(activations, name), getattr(keras.activations, name)
    for trial in range(TRIALS):
        rng = draws(name, trial)
        x = rng.normal(0, 3, (4, 3, 6)).astype("float32")
        variable = Variable(x)
        with GradientTape() as tape:
            output = ours(variable, **arguments)
            slope = rng.normal(size=output.shape).astype("float32")
            loss = ops.sum(output * slope)
        assert_close(output, theirs(x, **arguments))
        expected = jax.grad(lambda x: (theirs(x, **arguments) * slope).sum())(x)  # noqa: B023
        assert_close(np.asarray(tape.gradient(loss, variable)), expected)
