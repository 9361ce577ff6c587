"""Products with joined operands, and weights that every step uses: a compiled model sets other brackets."""

from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import _dlrs, layers, ops

STEPS, STATES = 4, 6


def decoder(seed: int, dtype: str = "float32") -> Any:
    """A decoder that attends by `Dense(concatenate([states, repeat(h)]))`, in layers that its steps share."""
    dlrs.utils.set_random_seed(seed)
    states, h = dlrs.Input((STATES, 5), dtype=dtype), dlrs.Input((7,), dtype=dtype)
    hidden = layers.Dense(3, activation="tanh", dtype=dtype)
    energy = layers.Dense(1, dtype=dtype)
    cell, letters = layers.Dense(7, activation="tanh", dtype=dtype), layers.Dense(4, dtype=dtype)
    repeat, join = layers.RepeatVector(STATES, dtype=dtype), layers.Concatenate(dtype=dtype)
    read, written = layers.Dot(axes=1, dtype=dtype), []
    state = h
    for _ in range(STEPS):
        scores = energy(hidden(join([states, repeat(state)])))
        weights = layers.Softmax(axis=1, dtype=dtype)(scores)
        context = layers.Flatten(dtype=dtype)(read([weights, states]))
        state = cell(layers.Concatenate(dtype=dtype)([context, state]))
        written.append(letters(state))
    return dlrs.Model([states, h], layers.Concatenate(axis=1, dtype=dtype)(written))


def batch(rows: int, dtype: str) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(rows, STATES, 5)).astype(dtype), rng.normal(size=(rows, 7)).astype(dtype)]
    return inputs, rng.normal(size=(rows, 4 * STEPS)).astype(dtype)


def trained(dtype: str, eagerly: bool, rows: int = 33) -> list[Any]:
    model = decoder(1, dtype)
    model.compile(dlrs.optimizers.SGD(0.1), "mse", run_eagerly=eagerly)
    inputs, targets = batch(rows, dtype)
    model.fit(inputs, targets, batch_size=11, epochs=3, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
def test_compiled_and_eager_training_agree(dtype: str, tolerance: float) -> None:
    for have, want in zip(trained(dtype, False), trained(dtype, True), strict=True):
        np.testing.assert_allclose(have, want, rtol=0, atol=tolerance)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    before, found = _dlrs.num_threads(), []
    try:
        for threads in (1, 2, 3, 5):
            _dlrs.set_num_threads(threads)
            found.append(b"".join(w.tobytes() for w in trained("float32", False)))
    finally:
        _dlrs.set_num_threads(before)
    assert len(set(found)) == 1


def test_nothing_is_joined_in_training() -> None:
    model = decoder(1)
    model.compile("sgd", "mse")
    inputs, targets = batch(32, "float32")
    lines: list[str] = []
    model.explain(inputs, targets, print_fn=lines.append)
    text = "\n".join(lines)
    assert f"({32}, {STATES}, 12)" not in text  # neither the joined operand nor its gradient
    assert "matmul" in text


def test_gradients_by_weights_over_many_rows() -> None:
    x = np.random.default_rng(0).normal(size=(16, 1024, 5))
    w = dlrs.Variable(np.random.default_rng(1).normal(size=(5, 7)))
    want = np.einsum("bti,btj->ij", x, 1 - np.tanh(x @ w.numpy()) ** 2)
    before, found = _dlrs.num_threads(), set()
    try:
        for threads in (1, 2, 3, 5):
            _dlrs.set_num_threads(threads)
            with dlrs.GradientTape() as tape:
                y = ops.sum(ops.tanh(ops.matmul(x, w)))
            d = np.asarray(tape.gradient(y, w))
            np.testing.assert_allclose(d, want, rtol=0, atol=1e-11)
            found.add(d.tobytes())
    finally:
        _dlrs.set_num_threads(before)
    assert len(found) == 1
