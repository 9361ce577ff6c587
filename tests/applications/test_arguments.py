"""Arguments of the networks: what they change, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import Input, applications, config, layers, ops
from dlrs.applications import imagenet_utils

# Networks of every file, small enough to be built often, and the channels of their features.
SMALL: list[tuple[str, dict[str, Any], int]] = [
    ("LeNet5", {"input_shape": (28, 28, 3)}, 16),
    ("AlexNet", {"input_shape": (67, 67, 3)}, 256),
    ("VGG16", {"input_shape": (32, 32, 3)}, 512),
    ("GoogLeNet", {"input_shape": (32, 32, 3)}, 1024),
    ("InceptionV3", {"input_shape": (75, 75, 3)}, 2048),
    ("MobileNet", {"input_shape": (32, 32, 3), "alpha": 0.25}, 256),
    ("MobileNetV2", {"input_shape": (32, 32, 3), "alpha": 0.35}, 1280),
    ("ResNet18", {"input_shape": (32, 32, 3)}, 512),
    ("ResNet50", {"input_shape": (32, 32, 3)}, 2048),
    ("ResNet20", {"input_shape": (32, 32, 3)}, 64),
    ("ResNet50V2", {"input_shape": (32, 32, 3)}, 2048),
    ("Xception", {"input_shape": (71, 71, 3)}, 2048),
    ("DenseNet121", {"input_shape": (32, 32, 3)}, 1024),
    ("MobileNetV3Small", {"input_shape": (32, 32, 3)}, 576),
    ("EfficientNetB0", {"input_shape": (32, 32, 3)}, 1280),
]
BY_NAME = [pytest.param(*case, id=case[0]) for case in SMALL]
NETWORKS = [name for name in applications.__all__ if callable(getattr(applications, name))]


@pytest.mark.parametrize(("network", "arguments", "channels"), BY_NAME)
def test_features_without_the_top(network: str, arguments: dict[str, Any], channels: int) -> None:
    make = getattr(applications, network)
    size, count = arguments["input_shape"][0], 2
    features = make(include_top=False, **arguments)
    assert features.output_shape[-1] == channels
    assert len(features.output_shape) == 4
    for pooling in ("avg", "max"):
        pooled = make(include_top=False, pooling=pooling, **arguments)
        assert pooled.output_shape == (None, channels)
    pooled.set_weights(features.get_weights())
    x = np.random.default_rng(0).standard_normal((count, size, size, 3)).astype("float32")
    map_ = np.asarray(features.predict(x, verbose=0))
    np.testing.assert_allclose(pooled.predict(x, verbose=0), map_.max((1, 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [case[0] for case in SMALL])
def test_pictures_of_any_size_and_of_other_channels_without_the_top(network: str) -> None:
    shape = (1, None, None) if config.image_data_format() == "channels_first" else (None, None, 1)
    model = getattr(applications, network)(include_top=False, input_shape=shape)
    assert model.output_shape[:3] == (None, None, None)


@pytest.mark.parametrize(("network", "arguments", "channels"), BY_NAME)
def test_an_input_tensor_joins_the_network_to_what_lies_before(
    network: str, arguments: dict[str, Any], channels: int
) -> None:
    size = arguments["input_shape"][0]
    placeholder = Input((2 * size, 2 * size, 4), name="custom_input")
    x = layers.Conv2D(3, 2, strides=2, name="before")(placeholder)
    rest = {key: value for key, value in arguments.items() if key != "input_shape"}
    model = getattr(applications, network)(include_top=False, input_tensor=x, **rest)
    assert model.input_shape == (None, 2 * size, 2 * size, 4)
    assert model.output_shape[-1] == channels
    assert model.get_layer("before")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"weights": "imagenet"}, "no trained weights come with dlrs"),
        ({"weights": "no/such/file.safetensors"}, "path to a weights file"),
        ({"weights": 3}, "path to a weights file"),
        ({"include_top": None}, "`include_top` must be True or False"),
        ({"pooling": "mean"}, "`pooling` must be"),
        ({"classes": 0}, "`classes` must be a positive integer"),
        ({"classes": 2.0}, "`classes` must be a positive integer"),
        ({"input_shape": (5, 5, 3)}, "at least"),
        ({"input_shape": (64, 64)}, "three integers"),
        ({"input_shape": ("a", 64, 3)}, "three integers"),
        ({"input_tensor": np.zeros((1, 224, 224, 3))}, "must be a KerasTensor"),
        ({"input_tensor": Input((3,))}, "rank 4"),
    ],
)
def test_bad_arguments_are_refused_by_name(network: str, bad: dict[str, Any], message: str) -> None:
    depth = {"depth": 20} if network == "ResNetCIFAR" else {}
    family = "ResNetCIFAR" if network in ("ResNet20", "ResNet32", "ResNet44", "ResNet56", "ResNet110") else network
    with pytest.raises(ValueError, match=message) as error:
        getattr(applications, network)(**depth, **bad)
    assert str(error.value).startswith(f"{family}: ")


@pytest.mark.parametrize("network", NETWORKS)
def test_the_top_needs_sizes_unless_it_pools_and_convolves(network: str) -> None:
    arguments = {"depth": 20} if network == "ResNetCIFAR" else {}
    make = getattr(applications, network)
    if network.startswith("MobileNetV3"):
        assert make(input_shape=(None, None, 3)).output_shape == (None, 1000)
        return
    with pytest.raises(ValueError, match="static `input_shape`"):
        make(input_shape=(None, None, 3), **arguments)


@pytest.mark.parametrize(
    ("network", "bad", "message"),
    [
        ("ResNetCIFAR", {"depth": 21}, "6n \\+ 2"),
        ("ResNet20", {"shortcut": "C"}, "'A' or 'B'"),
        ("ResNet20", {"residual": 1}, "True or False"),
        ("MobileNet", {"alpha": 0}, "width multiplier"),
        ("MobileNetV2", {"alpha": "1"}, "width multiplier"),
        ("LeNet5", {"subsampling": "min"}, "'max' or 'average'"),
        ("GoogLeNet", {"auxiliary": True, "include_top": False}, "with the top"),
    ],
)
def test_bad_arguments_of_one_network(network: str, bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(applications, network)(**bad)


def test_weights_are_loaded_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    first = applications.LeNet5()
    first.save_weights(path)
    second = applications.LeNet5(weights=path, classifier_activation=None)
    for ours, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="Only `None` and `softmax`"):
        applications.LeNet5(weights=path, classifier_activation="relu")


def test_models_are_saved_and_copied_by_their_configuration() -> None:
    for model in (applications.ResNetCIFAR(8), applications.LeNet5(), applications.MobileNetV2(alpha=0.35)):
        copy = type(model).from_config(model.get_config())
        assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]


def test_channels_first_gives_the_same_numbers() -> None:
    x = np.random.default_rng(0).standard_normal((2, 32, 32, 3)).astype("float32")
    last = applications.ResNetCIFAR(8)
    try:
        config.set_image_data_format("channels_first")
        first = applications.ResNetCIFAR(8)
        assert first.input_shape == (None, 3, 32, 32)
        first.set_weights(last.get_weights())
        answer = first.predict(x.transpose(0, 3, 1, 2), verbose=0)
    finally:
        config.set_image_data_format("channels_last")
    np.testing.assert_allclose(answer, last.predict(x, verbose=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("first", [False, True])
def test_preprocessing_of_arrays_and_tensors_agrees(mode: str, first: bool) -> None:
    x = np.random.default_rng(0).uniform(0, 255, (2, 4, 5, 3))
    data_format = "channels_first" if first else "channels_last"
    given = x.transpose(0, 3, 1, 2).copy() if first else x.copy()
    expected = {
        "caffe": x[..., ::-1] - np.array([103.939, 116.779, 123.68]),
        "tf": x / 127.5 - 1,
        "torch": (x / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225]),
    }[mode]
    tensor = imagenet_utils.preprocess_input(ops.convert_to_tensor(given), data_format, mode)
    array = imagenet_utils.preprocess_input(given, data_format, mode)
    for result in (np.asarray(tensor), array):
        result = result.transpose(0, 2, 3, 1) if first else result
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


def test_preprocessing_takes_pixels_of_integers_and_refuses_other_ranks() -> None:
    pixels = np.full((2, 2, 3), 255, "uint8")
    assert imagenet_utils.preprocess_input(pixels, mode="tf").max() == 1.0
    assert pixels.max() == 255
    for bad in (np.zeros((3,)), np.zeros((1, 1, 1, 1, 3)), 3.0):
        with pytest.raises(ValueError, match="rank 3"):
            imagenet_utils.preprocess_input(bad)
    with pytest.raises(ValueError, match="mode"):
        imagenet_utils.preprocess_input(pixels, mode="theano")


def test_predictions_are_decoded_with_given_names(tmp_path: Path) -> None:
    scores = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
    decode = imagenet_utils.decode_predictions
    assert decode(scores, 2, ["a", "b", "c"]) == [
        [("b", "b", 0.6), ("c", "c", 0.3)],
        [("a", "a", 0.5), ("c", "c", 0.3)],
    ]
    index = tmp_path / "index.json"
    index.write_text('{"0": ["n0", "tench"], "1": ["n1", "shark"], "2": ["n2", "ray"]}')
    assert decode(scores, 1, index) == [[("n1", "shark", 0.6)], [("n0", "tench", 0.5)]]
    with pytest.raises(ValueError, match="does not come with dlrs"):
        decode(scores)
    with pytest.raises(ValueError, match="2 `class_names` and 3 classes"):
        decode(scores, 1, ["a", "b"])
    with pytest.raises(ValueError, match="2D array"):
        decode(scores[0], 1, ["a", "b", "c"])
