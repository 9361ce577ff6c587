"""AlexNet (Krizhevsky, Sutskever and Hinton 2012)."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import (
    assembled,
    check_top,
    check_weights,
    image_input,
    pooled,
    predictions,
)
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.layers import Conv2D, Dense, Dropout, Flatten, LocalResponseNormalization, MaxPooling2D
from dlrs.models import Functional

__all__ = ["AlexNet", "decode_predictions", "preprocess_input"]

KERNEL, BIAS = {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.01}}, "ones"  # section 5


def _normalized(x: Any, name: str) -> Any:
    """Section 3.3: n = 5, that is two neighbours on each side, k = 2, α = 1e-4, β = 0.75."""
    return LocalResponseNormalization(depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75, name=name)(x)


def _features(x: Any) -> Any:
    """Five convolutions; the second, fourth and fifth in two groups, one for each of the paper's two processors."""
    x = Conv2D(96, 11, strides=4, activation="relu", kernel_initializer=KERNEL, name="conv1")(x)
    x = MaxPooling2D(3, strides=2, name="pool1")(_normalized(x, "norm1"))
    for place, (filters, size, groups, bias) in enumerate(
        ((256, 5, 2, BIAS), (384, 3, 1, "zeros"), (384, 3, 2, BIAS), (256, 3, 2, BIAS)), 2
    ):
        x = Conv2D(
            filters,
            size,
            padding="same",
            groups=groups,
            activation="relu",
            kernel_initializer=KERNEL,
            bias_initializer=bias,
            name=f"conv{place}",
        )(x)
        if place == 2:
            x = MaxPooling2D(3, strides=2, name="pool2")(_normalized(x, "norm2"))
    return MaxPooling2D(3, strides=2, name="pool5")(x)


def AlexNet(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "alexnet",
    dropout: float = 0.5,
) -> Functional:
    """AlexNet as published, with local response normalisation and convolutions in two groups: 60,965,224 parameters.

    Args:
        include_top: whether to end in the dense layers.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture, at least 67 × 67; (227, 227, 3) by default, open height and width without the
            top. The paper says 224, which its own numbers contradict.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.
        dropout: rate of the dropout before the first two dense layers.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> AlexNet(include_top=False, input_shape=(67, 67, 3)).output_shape
    (None, 1, 1, 256)
    """
    check_weights("AlexNet", weights)
    check_top("AlexNet", include_top, pooling, classes)
    image = image_input("AlexNet", input_shape, input_tensor, include_top, default_size=227, min_size=67)
    x = _features(image)
    if include_top:
        x = Flatten(name="flatten")(x)
        for place in (6, 7):
            x = Dropout(dropout, name=f"drop{place}")(x)
            x = Dense(4096, activation="relu", kernel_initializer=KERNEL, bias_initializer=BIAS, name=f"fc{place}")(x)
        x = predictions("AlexNet", x, classes, classifier_activation, weights, kernel_initializer=KERNEL)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name, weights)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 to blue, green, red with ImageNet's means subtracted; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.zeros((1, 1, 3))).round(3).tolist()
    [[[-103.939, -116.779, -123.68]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
