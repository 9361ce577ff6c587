"""Classifiers turned into networks of convolutions, which look at every window of a picture in one pass."""

from collections.abc import Callable
from typing import Any

from dlrs import ops
from dlrs.backend import KerasTensor, tree
from dlrs.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Identity,
    Input,
    Layer,
    MaxPooling2D,
    Reshape,
)
from dlrs.layers.activation_layers import ELU, LeakyReLU, ReLU, Softmax
from dlrs.layers.merging import Add, Average, Maximum, Minimum, Multiply, Subtract
from dlrs.layers.noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from dlrs.models import Functional, Sequential

# Layers of the head that treat each feature by itself, or the last axis, whatever other axes there are.
_POINTWISE = (
    *(Activation, ELU, Identity, LeakyReLU, ReLU, Dropout, AlphaDropout, GaussianDropout, GaussianNoise),
    *(Add, Average, Maximum, Minimum, Multiply, Subtract),
)
_GLOBAL = {GlobalAveragePooling2D: AveragePooling2D, GlobalMaxPooling2D: MaxPooling2D}

Window = tuple[int, int]


def convolutionalize(model: Any, name: str | None = None) -> Functional:
    """The same classifier for pictures of any size: a map of answers, one for each window of the original size.

    `Flatten` and the dense layer after it become a convolution as large as the features, later dense layers become 1×1
    convolutions, global pooling becomes pooling over windows of the original size with stride 1. One pass over a
    large picture gives what sliding the classifier over it in steps of its total stride would give, and shares the
    work of overlapping windows. This is exact where the convolutions pad nothing (`padding="valid"`); where they pad,
    windows inside a picture see their neighbours instead of zeros.

    Args:
        model: a built Functional or Sequential model from one picture, (height, width, channels) with known sizes, to
            one vector, channels last. It is left as it is; the result has copies of its weights.
        name: name of the result; that of `model` with `_convolutional` by default.

    Returns:
        A model from (batch, any height, any width, channels) to (batch, rows, columns, classes); rows and columns are
        1 for pictures of the original size. The mean over them is the network's dense evaluation.

    Raises:
        ValueError: the model has another form, or a layer of its head cannot look at a map; the layer is named.

    Source: Sermanet et al. 2014, "OverFeat", section 3.5; Long, Shelhamer and Darrell 2015.

    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((4, 4, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(5)])
    >>> convolutionalize(model)(ops.zeros((1, 6, 4, 1))).shape
    (1, 3, 1, 5)
    """
    graph = model._functional if isinstance(model, Sequential) else model
    if not isinstance(graph, Functional):
        raise ValueError(f"convolutionalize: `model` must be a built Functional or Sequential. Received: {model!r}")
    sources, results = graph.inputs, graph.outputs
    if len(sources) != 1 or len(results) != 1 or len(sources[0].shape) != 4 or len(results[0].shape) != 2:
        raise ValueError(
            "convolutionalize: `model` must lead from one picture to one vector. Received: shapes "
            f"{[x.shape for x in sources]} to {[x.shape for x in results]}"
        )
    if None in sources[0].shape[1:]:
        raise ValueError(f"convolutionalize: the pictures' size must be known. Received: {sources[0].shape}")
    wide = Input((None, None, sources[0].shape[-1]), dtype=sources[0].dtype, name=sources[0].name)
    outputs = _Conversion(graph).apply(wide)
    return Functional(wide, outputs, name=name or f"{model.name}_convolutional")


class _Conversion:
    """One walk over a model's graph."""

    def __init__(self, graph: Functional) -> None:
        self.graph = graph
        self.copies: dict[tuple[int, Window], Layer] = {}
        self.windows: dict[int, Window] = {}  # of features that were flattened and wait for their dense layer

    def apply(self, wide: KerasTensor) -> Any:
        function = self.graph._function
        new: dict[int, Any] = {id(function.inputs[0]): wide}
        for node in function._nodes:
            if node.is_input:
                continue
            old = node.input_tensors
            convert = self._converted(node, old)
            args, kwargs = tree.map_structure(
                lambda x: new[id(x)] if isinstance(x, KerasTensor) else x, (node.args, node.kwargs)
            )
            new[id(node.outputs[0])] = convert(*args, **kwargs)
        return new[id(function.outputs[0])]

    def _converted(self, node: Any, old: list[KerasTensor]) -> Callable[..., Any]:
        """What stands for the node's operation in the new model."""
        layer, before = node.operation, old[0].shape
        if not isinstance(layer, Layer):
            raise ValueError(f"convolutionalize: {layer.name!r} is no layer, but an operation called on placeholders.")
        if getattr(layer, "data_format", "channels_last") == "channels_first":
            raise ValueError(f"convolutionalize: layer {layer.name!r} has its channels first; they must be last.")
        window = next((self.windows[id(x)] for x in old if id(x) in self.windows), (1, 1))
        if isinstance(layer, Dense):
            return self._copied(layer, window, _dense_as_convolution)
        if type(layer) in _GLOBAL:
            return self._copied(layer, _size(before), _local_pooling)
        if len(before) == 4 and _flattens(layer, before):
            self.windows[id(node.outputs[0])] = _size(before)
            return lambda x: x
        if len(before) == 4 and len(node.outputs[0].shape) == 4:
            return self._copied(layer, (1, 1), _same)
        if not isinstance(layer, _POINTWISE) and not _is_along_features(layer, before):
            raise ValueError(
                f"convolutionalize: layer {layer.name!r} ({type(layer).__name__}) on features of shape {before} cannot "
                "be applied to a map of them."
            )
        if window != (1, 1):
            if not isinstance(layer, _POINTWISE) or len(old) > 1:
                raise ValueError(
                    f"convolutionalize: layer {layer.name!r} stands between Flatten and its dense layer; only "
                    "activations and dropout may."
                )
            self.windows[id(node.outputs[0])] = window
        return self._copied(layer, (1, 1), _same if isinstance(layer, _POINTWISE) else _along_last_axis)

    def _copied(self, layer: Layer, window: Window, make: Callable[[Any, Window], Layer]) -> Callable[..., Any]:
        """The layer's stand-in, the same at each use, with its weights."""

        def call(*args: Any, **kwargs: Any) -> Any:
            key = (id(layer), window)
            fresh = key not in self.copies
            copy = self.copies.setdefault(key, make(layer, window)) if fresh else self.copies[key]
            result = copy(*args, **kwargs)
            if fresh and layer.weights:
                pairs = zip(layer.weights, copy.weights, strict=True)
                copy.set_weights([ops.convert_to_numpy(old).reshape(new.shape) for old, new in pairs])
                copy.trainable = layer.trainable
            return result

        return call


def _size(shape: Any) -> Window:
    return shape[1], shape[2]


def _flattens(layer: Layer, before: Any) -> bool:
    return isinstance(layer, Flatten) or (isinstance(layer, Reshape) and before[1:3] == (1, 1))


def _same(layer: Any, _: Window) -> Layer:
    made: Layer = type(layer).from_config(layer.get_config())
    return made


def _dense_as_convolution(layer: Dense, window: Window) -> Layer:
    config = layer.get_config()
    shared = ("name", "activation", "use_bias", "kernel_initializer", "bias_initializer", "dtype")
    kept = (*shared, "kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint")
    kept_config = {key: config[key] for key in kept}
    made: Layer = Conv2D.from_config({**kept_config, "filters": layer.units, "kernel_size": window})
    return made


def _local_pooling(layer: Any, window: Window) -> Layer:
    made: Layer = _GLOBAL[type(layer)](window, strides=1, name=layer.name)
    return made


def _is_along_features(layer: Any, before: Any) -> bool:
    """Whether the layer works along the last of the axes `before`."""
    if isinstance(layer, BatchNormalization | Concatenate | Softmax):
        return layer.axis in (-1, len(before) - 1)
    return False


def _along_last_axis(layer: Any, _: Window) -> Layer:
    made: Layer = type(layer).from_config({**layer.get_config(), "axis": -1})
    return made
