"""ConvNeXt (Liu et al. 2022, arXiv 2201.03545): a residual network with what Transformers taught, as Keras has it."""

from collections.abc import Callable
from typing import Any

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
from dlrs.config import image_data_format
from dlrs.initializers import Constant
from dlrs.layers import (
    Activation,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    LayerNormalization,
    Normalization,
)
from dlrs.models import Functional, Sequential

__all__ = ["ConvNeXtSmall", "ConvNeXtTiny", "LayerScale", "decode_predictions", "preprocess_input"]

# ImageNet's mean and deviation of each colour, of pixels from 0 to 255.
MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)


class LayerScale(Layer):
    """A trained factor for each channel, small at first (Touvron et al. 2021, arXiv 2103.17239).

    Args:
        init_values: the factors at first.
        projection_dim: number of channels.
        **kwargs: `name`, `dtype`, `trainable`.

    >>> import numpy as np
    >>> LayerScale(0.5, 2)(np.array([[1.0, 4.0]], "float32")).tolist()
    [[0.5, 2.0]]
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=Constant(self.init_values))

    def call(self, x: Any) -> Any:
        return x * self.gamma

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


def _normalized(x: Any, name: str) -> Any:
    return LayerNormalization(epsilon=1e-6, name=name)(x)


def _block(inputs: Any, channels: int, name: str) -> Any:
    """7×7 filters of single channels, normalization, four times as many channels and back (figure 4)."""
    x = Conv2D(channels, 7, padding="same", groups=channels, name=f"{name}_depthwise_conv")(inputs)
    x = Dense(4 * channels, name=f"{name}_pointwise_conv_1")(_normalized(x, f"{name}_layernorm"))
    x = Dense(channels, name=f"{name}_pointwise_conv_2")(Activation("gelu", name=f"{name}_gelu")(x))
    x = LayerScale(1e-6, channels, name=f"{name}_layer_scale")(x)
    return inputs + Activation("linear", name=f"{name}_identity")(x)


def _smaller(channels: int, place: int, name: str) -> Sequential:
    """Half the size, by windows that do not overlap; a quarter in front."""
    if place == 0:
        conv = Conv2D(channels, 4, strides=4, name=f"{name}_stem_conv")
        return Sequential([conv, LayerNormalization(epsilon=1e-6, name=f"{name}_stem_layernorm")], name=f"{name}_stem")
    norm = LayerNormalization(epsilon=1e-6, name=f"{name}_downsampling_layernorm_{place - 1}")
    conv = Conv2D(channels, 2, strides=2, name=f"{name}_downsampling_conv_{place - 1}")
    return Sequential([norm, conv], name=f"{name}_downsampling_block_{place - 1}")


def _features(
    image: Any, depths: tuple[int, ...], widths: tuple[int, ...], include_preprocessing: bool, name: str
) -> Any:
    x = image
    if include_preprocessing and image.shape[channel_axis()] == 3:
        variance = [deviation**2 for deviation in DEVIATION]
        x = Normalization(mean=list(MEAN), variance=variance, name=f"{name}_prestem_normalization")(x)
    smaller = [_smaller(width, place, name) for place, width in enumerate(widths)]
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        x = smaller[stage](x)
        for block in range(depth):
            x = _block(x, width, f"{name}_stage_{stage}_block_{block}")
    return x


DESCRIPTION = """ConvNeXt, {kind} (Liu et al. 2022, section 3), as Keras has it.

    Args:
        include_top: whether to end in the classifier.
        include_preprocessing: whether pixels go in as 0 to 255, and are normalized by ImageNet's mean and deviation.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (224, 224, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model, with which the layers' names begin.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs; or
            the image data format is `"channels_first"`.

    >>> ConvNeXt{kind}(include_top=False, pooling="avg").output_shape
    (None, {channels})
    """


def _network(kind: str, depths: tuple[int, ...], widths: tuple[int, ...]) -> Callable[..., Functional]:
    network = f"ConvNeXt{kind}"

    def make(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Any = None,
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = f"convnext_{kind.lower()}",
    ) -> Functional:
        check_weights(network, weights)
        check_top(network, include_top, pooling, classes)
        if image_data_format() == "channels_first":
            raise ValueError(f"{network}: the image data format must be 'channels_last'.")
        image = image_input(network, input_shape, input_tensor, include_top)
        x = _features(image, depths, widths, include_preprocessing, name)
        if include_top:
            x = _normalized(GlobalAveragePooling2D(name=f"{name}_head_gap")(x), f"{name}_head_layernorm")
            x = predictions(network, x, classes, classifier_activation, weights, name=f"{name}_head_dense")
        else:
            x = LayerNormalization(epsilon=1e-6)(pooled(x, pooling))
        return assembled(image, input_tensor, x, name, weights)

    make.__name__ = make.__qualname__ = network
    make.__module__ = __name__
    make.__doc__ = DESCRIPTION.format(kind=kind, channels=widths[-1])
    return make


ConvNeXtTiny = _network("Tiny", (3, 3, 9, 3), (96, 192, 384, 768))
ConvNeXtSmall = _network("Small", (3, 3, 27, 3), (96, 192, 384, 768))


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """The pixels as they are: the networks normalize them themselves.

    >>> import numpy as np
    >>> preprocess_input(np.full((1, 1, 3), 255.0)).tolist()
    [[[255.0, 255.0, 255.0]]]
    """
    return x
