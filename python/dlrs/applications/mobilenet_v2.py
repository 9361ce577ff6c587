"""MobileNet v2 (Sandler et al. 2018, arXiv 1801.04381): inverted residuals, as Keras has it."""

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
from dlrs.applications.imagenet_utils import correct_pad, decode_predictions
from dlrs.applications.mobilenet import check_width, rows_in_name
from dlrs.layers import Add, BatchNormalization, Conv2D, DepthwiseConv2D, GlobalAveragePooling2D, ReLU, ZeroPadding2D
from dlrs.models import Functional

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# (expansion, filters, repeats, strides of the first): table 2.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def make_divisible(filters: float) -> int:
    """The nearest multiple of 8, but no more than 10 % below `filters`."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), epsilon=1e-3, momentum=0.999, name=name)(x)


def _inverted_residual(inputs: Any, expansion: int, filters: int, strides: int, block: int) -> Any:
    """Widened by a 1×1 convolution, filtered channel by channel, narrowed again without a nonlinearity."""
    channels = inputs.shape[channel_axis()]
    prefix = f"block_{block}_" if block else "expanded_conv_"
    x = inputs
    if block:
        x = Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = ReLU(6.0, name=f"{prefix}expand_relu")(_normalized(x, f"{prefix}expand_BN"))
    if strides == 2:
        x = ZeroPadding2D(correct_pad(x, 3), name=f"{prefix}pad")(x)
    padding = "same" if strides == 1 else "valid"
    x = DepthwiseConv2D(3, strides=strides, use_bias=False, padding=padding, name=f"{prefix}depthwise")(x)
    x = ReLU(6.0, name=f"{prefix}depthwise_relu")(_normalized(x, f"{prefix}depthwise_BN"))
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = _normalized(x, f"{prefix}project_BN")
    return Add(name=f"{prefix}add")([inputs, x]) if channels == filters and strides == 1 else x


def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """MobileNet v2 (Sandler et al. 2018), as Keras has it.

    Args:
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        alpha: width multiplier: each layer has `alpha` times as many filters as the paper's, in multiples of 8.
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model; by default of the form `mobilenetv2_1.00_224`.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> MobileNetV2(include_top=False, alpha=0.35, pooling="avg").output_shape
    (None, 1280)
    """
    check_weights("MobileNetV2", weights)
    check_top("MobileNetV2", include_top, pooling, classes)
    check_width("MobileNetV2", alpha)
    x = image = image_input("MobileNetV2", input_shape, input_tensor, include_top)
    x = Conv2D(make_divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = ReLU(6.0, name="Conv1_relu")(_normalized(x, "bn_Conv1"))
    block = 0
    for expansion, filters, repeats, strides in STAGES:
        for repeat in range(repeats):
            width = make_divisible(int(filters * alpha))
            x = _inverted_residual(x, expansion, width, strides if repeat == 0 else 1, block)
            block += 1
    # The paper narrows every layer but this one; wider networks widen it too.
    last = make_divisible(1280 * alpha) if alpha > 1.0 else 1280
    x = Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    x = ReLU(6.0, name="out_relu")(_normalized(x, "Conv_1_bn"))
    if include_top:
        x = GlobalAveragePooling2D()(x)
        x = predictions("MobileNetV2", x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name or f"mobilenetv2_{alpha:0.2f}_{rows_in_name(image)}", weights)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
