"""What lies within a model."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend.checks import check_type
from dlrs.layers.input_layer import InputLayer
from dlrs.layers.layer import Layer
from dlrs.models.functional import Functional
from dlrs.models.model import Model
from dlrs.models.sequential import Sequential

LayerName = str | int | Layer


def feature_extractor(model: Any, layers: LayerName | Sequence[LayerName] | None = None) -> Functional:
    """A model from the inputs of `model` to what its layers give, with the same layers and weights.

    For transfer learning (a head on the features of a trained network), and for looking at activations.

    Args:
        model: a functional model, or a `Sequential` whose input shape is known.
        layers: a layer, by its name, its position in `model.layers` or itself: the new model has one output. Or a list
            of them: the outputs are a dict by name. By default all layers but inputs.

    Returns:
        The new model. It runs only what its outputs need; training it trains the layers of `model`, unless they are
        frozen (`layer.trainable = False`).

    Raises:
        TypeError: `model` is of another kind.
        ValueError: there is no such layer, it is applied several times, or it gives several outputs.

    >>> import numpy as np
    >>> from dlrs.layers import Dense, Input
    >>> model = Sequential([Input((4,)), Dense(3, name="hidden"), Dense(1, name="out")])
    >>> feature_extractor(model, "hidden")(np.ones((2, 4))).shape
    (2, 3)
    >>> sorted(feature_extractor(model)(np.ones((2, 4))))
    ['hidden', 'out']
    """
    if not isinstance(model, Functional | Sequential):
        kind = "its `call` is Python code" if isinstance(model, Model) else f"got {type(model).__name__}"
        raise TypeError(f"feature_extractor: `model` must be a functional or Sequential model; {kind}.")
    if isinstance(model, Sequential) and model._functional is None:
        raise ValueError(
            f"feature_extractor: the input shape of {model.name!r} is not known. Put an `Input` first, or call the "
            "model on data."
        )
    graph: Any = model._functional if isinstance(model, Sequential) else model
    if layers is None:
        layers = [layer for layer in model.layers if not isinstance(layer, InputLayer)]
    several = isinstance(layers, list | tuple)
    wanted = [_layer(model, layer) for layer in (layers if isinstance(layers, list | tuple) else [layers])]
    if not wanted:
        raise ValueError("feature_extractor: `layers` is empty.")
    outputs = {layer.name: _output(graph, layer) for layer in wanted}
    features = outputs if several else next(iter(outputs.values()))
    made: Functional = Functional(graph._function._inputs_struct, features, name=f"{model.name}_features")
    return made


def _layer(model: Any, layer: Any) -> Layer:
    check_type("feature_extractor", "layers", layer, str | int | Layer, "names, positions or layers")
    known: list[Layer] = model.layers
    if isinstance(layer, Layer):
        found = [other for other in known if other is layer]
    elif isinstance(layer, int) and not isinstance(layer, bool):
        found = known[layer:][:1] if -len(known) <= layer < len(known) else []
    else:
        found = [other for other in known if other.name == layer]
    if not found:
        raise ValueError(
            f"feature_extractor: model {model.name!r} has no layer {layer!r}; there are {[x.name for x in known]}."
        )
    return found[0]


def _output(graph: Any, layer: Layer) -> Any:
    nodes = [node for node in graph._function._nodes if node.operation is layer]
    if len(nodes) != 1:
        raise ValueError(
            f"feature_extractor: layer {layer.name!r} is applied {len(nodes)} times; make `Model(inputs, ...)` of the "
            "output that is meant."
        )
    if len(nodes[0].outputs) != 1:
        raise ValueError(
            f"feature_extractor: layer {layer.name!r} gives {len(nodes[0].outputs)} outputs; make `Model(inputs, ...)` "
            "of those that are meant."
        )
    return nodes[0].outputs[0]
