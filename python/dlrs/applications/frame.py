"""What every network of this package shares: checks of the arguments, the input, the top, and loading of weights."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlrs import activations
from dlrs.applications.imagenet_utils import obtain_input_shape
from dlrs.backend import KerasTensor
from dlrs.config import image_data_format
from dlrs.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input
from dlrs.models import Functional
from dlrs.ops.operation_utils import get_source_inputs

POOLINGS = (None, "avg", "max")


def channel_axis() -> int:
    """The axis of the channels of a batch of images, as `dlrs.config.image_data_format()` says."""
    return 1 if image_data_format() == "channels_first" else 3


def check_weights(network: str, weights: Any) -> None:
    """ValueError unless `weights` is None or the path of a file."""
    if weights is None:
        return
    if weights == "imagenet":
        raise ValueError(
            f"{network}: `weights='imagenet'`: no trained weights come with dlrs, and it fetches none. Train it; "
            "or copy the weights from a library that has them for the same network, "
            "`model.set_weights(theirs.get_weights())`, keep them by `model.save_weights('a.safetensors')`, and from "
            "then on give `weights='a.safetensors'`."
        )
    expected = f"{network}: `weights` must be None (random initialization) or the path to a weights file."
    if not isinstance(weights, str | os.PathLike):
        raise ValueError(f"{expected} Received: weights={weights!r} of type {type(weights).__name__}.")
    if not Path(weights).is_file():
        found = "is a directory" if Path(weights).is_dir() else "does not exist"
        raise ValueError(f"{expected} Received: weights={os.fspath(weights)!r}, which {found}.")


def check_top(network: str, include_top: Any, pooling: Any, classes: Any) -> None:
    """ValueError for arguments of the classifier that cannot be."""
    if not isinstance(include_top, bool):
        raise ValueError(f"{network}: `include_top` must be True or False. Received: include_top={include_top!r}")
    if pooling not in POOLINGS:
        raise ValueError(f"{network}: `pooling` must be None, 'avg' or 'max'. Received: pooling={pooling!r}")
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise ValueError(f"{network}: `classes` must be a positive integer. Received: classes={classes!r}")


def image_input(
    network: str,
    input_shape: Any,
    input_tensor: Any,
    include_top: bool,
    *,
    default_size: int = 224,
    min_size: int = 32,
) -> KerasTensor:
    """The placeholder that the network starts from: a new one, or `input_tensor`."""
    if input_tensor is not None:
        if not isinstance(input_tensor, KerasTensor):
            raise ValueError(
                f"{network}: `input_tensor` must be a KerasTensor, as `Input` and layers called on it give them. "
                f"Received: input_tensor={input_tensor!r}"
            )
        if len(input_tensor.shape) != 4:
            raise ValueError(
                f"{network}: `input_tensor` must stand for a batch of images, of rank 4. Received: "
                f"input_tensor.shape={input_tensor.shape}"
            )
        return input_tensor
    try:
        shape = obtain_input_shape(input_shape, default_size, min_size, image_data_format(), include_top)
    except ValueError as error:
        raise ValueError(f"{network}: {error}") from None
    return Input(shape)


def pooled(x: Any, pooling: str | None, names: Mapping[str, str] | None = None) -> Any:
    """The features as `pooling` asks for them; `names` of the pooling layers by `pooling`."""
    name = (names or {}).get(pooling or "")
    if pooling == "avg":
        return GlobalAveragePooling2D(name=name)(x)
    return GlobalMaxPooling2D(name=name)(x) if pooling == "max" else x


def check_activation(network: str, classifier_activation: Any, weights: Any) -> None:
    """ValueError if weights that were trained with a softmax shall serve another activation."""
    if weights is None:
        return
    if activations.get(classifier_activation) not in (activations.get("softmax"), activations.get(None)):
        raise ValueError(
            f"{network}: Only `None` and `softmax` activations are allowed for the `classifier_activation` argument "
            f"when using pretrained weights, with `include_top=True`. Received: "
            f"classifier_activation={classifier_activation!r}"
        )


def predictions(network: str, x: Any, classes: int, classifier_activation: Any, weights: Any, **kwargs: Any) -> Any:
    """The last layer of a classifier."""
    check_activation(network, classifier_activation, weights)
    return Dense(classes, activation=classifier_activation, **{"name": "predictions"} | kwargs)(x)


def assembled(image: KerasTensor, input_tensor: Any, outputs: Any, name: str | None, weights: Any) -> Functional:
    """The model from the inputs that lie behind `image`, with its weights loaded."""
    inputs = image if input_tensor is None else get_source_inputs(input_tensor)
    if isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    model = Functional(inputs, outputs, name=name)
    if weights is not None:
        model.load_weights(weights)
    return model
