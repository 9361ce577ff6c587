"""The networks of Simonyan and Zisserman 2015 (arXiv 1409.1556), configurations D and E."""

from typing import Any

from dlrs.applications.frame import assembled, check_top, check_weights, image_input, pooled, predictions
from dlrs.layers import Conv2D, Dense, Flatten, MaxPooling2D
from dlrs.models import Functional

WIDTHS = (64, 128, 256, 512, 512)


def vgg(
    network: str,
    depths: tuple[int, ...],
    include_top: bool,
    weights: Any,
    input_tensor: Any,
    input_shape: Any,
    pooling: str | None,
    classes: int,
    classifier_activation: Any,
    name: str | None,
) -> Functional:
    """Five blocks of `depths` 3×3 convolutions, each followed by max-pooling, and three dense layers."""
    check_weights(network, weights)
    check_top(network, include_top, pooling, classes)
    x = image = image_input(network, input_shape, input_tensor, include_top)
    for block, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), 1):
        for place in range(1, depth + 1):
            x = Conv2D(width, 3, activation="relu", padding="same", name=f"block{block}_conv{place}")(x)
        x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if include_top:
        x = Flatten(name="flatten")(x)
        x = Dense(4096, activation="relu", name="fc1")(x)
        x = Dense(4096, activation="relu", name="fc2")(x)
        x = predictions(network, x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name, weights)
