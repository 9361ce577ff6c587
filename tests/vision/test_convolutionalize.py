"""One pass of the convolutional form gives what sliding the classifier over the picture gives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrs import Input, Model, Sequential, applications, layers
from dlrs.vision import convolutionalize

RNG = np.random.default_rng(0)


def with_flatten() -> Any:
    parts = [
        *(layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(6, 3), layers.Flatten()),
        *(layers.Dropout(0.5), layers.Dense(8, activation="relu"), layers.BatchNormalization()),
        *(layers.Dense(5, activation="softmax"),),
    ]
    return Sequential([Input((14, 14, 3)), *parts])


def with_global_pooling(pooling: Any) -> Any:
    x = image = Input((10, 12, 2))
    x = layers.Conv2D(4, 3, strides=2, activation="tanh")(x)
    x = pooling()(x)
    return Model(image, layers.Activation("softmax")(layers.Dense(3)(layers.ReLU()(x))))


def with_branches() -> Any:
    """Two heads over one set of features, joined and summed."""
    image = Input((8, 8, 1))
    x = layers.Conv2D(3, 3, name="features")(image)
    one = layers.Dense(4, activation="relu")(layers.Flatten()(x))
    two = layers.Dense(4, use_bias=False)(layers.GlobalAveragePooling2D()(x))
    joined = layers.Concatenate(axis=1)([one, layers.Add()([one, two])])
    return Model(image, layers.Dense(2)(joined))


def as_mobilenet_ends() -> Any:
    image = Input((9, 9, 2))
    x = layers.GlobalAveragePooling2D(keepdims=True)(layers.DepthwiseConv2D(3, use_bias=False)(image))
    return Model(image, layers.Softmax()(layers.Reshape((4,))(layers.Conv2D(4, 1)(x))))


CASES: list[tuple[str, Callable[[], Any], int]] = [
    ("flatten", with_flatten, 2),
    ("average", lambda: with_global_pooling(layers.GlobalAveragePooling2D), 2),
    ("max", lambda: with_global_pooling(layers.GlobalMaxPooling2D), 2),
    ("branches", with_branches, 1),
    ("mobilenet", as_mobilenet_ends, 1),
]


@pytest.mark.parametrize(("make", "stride"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_pass_equals_sliding_windows(make: Callable[[], Any], stride: int) -> None:
    model = make()
    for weight in model.weights:
        weight.assign(RNG.uniform(0.1, 0.5, weight.shape) if "var" in weight.path else RNG.normal(0, 0.3, weight.shape))
    height, width, channels = model.input_shape[1:]
    wide = convolutionalize(model)
    x = RNG.standard_normal((2, height + 3 * stride, width + 2 * stride, channels)).astype("float32")
    answers = wide.predict(x, verbose=0)
    assert answers.shape == (2, 4, 3, model.output_shape[-1])
    for row in range(4):
        for column in range(3):
            top, left = row * stride, column * stride
            window = x[:, top : top + height, left : left + width]
            np.testing.assert_allclose(answers[:, row, column], model.predict(window, verbose=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [lambda: applications.LeNet5(), lambda: applications.ResNetCIFAR(8)])
def test_networks_that_pad_agree_on_pictures_of_their_own_size(make: Callable[[], Any]) -> None:
    model = make()
    wide = convolutionalize(model)
    x = RNG.standard_normal((2, *model.input_shape[1:])).astype("float32")
    answers = wide.predict(x, verbose=0)
    np.testing.assert_allclose(answers[:, 0, 0], model.predict(x, verbose=0), rtol=1e-4, atol=1e-6)
    assert wide.count_params() == model.count_params()


def test_weights_are_copies() -> None:
    model = with_flatten()
    wide = convolutionalize(model)
    before = wide.get_weights()
    for weight in model.weights:
        weight.assign(weight + 1.0)
    for ours, kept in zip(wide.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, kept)


def test_models_of_another_form_are_refused() -> None:
    image = Input((8, 8, 1))
    open_size = Input((None, 8, 1))
    flat = layers.Flatten()(image)
    cases = [
        (Sequential([layers.Dense(2)]), "built Functional or Sequential"),
        (Model(image, layers.Conv2D(2, 3)(image)), "one picture to one vector"),
        (Model(open_size, layers.GlobalAveragePooling2D()(open_size)), "size must be known"),
        (Model(image, layers.LayerNormalization()(flat)), "cannot be applied to a map"),
        (Model(image, layers.Dense(2)(layers.Concatenate()([flat, flat]))), "cannot be applied|between Flatten"),
    ]
    for model, message in cases:
        with pytest.raises(ValueError, match=message):
            convolutionalize(model)
