"""Xception (Chollet 2017, arXiv 1610.02357): separable convolutions with shortcuts, as Keras has it."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import channel_axis
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.applications.variants import classifier
from dlrs.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D

__all__ = ["Xception", "decode_predictions", "preprocess_input"]


def _separable(x: Any, filters: int, name: str, act: str | None = None) -> Any:
    """Batch-normalized separable convolution, behind a ReLU if that has a name."""
    if act is not None:
        x = Activation("relu", name=act)(x)
    x = SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)


def _halving(x: Any, filters: tuple[int, int], block: int) -> Any:
    """Two separable convolutions and a max pooling beside a projection of stride 2."""
    prefix = f"block{block}"
    shortcut = Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = BatchNormalization(axis=channel_axis())(shortcut)
    # The first block follows a ReLU.
    x = _separable(x, filters[0], f"{prefix}_sepconv1", None if block == 2 else f"{prefix}_sepconv1_act")
    x = _separable(x, filters[1], f"{prefix}_sepconv2", f"{prefix}_sepconv2_act")
    x = MaxPooling2D(3, strides=2, padding="same", name=f"{prefix}_pool")(x)
    return Add()([x, shortcut])


def _features(x: Any) -> Any:
    """Entry flow, eight blocks of the middle flow, exit flow (figure 5)."""
    for place, (filters, strides) in enumerate(((32, 2), (64, 1)), 1):
        x = Conv2D(filters, 3, strides=strides, use_bias=False, name=f"block1_conv{place}")(x)
        x = BatchNormalization(axis=channel_axis(), name=f"block1_conv{place}_bn")(x)
        x = Activation("relu", name=f"block1_conv{place}_act")(x)
    for block, width in enumerate((128, 256, 728), 2):
        x = _halving(x, (width, width), block)
    for block in range(5, 13):
        shortcut = x
        for place in (1, 2, 3):
            x = _separable(x, 728, f"block{block}_sepconv{place}", f"block{block}_sepconv{place}_act")
        x = Add()([x, shortcut])
    x = _halving(x, (728, 1024), 13)
    for place, width in enumerate((1536, 2048), 1):
        x = Activation("relu", name=f"block14_sepconv{place}_act")(_separable(x, width, f"block14_sepconv{place}"))
    return x


Xception = classifier(
    _features,
    network="Xception",
    module=__name__,
    title="Xception (Chollet 2017), as Keras has it.",
    name="xception",
    channels=2048,
    size=299,
    min_size=71,
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
