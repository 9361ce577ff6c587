"""MobileNet (Howard et al. 2017, arXiv 1704.04861): depthwise separable convolutions, as Keras has it."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import (
    assembled,
    channel_axis,
    check_activation,
    check_top,
    check_weights,
    image_input,
    pooled,
)
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from dlrs.models import Functional

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

# (filters, strides) of the separable convolutions: table 1.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


def _rectified(x: Any, name: str) -> Any:
    x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return ReLU(6.0, name=f"{name}_relu")(x)


def _separable(x: Any, filters: int, depth_multiplier: int, strides: int, block: int) -> Any:
    """A 3×3 convolution of each channel by itself, and a 1×1 convolution across them."""
    padding = "same" if strides == 1 else "valid"
    if strides != 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{block}")(x)
    x = DepthwiseConv2D(
        3,
        padding=padding,
        depth_multiplier=depth_multiplier,
        strides=strides,
        use_bias=False,
        name=f"conv_dw_{block}",
    )(x)
    x = _rectified(x, f"conv_dw_{block}")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{block}")(x)
    return _rectified(x, f"conv_pw_{block}")


def check_width(network: str, alpha: Any) -> None:
    """ValueError unless `alpha` is a positive number."""
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < float("inf"):
        raise ValueError(f"{network}: `alpha`, the width multiplier, must be a positive number. Received: {alpha!r}")


def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """MobileNet (Howard et al. 2017), as Keras has it.

    Args:
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        alpha: width multiplier: each layer has `alpha` times as many filters as the paper's.
        depth_multiplier: filters of a depthwise convolution for each channel.
        dropout: rate of the dropout before the classifier.
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model; by default of the form `mobilenet_1.00_224`.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> MobileNet(include_top=False, alpha=0.25, pooling="avg").output_shape
    (None, 256)
    """
    check_weights("MobileNet", weights)
    check_top("MobileNet", include_top, pooling, classes)
    check_width("MobileNet", alpha)
    x = image = image_input("MobileNet", input_shape, input_tensor, include_top)
    x = Conv2D(int(32 * alpha), 3, padding="same", use_bias=False, strides=2, name="conv1")(x)
    x = _rectified(x, "conv1")
    for block, (filters, strides) in enumerate(BLOCKS, 1):
        x = _separable(x, int(filters * alpha), depth_multiplier, strides, block)
    if include_top:
        check_activation("MobileNet", classifier_activation, weights)
        x = GlobalAveragePooling2D(keepdims=True)(x)
        x = Dropout(dropout, name="dropout")(x)
        x = Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = Reshape((classes,), name="reshape_2")(x)
        x = Activation(classifier_activation, name="predictions")(x)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name or f"mobilenet_{alpha:0.2f}_{rows_in_name(image)}", weights)


def rows_in_name(image: Any) -> Any:
    """The height of the pictures as it stands in a model's name."""
    return image.shape[2 if channel_axis() == 1 else 1]


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
