"""Stacks of layers."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend import KerasTensor, tree
from dlrs.backend.structure import bump_structure
from dlrs.errors import TracingError
from dlrs.layers.call_arguments import signature_of
from dlrs.layers.input_layer import Input, InputLayer
from dlrs.layers.layer import Layer
from dlrs.models.functional import Functional
from dlrs.models.model import Model


class Sequential(Model):
    """Layers, each applied to the output of the one before.

    Args:
        layers: the layers. With an `Input` first the weights exist at once; otherwise they are made when the model is
            called on data, or by `build`.
        trainable: whether the weights are trained.
        name: name.

    >>> from dlrs.layers import Dense
    >>> model = Sequential([Input((3,)), Dense(4, activation="relu"), Dense(2)])
    >>> model.output_shape, model.count_params()
    ((None, 2), 26)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # Two positional arguments are layers and `trainable`, not inputs and outputs.
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        Layer.__init__(self, trainable=trainable, name=name, autocast=False)
        self._init_trainer()
        self._set_untracked("_stack", [])
        self._set_untracked("_functional", None)
        self._set_untracked("_built_on_data", False)
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()

    _stack: list[Layer]
    _functional: Functional | None
    _built_on_data: bool

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top."""
        rebuild = bool(rebuild)
        if isinstance(layer, KerasTensor):
            history = layer._keras_history
            layer = history.operation if history is not None else layer
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Sequential {self.name!r}: Only instances of `dlrs.layers.Layer` can be added, got {layer!r} (of type "
                f"{type(layer).__name__})."
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(
                f"Sequential {self.name!r}: an `Input` can only be the first layer. The model has already been "
                f"configured for inputs, or has layers that take them."
            )
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"Sequential {self.name!r}: all layers should have unique names; there is already a layer "
                f"{layer.name!r}."
            )
        if not self._stack and not isinstance(layer, InputLayer):
            shape = layer.__dict__.get("_input_shape_argument")
            graph = layer._functional if isinstance(layer, Sequential) else layer
            if shape is None and isinstance(graph, Functional) and not tree.is_nested(graph.input):
                shape = graph.input_shape[1:]
            if shape is not None:
                self._stack.append(_input_layer((None, *shape), layer))
        self._stack.append(layer)
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off and return it."""
        if not self._stack:
            raise TypeError(f"Sequential {self.name!r} has no layer to pop.")
        layer = self._stack.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _rebuild(self) -> None:
        self._set_untracked("_functional", None)
        self.built = False
        self._reset_programs()
        bump_structure()
        if len(self._stack) > 1 and isinstance(self._stack[0], InputLayer):
            self.build(self._stack[0].batch_shape)

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of shape `input_shape`, with the batch axis; its size may be None."""
        if not self._stack:
            raise ValueError(f"Sequential {self.name!r} has no layers. Add them with `add`.")
        if isinstance(input_shape, dict) or any(tree.is_nested(size) for size in input_shape or ()):
            # Lists and dicts of inputs have no single placeholder: the stack is run layer by layer.
            self.built = True
            return
        if isinstance(self._stack[0], InputLayer):
            self._check_shape(input_shape)
        else:
            if input_shape is None:
                raise ValueError(f"Sequential {self.name!r}: `build` needs the shape of the input.")
            # The states of a stateful layer are of one batch size, which the first batch decides, as in Keras.
            batch = input_shape[0] if self._is_stateful() else None
            self._stack.insert(0, _input_layer((batch, *input_shape[1:]), self._stack[0]))
            self._set_untracked("_built_on_data", True)
        if len(self._stack) == 1:
            self.built = True
            return
        source: Any = self._stack[0]._inbound_nodes[0].outputs[0]
        x = source
        try:
            for layer in self._stack[1:]:
                _check_takes_one_input(layer)
                x = layer(x)
        except (TracingError, NotImplementedError):
            # A layer whose output is known only when it runs: the stack is run layer by layer.
            self.built = True
            return
        self._set_untracked("_functional", Functional(source, x, name=self.name))
        self.built = True

    def _child_layers(self) -> list[Layer]:
        return self._stack

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("`Sequential.layers` attribute is reserved. Use `add()` and `pop()` to change the layers.")

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Apply the layers in turn."""
        if self._functional is not None and not self._has_other_sizes(inputs):
            return self._functional.call(inputs, training=training, mask=mask)
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def _has_other_sizes(self, inputs: Any) -> bool:
        """Whether the sizes of `inputs` differ from those of the data that the stack was built on, as they may then."""
        if not self._built_on_data or not hasattr(inputs, "shape"):
            return False
        expected = self._graph().inputs[0].shape
        return len(inputs.shape) == len(expected) and tuple(inputs.shape[1:]) != tuple(expected[1:])

    def _fixed_batch_size(self) -> int | None:
        return None if self._functional is None else self._functional._fixed_batch_size()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for inputs of shape `input_shape`."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def _graph(self) -> Functional:
        if self._functional is None:
            raise AttributeError(
                f"Sequential {self.name!r} has no inputs and outputs yet: its input shape is not known. Put an "
                f"`Input` first, call `build`, or call it on data."
            )
        return self._functional

    @property
    def inputs(self) -> list[KerasTensor]:
        """The input placeholder, in a list."""
        return self._graph().inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The output placeholder, in a list."""
        return self._graph().outputs

    @property
    def input(self) -> Any:
        """The input placeholder."""
        return self._graph().input

    @property
    def output(self) -> Any:
        """The output placeholder."""
        return self._graph().output

    @property
    def input_shape(self) -> Any:
        """Shape of the input."""
        return self._graph().input_shape

    @property
    def output_shape(self) -> Any:
        """Shape of the output."""
        return self._graph().output_shape

    @property
    def output_names(self) -> list[str]:
        """The name of the last layer, in a list."""
        return [self._stack[-1].name] if self._stack else []

    def _check_shape(self, input_shape: Any) -> None:
        first: Any = self._stack[0]
        known = first.batch_shape
        fits = input_shape is None or (
            len(known) == len(input_shape)
            and all(a is None or b is None or a == b for a, b in zip(known, input_shape, strict=True))
        )
        if not fits:
            raise ValueError(
                f"Sequential {self.name!r} has already been configured to use inputs of shape {known}; it cannot be "
                f"built with {tuple(input_shape)}."
            )

    def get_config(self) -> dict[str, Any]:
        from dlrs.saving.serialization_lib import serialize_keras_object

        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [serialize_keras_object(layer) for layer in self._stack],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        from dlrs.saving.serialization_lib import deserialize_keras_object

        if "name" not in config or not isinstance(config.get("layers"), list):
            raise ValueError(
                f"A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys, got "
                f"{sorted(config)}."
            )
        for layer in config["layers"]:
            if not isinstance(layer, dict) or "config" not in layer:
                raise ValueError(f"Sequential: Expected a dictionary containing a 'config' key. Got {layer!r}.")
        # The stack builds its layers itself, so that their weights have the paths that they had.
        unbuilt = [{key: value for key, value in layer.items() if key != "build_config"} for layer in config["layers"]]
        layers = [deserialize_keras_object(layer, custom_objects) for layer in unbuilt]
        return cls(layers, trainable=config.get("trainable", True), name=config.get("name"))


def _check_takes_one_input(layer: Layer) -> None:
    """ValueError if `call` has further arguments that must be given."""
    signature = signature_of(type(layer).call)
    needed = [name for name in signature.named if name not in signature.defaults]
    if len(needed) > 1:
        raise ValueError(
            f"Layers of a Sequential can only have a single positional argument, the input tensor. Layer "
            f"{layer.name!r} ({type(layer).__name__}) has several: {needed}."
        )


def _input_layer(batch_shape: tuple[int | None, ...], first: Layer) -> Layer:
    tensor = Input(batch_shape=batch_shape, dtype=first.compute_dtype)
    history = tensor._keras_history
    if history is None or not isinstance(history.operation, Layer):
        raise TypeError("An input placeholder comes from an InputLayer.")
    return history.operation
