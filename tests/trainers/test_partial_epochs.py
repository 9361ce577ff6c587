"""Epochs of fewer steps than a pass over the arrays has."""

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers
from dlrs.data import ArrayData, PartialEpochs

X = np.random.default_rng(0).random((50, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class StoppedError(Exception):
    pass


class StopAfter(callbacks.Callback):
    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise StoppedError


def make_model():
    dlrs.utils.set_random_seed(5)
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fit(model, *extra):
    return model.fit(X, Y, batch_size=8, epochs=7, steps_per_epoch=3, callbacks=list(extra), verbose=0)


def test_every_example_comes_once_in_a_pass_and_each_pass_has_an_order_of_its_own():
    data = ArrayData(np.arange(50), batch_size=8, shuffle=True)
    epochs = PartialEpochs(data, 3, first_epoch=4)
    passes = []
    for start in (4, 7):
        rows = []
        for epoch in range(start, start + 3):
            order = data.order(1, epoch - epochs.begun(epoch))
            part, own = epochs.at(order, epoch)
            assert part.num_batches == (3, 3, 1)[epoch - start]
            rows += [row for step in range(part.num_batches) for row in part.batch(own, step)[0]]
        assert sorted(rows) == list(range(50))
        passes.append(rows)
    assert passes[0] != passes[1]


def test_an_epoch_per_call_does_what_a_step_per_call_does():
    one = make_model()
    fit(one)
    other = make_model()
    fit(other, callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None))
    for a, b in zip(one.weights, other.weights, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


@pytest.mark.parametrize("at", [2, 5, 8])
def test_resumed_is_uninterrupted(tmp_path, at):
    whole = make_model()
    fit(whole)
    broken = make_model()
    with pytest.raises(StoppedError):
        fit(broken, callbacks.BackupAndRestore(tmp_path, save_freq=1, delete_checkpoint=False), StopAfter(at))
    resumed = make_model()
    fit(resumed, callbacks.BackupAndRestore(tmp_path, save_freq=1))
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()
