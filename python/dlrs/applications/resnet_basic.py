"""Residual networks of basic blocks for ImageNet (He et al. 2016, arXiv 1512.03385): ResNet-18 and ResNet-34."""

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

__all__ = ["ResNet18", "ResNet34", "decode_predictions", "preprocess_input"]

POOLING_NAMES = {"avg": "avg_pool", "max": "max_pool"}


def _conv(x: Any, filters: int, size: int, strides: int, name: str) -> Any:
    """A convolution without bias, padded by half its size on both sides, and batch normalisation."""
    if size > 1:
        x = ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = Conv2D(filters, size, strides=strides, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")(x)
    return BatchNormalization(axis=channel_axis(), epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)


def _basic_block(x: Any, filters: int, strides: int, name: str) -> Any:
    """Two 3×3 convolutions beside the identity, or beside a 1×1 projection where the shape changes."""
    changes = strides != 1 or x.shape[channel_axis()] != filters
    shortcut = _conv(x, filters, 1, strides, f"{name}_0") if changes else x
    x = Activation("relu", name=f"{name}_1_relu")(_conv(x, filters, 3, strides, f"{name}_1"))
    x = Add(name=f"{name}_add")([shortcut, _conv(x, filters, 3, 1, f"{name}_2")])
    return Activation("relu", name=f"{name}_out")(x)


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
    """Four stages of `depths` basic blocks."""
    check_weights(network, weights)
    check_top(network, include_top, pooling, classes)
    image = image_input(network, input_shape, input_tensor, include_top)
    x = Activation("relu", name="conv1_relu")(_conv(image, 64, 7, 2, "conv1"))
    # After a ReLU a border of zeros is as good as one of minus infinity.
    x = MaxPooling2D(3, strides=2, name="pool1_pool")(ZeroPadding2D(1, name="pool1_pad")(x))
    for stage, depth in enumerate(depths, 2):
        for block in range(1, depth + 1):
            strides = 2 if block == 1 and stage > 2 else 1
            x = _basic_block(x, 64 * 2 ** (stage - 2), strides, f"conv{stage}_block{block}")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(network, x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling, POOLING_NAMES)
    return assembled(image, input_tensor, x, name, weights)


def ResNet18(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "resnet18",
) -> Functional:
    """ResNet-18 (He et al. 2016, table 1), option B: 11,689,512 trainable parameters, as in torchvision.

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

    >>> ResNet18(include_top=False, pooling="avg").output_shape
    (None, 512)
    """
    return _resnet(
        "ResNet18",
        (2, 2, 2, 2),
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet34(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "resnet34",
) -> Functional:
    """ResNet-34 (He et al. 2016, table 1), option B: 21,797,672 trainable parameters, as in torchvision.

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

    >>> ResNet34(include_top=False, pooling="avg").output_shape
    (None, 512)
    """
    return _resnet(
        "ResNet34",
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


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to 0…1, ImageNet's means subtracted, divided by its deviations; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.zeros((1, 1, 3))).round(3).tolist()
    [[[-2.118, -2.036, -1.804]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch")
