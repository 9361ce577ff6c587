"""The convolutional networks of the race in Keras's vocabulary: each builder takes the library, `keras` or `dlrs`."""

from collections.abc import Callable
from typing import Any

from protocol import CLASSES, PICTURES

Model = Any  # of one library or the other


def lenet(library: Any) -> Model:
    """LeNet-5 (LeCun et al. 1998) with ReLU and max-pooling."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input(PICTURES["lenet"]),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


def resnet20(library: Any) -> Model:
    """He et al. 2016, section 4.2, n = 3, with 1×1 projections where the width changes."""
    layers = library.layers

    def convolution(x: Any, filters: int, size: int, strides: int) -> Any:
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = library.Input(PICTURES["resnet20"])
    x = layers.ReLU()(convolution(inputs, 16, 3, 1))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if block == 0 and filters > 16 else 1
            shortcut = x if strides == 1 else convolution(x, filters, 1, strides)
            x = layers.ReLU()(convolution(x, filters, 3, strides))
            x = layers.ReLU()(layers.Add()([convolution(x, filters, 3, 1), shortcut]))
    outputs = layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))
    return library.Model(inputs, outputs)


def vgg_small(library: Any) -> Model:
    """Three pairs of 3×3 convolutions, in the manner of Simonyan and Zisserman 2015."""
    layers = library.layers
    parts = [library.Input(PICTURES["vgg-small"])]
    for filters in (64, 128, 256):
        parts += [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(2)]
        parts.append(layers.MaxPooling2D())
    parts += [layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dense(CLASSES)]
    return library.Sequential(parts)


def resnet50(library: Any) -> Model:
    """ResNet-50 v1 as the library itself ships it."""
    return library.applications.ResNet50(weights=None, classifier_activation=None)


NETWORKS: dict[str, Callable[[Any], Model]] = {
    "lenet": lenet,
    "resnet20": resnet20,
    "vgg-small": vgg_small,
    "resnet50": resnet50,
}


def compiled(library: Any, name: str) -> Model:
    """The network with Adam and the cross-entropy of its logits."""
    model = NETWORKS[name](library)
    model.compile(library.optimizers.Adam(1e-3), library.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
