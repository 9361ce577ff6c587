"""EfficientNet (Tan and Le 2019, arXiv 1905.11946): depth, width and size grow together, as Keras has it."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from dlrs.applications.frame import channel_axis
from dlrs.applications.imagenet_utils import correct_pad, decode_predictions
from dlrs.applications.mobilenet_v2 import make_divisible
from dlrs.applications.resnet import POOLING_NAMES
from dlrs.applications.variants import classifier
from dlrs.initializers import VarianceScaling
from dlrs.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
    add,
    multiply,
)
from dlrs.models import Functional

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "decode_predictions", "preprocess_input",
]  # fmt: skip

DROP_CONNECT = 0.2  # how often the last block is left out of a training step; others in proportion to their place


class Stage(NamedTuple):
    """Blocks of one kind (table 1)."""

    kernel_size: int
    repeats: int
    filters: int
    expansion: int
    strides: int


STAGES = (
    Stage(3, 1, 16, 1, 1),
    Stage(3, 2, 24, 6, 2),
    Stage(5, 2, 40, 6, 2),
    Stage(3, 3, 80, 6, 2),
    Stage(5, 3, 112, 6, 1),
    Stage(5, 4, 192, 6, 2),
    Stage(3, 1, 320, 6, 1),
)


def _kernel() -> VarianceScaling:
    return VarianceScaling(2.0, "fan_out", "truncated_normal")


def _conv(x: Any, filters: int, name: str, **kwargs: Any) -> Any:
    return Conv2D(filters, 1, padding="same", kernel_initializer=_kernel(), name=name, **kwargs)(x)


def _activated(x: Any, normalization: str, activation: str) -> Any:
    return Activation("swish", name=activation)(BatchNormalization(axis=channel_axis(), name=normalization)(x))


def _excited(x: Any, reduced: int, name: str) -> Any:
    """Channels weighed by what the means of all of them say (Hu et al. 2018, arXiv 1709.01507)."""
    filters = x.shape[channel_axis()]
    shape = (filters, 1, 1) if channel_axis() == 1 else (1, 1, filters)
    weights = Reshape(shape, name=f"{name}se_reshape")(GlobalAveragePooling2D(name=f"{name}se_squeeze")(x))
    weights = _conv(weights, reduced, f"{name}se_reduce", activation="swish")
    weights = _conv(weights, filters, f"{name}se_expand", activation="sigmoid")
    return multiply([x, weights], name=f"{name}se_excite")


def _block(inputs: Any, stage: Stage, strides: int, filters: int, drop: float, name: str) -> Any:
    """Widened, filtered channel by channel, weighed, narrowed; beside the identity where that fits."""
    channels = inputs.shape[channel_axis()]
    x = inputs
    if stage.expansion > 1:
        x = _conv(x, stage.expansion * channels, f"{name}expand_conv", use_bias=False)
        x = _activated(x, f"{name}expand_bn", f"{name}expand_activation")
    if strides == 2:
        x = ZeroPadding2D(correct_pad(x, stage.kernel_size), name=f"{name}dwconv_pad")(x)
    x = DepthwiseConv2D(
        stage.kernel_size,
        strides=strides,
        padding="valid" if strides == 2 else "same",
        use_bias=False,
        depthwise_initializer=_kernel(),
        name=f"{name}dwconv",
    )(x)
    x = _excited(_activated(x, f"{name}bn", f"{name}activation"), max(1, channels // 4), name)
    x = _conv(x, filters, f"{name}project_conv", use_bias=False)
    x = BatchNormalization(axis=channel_axis(), name=f"{name}project_bn")(x)
    if strides == 2 or channels != filters:
        return x
    if drop > 0:
        x = Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return add([x, inputs], name=f"{name}add")


def _efficientnet(width: float, depth: float) -> Callable[[Any], Any]:
    """Table 1 with `width` times as many filters and `depth` times as many blocks."""
    repeats = [math.ceil(depth * stage.repeats) for stage in STAGES]

    def features(image: Any) -> Any:
        x = Normalization(axis=channel_axis())(Rescaling(1 / 255)(image))
        x = ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad")(x)
        stem, last = make_divisible(32 * width), make_divisible(1280 * width)
        x = Conv2D(stem, 3, strides=2, use_bias=False, kernel_initializer=_kernel(), name="stem_conv")(x)
        x = _activated(x, "stem_bn", "stem_activation")
        place = 0
        for number, (stage, count) in enumerate(zip(STAGES, repeats, strict=True), 1):
            for block in range(count):
                strides = stage.strides if block == 0 else 1
                name = f"block{number}{chr(ord('a') + block)}_"
                drop = DROP_CONNECT * place / sum(repeats)
                x = _block(x, stage, strides, make_divisible(stage.filters * width), drop, name)
                place += 1
        return _activated(_conv(x, last, "top_conv", use_bias=False), "top_bn", "top_activation")

    return features


def _network(number: int, width: float, depth: float, size: int, dropout: float) -> Callable[..., Functional]:
    def head(x: Any) -> Any:
        return Dropout(dropout, name="top_dropout")(GlobalAveragePooling2D(name="avg_pool")(x))

    return classifier(
        _efficientnet(width, depth),
        network=f"EfficientNetB{number}",
        module=__name__,
        title=f"EfficientNet-B{number} (Tan and Le 2019), as Keras has it: pixels go in as 0 to 255.",
        name=f"efficientnetb{number}",
        channels=make_divisible(1280 * width),
        size=size,
        pooling_names=POOLING_NAMES,
        head=head,
        dense={"kernel_initializer": VarianceScaling(1 / 3, "fan_out", "uniform")},
    )


EfficientNetB0 = _network(0, 1.0, 1.0, 224, 0.2)
EfficientNetB1 = _network(1, 1.0, 1.1, 240, 0.2)
EfficientNetB2 = _network(2, 1.1, 1.2, 260, 0.3)
EfficientNetB3 = _network(3, 1.2, 1.4, 300, 0.3)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """The pixels as they are: the networks scale them themselves.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[255.0, 255.0, 255.0]]]
    """
    return x
