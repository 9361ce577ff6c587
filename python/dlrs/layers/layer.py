"""The base of layers and models."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from dlrs import _dlrs, constraints, initializers, regularizers
from dlrs.backend import (
    KerasTensor,
    Variable,
    any_symbolic_tensors,
    get_policy,
    is_float_dtype,
    name_scope,
    standardize_dtype,
    standardize_shape,
    tree,
)
from dlrs.backend import compute_output_spec as trace_output_spec
from dlrs.backend.structure import bump_structure
from dlrs.layers.call_context import LOCAL, CallContext
from dlrs.layers.input_spec import assert_input_compatibility
from dlrs.layers.layer_state import LayerState
from dlrs.ops.node import Node
from dlrs.ops.operation import Operation

Tensor = _dlrs.Tensor
_TENSORS = (Tensor, KerasTensor)


class CallSignature(NamedTuple):
    """What the `call` method of a class takes."""

    names: tuple[str, ...]
    takes_training: bool
    takes_mask: bool
    default_training: bool | None


@functools.cache
def _call_signature(call: Callable[..., Any]) -> CallSignature:
    parameters = inspect.signature(call).parameters
    names = tuple(name for name in parameters if name != "self")
    training = parameters.get("training")
    default = training.default if training is not None and isinstance(training.default, bool) else None
    return CallSignature(names, training is not None, "mask" in parameters, default)


class Layer(LayerState, Operation):
    """A computation with state. A subclass makes its weights in `build` and computes in `call`.

    Args:
        activity_regularizer: function of the output whose value is added to the loss.
        trainable: whether the weights are trained.
        dtype: type, or `DTypePolicy`, of the computation and the weights; the global policy by default.
        autocast: whether floating inputs are cast to the compute type.
        name: name, unique in a model; made from the class name by default.

    Variables, layers, metrics and seed generators set as attributes, also inside lists and dicts, are tracked.

    >>> from dlrs import ops
    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> layer = Scale()
    >>> layer(np.ones((1, 2), "float32")).tolist()
    [[1.0, 1.0]]
    >>> layer.count_params()
    2
    """

    _signature: CallSignature

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        layer = super().__new__(cls)
        object.__setattr__(layer, "_constructor_arguments", (args, kwargs))
        return layer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _marks_built(cls.build)  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._init_state(trainable)
        input_shape = kwargs.pop("input_shape", None)
        if kwargs:
            raise TypeError(f"{type(self).__name__} does not know the arguments {sorted(kwargs)}.")
        Operation.__init__(self, name=name)
        self.built = False
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.input_spec: Any = None
        self.supports_masking = False
        self.dtype_policy = get_policy(dtype)
        self._called = False
        self._set_untracked("_signature", _call_signature(type(self).call))
        if input_shape is not None:
            self._set_untracked("_input_shape_argument", tuple(input_shape))

    # Types

    @property
    def compute_dtype(self) -> str:
        """The type that floating inputs are cast to."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of weights."""
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The type of weights."""
        return self.variable_dtype

    @property
    def input_dtype(self) -> str:
        """The type that floating inputs are cast to."""
        return self.compute_dtype

    # Building

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of shape `input_shape`, with None for open sizes. Called once, before `call`."""
        self.built = True

    def add_weight(
        self,
        shape: Sequence[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        name: str | None = None,
    ) -> Variable:
        """A new variable of this layer.

        Args:
            shape: its shape; a scalar by default.
            initializer: function, or name of one; Glorot uniform for floats by default, zeros for the rest.
            dtype: element type; the layer's variable type by default.
            trainable: whether it is trained.
            autocast: whether a mixed policy may cast it.
            regularizer: function whose value is added to the loss.
            constraint: function applied after each update.
            aggregation: how replicas would be joined.
            name: name.
        """
        element_type = standardize_dtype(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float_dtype(element_type) else "zeros"
        variable = Variable(
            initializers.get(initializer),
            shape=standardize_shape(() if shape is None else shape),  # type: ignore[arg-type]
            dtype=element_type,
            trainable=trainable,
            autocast=autocast,
            aggregation=aggregation,
            name=name,
        )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._track_variable(variable)
        return variable

    def _maybe_build(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Call `build` with the shape of the first argument, or with every shape it names as `<argument>_shape`."""
        named = dict(zip(self._signature.names, args, strict=False)) | kwargs
        shapes = {
            name: tree.map_structure(lambda leaf: tuple(leaf.shape), value)
            for name, value in named.items()
            if (leaves := tree.flatten(value)) and all(isinstance(leaf, _TENSORS) for leaf in leaves)
        }
        if type(self).build is not Layer.build and shapes:
            parameters = list(inspect.signature(type(self).build).parameters)[1:]
            wanted = {f"{name}_shape": shape for name, shape in shapes.items()}
            if len(parameters) > 1 and set(parameters) <= set(wanted):
                self.build(**{name: wanted[name] for name in parameters})
            else:
                self.build(next(iter(shapes.values())))
        self.built = True

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs on tensors or arrays; on placeholders, further placeholders.

        Keyword arguments `training` and `mask` are handed to `call` if it takes them; `training` also reaches the
        layers that `call` calls, and a mask is taken from the inputs where there is none.
        """
        try:
            signature = self._signature
        except AttributeError:
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must call `super().__init__()` before the layer is used."
            ) from None
        args = tuple([self._convert_input(arg) for arg in args])
        if kwargs:
            kwargs = {name: self._convert_input(value) for name, value in kwargs.items()}
        context = LOCAL.context
        outermost = context is None
        if context is None:
            context = LOCAL.context = CallContext(self, None)
            self._clear_losses()
        outer_training = context.training
        try:
            given = kwargs.get("training")
            if given is None and len(args) > 1 and signature.takes_training:
                position = signature.names.index("training")
                given = args[position] if position < len(args) else None
            if given is not None:
                context.training = given
            if self._called:
                return self._call(args, kwargs, context.training)
            with name_scope(self.name):
                outputs = self._call(args, kwargs, context.training)
            self._called = True
            return outputs
        finally:
            context.training = outer_training
            if outermost:
                LOCAL.context = None

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None) -> Any:
        if self.input_spec is not None and args:
            assert_input_compatibility(self.input_spec, args[0], self.name)
        if not self.built:
            self._maybe_build(args, kwargs)
            if self.input_spec is not None and args:
                assert_input_compatibility(self.input_spec, args[0], self.name)
        is_single = len(args) == 1 and not kwargs and isinstance(args[0], Tensor)
        if not is_single and any_symbolic_tensors(args, kwargs):
            return self._symbolic_call(args, kwargs)
        signature = self._signature
        if signature.takes_training and "training" not in kwargs and len(args) <= signature.names.index("training"):
            resolved = signature.default_training if training is None else training
            if resolved is not None:
                kwargs = {**kwargs, "training": resolved}
        elif not signature.takes_training and "training" in kwargs:
            kwargs = {name: value for name, value in kwargs.items() if name != "training"}
        mask = self._input_mask(args)
        if mask is not None and signature.takes_mask and kwargs.get("mask") is None and len(args) == 1:
            kwargs = {**kwargs, "mask": mask}
        try:
            outputs = self.call(*args, **kwargs)
        except Exception as error:
            self._name_in(error, args)
            raise
        if LOCAL.observer is not None:
            LOCAL.observer(self, outputs)
        if self.activity_regularizer is not None:
            for output in tree.flatten(outputs):
                # Per sample, as in Keras, so that its strength does not depend on the size of the batch.
                size = max(output.shape[0], 1) if output.shape else 1
                self.add_loss(self.activity_regularizer(output) / size)
        if self.supports_masking and (mask is not None or type(self).compute_mask is not Layer.compute_mask):
            self._set_output_mask(args, mask, outputs)
        return outputs

    def _symbolic_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            outputs = self.compute_output_spec(*args, **kwargs)
        except Exception as error:
            self._name_in(error, args)
            raise
        finally:
            self._clear_losses()
        Node(operation=self, call_args=args, call_kwargs=kwargs, outputs=outputs)
        return outputs

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs. Written with `dlrs.ops`, so that it can run eagerly, recorded and compiled."""
        raise TypeError(f"Layer {type(self).__name__} does not define `call`.")

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for inputs of shape `input_shape`, None for open sizes; found by tracing `call`."""
        shape = args[0] if args else next(iter(kwargs.values()))
        inputs = tree_of_placeholders(shape, self.compute_dtype)
        return tree.map_structure(lambda spec: spec.shape, self.compute_output_spec(inputs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Placeholders of the outputs for placeholders as inputs."""
        if type(self).compute_output_shape is not Layer.compute_output_shape and len(args) == 1:
            shape = self.compute_output_shape(tree.map_structure(lambda leaf: tuple(leaf.shape), args[0]))
            return tree_of_placeholders(shape, self.compute_dtype)
        # `call` may leave `training` to its default, as it does when a model is used on its own.
        return trace_output_spec(self.call, *args, **kwargs)

    def _convert_input(self, value: Any) -> Any:
        """Arrays and variables as tensors; floating tensors in the compute type."""
        if isinstance(value, Tensor):
            return self._autocast(value)
        if isinstance(value, np.ndarray):
            return self._autocast(_dlrs.tensor(value))
        if isinstance(value, _dlrs.Variable):
            return self._autocast(value.value)
        if isinstance(value, list | tuple | dict):
            return tree.map_structure(self._convert_input, value)
        return value

    def _autocast(self, tensor: Tensor) -> Tensor:
        dtype = self.dtype_policy.compute_dtype
        if self.autocast and tensor.dtype != dtype and is_float_dtype(tensor.dtype):
            return _dlrs.cast(tensor, dtype)
        return tensor

    def _name_in(self, error: Exception, args: tuple[Any, ...]) -> None:
        """Add to the message of `error` that it arose in this layer, on inputs of these shapes; its type stays."""
        if getattr(error, "_dlrs_layer", None) is not None:
            return
        shapes = [tuple(x.shape) for x in tree.flatten(args) if hasattr(x, "shape")]
        inputs = (
            f" called on {'shape' if len(shapes) == 1 else 'shapes'} {', '.join(map(str, shapes))}" if shapes else ""
        )
        text = f"Raised in layer {self.name!r} ({type(self).__name__}){inputs}."
        if len(error.args) == 1 and isinstance(error.args[0], str):
            error.args = (f"{error.args[0]}\n{text}",)
        else:
            error.add_note(text)
        try:
            error._dlrs_layer = self.name  # type: ignore[attr-defined]
        except AttributeError:
            return

    # Masks

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output, given that of the inputs; the same by default."""
        return previous_mask

    def _input_mask(self, args: tuple[Any, ...]) -> Any:
        if not args:
            return None
        first = args[0]
        if isinstance(first, _TENSORS):
            return getattr(first, "_keras_mask", None)
        leaves = tree.flatten(first)
        masks = [getattr(leaf, "_keras_mask", None) for leaf in leaves]
        if all(mask is None for mask in masks):
            return None
        return tree.pack_sequence_as(first, masks)

    def _set_output_mask(self, args: tuple[Any, ...], mask: Any, outputs: Any) -> None:
        output_mask = self.compute_mask(args[0] if args else None, mask)
        if output_mask is None:
            return
        masks = tree.flatten(output_mask)
        for output, one in zip(tree.flatten(outputs), masks, strict=False):
            if one is not None:
                output._keras_mask = one

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values.

        A subclass with arguments of its own adds them to `super().get_config()`; if it does not override this method,
        the arguments it was made with are taken, provided they are plain values.
        """
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy.name}
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            args, kwargs = self.__dict__["_constructor_arguments"]
            bound = inspect.signature(type(self)).bind(*args, **kwargs)
            for name, value in _named_arguments(bound).items():
                if not _is_plain(value):
                    raise TypeError(
                        f"{type(self).__name__} must override `get_config`: its argument `{name}` is of type "
                        f"{type(value).__name__}, which is not a plain value."
                    )
                config[name] = value
            accepted = inspect.signature(type(self)).parameters
            if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values()):
                config = {name: value for name, value in config.items() if name in accepted}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer made from what `get_config` returned, without weights."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def tree_of_placeholders(shape: Any, dtype: str) -> Any:
    """Placeholders for a shape, or a nest of shapes."""
    if isinstance(shape, dict):
        return {key: tree_of_placeholders(value, dtype) for key, value in shape.items()}
    if isinstance(shape, list | tuple) and any(isinstance(value, list | tuple | dict) for value in shape):
        return [tree_of_placeholders(value, dtype) for value in shape]
    return KerasTensor(shape, dtype)


def _marks_built(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build`, opening the name scope of the layer and marking it built."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if LOCAL.context is not None and not self._called:
            build(self, *args, **kwargs)  # within the first call, whose scope is open
        else:
            with name_scope(self.name):
                build(self, *args, **kwargs)
        self.built = True
        bump_structure()

    return wrapper


def _named_arguments(bound: inspect.BoundArguments) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            named[name] = value
    return named


def _is_plain(value: Any) -> bool:
    return all(isinstance(leaf, bool | int | float | str | type(None)) for leaf in tree.flatten(value))
