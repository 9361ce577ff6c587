"""VGG-16."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.applications.vgg import vgg
from dlrs.models import Functional

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]


def VGG16(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "vgg16",
) -> Functional:
    """VGG-16 (Simonyan and Zisserman 2015, configuration D), as Keras has it.

    Args:
        include_top: whether to end in the classifier, three dense layers.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> VGG16(include_top=False, input_shape=(32, 32, 3)).output_shape
    (None, 1, 1, 512)
    """
    return vgg(
        "VGG16",
        (2, 2, 3, 3, 3),
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
