"""Training beyond the default step: two networks, tapes, threads, progress."""

import io
import threading

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers, losses, ops, random


class Gan(dlrs.Model):
    """A generator and a discriminator with an optimizer each, after the guide to custom training steps."""

    def __init__(self):
        super().__init__()
        self.generator = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(8, activation="tanh"), layers.Dense(3)])
        self.discriminator = dlrs.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)])
        self.seed = random.SeedGenerator(4)
        self.d_loss, self.g_loss = dlrs.metrics.Mean(name="d_loss"), dlrs.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer, loss_fn, **options):
        super().compile(**options)
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, data):
        real = data
        count = real.shape[0]
        noise = random.normal((count, 2), seed=self.seed)
        labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))], axis=0)
        with dlrs.GradientTape() as tape:
            both = ops.concatenate([self.generator(noise), real], axis=0)
            d_loss = self.loss_fn(labels, self.discriminator(both))
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        with dlrs.GradientTape() as tape:
            g_loss = self.loss_fn(ops.zeros((count, 1)), self.discriminator(self.generator(noise)))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


def trained_gan(**options):
    dlrs.utils.set_random_seed(1)
    gan = Gan()
    gan.discriminator.build((None, 3))
    adam = dlrs.optimizers.Adam
    gan.compile(adam(1e-2), adam(1e-2), losses.BinaryCrossentropy(from_logits=True), **options)
    x = np.random.default_rng(0).normal(3.0, 1.0, size=(50, 3)).astype("float32")
    history = gan.fit(x, batch_size=16, epochs=3, verbose=0)
    return gan, history


def test_two_optimizers_in_one_compiled_step():
    gan, history = trained_gan()
    assert set(history.history) == {"d_loss", "g_loss"}
    assert "train" not in gan._untraceable
    assert int(gan.d_optimizer.iterations.numpy()) == 12
    eager, _ = trained_gan(run_eagerly=True)
    for a, b in zip(gan.weights, eager.weights, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


def test_step_that_returns_metrics_as_they_stand():
    """The list of metrics in the guide holds one that returns a dict."""

    class Custom(dlrs.Model):
        def train_step(self, data):
            x, y = data
            with dlrs.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    inputs = dlrs.Input((4,))
    model = Custom(inputs, layers.Dense(1)(inputs))
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    history = model.fit(x, x[:, :1], epochs=2, verbose=0)
    assert set(history.history) == {"loss", "mae"}


def test_threads_may_predict_with_one_model(blobs, make_classifier):
    x, _ = blobs
    model = make_classifier()
    expected = {size: model.predict(x[:size], verbose=0).tobytes() for size in range(1, 30)}
    other = dlrs.models.clone_model(model)
    other.set_weights(model.get_weights())
    failures = []

    def work(start):
        try:
            for size in range(start, 30, 2):
                if other.predict(x[:size], verbose=0).tobytes() != expected[size]:
                    failures.append(size)
                if other.predict_on_batch(x[:size]).tobytes() != expected[size]:
                    failures.append(-size)
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(1 + i % 2,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_bar_shows_results_while_an_epoch_runs(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    x = np.random.default_rng(0).normal(size=(60000, 64)).astype("float32")
    model = dlrs.Sequential([dlrs.Input((64,)), layers.Dense(256, activation="relu"), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(x, x[:, :1], batch_size=1, epochs=1)
    lines = terminal.getvalue().split("\r")
    running = [line for line in lines if "/60000" in line and not line.lstrip().startswith("60000/")]
    assert running, lines[-1]
    assert all("loss: " in line and "mae: " in line for line in running[1:])


def test_stop_training_ends_after_the_epoch(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()

    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    assert len(model.fit(x, y, epochs=9, verbose=0, callbacks=[Stop()]).epoch) == 2
    assert len(model.fit(x, y, epochs=2, verbose=0).epoch) == 2


def test_weights_can_be_assigned_between_fits(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()
    start = model.get_weights()
    model.fit(x, y, epochs=1, verbose=0)
    model.set_weights(start)
    for weight, array in zip(model.get_weights(), start, strict=True):
        assert weight.tobytes() == array.tobytes()
    first = model.predict(x, verbose=0)
    model.layers[0].kernel.assign(np.zeros_like(start[0]))
    assert not np.array_equal(model.predict(x, verbose=0), first)


def test_a_model_of_double_precision():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    model = dlrs.Sequential([dlrs.Input((3,), dtype="float64"), layers.Dense(4, "tanh", dtype="float64"),
                             layers.Dense(1, dtype="float64")])  # fmt: skip
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    assert model.predict(x, verbose=0).dtype == np.float64
    assert model.optimizer.variables[-1].dtype == "float64"


def test_evaluate_and_predict_leave_the_state_alone(blobs, make_classifier, digest):
    x, y = blobs
    model = make_classifier()
    before = digest(model)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    model.predict_on_batch(x)
    model.test_on_batch(x, y)
    assert digest(model) == before


def test_keyboard_interrupt_in_a_callback_ends_the_line(blobs, make_classifier, capsys):
    x, y = blobs

    class Interrupt(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    model = make_classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=16, callbacks=[Interrupt()])
    assert int(model.optimizer.iterations.numpy()) == 3
    model.fit(x, y, batch_size=16, verbose=0)
    capsys.readouterr()


def test_gradients_do_not_flow_through_assignments():
    """Two updates of one variable in one step, the second from the value that the first left."""

    def step(v, x):
        gradients = []
        for _ in range(2):
            with dlrs.GradientTape() as tape:
                loss = ops.sum(ops.square(ops.matmul(x, v)))
            gradients.append(tape.gradient(loss, v))
            v.assign(v - 0.01 * gradients[-1])
        return gradients

    rng = np.random.default_rng(0)
    x, start = rng.normal(size=(5, 3)).astype("float32"), rng.normal(size=(3, 2)).astype("float32")
    eager, compiled = dlrs.Variable(start), dlrs.Variable(start)
    expected = step(eager, ops.convert_to_tensor(x))
    found = dlrs.function(lambda x: step(compiled, x))(x)
    w = start.astype("float64")
    for a, b in zip(expected, found, strict=True):
        reference = 2 * x.T @ (x @ w)
        w = w - 0.01 * reference
        np.testing.assert_allclose(a.numpy(), reference, rtol=1e-4, atol=1e-4)
        assert a.numpy().tobytes() == b.numpy().tobytes()
    assert eager.numpy().tobytes() == compiled.numpy().tobytes()
