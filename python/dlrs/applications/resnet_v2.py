"""Residual networks that normalize before they convolve (He et al. 2016, arXiv 1603.05027), as Keras has them."""

from collections.abc import Callable
from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import channel_axis
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.applications.resnet import EPSILON, POOLING_NAMES
from dlrs.applications.variants import classifier
from dlrs.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D
from dlrs.models import Functional

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]


def _activated(x: Any, name: str) -> Any:
    x = BatchNormalization(axis=channel_axis(), epsilon=EPSILON, name=f"{name}_bn")(x)
    return Activation("relu", name=f"{name}_relu")(x)


def _block(x: Any, filters: int, strides: int, projected: bool, name: str) -> Any:
    """1×1, 3×3 and 1×1 convolution of what was normalized, beside what was not (figure 4e)."""
    normalized = _activated(x, f"{name}_preact")
    if projected:
        shortcut = Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(normalized)
    else:
        shortcut = MaxPooling2D(1, strides=strides)(x) if strides > 1 else x
    x = _activated(Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(normalized), f"{name}_1")
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = _activated(Conv2D(filters, 3, strides=strides, use_bias=False, name=f"{name}_2_conv")(x), f"{name}_2")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return Add(name=f"{name}_out")([shortcut, x])


def _resnet(depths: tuple[int, ...]) -> Callable[[Any], Any]:
    """Four stages of blocks, of which the last strides in all stages but the last."""

    def features(image: Any) -> Any:
        x = ZeroPadding2D(3, name="conv1_pad")(image)
        x = Conv2D(64, 7, strides=2, name="conv1_conv")(x)
        x = MaxPooling2D(3, strides=2, name="pool1_pool")(ZeroPadding2D(1, name="pool1_pad")(x))
        for stage, depth in enumerate(depths, 2):
            for block in range(1, depth + 1):
                strides = 2 if block == depth and stage < 5 else 1
                x = _block(x, 64 * 2 ** (stage - 2), strides, block == 1, f"conv{stage}_block{block}")
        return _activated(x, "post")

    return features


def _network(layers: int, depths: tuple[int, ...]) -> Callable[..., Functional]:
    return classifier(
        _resnet(depths),
        network=f"ResNet{layers}V2",
        module=__name__,
        title=f"ResNet-{layers} of version 2 (He et al. 2016, arXiv 1603.05027), as Keras has it.",
        name=f"resnet{layers}v2",
        channels=2048,
        pooling_names=POOLING_NAMES,
    )


ResNet50V2 = _network(50, (3, 4, 6, 3))
ResNet101V2 = _network(101, (3, 4, 23, 3))
ResNet152V2 = _network(152, (3, 8, 36, 3))


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
