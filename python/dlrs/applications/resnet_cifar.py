"""Residual networks for CIFAR-10, and their plain twins (He et al. 2016, arXiv 1512.03385, section 4.2)."""

from typing import Any

from dlrs import ops
from dlrs.applications.frame import assembled, channel_axis, check_top, check_weights, image_input, pooled, predictions
from dlrs.backend.serialization import register_builtins
from dlrs.layers import Activation, Add, BatchNormalization, Conv2D, GlobalAveragePooling2D, Layer
from dlrs.models import Functional

__all__ = ["ResNet20", "ResNet32", "ResNet44", "ResNet56", "ResNet110", "ResNetCIFAR"]

WIDTHS = (16, 32, 64)


class PaddedShortcut(Layer):
    """Option A of He et al. 2016: every `strides`-th pixel, with channels of zeros on both sides up to `filters`.

    Args:
        filters: channels of the result.
        strides: step between the pixels that are kept.
        **kwargs: `name`, `dtype`.

    Shapes: (batch, height, width, channels) to (batch, ⌈height / strides⌉, ⌈width / strides⌉, filters), or with the
    channels first as `dlrs.config.image_data_format()` says.

    >>> import numpy as np
    >>> PaddedShortcut(4, 2)(np.ones((1, 2, 2, 2), "float32")).tolist()
    [[[[0.0, 1.0, 1.0, 0.0]]]]
    """

    def __init__(self, filters: int, strides: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.strides = filters, strides
        self.axis = channel_axis()
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the result."""
        shape = [None if size is None else -(-size // self.strides) for size in input_shape]
        shape[0], shape[self.axis] = input_shape[0], self.filters
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        """Drop pixels, add channels."""
        step = slice(None, None, self.strides)
        every = [step] * 4
        every[0] = every[self.axis] = slice(None)
        missing = self.filters - inputs.shape[self.axis]
        widths = [(0, 0)] * 4
        widths[self.axis] = (missing // 2, missing - missing // 2)
        return ops.pad(inputs[tuple(every)], tuple(widths))

    def get_config(self) -> dict[str, Any]:
        """`filters` and `strides`."""
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


register_builtins((PaddedShortcut,))


def _conv(x: Any, filters: int, size: int, strides: int, name: str) -> Any:
    x = Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return BatchNormalization(axis=channel_axis(), momentum=0.9, name=f"{name}_bn")(x)


def _padded(x: Any, filters: int, strides: int, name: str) -> Any:
    return PaddedShortcut(filters, strides, name=f"{name}_0_pad")(x)


def _projected(x: Any, filters: int, strides: int, name: str) -> Any:
    return _conv(x, filters, 1, strides, f"{name}_0")


SHORTCUTS = {"A": _padded, "B": _projected}  # by the paper's names; where the shape changes


def _block(x: Any, filters: int, strides: int, shortcut: str | None, name: str) -> Any:
    """Two 3×3 convolutions, beside a shortcut unless `shortcut` is None."""
    inputs = x
    x = Activation("relu", name=f"{name}_1_relu")(_conv(x, filters, 3, strides, f"{name}_1"))
    x = _conv(x, filters, 3, 1, f"{name}_2")
    if shortcut is not None:
        changes = strides != 1 or inputs.shape[channel_axis()] != filters
        inputs = SHORTCUTS[shortcut](inputs, filters, strides, name) if changes else inputs
        x = Add(name=f"{name}_add")([inputs, x])
    return Activation("relu", name=f"{name}_out")(x)


def ResNetCIFAR(
    depth: int,
    shortcut: str = "A",
    residual: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """A residual network of 6n + 2 layers for small pictures, or the plain network of the same depth.

    A 3×3 convolution, three stages of n blocks with 16, 32 and 64 filters, global average pooling, a dense layer.

    Args:
        depth: 6n + 2: 20, 32, 44, 56, 110, …
        shortcut: what stands beside a block that changes the shape: `"A"`, the identity with channels of zeros added,
            which has no parameters and is the paper's choice here; or `"B"`, a 1×1 convolution.
        residual: False leaves out all shortcuts: the plain twin, which trains worse the deeper it is.
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (32, 32, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model; `resnet20`, or `plain20` for a plain twin, by default.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> ResNetCIFAR(8, shortcut="B").output_shape
    (None, 10)
    """
    name = name or f"{'resnet' if residual else 'plain'}{depth}"
    network = "ResNetCIFAR"
    check_weights(network, weights)
    check_top(network, include_top, pooling, classes)
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 8 or depth % 6 != 2:
        raise ValueError(f"{network}: `depth` must be 6n + 2: 8, 14, 20, 26, 32, … Received: depth={depth!r}")
    if shortcut not in tuple(SHORTCUTS):
        raise ValueError(f"{network}: `shortcut` must be 'A' or 'B'. Received: shortcut={shortcut!r}")
    if not isinstance(residual, bool):
        raise ValueError(f"{network}: `residual` must be True or False. Received: residual={residual!r}")
    image = image_input(network, input_shape, input_tensor, include_top, default_size=32, min_size=8)
    x = Activation("relu", name="conv1_relu")(_conv(image, WIDTHS[0], 3, 1, "conv1"))
    for stage, filters in enumerate(WIDTHS, 2):
        for block in range(1, (depth - 2) // 6 + 1):
            strides = 2 if block == 1 and stage > 2 else 1
            x = _block(x, filters, strides, shortcut if residual else None, f"conv{stage}_block{block}")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(network, x, classes, classifier_activation, weights, kernel_initializer="he_normal")
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name, weights)


def ResNet20(
    shortcut: str = "A",
    residual: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """`ResNetCIFAR(20)`: 269,722 trainable parameters with `shortcut="A"`. Arguments and errors as there.

    >>> ResNet20().count_params()
    271098
    """
    return ResNetCIFAR(
        20,
        shortcut,
        residual,
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet32(
    shortcut: str = "A",
    residual: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """`ResNetCIFAR(32)`: 464,154 trainable parameters with `shortcut="A"`. Arguments and errors as there.

    >>> ResNet32().count_params() > ResNet20().count_params()
    True
    """
    return ResNetCIFAR(
        32,
        shortcut,
        residual,
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet44(
    shortcut: str = "A",
    residual: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """`ResNetCIFAR(44)`: 658,586 trainable parameters with `shortcut="A"`. Arguments and errors as there.

    >>> ResNet44(input_shape=(8, 8, 3), classes=3).output_shape
    (None, 3)
    """
    return ResNetCIFAR(
        44,
        shortcut,
        residual,
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet56(
    shortcut: str = "A",
    residual: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """`ResNetCIFAR(56)`: 853,018 trainable parameters with `shortcut="A"`. Arguments and errors as there.

    >>> ResNet56(shortcut="B", input_shape=(8, 8, 3), include_top=False, pooling="avg").output_shape
    (None, 64)
    """
    return ResNetCIFAR(
        56,
        shortcut,
        residual,
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def ResNet110(
    shortcut: str = "A",
    residual: bool = True,
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """`ResNetCIFAR(110)`: 1,727,962 trainable parameters with `shortcut="A"`. Arguments and errors as there.

    >>> ResNet110(input_shape=(8, 8, 1), include_top=False).output_shape
    (None, 2, 2, 64)
    """
    return ResNetCIFAR(
        110,
        shortcut,
        residual,
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )
