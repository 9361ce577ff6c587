"""Residual networks of bottleneck blocks (He et al. 2016, arXiv 1512.03385), as Keras has them."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import (
    assembled,
    channel_axis,
    check_top,
    check_weights,
    image_input,
    pooled,
    predictions,
)
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from dlrs.models import Functional

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

EPSILON = 1.001e-5  # Keras's, from the networks that its weights were converted from
POOLING_NAMES = {"avg": "avg_pool", "max": "max_pool"}


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), epsilon=EPSILON, name=name)(x)


def _bottleneck(x: Any, filters: int, strides: int, projected: bool, name: str) -> Any:
    """1×1, 3×3 and 1×1 convolution beside the identity or a 1×1 projection; the stride is the first one's."""
    shortcut = x
    if projected:
        shortcut = Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(x)
        shortcut = _normalized(shortcut, f"{name}_0_bn")
    x = Conv2D(filters, 1, strides=strides, name=f"{name}_1_conv")(x)
    x = Activation("relu", name=f"{name}_1_relu")(_normalized(x, f"{name}_1_bn"))
    x = Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = Activation("relu", name=f"{name}_2_relu")(_normalized(x, f"{name}_2_bn"))
    x = _normalized(Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    return Activation("relu", name=f"{name}_out")(Add(name=f"{name}_add")([shortcut, x]))


def _resnet(
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
    """Four stages of `depths` bottleneck blocks."""
    check_weights(network, weights)
    check_top(network, include_top, pooling, classes)
    image = image_input(network, input_shape, input_tensor, include_top)
    x = ZeroPadding2D(3, name="conv1_pad")(image)
    x = _normalized(Conv2D(64, 7, strides=2, name="conv1_conv")(x), "conv1_bn")
    x = ZeroPadding2D(1, name="pool1_pad")(Activation("relu", name="conv1_relu")(x))
    x = MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, depth in enumerate(depths, 2):
        for block in range(1, depth + 1):
            strides = 2 if block == 1 and stage > 2 else 1
            x = _bottleneck(x, 64 * 2 ** (stage - 2), strides, block == 1, f"conv{stage}_block{block}")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(network, x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling, POOLING_NAMES)
    return assembled(image, input_tensor, x, name, weights)


def ResNet50(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "resnet50",
) -> Functional:
    """ResNet-50 (He et al. 2016, table 1), Keras's version 1: bottleneck blocks whose first convolution strides.

    Args:
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> ResNet50(include_top=False, pooling="avg").output_shape
    (None, 2048)
    """
    return _resnet(
        "ResNet50",
        (3, 4, 6, 3),
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet101(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "resnet101",
) -> Functional:
    """ResNet-101 (He et al. 2016, table 1), Keras's version 1: bottleneck blocks whose first convolution strides.

    Args:
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> ResNet101(include_top=False, pooling="avg").output_shape
    (None, 2048)
    """
    return _resnet(
        "ResNet101",
        (3, 4, 23, 3),
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet152(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "resnet152",
) -> Functional:
    """ResNet-152 (He et al. 2016, table 1), Keras's version 1: bottleneck blocks whose first convolution strides.

    Args:
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> ResNet152(include_top=False, pooling="avg").output_shape
    (None, 2048)
    """
    return _resnet(
        "ResNet152",
        (3, 8, 36, 3),
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 to blue, green, red with ImageNet's means subtracted; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.zeros((1, 1, 3))).round(3).tolist()
    [[[-103.939, -116.779, -123.68]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
