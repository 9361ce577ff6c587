"""NASNet-A (Zoph et al. 2018, arXiv 1707.07012): cells that a search found, as Keras has them."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import channel_axis
from dlrs.applications.imagenet_utils import correct_pad, decode_predictions
from dlrs.applications.variants import classifier
from dlrs.backend import name_scope
from dlrs.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Cropping2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
    add,
    concatenate,
)
from dlrs.models import Functional

__all__ = ["NASNetMobile", "decode_predictions", "preprocess_input"]

PENULTIMATE, CELLS = 1056, 4  # channels of the features, normal cells in a row


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), momentum=0.9997, epsilon=1e-3, name=name)(x)


def _conv(x: Any, filters: int, name: str) -> Any:
    return Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)


def _separable(x: Any, filters: int, size: int, name: str, strides: int = 1) -> Any:
    """Twice a ReLU, a separable convolution and batch normalization; the first convolution strides."""
    with name_scope(f"separable_conv_block_{name}"):
        x = Activation("relu")(x)
        if strides == 2:
            x = ZeroPadding2D(correct_pad(x, size), name=f"separable_conv_1_pad_{name}")(x)
        x = SeparableConv2D(
            filters,
            size,
            strides=strides,
            padding="valid" if strides == 2 else "same",
            use_bias=False,
            name=f"separable_conv_1_{name}",
        )(x)
        x = Activation("relu")(_normalized(x, f"separable_conv_1_bn_{name}"))
        x = SeparableConv2D(filters, size, padding="same", use_bias=False, name=f"separable_conv_2_{name}")(x)
        return _normalized(x, f"separable_conv_2_bn_{name}")


def _halved(x: Any, filters: int, cell: str) -> Any:
    """Every second pixel, and those one further down and right, by 1×1 convolutions side by side."""
    with name_scope(f"adjust_reduction_block_{cell}"):
        x = Activation("relu", name=f"adjust_relu_1_{cell}")(x)
        even = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{cell}")(x)
        even = _conv(even, filters // 2, f"adjust_conv_1_{cell}")
        odd = Cropping2D(((1, 0), (1, 0)))(ZeroPadding2D(((0, 1), (0, 1)))(x))
        odd = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{cell}")(odd)
        odd = _conv(odd, filters // 2, f"adjust_conv_2_{cell}")
        return _normalized(concatenate([even, odd], axis=channel_axis()), f"adjust_bn_{cell}")


def _adjusted(before: Any, x: Any, filters: int, cell: str) -> Any:
    """What the cell before got, in the size of `x` and with `filters` channels."""
    rows = 2 if channel_axis() == 1 else 1
    with name_scope("adjust_block"):
        if before is None:
            return x
        if before.shape[rows + 1] != x.shape[rows + 1]:
            return _halved(before, filters, cell)
        if before.shape[channel_axis()] == filters:
            return before
        with name_scope(f"adjust_projection_block_{cell}"):
            before = _conv(Activation("relu")(before), filters, f"adjust_conv_projection_{cell}")
            return _normalized(before, f"adjust_bn_{cell}")


def _normal(x: Any, before: Any, filters: int, cell: str) -> tuple[Any, Any]:
    """The normal cell (figure 4, left), and its input."""
    with name_scope(f"normal_A_block_{cell}"):
        p = _adjusted(before, x, filters, cell)
        h = _normalized(_conv(Activation("relu")(x), filters, f"normal_conv_1_{cell}"), f"normal_bn_1_{cell}")
        parts = [p]
        with name_scope("block_1"):
            pair = [
                _separable(h, filters, 5, f"normal_left1_{cell}"),
                _separable(p, filters, 3, f"normal_right1_{cell}"),
            ]
            parts.append(add(pair, name=f"normal_add_1_{cell}"))
        with name_scope("block_2"):
            pair = [
                _separable(p, filters, 5, f"normal_left2_{cell}"),
                _separable(p, filters, 3, f"normal_right2_{cell}"),
            ]
            parts.append(add(pair, name=f"normal_add_2_{cell}"))
        with name_scope("block_3"):
            mean = AveragePooling2D(3, strides=1, padding="same", name=f"normal_left3_{cell}")(h)
            parts.append(add([mean, p], name=f"normal_add_3_{cell}"))
        with name_scope("block_4"):
            left = AveragePooling2D(3, strides=1, padding="same", name=f"normal_left4_{cell}")(p)
            right = AveragePooling2D(3, strides=1, padding="same", name=f"normal_right4_{cell}")(p)
            parts.append(add([left, right], name=f"normal_add_4_{cell}"))
        with name_scope("block_5"):
            left = _separable(h, filters, 3, f"normal_left5_{cell}")
            parts.append(add([left, h], name=f"normal_add_5_{cell}"))
        return concatenate(parts, axis=channel_axis(), name=f"normal_concat_{cell}"), x


def _reduction(x: Any, before: Any, filters: int, cell: str) -> tuple[Any, Any]:
    """The cell that halves the size (figure 4, right), and its input. Names repeat and leap as Keras's do."""
    with name_scope(f"reduction_A_block_{cell}"):
        p = _adjusted(before, x, filters, cell)
        h = _normalized(_conv(Activation("relu")(x), filters, f"reduction_conv_1_{cell}"), f"reduction_bn_1_{cell}")
        padded = ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{cell}")(h)
        with name_scope("block_1"):
            left = _separable(h, filters, 5, f"reduction_left1_{cell}", 2)
            right = _separable(p, filters, 7, f"reduction_right1_{cell}", 2)
            first = add([left, right], name=f"reduction_add_1_{cell}")
        with name_scope("block_2"):
            left = MaxPooling2D(3, strides=2, name=f"reduction_left2_{cell}")(padded)
            right = _separable(p, filters, 7, f"reduction_right2_{cell}", 2)
            second = add([left, right], name=f"reduction_add_2_{cell}")
        with name_scope("block_3"):
            left = AveragePooling2D(3, strides=2, name=f"reduction_left3_{cell}")(padded)
            right = _separable(p, filters, 5, f"reduction_right3_{cell}", 2)
            third = add([left, right], name=f"reduction_add3_{cell}")
        with name_scope("block_4"):
            mean = AveragePooling2D(3, strides=1, padding="same", name=f"reduction_left4_{cell}")(first)
            fourth = add([second, mean])
        with name_scope("block_5"):
            left = _separable(first, filters, 3, f"reduction_left4_{cell}")
            right = MaxPooling2D(3, strides=2, name=f"reduction_right5_{cell}")(padded)
            fifth = add([left, right], name=f"reduction_add4_{cell}")
        parts = [second, third, fourth, fifth]
        return concatenate(parts, axis=channel_axis(), name=f"reduction_concat_{cell}"), x


def _features(image: Any) -> Any:
    """Three rows of `CELLS` normal cells with reductions before them, each with twice the channels."""
    filters = PENULTIMATE // 24  # the last cells join 6 parts of 4 times as many
    x = Conv2D(32, 3, strides=2, use_bias=False, name="stem_conv1", kernel_initializer="he_normal")(image)
    x, before = _reduction(_normalized(x, "stem_bn1"), None, filters // 4, "stem_1")
    x, before = _reduction(x, before, filters // 2, "stem_2")
    for row in range(3):
        width = filters * 2**row
        if row:
            x, before = _reduction(x, before, width, f"reduce_{row * CELLS}")
        for cell in range(CELLS):
            x, before = _normal(x, before, width, str(row * CELLS + cell + (row > 0)))
    return Activation("relu")(x)


def _mean(x: Any) -> Any:
    return GlobalAveragePooling2D()(x)


_nasnet = classifier(
    _features,
    network="NASNetMobile",
    module=__name__,
    title="NASNet-A (4 @ 1056).",
    name="nasnet_mobile",
    channels=PENULTIMATE,
    head=_mean,
)


def NASNetMobile(
    input_shape: Any = None,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "nasnet_mobile",
) -> Functional:
    """NASNet-A (4 @ 1056) (Zoph et al. 2018), as Keras has it.

    Args:
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> NASNetMobile(include_top=False, pooling="avg").output_shape
    (None, 1056)
    """
    return _nasnet(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
