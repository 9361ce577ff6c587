"""The monitor of gradients: its norms are the tape's, it changes no bit of training, and it says what is ill."""

import sys

import numpy as np
import pytest

import dlrs
from dlrs import GradientTape, callbacks, initializers, layers, ops, optimizers

X = np.random.default_rng(0).normal(size=(24, 5)).astype("float32")
Y = X[:, :1] - 0.5 * X[:, 1:2]


def network(depth=2, activation="tanh", initializer="glorot_uniform", optimizer="sgd", seed=0, **options):
    dlrs.utils.set_random_seed(seed)
    stack = [layers.Dense(8, activation, kernel_initializer=initializer, name=f"hidden_{i}") for i in range(depth)]
    model = dlrs.Sequential([layers.Input((5,)), *stack, layers.Dense(1, name="out")])
    model.compile(optimizer, "mse", **options)
    return model


def fit(model, monitor=None, **options):
    options = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False} | options
    model.fit(X, Y, callbacks=[] if monitor is None else [monitor], **options)
    return monitor


def norms_of_the_tape(model, x, y, groups):
    with GradientTape() as tape:
        loss = ops.mean(ops.square(model(x, training=True) - y))
    gradients = tape.gradient(loss, model.trainable_weights)
    by_weight = {
        id(v): float(np.sum(np.square(g.numpy()))) for g, v in zip(gradients, model.trainable_weights, strict=True)
    }
    return np.sqrt([sum(by_weight[id(v)] for v in group) for group in [*groups, model.trainable_weights]])


def every_step(model, groups, steps=6):
    """What the tape finds before each step of a training."""
    found = []
    for step in range(steps):
        rows = slice(step % 3 * 8, step % 3 * 8 + 8)
        found.append(norms_of_the_tape(model, X[rows], Y[rows], groups))
        model.train_on_batch(X[rows], Y[rows])
    return np.array(found)


@pytest.mark.parametrize(
    "make",
    [
        lambda: "sgd",
        lambda: optimizers.Adam(global_clipnorm=1e-3),
        lambda: optimizers.SGD(loss_scale_factor=128.0),
        lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), initial_scale=64.0),
    ],
    ids=["plain", "clipped", "scaled", "dynamically scaled"],
)
@pytest.mark.parametrize("eagerly", [False, True])
def test_norms_are_those_of_the_tape_before_clipping_and_without_the_scale(make, eagerly):
    monitor = fit(network(optimizer=make(), run_eagerly=eagerly), callbacks.GradientMonitor())
    model = network(optimizer=make())
    expected = every_step(model, [layer.trainable_weights for layer in model.layers])
    assert list(monitor.history) == ["hidden_0", "hidden_1", "out"]
    assert monitor.steps.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(np.stack(list(monitor.history.values()), 1), expected[:, :-1], rtol=1e-5)
    np.testing.assert_allclose(monitor.global_norm, expected[:, -1], rtol=1e-5)


def test_every_so_many_steps_and_every_epoch():
    each = fit(network(), callbacks.GradientMonitor(), batch_size=5)
    some = fit(network(), callbacks.GradientMonitor(every=3), batch_size=5)
    epochs = fit(network(), callbacks.GradientMonitor(every="epoch"), batch_size=5)
    assert (some.steps.tolist(), epochs.steps.tolist()) == ([3, 6, 9], [5, 10])
    for few in (some, epochs):
        np.testing.assert_array_equal(few.global_norm, each.global_norm[few.steps - 1])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", lambda: optimizers.RMSprop(clipnorm=0.1, use_ema=True)])
@pytest.mark.parametrize("every", [1, 2, "epoch"])
def test_training_is_the_same_to_the_last_bit(optimizer, every):
    def trained(monitor):
        model = network(optimizer=optimizer() if callable(optimizer) else optimizer)
        fit(model, monitor, epochs=3, batch_size=5)
        return model.get_weights()

    for plain, watched in zip(trained(None), trained(callbacks.GradientMonitor(every)), strict=True):
        assert plain.tobytes() == watched.tobytes()


def test_recurrent_and_nested_layers_go_by_the_names_a_reader_knows():
    inner = dlrs.Sequential([layers.Dense(3), layers.Dense(3)], name="inner")
    x = layers.Input((4, 3))
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="lstm"), name="both")(x)
    y = layers.GRU(3, name="gru", return_sequences=True)(y)
    y = layers.RNN([layers.GRUCell(3, name="low"), layers.GRUCell(3, name="high")], name="stack")(y)
    model = dlrs.Model(x, inner(y))
    model.layers[1].trainable = True
    model.compile("sgd", "mse")
    monitor = callbacks.GradientMonitor()
    model.fit(np.ones((4, 4, 3), "float32"), np.ones((4, 3)), verbose=0, callbacks=[monitor])
    assert [label.split("/")[0] for label in monitor.history] == [*["both"] * 2, "gru", *["stack"] * 2, *["inner"] * 2]
    assert "both/forward_lstm" in monitor.history and "both/backward_lstm" in monitor.history
    assert np.isfinite(monitor.global_norm).all()


def test_frozen_layers_are_left_out_and_models_may_be_built_by_fit():
    model = dlrs.Sequential(
        [layers.Dense(4, name="first"), layers.Dense(4, name="frozen"), layers.Dense(1, name="out")]
    )
    model.layers[1].trainable = False
    model.compile("sgd", "mse")
    monitor = callbacks.GradientMonitor()
    batches = [(X[:8], Y[:8]), (X[8:16], Y[8:16])]
    model.fit(iter(batches), verbose=0, callbacks=[monitor])
    assert list(monitor.history) == ["first", "out"] and len(monitor.steps) == 2


def test_a_train_step_of_ones_own_is_recorded():
    class Own(dlrs.Sequential):
        def train_step(self, data):
            x, y = data
            with GradientTape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
            return {"loss": loss}

    dlrs.utils.set_random_seed(0)
    model = Own([layers.Input((5,)), layers.Dense(8, "tanh", name="hidden"), layers.Dense(1, name="out")])
    model.compile("sgd")
    groups = [layer.trainable_weights for layer in model.layers]
    expected = norms_of_the_tape(model, X[:8], Y[:8], groups)
    monitor = fit(model, callbacks.GradientMonitor())
    np.testing.assert_allclose([norms[0] for norms in monitor.history.values()], expected[:-1], rtol=1e-5)


def test_the_optimizer_is_let_go_also_when_training_breaks_off():
    model, monitor = network(), callbacks.GradientMonitor()

    def stop(epoch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, epochs=3, callbacks=[monitor, callbacks.LambdaCallback(on_epoch_end=stop)])
    assert not model.optimizer._observers and len(monitor.steps) == 1
    fit(model, monitor)
    assert not model.optimizer._observers and len(monitor.steps) == 6


def test_fit_after_fit_is_no_reason_to_speak_of_shapes(recwarn):
    model = network()
    for _ in range(20):
        fit(model, callbacks.GradientMonitor(), epochs=1)
    assert not recwarn.list


def test_a_resumed_training_goes_on_recording(tmp_path):
    whole = fit(network(), callbacks.GradientMonitor(), epochs=4)

    def train(epochs, monitor):
        backup = callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        network().fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=[backup, monitor])
        return monitor

    train(2, callbacks.GradientMonitor())
    resumed = train(4, callbacks.GradientMonitor())
    assert resumed.steps.tolist() == whole.steps.tolist()
    np.testing.assert_array_equal(resumed.global_norm, whole.global_norm)


def test_a_deep_sigmoid_network_vanishes():
    monitor = fit(network(8, "sigmoid"), callbacks.GradientMonitor())
    verdicts = monitor.verdicts()
    assert verdicts["hidden_0"] == "vanishing" and verdicts["out"] == "healthy"
    assert "hidden_0: vanishes" in monitor.report() and "ReLU" in monitor.report()


def test_a_badly_scaled_network_explodes():
    monitor = fit(network(8, "relu", initializers.RandomNormal(stddev=3.0)), callbacks.GradientMonitor(), epochs=1)
    assert set(monitor.verdicts().values()) & {"exploding", "not finite"}
    assert "explodes" in monitor.report() or "not finite" in monitor.report()
    assert "clip" in monitor.report()


def test_a_healthy_network_a_dead_one_and_nan():
    healthy = fit(network(4, "relu", "he_normal"), callbacks.GradientMonitor())
    assert healthy.report().endswith("All are healthy.")
    dead = network(1, "relu")
    dead.layers[0].bias.assign(np.full(8, -100.0))
    monitor = fit(dead, callbacks.GradientMonitor())
    assert monitor.verdicts()["hidden_0"] == "zero" and "nothing reaches it" in monitor.report()
    model, monitor = network(), callbacks.GradientMonitor()
    bad = X.copy()
    bad[10] = np.nan
    model.fit(bad, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[monitor])
    assert "hidden_0: not finite, first at step 2." in monitor.report()


def test_a_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    monitor = fit(network(4, "sigmoid"), callbacks.GradientMonitor())
    monitor.plot(tmp_path / "norms.png")
    assert (tmp_path / "norms.png").read_bytes()[1:4] == b"PNG"


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    monitor = callbacks.GradientMonitor()
    for method in (monitor.report, monitor.verdicts, lambda: monitor.plot(tmp_path / "x.png")):
        with pytest.raises(ValueError, match="nothing has been recorded"):
            method()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"dlrs\[plot\]"):
        fit(network(), monitor).plot(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"every": 0}, "every"), ({"every": "step"}, "every"), ({"every": True}, "every"), ({"every": 1.5}, "every"),
        ({"vanishing": 0}, "vanishing"), ({"exploding": float("nan")}, "exploding"),
    ],
)  # fmt: skip
def test_bad_arguments(options, argument):
    with pytest.raises(ValueError, match=f"GradientMonitor: `{argument}`"):
        callbacks.GradientMonitor(**options)
