"""Models made from placeholders."""

import inspect
import warnings
from typing import Any

import numpy as np

from dlrs import _dlrs, ops
from dlrs.backend import KerasTensor, tree
from dlrs.layers.call_arguments import signature_of
from dlrs.layers.input_layer import Input, InputLayer
from dlrs.layers.layer import Layer
from dlrs.layers.string_lookup import string_array
from dlrs.models.functional_config import graph_config, graph_from_config, is_graph_config
from dlrs.models.graph_state import graph_from_state, graph_state
from dlrs.models.model import Model, functional_class, is_made_functional
from dlrs.ops.function import Function
from dlrs.ops.operation import Operation


class Functional(Model):
    """The model that leads from placeholders `inputs` to placeholders `outputs`. Made by `Model(inputs, outputs)`.

    Args:
        inputs: a placeholder from `Input`, or a list or dict of them.
        outputs: a placeholder, or a list or dict of them.
        name: name.
        **kwargs: `trainable`.

    Data is cast to the types of the placeholders; a missing or superfluous last axis of size 1 is added or dropped.

    Raises:
        ValueError: an output does not lead back to the inputs, or two layers have the same name.

    >>> from dlrs import Input, Model, layers
    >>> x = Input((4,))
    >>> features = layers.Dense(3, "relu")(x)
    >>> model = Model(x, [features, layers.Dense(1)(features)])
    >>> type(model).__name__, model.output_shape, model.count_params()
    ('Functional', [(None, 3), (None, 1)], 19)
    """

    is_functional = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) >= 2 or "outputs" in kwargs:
            self.__init_functional__(*args, **kwargs)
        else:
            super().__init__(*args, **kwargs)

    def __init_functional__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        Layer.__init__(self, name=name, autocast=False, **kwargs)
        self._init_trainer()
        for which, nest in (("inputs", inputs), ("outputs", outputs)):
            if not all(isinstance(leaf, KerasTensor) for leaf in tree.flatten(nest)):
                raise ValueError(
                    f"Model {self.name!r}: All `{which}` values must be KerasTensors, as `Input` gives them. Received: "
                    f"{which}={nest!r}"
                )
        inputs, outputs = _from_input_layers(inputs, outputs)
        function = Function(inputs, outputs, name=f"{self.name}_graph")
        _check_names(self.name, function)
        self._set_untracked("_function", function)
        self._set_untracked("_graph_layers", [op for op in function.operations if isinstance(op, Layer)])
        names = [_operation_name(tensor) for tensor in function.outputs]
        self._set_untracked("output_names", names)
        self._set_untracked("input_names", [_operation_name(tensor) for tensor in function.inputs])
        self.supports_masking = False
        self.built = True
        self._set_untracked("_signature", signature_of(type(self).call))
        if any(x.dtype == "string" for x in function.inputs):
            self._set_untracked("_allow_non_tensor_positional_args", True)

    _function: Function
    _warned_of_structure = False
    _graph_layers: list[Layer]
    output_names: list[str]
    input_names: list[str]

    def _child_layers(self) -> list[Layer]:
        return self._with_own_layers(self._graph_layers)

    def _layers_as_saved(self) -> list[Layer]:
        # Files number layers of one class in the order in which they first run.
        operations = {id(node.operation): node.operation for node in self._function._nodes}
        return self._with_own_layers([op for op in operations.values() if isinstance(op, Layer)])

    def _with_own_layers(self, layers: list[Layer]) -> list[Layer]:
        own = super()._child_layers()
        if not own:
            return layers
        known = {id(layer) for layer in layers}
        return layers + [layer for layer in own if id(layer) not in known]

    @property
    def operations(self) -> list[Operation]:
        """The layers and the uses of functions of `dlrs.ops`, the farthest from the outputs first, as in Keras."""
        return self._function.operations

    @property
    def _operations(self) -> list[Operation]:
        return self.operations

    @property
    def inputs(self) -> list[KerasTensor]:
        """The input placeholders, as a flat list."""
        return self._function.inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The output placeholders, as a flat list."""
        return self._function.outputs

    @property
    def input_shape(self) -> Any:
        """Shape of the input, or a nest of shapes."""
        return tree.map_structure(lambda tensor: tensor.shape, self._function._inputs_struct)

    @property
    def output_shape(self) -> Any:
        """Shape of the output, or a nest of shapes."""
        return tree.map_structure(lambda tensor: tensor.shape, self._function._outputs_struct)

    @property
    def input(self) -> Any:
        """The input placeholder, or the nest of them, that the model was made from."""
        return self._function._inputs_struct

    @property
    def output(self) -> Any:
        """The output placeholder, or the nest of them, that the model was made from."""
        return self._function._outputs_struct

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the layers on `inputs`, nested like the placeholders; a list of a single output comes as the output."""
        leaves = self._arranged(inputs)
        placeholders = self._function.inputs
        if len(leaves) != len(placeholders):
            named = isinstance(self._function._inputs_struct, dict)
            raise ValueError(
                f"Model {self.name!r} expects {len(placeholders)} {'named ' if named else ''}input(s) with keys "
                f"{self.input_names}, but it received {len(leaves)}."
            )
        ready = [self._fitted(leaf, placeholder) for leaf, placeholder in zip(leaves, placeholders, strict=True)]
        if mask is not None:
            for value, one in zip(ready, tree.flatten(mask), strict=True):
                if one is not None:
                    value._keras_mask = one
        outputs = self._function.call(ready[0] if len(ready) == 1 else ready)
        return outputs[0] if isinstance(outputs, list | tuple) and len(outputs) == 1 else outputs

    def compute_output_spec(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Placeholders of the outputs for placeholders as inputs."""
        return super().compute_output_spec(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs for inputs of shape `input_shape`."""
        return Layer.compute_output_shape(self, input_shape)

    def _arranged(self, inputs: Any) -> list[Any]:
        """The inputs in the order of the placeholders; a dict is read by the names of the inputs."""
        if isinstance(inputs, _dlrs.Tensor | KerasTensor):
            return [inputs]
        structure = self._function._inputs_struct
        if isinstance(inputs, dict):
            names = sorted(structure) if isinstance(structure, dict) else self.input_names
            missing = [name for name in names if name not in inputs and name not in self._optional_names]
            if missing:
                raise ValueError(f"Model {self.name!r}: the inputs lack {missing}; they have {sorted(inputs)}.")
            if not set(inputs) <= set(names):
                self._warn_of_structure(inputs)
            if not isinstance(structure, dict) or set(inputs) != set(structure):
                return [inputs.get(name) for name in names]
        elif isinstance(structure, dict):
            # A list means the inputs in the order of their sorted keys, which is not the order that they were given in.
            if list(structure) != sorted(structure):
                raise ValueError(self._mismatch(inputs))
            self._warn_of_structure(inputs)
        return tree.flatten(inputs)

    @property
    def _optional_names(self) -> set[str]:
        """The keys, or else the names, of the inputs that may be missing."""
        structure = self._function._inputs_struct
        names = sorted(structure) if isinstance(structure, dict) else self.input_names
        return {name for name, leaf in zip(names, self.inputs, strict=False) if _is_optional(leaf)}

    def _warn_of_structure(self, inputs: Any) -> None:
        """Warn, once for this model, that the inputs are nested otherwise than the placeholders."""
        if not self._warned_of_structure:
            self._set_untracked("_warned_of_structure", True)
            warnings.warn(self._mismatch(inputs), stacklevel=2)

    def _mismatch(self, inputs: Any) -> str:
        names = tree.map_structure(lambda x: x.name, self._function._inputs_struct)
        given = f"the keys {sorted(inputs)}" if isinstance(inputs, dict) else f"a {type(inputs).__name__}"
        return (
            f"The structure of `inputs` doesn't match the expected structure. Model {self.name!r} expects {names}, got "
            f"{given}."
        )

    def _given_inputs(self, x: Any) -> Any:
        """`x`, a list with None for optional inputs becoming a dict without them."""
        if not isinstance(x, list | tuple) or not any(part is None for part in x) or len(x) != len(self.inputs):
            return x
        for part, placeholder in zip(x, self.inputs, strict=True):
            if part is None:
                self._absent(placeholder)
        structure = self._function._inputs_struct
        names = sorted(structure) if isinstance(structure, dict) else self.input_names
        return {name: part for name, part in zip(names, x, strict=True) if part is not None}

    def _fixed_batch_size(self) -> int | None:
        return next((x.shape[0] for x in self.inputs if x.shape and x.shape[0] is not None), None)

    def _keeps_states(self) -> bool:
        """Whether a layer has a state for each example of a batch, whose size is fixed then."""
        return any(getattr(layer, "stateful", False) for layer in self._flatten_layers())

    def _fitted(self, value: Any, placeholder: KerasTensor) -> Any:
        """`value` with the rank and type of the placeholder; ValueError if its shape cannot be meant."""
        if value is None:
            return self._absent(placeholder)
        if placeholder.dtype == "string":
            return value if isinstance(value, KerasTensor) else self._fitted_strings(value, placeholder)
        if not isinstance(value, _dlrs.Tensor | KerasTensor):
            value = ops.convert_to_tensor(value)
        expected, shape = placeholder.shape, value.shape
        if shape[1:] == expected[1:] and expected[0] is None and value.dtype == placeholder.dtype:
            return value
        if len(shape) == len(expected) - 1 and expected[-1] == 1:
            value = ops.expand_dims(value, -1)
        elif len(shape) == len(expected) + 1 and shape[-1] == 1:
            value = ops.squeeze(value, -1)
        self._check_shape(tuple(value.shape), placeholder)
        if value.dtype == placeholder.dtype:
            return value
        converted = ops.cast(value, placeholder.dtype)
        converted.converted_from = value  # type: ignore[attr-defined]  # checks of inputs look for what was given
        return converted

    def _fitted_strings(self, value: Any, placeholder: KerasTensor) -> Any:
        """An array of strings, for layers that run on the host."""
        array = string_array(value, f"Model {self.name!r}")
        if array.ndim == len(placeholder.shape) - 1 and placeholder.shape[-1] == 1:
            array = array[..., None]
        elif array.ndim == len(placeholder.shape) + 1 and array.shape[-1] == 1:
            array = array[..., 0]
        self._check_shape(array.shape, placeholder)
        return array

    def _check_shape(self, shape: tuple[int | None, ...], placeholder: KerasTensor) -> None:
        expected = placeholder.shape
        if len(shape) == len(expected) and all(
            a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
        ):
            return
        batch = ""
        if len(shape) == len(expected) and shape[1:] == expected[1:]:
            if not self._keeps_states():  # of a fixed batch size another may come then, as in Keras
                return
            batch = ": the batch size is fixed"
        raise ValueError(
            f"Model {self.name!r}: the input with name {_operation_name(placeholder)!r} and path "
            f"{self._input_path(placeholder)!r} has a wrong shape: expected shape={expected}, found shape={shape}"
            f"{batch}."
        )

    def _convert_input(self, value: Any) -> Any:
        # Strings are for the layers that take them.
        return value if isinstance(value, np.ndarray) and value.dtype.kind in "USTO" else super()._convert_input(value)

    def _input_path(self, placeholder: KerasTensor) -> str:
        """The keys and positions that lead to an input in the nest of them."""
        paths = tree.flatten_with_path(self._function._inputs_struct)
        return next(".".join(map(str, path)) for path, leaf in paths if leaf is placeholder)

    def _absent(self, placeholder: KerasTensor) -> None:
        """Take None for an optional input; ValueError for another."""
        if not _is_optional(placeholder):
            raise ValueError(
                f"Model {self.name!r}: the input {_operation_name(placeholder)!r} is not optional, so None cannot be "
                f"given for it."
            )

    def __reduce_ex__(self, protocol: Any) -> Any:
        cls = type(self)
        # A class that was given `Functional` as a base here cannot be found by name; the one behind it can.
        named = cls.__bases__[0] if is_made_functional(cls) else cls
        return _bare, (named,), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_function": graph_state(self._function)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_function": graph_from_state(state["_function"])})

    def get_config(self) -> dict[str, Any]:
        if type(self)._is_plain_functional():
            return {"name": self.name, "trainable": self.trainable, **graph_config(self._function)}
        return super().get_config()

    @classmethod
    def _is_plain_functional(cls) -> bool:
        """Whether the graph is all there is to the model, or a class in front hands inputs and outputs through."""
        if cls.__init__ is Functional.__init__:
            return True
        kinds = {parameter.kind for parameter in inspect.signature(cls.__init__).parameters.values()}
        return {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model made from what `get_config` returned, with new weights."""
        if not is_graph_config(config):
            return cls(**config)
        rest = {key: value for key, value in config.items() if key not in _OF_THE_GRAPH}
        inputs, outputs = graph_from_config(config, custom_objects)
        return cls(inputs=inputs, outputs=outputs, **rest)


_OF_THE_GRAPH = frozenset(("layers", "input_layers", "output_layers"))


def _bare(cls: Any) -> Any:
    """A model of the class, made functional, before its state is set."""
    made = functional_class(cls)
    return made.__new__(made)


def _is_optional(placeholder: KerasTensor) -> bool:
    history = placeholder._keras_history
    return history is not None and getattr(history.operation, "optional", False)


def _operation_name(tensor: KerasTensor) -> str:
    return tensor.name if tensor._keras_history is None else tensor._keras_history.operation.name


def _check_names(model: str, function: Function) -> None:
    names: dict[str, Any] = {}
    for operation in function.operations:
        if operation.name in names:
            raise ValueError(
                f"Model {model!r}: the name {operation.name!r} is used by two operations "
                f"({type(names[operation.name]).__name__} and {type(operation).__name__}); names must be unique."
            )
        names[operation.name] = operation


def _from_input_layers(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Inputs that come from `Input`, each, with the outputs made from them.

    An input in the middle of another model's graph is replaced by a new one, from which the rest is applied anew.
    """
    leaves: list[KerasTensor] = tree.flatten(inputs)
    if all(x._keras_history is None or isinstance(x._keras_history.operation, InputLayer) for x in leaves):
        return inputs, outputs
    replaced = {}
    for x in leaves:
        history = x._keras_history
        if id(x) not in replaced:
            inner = history is not None and not isinstance(history.operation, InputLayer)
            name = history.operation.name if inner and history is not None else None
            replaced[id(x)] = Input(batch_shape=x.shape, dtype=x.dtype, name=name) if inner else x
    fresh = tree.map_structure(lambda x: replaced[id(x)], inputs)
    return fresh, Function(inputs, outputs).call(fresh)
