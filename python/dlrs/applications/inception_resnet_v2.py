"""Inception-ResNet v2 (Szegedy et al. 2017, arXiv 1602.07261): Inception modules beside shortcuts, as Keras has it."""

from typing import Any

from dlrs.applications import imagenet_utils
from dlrs.applications.frame import channel_axis
from dlrs.applications.imagenet_utils import decode_predictions
from dlrs.applications.variants import classifier
from dlrs.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Layer,
    MaxPooling2D,
)

__all__ = ["CustomScaleLayer", "InceptionResNetV2", "decode_predictions", "preprocess_input"]

Size = int | tuple[int, int]


class CustomScaleLayer(Layer):
    """`x + scale * y` of a pair of tensors of one shape; the name is Keras's.

    Args:
        scale: factor of the second.
        **kwargs: `name`, `dtype`, `trainable`.

    >>> import numpy as np
    >>> CustomScaleLayer(0.5)([np.ones((1, 2), "float32"), np.ones((1, 2), "float32")]).tolist()
    [[1.5, 1.5]]
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        x, y = inputs
        return x + y * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _conv(x: Any, filters: int, size: Size, strides: int = 1, padding: str = "same", name: str | None = None) -> Any:
    x = Conv2D(filters, size, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return Activation("relu", name=name and f"{name}_ac")(x)


def _chain(x: Any, *convolutions: tuple[int, Size]) -> Any:
    for filters, size in convolutions:
        x = _conv(x, filters, size)
    return x


def _halved(x: Any, *convolutions: tuple[int, Size]) -> Any:
    """A chain of which the last convolution strides."""
    return _conv(_chain(x, *convolutions[:-1]), *convolutions[-1], strides=2, padding="valid")


def _joined(branches: list[Any], name: str) -> Any:
    return Concatenate(axis=channel_axis(), name=name)(branches)


# The branches of a module: figures 16, 17 and 19 of the paper.
BLOCK35: tuple[tuple[tuple[int, Size], ...], ...] = (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3)))
BLOCK17: tuple[tuple[tuple[int, Size], ...], ...] = (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1))))
BLOCK8: tuple[tuple[tuple[int, Size], ...], ...] = (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1))))


def _residual(x: Any, branches: Any, scale: float, name: str, activated: bool = True) -> Any:
    mixed = _joined([_chain(x, *branch) for branch in branches], f"{name}_mixed")
    up = Conv2D(x.shape[channel_axis()], 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, up])
    return Activation("relu", name=f"{name}_ac")(x) if activated else x


def _features(image: Any) -> Any:
    x = _conv(image, 32, 3, strides=2, padding="valid")
    x = _conv(_conv(x, 32, 3, padding="valid"), 64, 3)
    x = MaxPooling2D(3, strides=2)(x)
    x = _conv(_conv(x, 80, 1, padding="valid"), 192, 3, padding="valid")
    x = MaxPooling2D(3, strides=2)(x)
    branches = [_chain(x, (96, 1)), _chain(x, (48, 1), (64, 5)), _chain(x, (64, 1), (96, 3), (96, 3))]
    x = _joined([*branches, _conv(AveragePooling2D(3, strides=1, padding="same")(x), 64, 1)], "mixed_5b")
    for block in range(1, 11):
        x = _residual(x, BLOCK35, 0.17, f"block35_{block}")
    branches = [_halved(x, (384, 3)), _halved(x, (256, 1), (256, 3), (384, 3))]
    x = _joined([*branches, MaxPooling2D(3, strides=2)(x)], "mixed_6a")
    for block in range(1, 21):
        x = _residual(x, BLOCK17, 0.1, f"block17_{block}")
    branches = [_halved(x, (256, 1), (384, 3)), _halved(x, (256, 1), (288, 3))]
    branches.append(_halved(x, (256, 1), (288, 3), (320, 3)))
    x = _joined([*branches, MaxPooling2D(3, strides=2)(x)], "mixed_7a")
    for block in range(1, 10):
        x = _residual(x, BLOCK8, 0.2, f"block8_{block}")
    x = _residual(x, BLOCK8, 1.0, "block8_10", activated=False)
    return _conv(x, 1536, 1, name="conv_7b")


InceptionResNetV2 = classifier(
    _features,
    network="InceptionResNetV2",
    module=__name__,
    title="Inception-ResNet v2 (Szegedy et al. 2017), as Keras has it.",
    name="inception_resnet_v2",
    channels=1536,
    size=299,
    min_size=75,
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels of 0 to 255 scaled to -1…1; see `imagenet_utils`.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
