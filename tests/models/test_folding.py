"""Batch normalisation folded into the weights before it: predictions against the layers called one by one."""

import threading

import numpy as np
import pytest

import dlrs
from dlrs import layers

BOUND = 1e-5
"""As docs/convolution.md states it, against the largest output."""


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def randomize(model: dlrs.Model, seed: int) -> None:
    """Other weights; variances are positive."""
    model.set_weights([np.abs(noise(seed + i, *w.shape)) + 0.1 for i, w in enumerate(model.get_weights())])


def assert_predicts(model: dlrs.Model, x: np.ndarray) -> None:
    got, want = np.asarray(model.predict_on_batch(x)), np.asarray(model(x, training=False))
    np.testing.assert_allclose(got, want, rtol=0, atol=BOUND * np.abs(want).max())


def net(*before: dlrs.Layer, shape: tuple[int, ...] = (8, 8, 6), **options: object) -> dlrs.Model:
    model = dlrs.Sequential([layers.Input(shape), *before, layers.BatchNormalization(**options), layers.ReLU()])
    model.compile(optimizer="sgd", loss="mse")
    randomize(model, 7)
    return model


PRODUCTS = {
    "conv": lambda: [layers.Conv2D(16, 3, use_bias=False)],
    "conv with a bias": lambda: [layers.Conv2D(5, 3, strides=2, padding="same")],
    "grouped": lambda: [layers.Conv2D(6, 3, groups=2)],
    "depthwise": lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2)],
    "separable": lambda: [layers.SeparableConv2D(8, 3)],
    "transposed": lambda: [layers.Conv2DTranspose(4, 3)],
    "dense": lambda: [layers.Flatten(), layers.Dense(9)],
    "dense on pixels": lambda: [layers.Dense(9)],
    "activation between": lambda: [layers.Conv2D(4, 3, activation="relu")],
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False}, {"center": False, "scale": False}])
def test_prediction_is_that_of_the_layers(name: str, options: dict[str, bool]) -> None:
    assert_predicts(net(*PRODUCTS[name](), **options), noise(1, 3, 8, 8, 6))


def test_a_run_only_adds_a_vector() -> None:
    model, lines = net(layers.Conv2D(16, 3)), []
    model.predict_on_batch(noise(1, 2, 8, 8, 6))
    model.explain(batch_size=2, print_fn=lines.append)
    assert any("conv + add + relu" in line for line in "\n".join(map(str, lines)).splitlines())


def test_weights_written_after_a_prediction_are_seen() -> None:
    model, x = net(layers.Conv2D(16, 3)), noise(1, 4, 8, 8, 6)
    assert_predicts(model, x)
    for i in range(len(model.get_weights())):
        weights = model.get_weights()
        weights[i] = weights[i] * 2 + 1
        model.set_weights(weights)
        assert_predicts(model, x)
        assert_predicts(model, x[:1])
    before = np.asarray(model.predict_on_batch(x))
    model.fit(x, noise(2, 4, 6, 6, 16), epochs=2, verbose=0)
    assert_predicts(model, x)
    assert not np.array_equal(before, np.asarray(model.predict_on_batch(x)))


def test_evaluation_is_that_of_the_layers() -> None:
    model, x, y = net(layers.Conv2D(16, 3)), noise(1, 4, 8, 8, 6), noise(2, 4, 6, 6, 16)
    want = float(np.mean((np.asarray(model(x, training=False)) - y) ** 2))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(want, rel=1e-5)


def test_a_layer_called_twice_is_folded_for_both_readers() -> None:
    inputs = layers.Input((8, 8, 6))
    conv, norm = layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization()
    first = norm(conv(inputs))
    outputs = layers.Add()([norm(conv(inputs)), norm(conv(first)), conv(inputs)])
    model = dlrs.Model(inputs, outputs)
    randomize(model, 3)
    assert_predicts(model, noise(1, 2, 8, 8, 6))


def test_concurrent_predictions_agree_while_weights_change() -> None:
    """Each prediction is that of one set of weights: those of one moment, not a mixture."""
    model, x = net(layers.Conv2D(16, 3, use_bias=False)), noise(1, 2, 8, 8, 6)
    norm = model.layers[1]
    allowed = []
    for gain in (1.0, 3.0):
        norm.gamma.assign(np.full(16, gain, "float32"))
        allowed.append(np.asarray(model.predict_on_batch(x)))
    wrong: list[float] = []

    def predict() -> None:
        for _ in range(200):
            got = np.asarray(model.predict_on_batch(x))
            error = min(float(np.abs(got - want).max()) for want in allowed)
            if error > BOUND * float(np.abs(allowed[1]).max()):
                wrong.append(error)

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(200):
        norm.gamma.assign(np.full(16, (1.0, 3.0)[i % 2], "float32"))
    for thread in threads:
        thread.join()
    assert not wrong
