"""The numbers of the core layers."""

import numpy as np
import pytest

from dlrs import layers
from dlrs.backend import GradientTape

RNG = np.random.default_rng(0)


def test_dense_on_matrices_and_on_sequences():
    layer = layers.Dense(4, activation="relu", bias_initializer="ones")
    for shape in ((5, 3), (2, 5, 3), (0, 3)):
        x = RNG.normal(size=shape).astype("float32")
        expected = np.maximum(x @ layer.kernel.numpy() + 1, 0) if layer.built else None
        y = layer(x).numpy()
        if expected is None:
            expected = np.maximum(x @ layer.kernel.numpy() + 1, 0)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_dense_without_bias_and_bad_units():
    layer = layers.Dense(2, use_bias=False)
    layer.build((None, 3))
    assert [v.name for v in layer.weights] == ["kernel"]
    for units in (0, -3, 2.5, True, "3"):
        with pytest.raises((ValueError, TypeError), match="units"):
            layers.Dense(units)
    with pytest.raises(ValueError, match="last size of the input must be known"):
        layers.Dense(2).build((3, None))


def test_dropout_share_scale_and_seed():
    layer = layers.Dropout(0.25, seed=1)
    x = np.ones((200, 100), "float32")
    y = layer(x, training=True).numpy()
    assert set(np.unique(y)) <= {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.01
    again = layers.Dropout(0.25, seed=1)
    assert again(x, training=True).numpy().tobytes() == y.tobytes()
    assert again(x, training=True).numpy().tobytes() != y.tobytes()
    assert layer(x).numpy().tobytes() == x.tobytes()
    rows = layers.Dropout(0.5, noise_shape=(None, 1), seed=2)(x, training=True).numpy()
    assert (rows == rows[:, :1]).all()
    for rate in (-0.1, 1.5, "half"):
        with pytest.raises(ValueError, match="rate"):
            layers.Dropout(rate)


def test_flatten_orders():
    x = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    assert layers.Flatten()(x).numpy().tobytes() == x.reshape(2, 60).tobytes()
    expected = np.moveaxis(x, 1, -1).reshape(2, 60)
    np.testing.assert_array_equal(layers.Flatten("channels_first")(x).numpy(), expected)
    assert layers.Flatten()(np.zeros((0, 3, 2), "float32")).shape == (0, 6)
    assert layers.Flatten()(np.zeros(3, "float32")).shape == (3, 1)


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization(axis):
    x = RNG.normal(2, 3, size=(8, 4, 6)).astype("float32")
    layer = layers.BatchNormalization(axis=axis, momentum=0.9)
    axes = tuple(i for i in range(3) if i != axis % 3)
    y = layer(x, training=True).numpy()
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * mean.ravel(), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * variance.ravel(), rtol=1e-5)
    moving = [v.numpy() for v in (layer.moving_mean, layer.moving_variance)]
    y = layer(x, training=False).numpy()
    shape = [1, 1, 1]
    shape[axis] = -1
    expected = (x - moving[0].reshape(shape)) / np.sqrt(moving[1].reshape(shape) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    layer.trainable = False
    layer(x, training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), moving[0])


def test_batch_normalization_leaves_masked_positions_out():
    x = RNG.normal(size=(2, 3, 4)).astype("float32")
    mask = np.array([[True, True, False], [True, False, False]])
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True, mask=mask)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x[mask].mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x[mask].var(0), rtol=1e-5, atol=1e-6)


def test_batch_normalization_gradient_against_differences():
    layer = layers.BatchNormalization(dtype="float64")
    x = RNG.normal(size=(5, 3))
    weights = RNG.normal(size=(5, 3))
    layer.build((None, 3))

    def value(x):
        return float((layer(x, training=True) * weights).numpy().sum())

    from dlrs import ops

    tensor = ops.convert_to_tensor(x)
    with GradientTape() as tape:
        tape.watch(tensor)
        total = ops.sum(layer(tensor, training=True) * weights)
    gradient = tape.gradient(total, tensor).numpy()
    step = 1e-6
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        assert gradient[index] == pytest.approx((value(up) - value(down)) / (2 * step), rel=1e-5, abs=1e-7)


def test_input_placeholders():
    assert layers.Input((3,)).shape == (None, 3)
    assert layers.Input((3,), batch_size=4).shape == (4, 3)
    assert layers.Input(batch_shape=(None, 2), dtype="int32").dtype == "int32"
    for arguments in ({}, {"shape": (3,), "batch_shape": (None, 3)}, {"shape": (-1,)}, {"shape": 3}):
        with pytest.raises(ValueError):
            layers.Input(**arguments)
