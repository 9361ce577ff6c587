"""Copies of models with new weights."""

from collections.abc import Callable
from typing import Any

from dlrs.backend import KerasTensor, tree
from dlrs.layers.input_layer import Input, InputLayer
from dlrs.layers.layer import Layer
from dlrs.models.functional import Functional
from dlrs.models.model import Model, functional_class
from dlrs.models.sequential import Sequential
from dlrs.ops.operation import Operation

CloneFunction = Callable[[Any], Any]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: CloneFunction | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """A model of the same architecture with new weights of its own, compiled if the model is.

    Args:
        model: a functional model, a `Sequential` or a model of a class of one's own.
        input_tensors: placeholders to make the new model from, nested like `model.input`; new ones by default.
        clone_function: gives the layer to use in place of a layer; a new one of the same configuration by default.
        call_function: calls it: `call_function(layer, *args, **kwargs)`; functional models only.
        recursive: whether `clone_function` and `call_function` reach the layers of models within.

    Raises:
        ValueError: `model` is not a model; an argument that its kind does not take; `input_tensors` nested otherwise.

    >>> from dlrs.layers import Dense, Input
    >>> from dlrs.models import Sequential
    >>> model = Sequential([Input((3,)), Dense(2)])
    >>> clone_model(model).count_params() == model.count_params()
    True
    """
    if not isinstance(model, Model):
        raise ValueError(f"clone_model: `model` must be a Model, got {model!r}.")
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("clone_model: `call_function` is for functional models; a Sequential calls its layers.")
        clone = _clone_sequential(model, input_tensors, _clone_of(clone_function, None, recursive))
    elif isinstance(model, Functional):
        clone = _clone_functional(
            model, input_tensors, _clone_of(clone_function, call_function, recursive), call_function
        )
    else:
        for name, value in (("input_tensors", input_tensors), ("clone_function", clone_function),
                            ("call_function", call_function), ("recursive", recursive or None)):  # fmt: skip
            if value is not None:
                raise ValueError(f"clone_model: `{name}` is not for models of a class of one's own, got {value!r}.")
        clone = type(model).from_config(model.get_config())
    if model.compiled:
        config = model.get_compile_config()
        if config is not None:
            clone.compile_from_config(config)
    return clone


def _clone_of(
    clone_function: CloneFunction | None, call_function: Callable[..., Any] | None, recursive: bool
) -> CloneFunction:
    def made(operation: Any) -> Any:
        if recursive and isinstance(operation, Functional | Sequential):
            calls = None if isinstance(operation, Sequential) else call_function
            return clone_model(operation, None, clone_function, calls, recursive)
        if clone_function is None or not isinstance(operation, Layer):
            return type(operation).from_config(operation.get_config())
        return clone_function(operation)

    return made


def _clone_sequential(model: Sequential, input_tensors: Any, made: CloneFunction) -> Any:
    layers: list[Any] = [made(layer) for layer in model.layers]
    given = tree.flatten(input_tensors) if input_tensors is not None else []
    if len(given) > 1:
        raise ValueError(f"clone_model: `input_tensors` must be a single placeholder for a Sequential, got {given}.")
    if given:
        layers.insert(0, InputLayer(input_tensor=_of_an_input(given[0])))
    elif model._stack and isinstance(model._stack[0], InputLayer):
        first = model._stack[0]
        layers.insert(0, InputLayer.from_config(first.get_config()))
    return type(model)(layers, name=model.name, trainable=model.trainable)


def _clone_functional(
    model: Functional, input_tensors: Any, made: CloneFunction, call_function: Callable[..., Any] | None
) -> Any:
    function = model._function
    if input_tensors is None:
        inputs = tree.map_structure(
            lambda x: Input(batch_shape=x.shape, dtype=x.dtype, name=_input_name(x)), function._inputs_struct
        )
    else:
        if len(tree.flatten(input_tensors)) == 1 and not tree.is_nested(function._inputs_struct):
            input_tensors = tree.flatten(input_tensors)[0]
        try:
            tree.assert_same_structure(function._inputs_struct, input_tensors)
        except ValueError as error:
            raise ValueError(
                f"clone_model: `input_tensors` must have the same structure as model.input. {error}"
            ) from None
        inputs = tree.map_structure(_of_an_input, input_tensors)
    clones: dict[int, Any] = {}

    def clone(operation: Operation) -> Callable[..., Any]:
        if id(operation) not in clones:
            clones[id(operation)] = made(operation)
        copy = clones[id(operation)]

        def call(*args: Any, **kwargs: Any) -> Any:
            return copy(*args, **kwargs) if call_function is None else call_function(copy, *args, **kwargs)

        return call

    outputs = function._run(inputs, clone)
    return functional_class(type(model))(inputs, outputs, name=model.name)


def _input_name(x: KerasTensor) -> str | None:
    return None if x._keras_history is None else x._keras_history.operation.name


def _of_an_input(x: Any) -> Any:
    """`x` itself if it comes from an `Input`, else a new input with its shape and type."""
    if not isinstance(x, KerasTensor):
        raise ValueError(f"clone_model: `input_tensors` must hold placeholders, got {x!r}.")
    history = x._keras_history
    if history is not None and isinstance(history.operation, InputLayer):
        return x
    return Input(batch_shape=x.shape, dtype=x.dtype, name=x.name)
