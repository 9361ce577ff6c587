"""GoogLeNet, the first Inception network (Szegedy et al. 2015, arXiv 1409.4842)."""

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
    AveragePooling2D,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    LocalResponseNormalization,
    MaxPooling2D,
)
from dlrs.models import Functional

__all__ = ["GoogLeNet", "decode_predictions", "preprocess_input"]

# Table 1: 1×1; 1×1 before 3×3, 3×3; 1×1 before 5×5, 5×5; 1×1 after pooling.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = ("4a", "4d")  # modules whose features an auxiliary head classifies during training
AUXILIARY_SIZE = 5  # of the pooling in such a head; the picture must leave that much at module 4a


def _conv(x: Any, filters: int, size: int, name: str, strides: int = 1) -> Any:
    return Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        activation="relu",
        kernel_initializer="glorot_uniform",
        bias_initializer={"class_name": "Constant", "config": {"value": 0.2}},
        name=name,
    )(x)


def _normalized(x: Any, name: str) -> Any:
    return LocalResponseNormalization(depth_radius=2, bias=1.0, alpha=2e-5, beta=0.75, name=name)(x)


def _inception(x: Any, widths: tuple[int, ...], name: str) -> Any:
    """Figure 2(b): four branches side by side, the wide ones behind 1×1 bottlenecks."""
    single, before_3, after_3, before_5, after_5, after_pool = widths
    name = f"inception_{name}"
    branches = [
        _conv(x, single, 1, f"{name}_1x1"),
        _conv(_conv(x, before_3, 1, f"{name}_3x3_reduce"), after_3, 3, f"{name}_3x3"),
        _conv(_conv(x, before_5, 1, f"{name}_5x5_reduce"), after_5, 5, f"{name}_5x5"),
        _conv(MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x), after_pool, 1, f"{name}_pool_proj"),
    ]
    return Concatenate(axis=channel_axis(), name=f"{name}_output")(branches)


def _auxiliary(x: Any, classes: int, activation: Any, weights: Any, name: str) -> Any:
    """Section 5: average pooling 5×5 with stride 3, 128 1×1 convolutions, 1024 units, dropout of 70 %."""
    x = AveragePooling2D(AUXILIARY_SIZE, strides=3, name=f"{name}_ave_pool")(x)
    x = Flatten(name=f"{name}_flatten")(_conv(x, 128, 1, f"{name}_conv"))
    x = Dense(1024, activation="relu", name=f"{name}_fc")(x)
    x = Dropout(0.7, name=f"{name}_drop_fc")(x)
    return predictions("GoogLeNet", x, classes, activation, weights, name=f"{name}_predictions")


def _stem(x: Any) -> Any:
    x = _conv(x, 64, 7, "conv1_7x7_s2", strides=2)
    x = _normalized(MaxPooling2D(3, strides=2, padding="same", name="pool1_3x3_s2")(x), "pool1_norm1")
    x = _conv(_conv(x, 64, 1, "conv2_3x3_reduce"), 192, 3, "conv2_3x3")
    return MaxPooling2D(3, strides=2, padding="same", name="pool2_3x3_s2")(_normalized(x, "conv2_norm2"))


def GoogLeNet(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = "googlenet",
    auxiliary: bool = False,
    dropout: float = 0.4,
) -> Functional:
    """GoogLeNet (Szegedy et al. 2015, table 1): 6,998,552 parameters, 13,378,280 with the auxiliary heads.

    Args:
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.
        auxiliary: whether two further classifiers stand in the middle of the network. The model then has three
            outputs, to be trained with `loss_weights=[1.0, 0.3, 0.3]`; for use afterwards take
            `Model(model.input, model.outputs[0])`.
        dropout: rate of the dropout before the classifier.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> GoogLeNet(include_top=False, pooling="avg").output_shape
    (None, 1024)
    """
    check_weights("GoogLeNet", weights)
    check_top("GoogLeNet", include_top, pooling, classes)
    if not isinstance(auxiliary, bool) or (auxiliary and not include_top):
        raise ValueError(f"GoogLeNet: `auxiliary` must be True, with the top, or False. Received: {auxiliary!r}")
    image = image_input("GoogLeNet", input_shape, input_tensor, include_top)
    x = _stem(image)
    heads: list[Any] = []
    for module, widths in MODULES.items():
        if module in ("4a", "5a"):
            x = MaxPooling2D(3, strides=2, padding="same", name=f"pool{int(module[0]) - 1}_3x3_s2")(x)
        x = _inception(x, widths, module)
        if auxiliary and module in AUXILIARY:
            heads.append(_auxiliary(x, classes, classifier_activation, weights, f"loss{len(heads) + 1}"))
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = Dropout(dropout, name="pool5_drop")(x)
        x = predictions("GoogLeNet", x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, [x, *heads] if auxiliary else x, name, weights)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 to blue, green, red with ImageNet's means subtracted; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.zeros((1, 1, 3))).round(3).tolist()
    [[[-103.939, -116.779, -123.68]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
