"""What lies within a model."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, ops

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def graph():
    x = dlrs.Input((4,), name="x")
    y = layers.Dense(5, activation="relu", name="hidden")(x)
    y = layers.Dropout(0.5, name="drop")(y)
    return dlrs.Model({"x": x}, layers.Dense(2, name="out")(ops.concatenate([y, x], axis=-1)), name="graph")


def test_one_layer_in_several_spellings():
    model = graph()
    expected = np.maximum(X @ model.get_layer("hidden").kernel.numpy(), 0)
    for layer in ("hidden", 1, model.get_layer("hidden")):
        features = models.feature_extractor(model, layer)
        np.testing.assert_allclose(features.predict({"x": X}, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert models.feature_extractor(model, -1).predict({"x": X}, verbose=0).shape == (3, 2)


def test_several_layers_share_the_weights():
    model = graph()
    features = models.feature_extractor(model, ["hidden", "out"])
    assert {id(w) for w in features.weights} == {id(w) for w in model.weights}
    outputs = features({"x": X})
    assert set(outputs) == {"hidden", "out"}
    np.testing.assert_array_equal(outputs["out"].numpy(), model({"x": X}).numpy())
    assert set(models.feature_extractor(model)({"x": X})) == {"hidden", "drop", "out"}
    assert len(models.feature_extractor(model, "hidden").layers) == 2


def test_a_head_on_frozen_features_trains():
    base = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(8, activation="tanh", name="body"), layers.Dense(3)])
    base.trainable = False
    body = models.feature_extractor(base, "body")
    model = dlrs.Sequential([body, layers.Dense(1)])
    before = base.get_layer("body").kernel.numpy()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    np.testing.assert_array_equal(base.get_layer("body").kernel.numpy(), before)
    assert len(model.trainable_weights) == 2


def test_what_is_refused():
    model = graph()
    for bad in ("none", 9, -9, layers.Dense(1), True):
        with pytest.raises(ValueError, match="has no layer"):
            models.feature_extractor(model, bad)
    with pytest.raises(ValueError, match="empty"):
        models.feature_extractor(model, [])
    with pytest.raises(ValueError, match="input shape"):
        models.feature_extractor(dlrs.Sequential([layers.Dense(1)]))
    with pytest.raises(TypeError, match="Dense"):
        models.feature_extractor(layers.Dense(1))
    shared, x = layers.Dense(4, name="shared"), dlrs.Input((4,))
    with pytest.raises(ValueError, match="2 times"):
        models.feature_extractor(dlrs.Model(x, shared(shared(x))), "shared")
    states = layers.LSTM(2, return_state=True, name="lstm")
    steps = dlrs.Input((5, 4))
    with pytest.raises(ValueError, match="3 outputs"):
        models.feature_extractor(dlrs.Model(steps, states(steps)), "lstm")
