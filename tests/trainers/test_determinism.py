"""The same bits whatever the thread count, the rung, the way of calling, and interruptions."""

import subprocess
import sys

import pytest

import dlrs
from dlrs import callbacks, layers, ops

SCRIPT = """
import hashlib, sys
import numpy as np, dlrs
from dlrs import callbacks, layers
dlrs.utils.set_random_seed(11)
rng = np.random.default_rng(0)
y = rng.integers(0, 10, 1000)
x = (rng.normal(size=(1000, 100)) + 2 * np.eye(10, 100)[y]).astype("float32")
model = dlrs.Sequential([
    dlrs.Input((100,)), layers.Dense(160, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3),
    layers.Dense(70, activation="tanh"), layers.Dense(10)])
model.compile("adam", dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
spy = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
history = model.fit(x, y, batch_size=96, epochs=3, verbose=0, callbacks=[spy] if sys.argv[1] == "b" else None)
sha = hashlib.sha256(repr(history.history["loss"]).encode())
for v in [*model.variables, *model.optimizer.variables]:
    sha.update(v.numpy().tobytes())
sha.update(model.predict(x, verbose=0).tobytes())
print(sha.hexdigest())
"""


def run(threads: int, rung: str = "a") -> str:
    code = f"import os; os.environ['DLRS_NUM_THREADS'] = '{threads}'\n" + SCRIPT
    done = subprocess.run([sys.executable, "-c", code, rung], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_threads_and_rungs_give_the_same_bits():
    reference = run(1)
    assert {threads: run(threads) for threads in (2, 3, 5)} == dict.fromkeys((2, 3, 5), reference)
    assert run(2, "b") == reference


def test_an_epoch_per_call_equals_a_step_per_call(blobs, make_classifier, digest):
    x, y = blobs
    seen = []
    spy = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    a = make_classifier()
    left = a.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x, y)).history
    b = make_classifier()
    right = b.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x, y), callbacks=[spy]).history
    assert seen == list(range(7)) * 3
    assert digest(a) == digest(b)
    assert left == right


@pytest.mark.parametrize("batch_norm", [False, True])
def test_eager_equals_compiled(blobs, make_classifier, digest, batch_norm):
    x, y = blobs
    a = make_classifier(batch_norm=batch_norm)
    left = a.fit(x, y, batch_size=16, epochs=2, verbose=0).history
    b = make_classifier(batch_norm=batch_norm, run_eagerly=True)
    right = b.fit(x, y, batch_size=16, epochs=2, verbose=0).history
    assert digest(a) == digest(b)
    assert left == right


def test_loading_and_going_on_equals_not_stopping(blobs, make_classifier, digest, tmp_path):
    x, y = blobs
    whole = make_classifier()
    whole.fit(x, y, batch_size=16, epochs=5, verbose=0)
    first = make_classifier()
    first.fit(x, y, batch_size=16, epochs=2, verbose=0)
    first.save(tmp_path / "model.dlrs")
    dlrs.utils.set_random_seed(99)
    rest = dlrs.models.load_model(tmp_path / "model.dlrs")
    assert digest(rest) == digest(first)
    rest.fit(x, y, batch_size=16, epochs=5, initial_epoch=2, verbose=0)
    assert digest(rest) == digest(whole)


class ByHand(dlrs.Model):
    """A layer, a loss, a metric and a step of its own."""

    def __init__(self):
        super().__init__()
        self.hidden = Swish(16)
        self.head = layers.Dense(3)
        self.mean = dlrs.metrics.Mean(name="loss")

    def call(self, inputs, training=None):
        return self.head(self.hidden(inputs))

    def loss_of(self, y, logits):
        shifted = logits - ops.max(logits, axis=-1, keepdims=True)
        log_norm = ops.log(ops.sum(ops.exp(shifted), axis=-1))
        return ops.mean(log_norm - ops.sum(ops.one_hot(y, 3) * shifted, axis=-1))

    def train_step(self, data):
        x, y = data
        with dlrs.GradientTape() as tape:
            loss = self.loss_of(y, self(x, training=True))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.mean.update_state(loss)
        return {"loss": self.mean.result()}


class Swish(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        self.slope = self.add_weight((), initializer="ones", name="slope")

    def call(self, inputs):
        z = ops.matmul(inputs, self.kernel)
        return z * ops.sigmoid(self.slope * z)


def test_custom_layer_loss_and_step_in_every_way(blobs):
    x, y = blobs

    def made(**options):
        dlrs.utils.set_random_seed(3)
        model = ByHand()
        model(x)  # makes the weights, now that the seed is set
        model.compile("adam", **options)
        return model

    compiled, eager, stepped, looped = made(), made(run_eagerly=True), made(), made()
    compiled.fit(x, y, batch_size=16, epochs=2, verbose=0, shuffle=False)
    eager.fit(x, y, batch_size=16, epochs=2, verbose=0, shuffle=False)
    for _ in range(2):
        for start in range(0, 103, 16):
            stepped.train_on_batch(x[start : start + 16], y[start : start + 16])
            with dlrs.GradientTape() as tape:
                loss = looped.loss_of(y[start : start + 16], looped(x[start : start + 16], training=True))
            variables = looped.trainable_variables
            looped.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    reference = [w.tobytes() for w in compiled.get_weights()]
    for other in (eager, stepped, looped):
        assert [w.tobytes() for w in other.get_weights()] == reference


def test_seed_decides_everything(blobs, make_classifier, digest):
    x, y = blobs
    hashes = set()
    for _ in range(2):
        model = make_classifier()
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        hashes.add(digest(model))
    assert len(hashes) == 1
