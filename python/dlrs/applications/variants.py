"""Networks of one family: functions that differ in a few numbers, with one signature and one description."""

from collections.abc import Callable, Sequence
from typing import Any

from dlrs.applications.frame import (
    assembled,
    check_top,
    check_weights,
    image_input,
    pooled,
    predictions,
)
from dlrs.layers import GlobalAveragePooling2D
from dlrs.models import Functional

Features = Callable[[Any], Any]

DESCRIPTION = """{title}

    Args:
        include_top: whether to end in the classifier.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; ({size}, {size}, 3) by default, open height and width without the top.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> {network}(include_top=False, pooling="avg").output_shape
    (None, {channels})
    """


def averaged(x: Any) -> Any:
    """The mean of each channel, under Keras's usual name."""
    return GlobalAveragePooling2D(name="avg_pool")(x)


def classifier(
    features: Features,
    *,
    network: str,
    module: str,
    title: str,
    name: str,
    channels: int,
    size: int = 224,
    min_size: int = 32,
    pooling_names: dict[str, str] | None = None,
    head: Features = averaged,
    dense: dict[str, Any] | None = None,
) -> Callable[..., Functional]:
    """A network of `features`, global average pooling and a dense layer, with Keras's arguments.

    Args:
        features: from the placeholder of the pictures to the last picture of features.
        network: what the function is called.
        module: the module of the function.
        title: the first lines of its description: what it is, and the paper.
        name: what the model is called by default.
        channels: the number of features.
        size: height and width of the pictures by default.
        min_size: the least height and width.
        pooling_names: names of the pooling layers, by `pooling`, without the top.
        head: from the features to what the last layer of the top gets.
        dense: further arguments of that layer.
    """

    def make(
        include_top: bool = True,
        weights: Any = None,
        input_tensor: Any = None,
        input_shape: Sequence[int | None] | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str | None = name,
    ) -> Functional:
        check_weights(network, weights)
        check_top(network, include_top, pooling, classes)
        image = image_input(network, input_shape, input_tensor, include_top, default_size=size, min_size=min_size)
        x = features(image)
        if include_top:
            x = predictions(network, head(x), classes, classifier_activation, weights, **dense or {})
        else:
            x = pooled(x, pooling, pooling_names)
        return assembled(image, input_tensor, x, name, weights)

    make.__name__ = make.__qualname__ = network
    make.__module__ = module
    make.__doc__ = DESCRIPTION.format(title=title, size=size, network=network, channels=channels)
    return make
