"""Masked steps of recurrent layers: they are not read, and add nothing to gradients."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops

LENGTHS = np.array([7, 0, 3, 9, 1, 9])
MASKS = {
    "right": np.arange(9)[None] < LENGTHS[:, None],
    "left": np.arange(9)[None] >= 9 - LENGTHS[:, None],
    "holes": np.arange(54).reshape(6, 9) % 3 != 1,
    "none": np.ones((6, 9), bool),
}
LAYERS = {
    "LSTM": lambda: layers.LSTM(5, return_sequences=True),
    "GRU": lambda: layers.GRU(5, return_sequences=True),
    "GRU before": lambda: layers.GRU(5, reset_after=False, return_sequences=True),
    "SimpleRNN": lambda: layers.SimpleRNN(5, return_sequences=True),
    "back": lambda: layers.LSTM(5, return_sequences=True, go_backwards=True),
    "dropout": lambda: layers.LSTM(5, return_sequences=True, dropout=0.5, seed=3),
    "dropout by gate": lambda: layers.LSTM(5, return_sequences=True, dropout=0.5, implementation=1, seed=3),
    "peephole": lambda: layers.RNN(layers.PeepholeLSTMCell(5), return_sequences=True),
    "stacked": lambda: layers.RNN([layers.GRUCell(5), layers.SimpleRNNCell(5)], return_sequences=True),
}


def output_and_gradients(layer, x, mask, compiled):
    inputs = dlrs.Variable(x)

    def step(mask):
        with dlrs.GradientTape() as tape:
            y = layer(inputs.value, mask=mask)
            loss = ops.sum(ops.square(y))
        return [y, *tape.gradient(loss, [inputs, *layer.trainable_weights])]

    return [np.asarray(a) for a in (dlrs.function(step) if compiled else step)(ops.array(mask))]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", LAYERS)
def test_what_stands_in_masked_steps_has_no_part_in_anything(name, mask, compiled):
    x = np.random.default_rng(0).standard_normal((6, 9, 4)).astype("float32")
    layer = LAYERS[name]()
    layer(x)
    seen = MASKS[mask][..., None]
    clean = output_and_gradients(layer, np.where(seen, x, 0), MASKS[mask], compiled)
    spoiled = output_and_gradients(layer, np.where(seen, x, np.float32(np.nan)), MASKS[mask], compiled)
    for a, b in zip(clean, spoiled, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.where(seen, 0, clean[1]).any()


@pytest.mark.parametrize("mask", ["right", "left"])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "GRU before", "SimpleRNN", "peephole"])
def test_a_padded_row_is_what_it_is_alone(name, mask):
    x = np.random.default_rng(0).standard_normal((6, 9, 4)).astype("float32")
    layer = LAYERS[name]()
    layer(x)
    together = output_and_gradients(layer, x, MASKS[mask], True)
    weights = [np.zeros_like(g) for g in together[2:]]
    for row, live in enumerate(MASKS[mask]):
        if not live.any():
            continue
        alone = output_and_gradients(layer, x[row : row + 1, live], np.ones((1, live.sum()), bool), True)
        np.testing.assert_allclose(together[0][row, live], alone[0][0], atol=1e-6)
        # The states of padded steps repeat the last one, which the loss counts: only left padding adds nothing to it.
        if mask == "left":
            np.testing.assert_allclose(together[1][row, live], alone[1][0], atol=1e-5)
            weights = [sum_ + g for sum_, g in zip(weights, alone[2:], strict=True)]
    if mask == "left":
        for have, want in zip(together[2:], weights, strict=True):
            np.testing.assert_allclose(have, want, atol=1e-4)


def test_masked_characters_are_multiplied_by_their_table():
    """An embedding of few tokens is multiplied by the kernel as a table, under a mask, too."""
    ids = np.random.default_rng(0).integers(0, 8, (12, 40))
    embedding, layer = layers.Embedding(8, 16, mask_zero=True), layers.LSTM(5)
    model = dlrs.Sequential([embedding, layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(ids, np.ones((12, 1)))
    lines: list[str] = []
    model.explain(ids, np.ones((12, 1)), print_fn=lines.append)
    assert "masked_matmul" not in lines[0]
    assert lines[0].count("masked_sum_of_products ->") == 2  # by the recurrent kernel and the bias

    def loss():
        return ops.sum(ops.square(layer(embedding(ids), mask=ids != 0)))

    def step():
        with dlrs.GradientTape() as tape:
            value = loss()
        return tape.gradient(value, [embedding.embeddings, *layer.trainable_weights])

    for eager, compiled in zip(step(), dlrs.function(step)(), strict=True):
        np.testing.assert_allclose(np.asarray(eager), np.asarray(compiled), atol=1e-5)
