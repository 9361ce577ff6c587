"""MobileNet v3 (Howard et al. 2019, arXiv 1905.02244): weighed channels, cheap nonlinearities, as Keras has it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dlrs.applications.frame import (
    assembled,
    channel_axis,
    check_activation,
    check_top,
    check_weights,
    image_input,
    pooled,
)
from dlrs.applications.imagenet_utils import correct_pad, decode_predictions
from dlrs.applications.mobilenet import check_width
from dlrs.applications.mobilenet_v2 import make_divisible
from dlrs.applications.resnet import POOLING_NAMES
from dlrs.config import image_data_format
from dlrs.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from dlrs.models import Functional

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]


class Block(NamedTuple):
    """An inverted residual (tables 1 and 2)."""

    expansion: float
    filters: int
    size: int
    strides: int
    weighed: bool
    hard: bool  # hard swish in the place of ReLU


LARGE = (
    Block(1, 16, 3, 1, False, False),
    Block(4, 24, 3, 2, False, False),
    Block(3, 24, 3, 1, False, False),
    Block(3, 40, 5, 2, True, False),
    *[Block(3, 40, 5, 1, True, False)] * 2,
    Block(6, 80, 3, 2, False, True),
    Block(2.5, 80, 3, 1, False, True),
    *[Block(2.3, 80, 3, 1, False, True)] * 2,
    *[Block(6, 112, 3, 1, True, True)] * 2,
    Block(6, 160, 5, 2, True, True),
    *[Block(6, 160, 5, 1, True, True)] * 2,
)
SMALL = (
    Block(1, 16, 3, 2, True, False),
    Block(72 / 16, 24, 3, 2, False, False),
    Block(88 / 24, 24, 3, 1, False, False),
    Block(4, 40, 5, 2, True, True),
    *[Block(6, 40, 5, 1, True, True)] * 2,
    *[Block(3, 48, 5, 1, True, True)] * 2,
    Block(6, 96, 5, 2, True, True),
    *[Block(6, 96, 5, 1, True, True)] * 2,
)


def _nonlinear(x: Any, hard: bool) -> Any:
    return Activation("hard_swish")(x) if hard else ReLU()(x)


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), epsilon=1e-3, momentum=0.999, name=name)(x)


def _weighed(inputs: Any, prefix: str) -> Any:
    """Channels weighed by what the means of all of them say, with a piecewise linear sigmoid."""
    filters = inputs.shape[channel_axis()]
    x = GlobalAveragePooling2D(keepdims=True, name=f"{prefix}squeeze_excite_avg_pool")(inputs)
    x = Conv2D(make_divisible(filters / 4), 1, padding="same", name=f"{prefix}squeeze_excite_conv")(x)
    x = ReLU(name=f"{prefix}squeeze_excite_relu")(x)
    x = Conv2D(filters, 1, padding="same", name=f"{prefix}squeeze_excite_conv_1")(x)
    x = ReLU(6.0)(x + 3.0) * (1.0 / 6.0)
    return Multiply(name=f"{prefix}squeeze_excite_mul")([inputs, x])


def _inverted_residual(inputs: Any, block: Block, filters: int, number: int) -> Any:
    channels = inputs.shape[channel_axis()]
    prefix = f"expanded_conv_{number}_" if number else "expanded_conv_"
    x = inputs
    if number:
        width = make_divisible(channels * block.expansion)
        x = Conv2D(width, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = _nonlinear(_normalized(x, f"{prefix}expand_bn"), block.hard)
    if block.strides == 2:
        x = ZeroPadding2D(correct_pad(x, block.size), name=f"{prefix}depthwise_pad")(x)
    padding = "same" if block.strides == 1 else "valid"
    x = DepthwiseConv2D(block.size, strides=block.strides, padding=padding, use_bias=False, name=f"{prefix}depthwise")(
        x
    )
    x = _nonlinear(_normalized(x, f"{prefix}depthwise_bn"), block.hard)
    if block.weighed:
        x = _weighed(x, prefix)
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = _normalized(x, f"{prefix}project_bn")
    return Add(name=f"{prefix}add")([inputs, x]) if block.strides == 1 and channels == filters else x


def _minimalistic(block: Block) -> Block:
    """The block without what some accelerators lack: windows of 5, hard swish, weighed channels."""
    return block._replace(size=3, weighed=False, hard=False)


def _top(x: Any, hard: bool, last: int, classes: int, dropout_rate: float, classifier_activation: Any) -> Any:
    """The classifier as convolutions of one pixel."""
    x = Conv2D(last, 1, padding="same", name="conv_2")(GlobalAveragePooling2D(keepdims=True)(x))
    x = _nonlinear(x, hard)
    if dropout_rate > 0:
        x = Dropout(dropout_rate)(x)
    x = Flatten()(Conv2D(classes, 1, padding="same", name="logits")(x))
    return Activation(classifier_activation, name="predictions")(x)


def _mobilenet(
    network: str,
    blocks: Sequence[Block],
    last: int,
    input_shape: Any,
    alpha: float,
    minimalistic: bool,
    include_top: bool,
    weights: Any,
    input_tensor: Any,
    classes: int,
    pooling: str | None,
    dropout_rate: float,
    classifier_activation: Any,
    include_preprocessing: bool,
    name: str | None,
) -> Functional:
    check_weights(network, weights)
    check_top(network, include_top, pooling, classes)
    check_width(network, alpha)
    if input_shape is None and input_tensor is None:
        # Open even with the top, which pools.
        input_shape = (3, None, None) if image_data_format() == "channels_first" else (None, None, 3)
    x = image = image_input(network, input_shape, input_tensor, False)
    if include_preprocessing:
        x = Rescaling(1 / 127.5, offset=-1.0)(x)
    hard = not minimalistic
    x = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = _nonlinear(_normalized(x, "conv_bn"), hard)
    for number, block in enumerate(blocks):
        kind = _minimalistic(block) if minimalistic else block
        x = _inverted_residual(x, kind, make_divisible(block.filters * alpha), number)
    x = Conv2D(make_divisible(6 * x.shape[channel_axis()]), 1, padding="same", use_bias=False, name="conv_1")(x)
    x = _nonlinear(_normalized(x, "conv_1_bn"), hard)
    if include_top:
        check_activation(network, classifier_activation, weights)
        last = make_divisible(last * alpha) if alpha > 1.0 else last
        x = _top(x, hard, last, classes, dropout_rate, classifier_activation)
    else:
        x = pooled(x, pooling, POOLING_NAMES)
    return assembled(image, input_tensor, x, name, weights)


def MobileNetV3Large(
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str | None = "MobileNetV3Large",
) -> Functional:
    """MobileNet v3, the large one (Howard et al. 2019, table 1), as Keras has it.

    Args:
        input_shape: shape of a picture; by default height and width are open, with the top, too.
        alpha: width multiplier: each layer has `alpha` times as many filters as the paper's, in multiples of 8.
        minimalistic: windows of 3, ReLU and no weighing of channels, for processors that lack the rest.
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        classes: how many classes the top tells apart.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        dropout_rate: share of the last hidden layer that is dropped while training.
        classifier_activation: activation of the top; None gives logits.
        include_preprocessing: whether pixels go in as 0 to 255, and are scaled to -1…1.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> MobileNetV3Large(include_top=False, pooling="avg").output_shape
    (None, 960)
    """
    return _mobilenet(
        "MobileNetV3Large",
        LARGE,
        1280,
        input_shape,
        alpha,
        minimalistic,
        include_top,
        weights,
        input_tensor,
        classes,
        pooling,
        dropout_rate,
        classifier_activation,
        include_preprocessing,
        name,
    )


def MobileNetV3Small(
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str | None = "MobileNetV3Small",
) -> Functional:
    """MobileNet v3, the small one (Howard et al. 2019, table 2), as Keras has it.

    The arguments and errors are those of `MobileNetV3Large`.

    >>> MobileNetV3Small(include_top=False, pooling="avg").output_shape
    (None, 576)
    """
    return _mobilenet(
        "MobileNetV3Small",
        SMALL,
        1024,
        input_shape,
        alpha,
        minimalistic,
        include_top,
        weights,
        input_tensor,
        classes,
        pooling,
        dropout_rate,
        classifier_activation,
        include_preprocessing,
        name,
    )


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """The pixels as they are: the networks scale them themselves.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[255.0, 255.0, 255.0]]]
    """
    return x
