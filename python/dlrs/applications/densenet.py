"""Densely connected networks (Huang et al. 2017, arXiv 1608.06993), as Keras has them."""

from collections.abc import Callable
from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import channel_axis
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.applications.resnet import EPSILON, POOLING_NAMES
from dlrs.applications.variants import classifier
from dlrs.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from dlrs.models import Functional

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

GROWTH = 32  # channels that each block adds: k of the paper


def _activated(x: Any, normalization: str, activation: str) -> Any:
    x = BatchNormalization(axis=channel_axis(), epsilon=EPSILON, name=normalization)(x)
    return Activation("relu", name=activation)(x)


def _grown(x: Any, name: str) -> Any:
    """`GROWTH` more channels, computed from all there are by way of a bottleneck four times as wide."""
    new = _activated(x, f"{name}_0_bn", f"{name}_0_relu")
    new = Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = _activated(new, f"{name}_1_bn", f"{name}_1_relu")
    new = Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, new])


def _transition(x: Any, name: str) -> Any:
    """Half of the channels, half of the size."""
    x = _activated(x, f"{name}_bn", f"{name}_relu")
    x = Conv2D(x.shape[channel_axis()] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _densenet(depths: tuple[int, ...]) -> Callable[[Any], Any]:
    def features(image: Any) -> Any:
        x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(ZeroPadding2D(3)(image))
        x = _activated(x, "conv1_bn", "conv1_relu")
        x = MaxPooling2D(3, strides=2, name="pool1")(ZeroPadding2D(1)(x))
        for stage, depth in enumerate(depths, 2):
            if stage > 2:
                x = _transition(x, f"pool{stage - 1}")
            for block in range(1, depth + 1):
                x = _grown(x, f"conv{stage}_block{block}")
        return _activated(x, "bn", "relu")

    return features


def _network(layers: int, depths: tuple[int, ...], channels: int) -> Callable[..., Functional]:
    return classifier(
        _densenet(depths),
        network=f"DenseNet{layers}",
        module=__name__,
        title=f"DenseNet-{layers} (Huang et al. 2017, table 1), as Keras has it.",
        name=f"densenet{layers}",
        channels=channels,
        pooling_names=POOLING_NAMES,
    )


DenseNet121 = _network(121, (6, 12, 24, 16), 1024)
DenseNet169 = _network(169, (6, 12, 32, 32), 1664)
DenseNet201 = _network(201, (6, 12, 48, 32), 1920)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 with ImageNet's mean and deviation made 0 and 1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.zeros((1, 1, 3))).round(3).tolist()
    [[[-2.118, -2.036, -1.804]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch")
