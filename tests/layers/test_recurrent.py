"""Recurrent layers: one op against the cell step by step, state, masks, dropout, formulas of the course, refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, ops
from dlrs.backend import GradientTape, Variable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 4))
MASK = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
LAYERS: dict[str, Callable[..., Any]] = {
    "SimpleRNN": lambda **k: layers.SimpleRNN(5, **k),
    "ReLU": lambda **k: layers.SimpleRNN(5, activation="relu", **k),
    "GRU": lambda **k: layers.GRU(5, **k),
    "GRU before": lambda **k: layers.GRU(5, reset_after=False, **k),
    "GRU without bias": lambda **k: layers.GRU(5, use_bias=False, **k),
    "LSTM": lambda **k: layers.LSTM(5, **k),
}


def twins(name: str, **kwargs: Any) -> tuple[Any, Any]:
    """A layer, and one with the same weights that runs its cell step by step."""
    kwargs = {"dtype": "float64", "bias_initializer": "random_normal"} | kwargs
    one, steps = LAYERS[name](**kwargs), LAYERS[name](**kwargs)
    assert one._is_one_op()
    steps._set_untracked("_is_one_op", lambda: False)
    one.build(X.shape)
    steps.build(X.shape)
    steps.set_weights(one.get_weights())
    return one, steps


def initial(layer: Any) -> list[np.ndarray]:
    return [np.sin(np.arange(15.0) + i).reshape(3, 5) for i in range(len(layer.state_size))]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}, {"unroll": True, "go_backwards": True}]
)
def test_one_op_is_the_cell_step_by_step(name: str, mask: Any, given: bool, options: dict[str, Any]) -> None:
    one, steps = twins(name, return_sequences=True, return_state=True, **options)
    results = []
    for layer in (one, steps):
        x, states = Variable(X), [Variable(s) for s in initial(layer)] if given else []
        with GradientTape() as tape:
            outputs = layer(x, initial_state=states or None, mask=mask)
            loss = sum(ops.sum(ops.sin(output + i)) for i, output in enumerate(outputs))
        gradients = tape.gradient(loss, [x, *states, *layer.trainable_variables])
        results.append([o.numpy() for o in outputs] + [g.numpy() for g in gradients])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_masked_steps_have_no_part_in_gradients(name: str) -> None:
    layer = LAYERS[name](dtype="float64")
    x = Variable(X)
    with GradientTape() as tape:
        loss = ops.sum(ops.square(layer(x, mask=MASK)))
    gradient = tape.gradient(loss, x).numpy()
    assert not gradient[~MASK].any() and gradient[MASK].any()
    # A row's steps behind its last word do not change what the others give.
    changed = X.copy()
    changed[~MASK] = 1e6
    np.testing.assert_array_equal(layer(changed, mask=MASK).numpy(), layer(X, mask=MASK).numpy())


@pytest.mark.parametrize("name", LAYERS)
def test_a_stateful_layer_continues_a_sequence(name: str) -> None:
    whole = LAYERS[name](return_sequences=True)
    parts = LAYERS[name](return_sequences=True, stateful=True)
    x = X.astype("float32")
    expected = whole(x).numpy()
    parts.build(x.shape)
    for variable, value in zip(parts.trainable_weights, whole.get_weights(), strict=True):
        variable.assign(value)
    for _ in range(2):
        found = np.concatenate([parts(x[:, :2]).numpy(), parts(x[:, 2:]).numpy()], axis=1)
        assert found.tobytes() == expected.tobytes()
        parts.reset_state()


def test_compiled_stateful_models_keep_their_state() -> None:
    inputs = layers.Input(batch_shape=(3, 2, 4))
    model = models.Model(inputs, layers.LSTM(5, stateful=True)(inputs))
    first = model.predict(X[:, :2], batch_size=3, verbose=0)
    second = model.predict(X[:, :2], batch_size=3, verbose=0)
    model.layers[-1].reset_states()
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(model.predict(X[:, :2], batch_size=3, verbose=0), first)


def test_the_state_is_no_weight_but_is_saved(tmp_path: Path) -> None:
    def model_of(batch: int | None, **options: Any) -> Any:
        first = layers.Input(batch_shape=(batch, None, 4))
        return dlrs.Sequential([first, layers.LSTM(5, **options), layers.Dense(2)])

    trained, live = model_of(None), model_of(1, stateful=True)
    assert [w.shape for w in live.weights] == [w.shape for w in trained.weights]
    assert len(live.variables) == len(trained.variables) + 2
    trained.save_weights(tmp_path / "trained.weights.safetensors")
    live.load_weights(tmp_path / "trained.weights.safetensors")
    for piece in (X[:1, :2], X[:1, 2:]):
        found = live.predict(piece, verbose=0)
    np.testing.assert_allclose(found, trained.predict(X[:1], verbose=0), rtol=1e-5)
    live.save(tmp_path / "live.dlrs")
    again = models.load_model(tmp_path / "live.dlrs")
    np.testing.assert_array_equal(again.predict(X[:1, :3], verbose=0), live.predict(X[:1, :3], verbose=0))


def test_a_stateful_model_trains_on_pieces_of_a_sequence() -> None:
    x, y = X[:2].astype("float32"), np.cos(X[:2, :, :1])

    def model_of(steps: int, **options: Any) -> Any:
        first = layers.Input(batch_shape=(2, steps, 4))
        recurrent = layers.GRU(5, return_sequences=True, **options)
        model = dlrs.Sequential([first, recurrent, layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    whole, parts = model_of(6), model_of(3, stateful=True)
    initial = [variable.numpy() for variable in whole.trainable_weights]

    def begin_alike() -> None:
        parts.layers[-2].reset_state()
        for variable, value in zip(parts.trainable_weights, initial, strict=True):
            variable.assign(value)

    begin_alike()
    loss = whole.evaluate(x, y, batch_size=2, verbose=0)
    pieces = [np.concatenate([a[:, :3], a[:, 3:]]) for a in (x, y)]
    with pytest.raises(ValueError, match=r"found shape=\(4, 3, 4\): the batch size is fixed"):
        parts.fit(*pieces, batch_size=4, verbose=0)
    reset = dlrs.callbacks.LambdaCallback(on_test_begin=lambda logs: parts.layers[-2].reset_state())
    history = parts.fit(
        *pieces, batch_size=2, verbose=0, shuffle=False, validation_data=tuple(pieces), callbacks=[reset]
    )
    assert history.history["val_loss"][0] < loss
    begin_alike()
    np.testing.assert_allclose(parts.evaluate(*pieces, batch_size=2, verbose=0), loss, rtol=1e-6)


def test_dropout_is_the_same_at_all_steps() -> None:
    ones = np.ones((1, 50, 1), "float32")
    options = {
        "use_bias": False,
        "kernel_initializer": "ones",
        "recurrent_initializer": "zeros",
        "activation": "linear",
    }
    for layer in (layers.SimpleRNN(1, dropout=0.5, return_sequences=True, seed=seed, **options) for seed in range(8)):
        outputs = layer(ones, training=True).numpy().ravel()
        assert len(set(outputs.tolist())) == 1 and outputs[0] in (0.0, 2.0)
        drawn = [float(layer(ones, training=True).numpy()[0, 0, 0]) for _ in range(20)]
        assert set(drawn) == {0.0, 2.0}  # and drawn anew for each sequence
        assert layer(ones).numpy()[0, 0, 0] == 1.0


@pytest.mark.parametrize("cls", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_recurrent_dropout_trains(cls: Any) -> None:
    dlrs.utils.set_random_seed(0)
    model = models.Sequential([layers.Input((6, 4)), cls(5, recurrent_dropout=0.3, dropout=0.1), layers.Dense(1)])
    model.compile(dlrs.optimizers.Adam(1e-2), "mse")
    x, y = X.astype("float32"), np.ones((3, 1), "float32")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=60, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.5 * before


def test_the_simple_gru_is_the_course_s() -> None:
    layer = layers.RNN(layers.SimpleGRUCell(2, dtype="float64", bias_initializer="random_normal"), dtype="float64")
    layer.build(X.shape)
    kernel, recurrent, bias = layer.get_weights()
    c = np.zeros((3, 2))
    for t in range(X.shape[1]):
        update, candidate = np.split(X[:, t] @ kernel + c @ recurrent + bias, 2, axis=1)
        gate = 1 / (1 + np.exp(-update))
        c = gate * np.tanh(candidate) + (1 - gate) * c
    np.testing.assert_allclose(layer(X).numpy(), c, atol=1e-12)


def test_peepholes_see_the_memory() -> None:
    layer = layers.RNN(layers.PeepholeLSTMCell(2, dtype="float64"), dtype="float64")
    layer.build(X.shape)
    kernel, recurrent, bias, p_i, p_f, p_o = layer.get_weights()
    h = c = np.zeros((3, 2))
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    for t in range(X.shape[1]):
        i, f, g, o = np.split(X[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
        h = sigmoid(o + p_o * c) * np.tanh(c)
    np.testing.assert_allclose(layer(X).numpy(), h, atol=1e-12)


def test_encoder_gives_its_state_to_the_decoder() -> None:
    source, target = layers.Input((6, 4)), layers.Input((5, 4))
    _, h, c = layers.LSTM(7, return_state=True)(source)
    outputs = layers.LSTM(7, return_sequences=True)(target, initial_state=[h, c])
    model = models.Model([source, target], layers.Dense(2)(outputs))
    model.compile("adam", "mse")
    y = np.ones((3, 5, 2), "float32")
    history = model.fit([X, X[:, :5]], y, epochs=40, verbose=0)
    assert history.history["loss"][-1] < 0.8 * history.history["loss"][0]
    again = models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict([X, X[:, :5]], verbose=0), model.predict([X, X[:, :5]], verbose=0))


class WithoutSize:
    def call(self, inputs: Any, states: Any) -> Any:
        return inputs, states


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: layers.LSTM(0), "units"),
        (lambda: layers.GRU(2.5), "units"),
        (lambda: layers.LSTM(2, dropout=1.5), "rate"),
        (lambda: layers.LSTM(2, name="mine")(X[0]), r"mine.*rank"),
        (lambda: layers.RNN(layers.LSTMCell(2), name="mine")(X[0]), r"mine.*\(batch, time, features\)"),
        (lambda: layers.GRU(2, name="mine")(X[:, :0]), r"mine.*steps"),
        (lambda: layers.GRU(2, name="mine")(X, initial_state=[np.zeros((3, 4))]), r"mine.*initial_state"),
        (lambda: layers.LSTM(2, name="mine")(X, initial_state=[np.zeros((3, 2))]), r"mine.*initial_state"),
        (lambda: layers.LSTM(2, name="mine")(X, mask=MASK[:, :5]), r"mine.*mask"),
        (lambda: layers.RNN(WithoutSize()), "state_size"),
        (lambda: layers.RNN(3), "call"),
        (lambda: layers.StackedRNNCells([WithoutSize()]), "state_size"),
        (lambda: layers.Bidirectional(3), "layer"),
        (lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="both"), "merge mode"),
        (lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)), "go_backwards"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(X[0]), "at least 3"),
        (lambda: layers.LSTM(2, stateful=True)(layers.Input((6, 4))), "batch size"),
    ],
)
def test_refusals(refused: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        refused()


def test_another_batch_size_is_refused_and_changes_nothing() -> None:
    layer = layers.LSTM(2, stateful=True)
    layer(X)
    before = [state.numpy() for state in layer.states]
    with pytest.raises(ValueError, match="batch size"):
        layer(X[:2])
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, layer.states, strict=True))


@pytest.mark.parametrize("name", LAYERS)
def test_compiled_equals_eager(name: str) -> None:
    layer = LAYERS[name](return_sequences=True)
    x = X.astype("float32")
    eager = layer(x, mask=MASK).numpy()
    compiled = dlrs.function(lambda a, m: layer(a, mask=m))(x, MASK).numpy()
    assert compiled.tobytes() == eager.tobytes()
