"""Inception v3 (Szegedy et al. 2016, arXiv 1512.00567), as Keras has it: without the auxiliary head."""

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
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from dlrs.models import Functional

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]


def _conv(x: Any, filters: int, rows: int, columns: int, strides: int = 1, padding: str = "same") -> Any:
    x = Conv2D(filters, (rows, columns), strides=strides, padding=padding, use_bias=False)(x)
    return Activation("relu")(BatchNormalization(axis=channel_axis(), scale=False)(x))


def _joined(branches: list[Any], name: str | None) -> Any:
    return Concatenate(axis=channel_axis(), name=name)(branches)


def _pool_branch(x: Any, filters: int) -> Any:
    return _conv(AveragePooling2D(3, strides=1, padding="same")(x), filters, 1, 1)


def _mixed_35(x: Any, pool_filters: int, name: str) -> Any:
    """1×1, 5×5, two 3×3, and pooling side by side (figure 5)."""
    single = _conv(x, 64, 1, 1)
    wide = _conv(_conv(x, 48, 1, 1), 64, 5, 5)
    double = _conv(_conv(_conv(x, 64, 1, 1), 96, 3, 3), 96, 3, 3)
    return _joined([single, wide, double, _pool_branch(x, pool_filters)], name)


def _mixed_17(x: Any, filters: int, name: str) -> Any:
    """7×7 convolutions as a row and a column (figure 6)."""
    single = _conv(x, 192, 1, 1)
    pair = _conv(x, filters, 1, 1)
    pair = _conv(_conv(pair, filters, 1, 7), 192, 7, 1)
    double = _conv(x, filters, 1, 1)
    double = _conv(_conv(double, filters, 7, 1), filters, 1, 7)
    double = _conv(_conv(double, filters, 7, 1), 192, 1, 7)
    return _joined([single, pair, double, _pool_branch(x, 192)], name)


def _mixed_8(x: Any, place: int) -> Any:
    """Row and column of a 3×3 convolution side by side (figure 7)."""
    single = _conv(x, 320, 1, 1)
    pair = _conv(x, 384, 1, 1)
    pair = _joined([_conv(pair, 384, 1, 3), _conv(pair, 384, 3, 1)], f"mixed9_{place}")
    double = _conv(_conv(x, 448, 1, 1), 384, 3, 3)
    double = _joined([_conv(double, 384, 1, 3), _conv(double, 384, 3, 1)], None)
    return _joined([single, pair, double, _pool_branch(x, 192)], f"mixed{9 + place}")


def _to_17(x: Any, name: str) -> Any:
    """Half the size by strides and by pooling, side by side (figure 10)."""
    single = _conv(x, 384, 3, 3, 2, "valid")
    double = _conv(_conv(_conv(x, 64, 1, 1), 96, 3, 3), 96, 3, 3, 2, "valid")
    return _joined([single, double, MaxPooling2D(3, strides=2)(x)], name)


def _to_8(x: Any, name: str) -> Any:
    single = _conv(_conv(x, 192, 1, 1), 320, 3, 3, 2, "valid")
    pair = _conv(_conv(_conv(x, 192, 1, 1), 192, 1, 7), 192, 7, 1)
    pair = _conv(pair, 192, 3, 3, 2, "valid")
    return _joined([single, pair, MaxPooling2D(3, strides=2)(x)], name)


def _features(image: Any) -> Any:
    x = _conv(image, 32, 3, 3, 2, "valid")
    x = _conv(_conv(x, 32, 3, 3, 1, "valid"), 64, 3, 3)
    x = MaxPooling2D(3, strides=2)(x)
    x = _conv(_conv(x, 80, 1, 1, 1, "valid"), 192, 3, 3, 1, "valid")
    x = MaxPooling2D(3, strides=2)(x)
    for place, pool_filters in enumerate((32, 64, 64)):
        x = _mixed_35(x, pool_filters, f"mixed{place}")
    x = _to_17(x, "mixed3")
    for place, filters in enumerate((128, 160, 160, 192), 4):
        x = _mixed_17(x, filters, f"mixed{place}")
    return _mixed_8(_mixed_8(_to_8(x, "mixed8"), 0), 1)


def InceptionV3(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "inception_v3",
) -> Functional:
    """Inception v3 (Szegedy et al. 2016), as Keras has it.

    Args:
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture, at least 75 × 75; (299, 299, 3) by default, open height and width without the
            top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> InceptionV3(include_top=False, pooling="avg").output_shape
    (None, 2048)
    """
    check_weights("InceptionV3", weights)
    check_top("InceptionV3", include_top, pooling, classes)
    image = image_input("InceptionV3", input_shape, input_tensor, include_top, default_size=299, min_size=75)
    x = _features(image)
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions("InceptionV3", x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name, weights)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
