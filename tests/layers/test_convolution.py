"""Convolutional layers in use: trained, saved, differentiated, in both layouts, on bytes and on nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, ops
from dlrs.backend import GradientTape

RNG = np.random.default_rng(0)


def lenet() -> Any:
    """LeNet-5 (LeCun et al. 1998) as it is written today, for images of 8 by 8."""
    return models.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 3, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 digits of 8 by 8 pixels with 17 levels of grey."""
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))  # the file goes from writer to writer
    return (data.images[..., None].astype("float32") / 16)[order], data.target[order]


def test_lenet_learns_digits_and_comes_back_from_a_file(tmp_path: Path) -> None:
    x, y = digits()
    dlrs.utils.set_random_seed(1)
    model = lenet()
    assert model.count_params() == 156 + 880 + 7_800 + 10_164 + 850
    model.compile(dlrs.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:1400], y[:1400], batch_size=32, epochs=12, verbose=0)
    _, accuracy = model.evaluate(x[1400:], y[1400:], verbose=0)
    assert accuracy > 0.9
    model.save(tmp_path / "lenet.dlrs")
    again = dlrs.saving.load_model(tmp_path / "lenet.dlrs")
    assert again.predict(x[:50], verbose=0).tobytes() == model.predict(x[:50], verbose=0).tobytes()
    model.save_weights(tmp_path / "lenet.safetensors")
    fresh = lenet()
    fresh.load_weights(tmp_path / "lenet.safetensors")
    assert fresh.predict(x[:50], verbose=0).tobytes() == model.predict(x[:50], verbose=0).tobytes()


def test_compiled_training_equals_eager_training() -> None:
    x, y = RNG.normal(size=(64, 8, 8, 1)).astype("float32"), RNG.integers(0, 10, 64)
    losses = []
    for eager in (False, True):
        dlrs.utils.set_random_seed(3)
        model = lenet()
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
        losses.append(model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_gradients_on_a_tape_sink_the_loss() -> None:
    layer = layers.Conv2D(3, 3, padding="same")
    x = RNG.normal(size=(4, 6, 6, 2)).astype("float32")
    target = RNG.normal(size=(4, 6, 6, 3)).astype("float32")
    history = []
    for _ in range(20):
        with GradientTape() as tape:
            loss = ops.mean(ops.square(layer(x) - target))
        history.append(float(loss))
        kernel, bias = tape.gradient(loss, layer.trainable_variables)
        layer.kernel.assign(layer.kernel - 0.5 * kernel)
        layer.bias.assign(layer.bias - 0.5 * bias)
    assert history[-1] < history[0]
    assert history == sorted(history, reverse=True)


def both_layouts(make: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What two layers with the same weights make of the same images in the two layouts, the channels last in both."""
    x = RNG.normal(size=shape).astype("float32")
    last, first = make(data_format="channels_last"), make(data_format="channels_first")
    y = last(x).numpy()
    first.build((shape[0], shape[-1], *shape[1:-1]))
    first.set_weights(last.get_weights())
    return y, np.moveaxis(first(np.ascontiguousarray(np.moveaxis(x, -1, 1))).numpy(), 1, -1)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **k: layers.Conv1D(4, 3, padding="causal", **k), (2, 7, 3)),
        (lambda **k: layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", **k), (2, 7, 6, 3)),
        (lambda **k: layers.Conv3D(4, 2, **k), (2, 4, 5, 3, 2)),
        (lambda **k: layers.Conv2DTranspose(4, 3, strides=2, padding="same", **k), (2, 4, 3, 3)),
        (lambda **k: layers.DepthwiseConv2D(3, depth_multiplier=2, **k), (2, 5, 5, 3)),
        (lambda **k: layers.SeparableConv2D(4, 3, **k), (2, 5, 5, 3)),
    ],
    ids=["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D"],
)
def test_layouts_give_the_same_bits(make: Any, shape: tuple[int, ...]) -> None:
    last, first = both_layouts(make, shape)
    assert first.tobytes() == last.tobytes()


def test_bytes_are_taken_as_numbers() -> None:
    images = RNG.integers(0, 256, (2, 6, 6, 3)).astype("uint8")
    layer = layers.Conv2D(4, 3)
    y = layer(images)
    assert y.dtype == "float32"
    assert y.numpy().tobytes() == layer(images.astype("float32")).numpy().tobytes()
    scaled = models.Sequential([layers.Rescaling(1 / 255), layer])
    np.testing.assert_allclose(scaled(images).numpy(), layer(images / 255).numpy(), rtol=1e-5, atol=1e-6)
    labels = RNG.integers(0, 2, 2)
    model = models.Sequential(
        [layers.Input((6, 6, 3), dtype="uint8"), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)]
    )
    model.compile("sgd", dlrs.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.fit(images, labels, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose", "SeparableConv2D"])
def test_no_images_make_no_images(name: str) -> None:
    layer = getattr(layers, name)(4, 3, padding="same")
    x = np.zeros((0, 6, 6, 3), "float32")
    with GradientTape() as tape:
        y = layer(x)
        loss = ops.sum(y)
    assert y.shape == (0, 6, 6, 4)
    for gradient in tape.gradient(loss, layer.trainable_variables):
        assert not gradient.numpy().any()


def test_open_sizes_stay_open() -> None:
    x = layers.Input((None, None, 3))
    y = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    z = layers.Conv2DTranspose(3, 3, strides=2, padding="same")(y)
    assert (y.shape, z.shape) == ((None, None, None, 8), (None, None, None, 3))
    model = models.Model(x, z)
    assert [model(np.zeros((1, n, n + 2, 3), "float32")).shape for n in (4, 10)] == [(1, 4, 6, 3), (1, 10, 12, 3)]


def test_a_subclass_may_change_the_kernel() -> None:
    class Halved(layers.Conv2D):
        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            return super().convolution_op(inputs, kernel / 2)

    x = RNG.normal(size=(1, 4, 4, 2)).astype("float32")
    plain, halved = layers.Conv2D(3, 3), Halved(3, 3)
    y = plain(x)
    halved.build(x.shape)
    halved.set_weights(plain.get_weights())
    np.testing.assert_array_equal(halved(x).numpy(), y.numpy() / 2)


def test_explicit_padding_survives_a_configuration() -> None:
    layer = layers.Conv2D(2, 3, padding=((0, 2), (1, 1)), groups=2)
    again = layers.Conv2D.from_config(layer.get_config())
    assert again.padding == ((0, 2), (1, 1))
    padded = layers.Conv2D(2, 3, groups=2)
    x = RNG.normal(size=(1, 5, 5, 4)).astype("float32")
    y = again(x)
    by_hand = np.pad(x, ((0, 0), (0, 2), (1, 1), (0, 0)))
    padded.build(by_hand.shape)
    padded.set_weights(again.get_weights())
    np.testing.assert_allclose(padded(by_hand).numpy(), y.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "shape", "words"),
    [
        (lambda: layers.Conv2D(4, 5, name="c"), (1, 4, 4, 3), ("c", "zero or negative", "(1, 4, 4, 3)")),
        (lambda: layers.Conv2D(4, 3, groups=2, name="c"), (1, 4, 4, 3), ("c", "groups=2", "3 channels")),
        (lambda: layers.Conv2D(4, 3, name="c"), (4, 4, 3), ("c", "4", "(4, 4, 3)")),
        (lambda: layers.Conv2D(4, 3, 2, dilation_rate=2), None, ("Conv2D", "strides", "dilation_rate", "(2, 2)")),
        (lambda: layers.Conv2D(4, 3, data_format="NHWC"), None, ("Conv2D", "NHWC", "channels_last")),
        (lambda: layers.Conv2D(4, 3, padding="causal"), None, ("Conv2D", "padding", "causal", "same")),
        (lambda: layers.Conv1D(4, (3, 3)), None, ("Conv1D", "kernel_size", "(3, 3)")),
        (lambda: layers.Conv2D(5, 3, groups=2), None, ("Conv2D", "groups=2", "filters=5")),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), None, ("DepthwiseConv2D", "depth_multiplier", "0")),
        (lambda: layers.Conv2DTranspose(2, 3, 2, output_padding=2), None, ("Conv2DTranspose", "output_padding", "2")),
        (lambda: layers.SeparableConv2D(2, 7, name="s"), (1, 4, 4, 3), ("s", "zero or negative", "(7, 7)")),
    ],
)
def test_bad_arguments_are_named(make: Any, shape: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError) as caught:
        layer = make()
        assert shape is not None
        layer(np.zeros(shape, "float32"))
    for word in words:
        assert word in str(caught.value)


def test_gradients_by_few_channels_feed_sums_over_several_images() -> None:
    inputs = layers.Input((5, 5, 6))
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(inputs)
    x = layers.BatchNormalization()(layers.Conv2D(16, 5, padding="same")(x))
    model = models.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    model.compile(dlrs.optimizers.SGD(0.1), "mse")
    images, targets = RNG.normal(size=(33, 5, 5, 6)).astype("float32"), RNG.normal(size=(33, 3)).astype("float32")
    with GradientTape() as tape:
        loss = ops.mean(ops.square(model(images, training=True) - targets))
    expected = [
        variable.numpy() - 0.1 * gradient.numpy()
        for variable, gradient in zip(
            model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
        )
    ]
    model.train_on_batch(images, targets)
    for variable, value in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=0, atol=1e-5)


def test_a_value_read_by_what_several_passes_repeat_is_stored() -> None:
    inputs = layers.Input((21, 18, 8))
    x = layers.BatchNormalization()(layers.ReLU()(layers.BatchNormalization()(inputs)))
    model = models.Model(inputs, layers.Dense(4)(layers.Flatten()(layers.Dropout(0.2, seed=1)(x))))
    model.compile(dlrs.optimizers.SGD(0.01), "mse")
    images, targets = RNG.normal(size=(32, 21, 18, 8)).astype("float32"), RNG.normal(size=(32, 4)).astype("float32")
    losses = model.fit(images, targets, 32, 20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("cls", [layers.Conv2D, layers.Conv2DTranspose])
@pytest.mark.parametrize("filters", range(1, 9))
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_one_kernel_serves_pictures_of_every_width(cls: Any, filters: int, kernel: int) -> None:
    layer = cls(filters, kernel, padding="same")
    model = models.Sequential([layers.Input((None, None, 3)), layer, layers.Conv2D(16, 3), layers.Conv2D(3, 3)])
    for width in (28, 10, 33, 20, 17, 96, 11, 28):
        pictures = RNG.normal(size=(2, 9, width, 3)).astype("float32")
        found = model.predict(pictures, verbose=0)
        np.testing.assert_allclose(found, model(pictures).numpy(), rtol=0, atol=1e-5, err_msg=str(width))


def test_models_of_two_sizes_share_a_kernel() -> None:
    layer = layers.Conv2D(1, 3, padding="same")
    for size in (28, 10, 28):
        inputs = layers.Input((size, size, 3))
        model = models.Model(inputs, layer(inputs))
        pictures = RNG.normal(size=(1, size, size, 3)).astype("float32")
        np.testing.assert_allclose(model.predict(pictures, verbose=0), model(pictures).numpy(), rtol=0, atol=1e-5)
