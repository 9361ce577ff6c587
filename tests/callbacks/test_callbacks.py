"""Callbacks: the list, history, early stopping, progress."""

import io
import math

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers
from dlrs.utils import Progbar


class Fake:
    """A model whose weights are a number."""

    def __init__(self):
        self.weight = 0
        self.stop_training = False

    def get_weights(self):
        return [np.array(self.weight)]

    def set_weights(self, weights):
        self.weight = int(weights[0])


def run(callback, values, name="val_loss"):
    model = Fake()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weight = epoch
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch, model


@pytest.mark.parametrize(
    ("options", "values", "last"),
    [
        ({"patience": 2}, [3, 2, 2.5, 2.1, 1], 3),
        ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 2.7, 1], 1),
        ({"patience": 1}, [3, 2, 1, 0.5], 3),
        # An epoch that improves goes on, and does not begin to wait anew while the baseline is not beaten.
        ({"patience": 1, "baseline": 1.0}, [3, 2, 1.5], 2),
        ({"patience": 2, "baseline": 1.0}, [3, 2, 1.5, 1.6, 1.2], 3),
        ({"patience": 2, "baseline": 1.0}, [3, 0.9, 1.6, 0.8, 0.9, 0.9, 0.9], 5),
        ({"patience": 2, "baseline": 0.99, "mode": "max", "start_from_epoch": 1}, [0.25, 0.567, 0.767, 0.85, 0.85], 4),
        ({"patience": 1, "start_from_epoch": 2}, [1, 2, 3, 2.5, 2.6], 4),
        ({"patience": 1, "mode": "max"}, [1, 2, 1.5, 3], 2),
        ({"patience": 2}, [float("nan"), float("nan"), float("nan"), 1], 2),
    ],
)
def test_early_stopping(options, values, last):
    epoch, _ = run(callbacks.EarlyStopping(**options), values)
    assert epoch == last


def test_early_stopping_restores_the_best_weights_and_knows_accuracies():
    stopping = callbacks.EarlyStopping("val_accuracy", patience=2, restore_best_weights=True)
    epoch, model = run(stopping, [0.1, 0.9, 0.5, 0.6], "val_accuracy")
    assert epoch == 3
    assert model.weight == 1
    assert stopping.best_epoch == 1
    with pytest.warns(UserWarning, match="EarlyStopping mode 'mx' is unknown"):
        callbacks.EarlyStopping(mode="mx")
    with pytest.raises(ValueError, match="nothing tells whether the result 'reward' should grow or fall"):
        run(callbacks.EarlyStopping("reward"), [1.0], "reward")
    with pytest.warns(UserWarning, match="no result 'val_f1'; there are loss"):
        run(callbacks.EarlyStopping("val_f1"), [1.0], "loss")


def test_early_stopping_in_fit():
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1)])
    model.compile(dlrs.optimizers.SGD(0.0), "mse")
    # Rows in the same order each time: another order rounds the mean loss otherwise, which may look like progress.
    stop = callbacks.EarlyStopping("loss", patience=3)
    history = model.fit(x, x[:, :1], epochs=10, shuffle=False, verbose=0, callbacks=stop)
    assert len(history.epoch) == 4


def test_lambda_callback_refuses_unknown_moments():
    with pytest.raises(TypeError, match="'on_epoch_ned'"):
        callbacks.LambdaCallback(on_epoch_ned=print)


def test_batch_hooks_are_found():
    def hooks(*given):
        return callbacks.CallbackList(list(given), add_history=True, add_progbar=True).has_batch_hooks("train")

    class Batchy(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    assert not hooks()
    assert not hooks(callbacks.EarlyStopping())
    assert not hooks(callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None))
    assert hooks(Batchy())
    assert hooks(callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: None))


def test_progress_line():
    stream = io.StringIO()
    bar = Progbar(469, verbose=1, interval=math.inf, stream=stream)
    bar.update(100, [("accuracy", 0.5), ("loss", 1.0)])
    assert stream.getvalue() == ""
    bar.update(469, [("accuracy", 0.00001), ("loss", 0.5), ("val_loss", 0.25)])
    line = stream.getvalue()
    assert line.startswith("469/469 ━━━━━━━━━━━━━━━━━━━━ 0s ")
    assert line.endswith("/step - accuracy: 1.0000e-05 - loss: 0.5000 - val_loss: 0.2500\n")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_is_rewritten_in_place():
    stream = Terminal()
    bar = Progbar(10, verbose=1, stream=stream)
    for step in range(1, 11):
        bar.update(step, [("loss", 1.0 / step)])
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.count("\r") >= 2


def test_fit_prints_epochs(capsys):
    x = np.zeros((64, 3), "float32")
    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], epochs=2, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    assert "2/2 ━" in lines[1]
    assert "loss: 0.0000" in lines[1]
    model.fit(x, x[:, :1], epochs=1, verbose=2)
    assert "━" not in capsys.readouterr().out
    model.fit(x, x[:, :1], epochs=1, verbose=0)
    model.evaluate(x, x[:, :1], verbose=0)
    model.predict(x, verbose=0)
    assert capsys.readouterr().out == ""


def test_history_has_keras_order_of_names():
    model = dlrs.Sequential([dlrs.Input((2,)), dlrs.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy", "mae"])
    x, y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")
    history = model.fit(x, y, verbose=0, validation_split=0.5).history
    assert list(history) == ["accuracy", "loss", "mae", "val_accuracy", "val_loss", "val_mae"]
