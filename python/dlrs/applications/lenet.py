"""LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998)."""

from typing import Any

from dlrs.applications.frame import assembled, channel_axis, check_top, check_weights, image_input, pooled, predictions
from dlrs.layers import AveragePooling2D, Conv2D, Dense, Flatten, MaxPooling2D
from dlrs.models import Functional

__all__ = ["LeNet5"]

SUBSAMPLING = {"max": MaxPooling2D, "average": AveragePooling2D}


def LeNet5(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str | None = "lenet5",
    activation: Any = "relu",
    subsampling: str = "max",
) -> Functional:
    """LeNet-5: two 5×5 convolutions with subsampling, and three dense layers; 61,706 parameters for 28×28×1.

    The first convolution pads by zeros, so that a picture of 28×28 serves as the paper's 32×32 with a border. Every
    filter of the second sees all maps of the first, and the top is a softmax, where the paper had a table of
    connections and radial basis functions. `activation="tanh", subsampling="average"` come closer to the paper.

    Args:
        include_top: whether to end in the dense layers.
        weights: None (random initialization), or the path of a weights file for `Model.load_weights`.
        input_tensor: a KerasTensor to start from, instead of an input of its own.
        input_shape: shape of a picture; (28, 28, 1) by default.
        pooling: without the top: None (features as a picture), `"avg"` or `"max"` (global pooling).
        classes: how many classes the top tells apart.
        classifier_activation: activation of the top; None gives logits.
        name: name of the model.
        activation: activation of the other layers.
        subsampling: `"max"` or `"average"` pooling between the convolutions.

    Raises:
        ValueError: an argument that cannot be, `weights="imagenet"` included: no trained weights come with dlrs.

    >>> LeNet5().count_params()
    61706
    """
    check_weights("LeNet5", weights)
    check_top("LeNet5", include_top, pooling, classes)
    if subsampling not in SUBSAMPLING:
        raise ValueError(f"LeNet5: `subsampling` must be 'max' or 'average'. Received: subsampling={subsampling!r}")
    subsample = SUBSAMPLING[subsampling]
    if input_shape is None and input_tensor is None:
        input_shape = (28, 28, 1) if channel_axis() == 3 else (1, 28, 28)
    x = image = image_input("LeNet5", input_shape, input_tensor, include_top, default_size=28, min_size=12)
    x = Conv2D(6, 5, padding="same", activation=activation, name="conv1")(x)
    x = subsample(2, name="pool2")(x)
    x = Conv2D(16, 5, activation=activation, name="conv3")(x)
    x = subsample(2, name="pool4")(x)
    if include_top:
        x = Flatten(name="flatten")(x)
        x = Dense(120, activation=activation, name="fc5")(x)
        x = Dense(84, activation=activation, name="fc6")(x)
        x = predictions("LeNet5", x, classes, classifier_activation, weights)
    else:
        x = pooled(x, pooling)
    return assembled(image, input_tensor, x, name, weights)
