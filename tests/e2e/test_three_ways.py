"""A user's own layer, loss, metric, training loop and `train_step`: the same numbers eagerly, recorded and compiled."""

import numpy as np
import pytest

import dlrs as keras
from dlrs import ops

RNG = np.random.default_rng(5)
X = RNG.normal(size=(48, 6)).astype(np.float32)
Y = RNG.normal(size=(48, 3)).astype(np.float32)


class Gated(keras.Layer):
    """`(x W + b) * sigmoid(x V)`, with a penalty on its output."""

    def __init__(self, units: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="w")
        self.v = self.add_weight(shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="v")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, x):
        y = (ops.matmul(x, self.w) + self.b) * ops.sigmoid(ops.matmul(x, self.v))
        self.add_loss(1e-3 * ops.mean(ops.square(y)))
        return y


class RobustError(keras.Loss):
    """`log(1 + error^2)`."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.log1p(ops.square(y_pred - y_true)), axis=-1)


class LargestError(keras.Metric):
    """The largest error so far."""

    def __init__(self, name="largest_error", dtype=None) -> None:
        super().__init__(dtype, name)
        self.largest = self.add_variable((), "zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        self.largest.assign(ops.maximum(self.largest, ops.max(ops.abs(y_pred - y_true))))

    def result(self):
        return self.largest.value


def network() -> keras.Sequential:
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((6,)), Gated(8), keras.layers.BatchNormalization(), keras.layers.Dense(3)])


def assert_same_weights(a: keras.Model, b: keras.Model) -> None:
    for v, w in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=v.path)


def test_forward_pass() -> None:
    model, loss = network(), RobustError()
    x, y = ops.array(X), ops.array(Y)
    eager = loss(y, model(x))
    with keras.GradientTape():
        recorded = loss(y, model(x))
    compiled = keras.function(lambda x, y: loss(y, model(x)))(x, y)
    assert eager.item() == recorded.item() == compiled.item()
    functional = keras.Model(inputs := keras.Input((6,)), model(inputs))
    assert loss(y, functional(x)).item() == eager.item()


def test_training_loop() -> None:
    """A loop on the tape, step by step, and the same step compiled: equal losses and weights, to the bit."""

    def run(compiled: bool) -> tuple[keras.Model, list[float]]:
        model, loss, optimizer = network(), RobustError(), keras.optimizers.Adam(0.01)
        optimizer.build(model.trainable_variables)

        def step(x, y):
            with keras.GradientTape() as tape:
                value = loss(y, model(x, training=True)) + sum(model.losses)
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            return value

        if compiled:
            step = keras.function(step)
        figures = [step(X[i : i + 16], Y[i : i + 16]).item() for _ in range(3) for i in (0, 16, 32)]
        return model, figures

    eager_model, eager = run(False)
    compiled_model, compiled = run(True)
    assert eager == compiled
    assert len(set(eager)) == len(eager)
    assert eager[-1] < eager[0]
    assert_same_weights(eager_model, compiled_model)


def test_value_and_grad_as_the_tape() -> None:
    model, loss = network(), RobustError()
    x, y = ops.array(X), ops.array(Y)
    variables = model.trainable_variables

    def value(variables):
        return loss(y, model(x, training=False))

    with keras.GradientTape() as tape:
        recorded = value(variables)
    taped = tape.gradient(recorded, variables)
    figure, eager = keras.value_and_grad(value)(variables)
    compiled_figure, compiled = keras.function(lambda: keras.value_and_grad(value)(variables))()
    assert recorded.item() == figure.item() == compiled_figure.item()
    for a, b, c in zip(taped, eager, compiled, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        np.testing.assert_array_equal(a.numpy(), c.numpy())


class Custom(keras.Model):
    """A subclass with its own `train_step`."""

    def __init__(self) -> None:
        super().__init__()
        self.gated, self.normalization, self.out = Gated(8), keras.layers.BatchNormalization(), keras.layers.Dense(3)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, x, training=False):
        return self.out(self.normalization(self.gated(x), training=training))

    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = ops.mean(ops.log1p(ops.square(y_pred - y))) + sum(self.losses)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.seen.update_state(loss)
        return {"seen": self.seen.result()}


@pytest.mark.parametrize("make", [Custom, network])
def test_fit_compiled_and_eagerly(make) -> None:
    models, histories = [], []
    for run_eagerly in (False, True):
        keras.utils.set_random_seed(3)
        model = make()
        model(X[:1])
        if make is Custom:
            model.compile(keras.optimizers.Adam(0.01), run_eagerly=run_eagerly)
        else:
            model.compile(keras.optimizers.Adam(0.01), RobustError(), metrics=[LargestError()], run_eagerly=run_eagerly)
        history = model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
        models.append(model)
        histories.append(history.history)
    assert ("seen" if make is Custom else "largest_error") in histories[0]
    assert histories[0] == histories[1]
    assert_same_weights(models[0], models[1])


def test_fit_as_the_training_loop() -> None:
    """`fit` with the default step does what the loop of `test_training_loop` does."""
    model, loss, optimizer = network(), RobustError(), keras.optimizers.SGD(0.1, momentum=0.9)

    @keras.function
    def step(x, y):
        with keras.GradientTape() as tape:
            value = loss(y, model(x, training=True)) + sum(model.losses)
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        return value

    optimizer.build(model.trainable_variables)
    for _ in range(2):
        for i in (0, 16, 32):
            step(X[i : i + 16], Y[i : i + 16])
    fitted = network()
    fitted.compile(keras.optimizers.SGD(0.1, momentum=0.9), RobustError())
    fitted.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    assert_same_weights(model, fitted)


def test_moving_statistics_by_ops() -> None:
    """A batch norm written in ops: moving statistics are state that a compiled step writes, and equal NumPy's."""

    class Normalize(keras.Layer):
        def build(self, input_shape) -> None:
            size = (input_shape[-1],)
            self.mean = self.add_weight(shape=size, initializer="zeros", trainable=False, name="mean")
            self.variance = self.add_weight(shape=size, initializer="ones", trainable=False, name="variance")

        def call(self, x, training=False):
            if not training:
                return ops.batch_normalization(x, self.mean, self.variance, axis=-1)
            mean, variance = ops.moments(x, axes=0)
            self.mean.assign(0.9 * self.mean + 0.1 * mean)
            self.variance.assign(0.9 * self.variance + 0.1 * variance)
            return ops.batch_normalization(x, mean, variance, axis=-1)

    eager, compiled = Normalize(), Normalize()
    for layer in (eager, compiled):
        layer.build((None, 6))
    step = keras.function(lambda x: compiled(x, training=True))
    mean, variance = np.zeros(6), np.ones(6)
    for i in (0, 16, 32):
        batch = X[i : i + 16]
        expected = (batch - batch.mean(0)) / np.sqrt(batch.var(0) + 1e-3)
        for output in (eager(batch, training=True), step(batch)):
            np.testing.assert_allclose(output.numpy(), expected, rtol=1e-4, atol=1e-5)
        mean = 0.9 * mean + 0.1 * batch.mean(0)
        variance = 0.9 * variance + 0.1 * batch.var(0)
    for layer in (eager, compiled):
        np.testing.assert_allclose(layer.mean.numpy(), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.variance.numpy(), variance, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(eager.mean.numpy(), compiled.mean.numpy())
    np.testing.assert_array_equal(eager(X).numpy(), keras.function(lambda x: compiled(x))(X).numpy())


def test_dropout_draws_the_same_in_every_way() -> None:
    def run(way: str) -> bytes:
        keras.utils.set_random_seed(1)
        layer = keras.layers.Dropout(0.5, seed=4)
        call = keras.function(lambda x: layer(x, training=True)) if way == "compiled" else None
        outputs = [(call(X) if call else layer(X, training=True)).numpy() for _ in range(2)]
        assert not np.array_equal(*outputs)
        return outputs[0].tobytes() + outputs[1].tobytes()

    assert run("eager") == run("compiled")
