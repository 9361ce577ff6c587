"""What recurrent ops promise beyond the table: sequences that are split, rows that are padded."""

from typing import Any

import numpy as np
import pytest

from dlrs import GradientTape, Variable, ops

UNITS = 48
GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "simple_rnn": 1}


def run(kind: str, z: Any, states: list[Any], weights: Any, **more: Any) -> tuple[Any, list[Any]]:
    """The sequence and the last states."""
    if kind == "lstm":
        sequence, *last = ops.lstm(z, *states, weights, **more)
    elif kind == "simple_rnn":
        sequence, *last = ops.simple_rnn(z, *states, weights, **more)
    else:
        bias = np.full(3 * UNITS, 0.1, np.float32) if kind == "gru" else None
        sequence, *last = ops.gru(z, *states, weights, bias, **more)
    return sequence, last


def operands(kind: str, batch: int, steps: int) -> tuple[Any, list[Any], Any]:
    """Input contributions, first states, weights."""
    rng = np.random.default_rng(5)
    draw = lambda *shape: rng.uniform(-0.3, 0.3, shape).astype("float32")  # noqa: E731
    states = [draw(batch, UNITS) for _ in range(2 if kind == "lstm" else 1)]
    return draw(batch, steps, GATES[kind] * UNITS), states, draw(UNITS, GATES[kind] * UNITS)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("batch", [1, 19, 40])
def test_a_split_sequence_equals_the_whole(kind: str, batch: int) -> None:
    z, states, weights = operands(kind, batch, 7)
    whole, last = run(kind, z, states, weights)
    parts = []
    for begin, end in [(0, 1), (1, 5), (5, 7)]:
        part, states = run(kind, z[:, begin:end], states, weights)
        parts.append(part)
    assert np.concatenate([np.asarray(part) for part in parts], axis=1).tobytes() == np.asarray(whole).tobytes()
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(states, last, strict=True))


@pytest.mark.parametrize("kind", GATES)
def test_padding_adds_nothing(kind: str) -> None:
    z, states, weights = operands(kind, 6, 5)
    padded = np.concatenate([z, np.full_like(z[:, :3], np.nan)], axis=1)
    mask = np.arange(8) < np.full((6, 1), 5)
    gradients = []
    for x, more in [(z, {}), (padded, {"mask": mask})]:
        w, v = Variable(weights), Variable(x)
        with GradientTape() as tape:
            _, last = run(kind, v, states, w, **more)
            loss = ops.sum(last[0] * last[0])
        gradients.append([np.asarray(d) for d in tape.gradient(loss, [w, v])])
    (w_short, x_short), (w_padded, x_padded) = gradients
    np.testing.assert_allclose(w_padded, w_short, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(x_padded[:, :5], x_short)
    assert not x_padded[:, 5:].any()
