"""Copies and pickles of layers and models, compiled ones included."""

import copy
import pickle

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Block(dlrs.Model):
    def __init__(self, units):
        super().__init__()
        self.hidden = [layers.Dense(units, activation="tanh"), layers.Dropout(0.2, seed=1)]
        self.head = layers.Dense(1)

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


class Named(dlrs.Model):
    pass


def sequential():
    return dlrs.Sequential([dlrs.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])


def functional():
    x = dlrs.Input((3,))
    shared = layers.Dense(4)
    return dlrs.Model(x, layers.Dense(1)(ops.concatenate([shared(x), shared(x * 2.0)], axis=-1)))


def subclassed_functional():
    x = dlrs.Input((3,))
    return Named(x, layers.Dense(1)(x))


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("how", list(COPIES))
@pytest.mark.parametrize("make", [sequential, functional, subclassed_functional, lambda: Block(4)])
def test_a_copy_goes_on_where_the_original_is_and_leaves_it_alone(make, how):
    model = make()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0, shuffle=False)
    twin = COPIES[how](model)
    assert isinstance(twin, type(model)) and twin is not model
    assert twin.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
    before = model.get_weights()
    first = twin.fit(X, Y, verbose=0, shuffle=False, epochs=2).history
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.fit(X, Y, verbose=0, shuffle=False, epochs=2).history == first


def test_shared_layers_stay_shared():
    twin = copy.deepcopy(functional())
    assert len(twin.weights) == 4
    assert [layer.name for layer in twin.layers] == [layer.name for layer in functional_like(twin)]


def functional_like(model):
    return [model.get_layer(layer.name) for layer in model.layers]


def test_a_layer_with_its_weights():
    layer = layers.Dense(2, kernel_regularizer="l2")
    layer(X)
    twin = pickle.loads(pickle.dumps(layer))
    assert twin.get_config() == layer.get_config()
    assert twin(X).tolist() == layer(X).tolist()
    twin.trainable = False
    assert layer.kernel.trainable
