"""Models that are compiled to be evaluated only."""

import numpy as np
import pytest

import dlrs
from dlrs import layers

X = np.ones((8, 2), "float32")


def test_evaluates_predicts_and_is_saved_but_does_not_train(tmp_path):
    model = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)])
    model.compile(optimizer=None, loss="mse", metrics=["mae"])
    results = model.evaluate(X, X[:, :1], verbose=0)
    assert model.predict(X, verbose=0).shape == (8, 1)
    for train in (lambda: model.fit(X, X[:, :1], verbose=0), lambda: model.train_on_batch(X, X[:, :1])):
        with pytest.raises(ValueError, match="optimizer=None"):
            train()
    model.save(tmp_path / "model.dlrs")
    again = dlrs.models.load_model(tmp_path / "model.dlrs")
    assert again.optimizer is None
    assert again.evaluate(X, X[:, :1], verbose=0) == results
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    assert model.optimizer.built


def test_a_step_of_ones_own_needs_none():
    class Counting(dlrs.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            return {"loss": self.compute_loss(x, y, self(x))}

    model = Counting()
    model.compile(optimizer=None, loss="mse", check_numerics=True)
    assert set(model.fit(X, X[:, :1], verbose=0).history) == {"loss"}
