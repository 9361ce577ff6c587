"""The base of layers and models."""

import contextlib
import functools
import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from dlrs import _dlrs, dtype_policies, regularizers
from dlrs.backend import (
    KerasTensor,
    any_symbolic_tensors,
    as_tensor,
    current_path,
    get_keras_mask,
    is_float_dtype,
    name_scope,
    set_keras_mask,
    tree,
    without_stand_ins,
)
from dlrs.backend import compute_output_spec as trace_output_spec
from dlrs.backend.old_spellings import takes_old_arguments
from dlrs.backend.structure import bump_structure
from dlrs.backend.unknown_arguments import constructor_arguments, unknown_arguments
from dlrs.layers.call_arguments import (
    TENSORS,
    CallSignature,
    add_masks,
    argument_shapes,
    is_shape,
    masks_of,
    placeholders,
    shapes_for,
    signature_of,
)
from dlrs.layers.call_context import LOCAL, CallContext, reading_variables_as
from dlrs.layers.input_spec import assert_input_compatibility
from dlrs.layers.layer_config import accepted_only, automatic_config
from dlrs.layers.layer_errors import names_its_errors, say_where
from dlrs.layers.layer_state import LayerState, assign_all
from dlrs.layers.old_arguments import OLD_ARGUMENTS
from dlrs.ops.node import Node
from dlrs.ops.operation import Operation

Tensor = _dlrs.Tensor


def _marks_built(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build`, opening the name scope of the layer, marking it built and closing it for further state."""

    @functools.wraps(build)
    def wrapper(self: "Layer", *args: Any, **kwargs: Any) -> None:
        if self.__dict__.get("_is_building"):
            build(self, *args, **kwargs)  # `super().build(...)` within the `build` of a subclass
            return
        self._set_untracked("_is_building", True)
        try:
            with name_scope(self.name, self):
                self._path = current_path()
                build(self, *args, **kwargs)
        except Exception as error:
            self._name_in(error, ())
            raise
        finally:
            self._set_untracked("_is_building", False)
        self.built = True
        shapes = dict(zip(signature_of(build).names, args, strict=False)) | kwargs
        self._set_untracked("_build_shapes", without_stand_ins(shapes))
        self._tracker.lock()
        bump_structure()

    return wrapper


_takes_old_arguments = takes_old_arguments(OLD_ARGUMENTS)


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
    _constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]]
    # Arguments of the outermost call that reach the layers within.
    _call_context_args: frozenset[str] = frozenset(("training",))
    # Preprocessing layers may take text and lists of numbers.
    _convert_input_args = True
    _allow_non_tensor_positional_args = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        layer = super().__new__(cls)
        object.__setattr__(layer, "_constructor_arguments", (args, kwargs))
        return layer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls.__init__ = _takes_old_arguments(names_its_errors(cls.__init__))  # type: ignore[method-assign]
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
        if "input_dim" in kwargs:
            input_shape = (kwargs.pop("input_dim"),)
        if kwargs:
            raise unknown_arguments(type(self).__name__, kwargs, constructor_arguments(type(self)))
        Operation.__init__(self, name=name)
        self.built = False
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.input_spec: Any = None
        self.supports_masking = type(self).compute_mask is not Layer.compute_mask
        self.dtype_policy = dtype
        self._called = False
        self._path: str | None = None
        self._set_untracked("_signature", signature_of(type(self).call))
        self._set_untracked("_build_shapes", None)
        if input_shape is not None:
            self._set_untracked("_input_shape_argument", tuple(input_shape))

    @property
    def path(self) -> str:
        """The name, behind the names of the layers that it was built in."""
        return self._path or self.name

    # Building

    @_marks_built
    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of shape `input_shape`, with None for open sizes. Called once, before `call`.

        The default builds the layers within by tracing `call`.
        """
        if input_shape is None or all(layer.built for layer in self._child_layers()):
            return
        try:
            trace_output_spec(self.call, placeholders(input_shape, self.compute_dtype))
        except Exception as error:
            warnings.warn(
                f"Layer {self.name!r}: the layers within it could not be built, because `call` cannot be traced on "
                f"inputs of shape {input_shape}. Define `build`, or call the layer on data. {error}",
                stacklevel=3,
            )

    def _build_at_init(self) -> None:
        """Mark a layer without weights as built, unless a subclass has a `build` of its own."""
        if type(self).build is Layer.build:
            self.build(None)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with, or None if it is not built."""
        shapes = self.__dict__["_build_shapes"]
        if not shapes:
            return None
        return {"input_shape": next(iter(shapes.values()))} if len(shapes) == 1 else {"shapes_dict": shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer as `get_build_config` described."""
        if config.get("shapes_dict") is not None:
            self.build(**config["shapes_dict"])
        elif "input_shape" in config:
            self.build(config["input_shape"])

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the variables of this layer itself into `store`, under "0", "1", ...; may be overridden."""
        store.update((str(number), variable) for number, variable in enumerate(self._own_weights()))

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Assign to the variables of this layer itself what `save_own_variables` put into `store`: all, or none.

        Raises:
            ValueError: `store` holds another number of arrays, or one of another shape.
        """
        variables = self._own_weights()
        if len(store) != len(variables):
            raise ValueError(
                f"Layer {self.name!r} expected {len(variables)} variables, but received {len(store)} variables "
                "while loading" + ("." if self.built else "; it was never built, so its variables do not exist yet.")
            )
        assign_all(self.name, variables, [store[str(number)] for number in range(len(variables))])

    def _maybe_build(self, arguments: dict[str, Any]) -> None:
        """Call `build` with the shape of the first tensor argument, or with those it names as `<argument>_shape`."""
        if type(self).build is Layer.build:
            self.build(None)  # the layers within are built when `call` calls them
            with contextlib.suppress(ValueError):  # a layer may take nests of tensors and other things
                self._set_untracked("_called_on", without_stand_ins(argument_shapes(arguments)))  # for summaries
        else:
            self.build(**shapes_for(type(self).build, arguments, self.name))
        self.built = True

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs on tensors or arrays; on placeholders, further placeholders.

        Only tensors may be positional. `training` reaches `call`, if it takes it, and the layers that `call` calls;
        a mask is taken from the inputs where none is given.
        """
        try:
            signature = self._signature
        except AttributeError:
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must call `super().__init__()` before the layer is used."
            ) from None
        given = (args, kwargs)
        if self._convert_input_args:
            try:
                args = tuple([self._convert_input(arg) for arg in args])
                if kwargs:
                    kwargs = {name: self._convert_input(value) for name, value in kwargs.items()}
            except Exception as error:
                self._name_in(error, given[0])
                raise
        if not self._allow_non_tensor_positional_args:
            _check_positional(args, self.name)
        context = LOCAL.context
        outermost = context is None
        if context is None:
            context = LOCAL.context = CallContext(self)
            self._clear_losses()
        outer_values = context.values
        try:
            kwargs = self._with_context_arguments(signature, kwargs, context)
            if self._called:
                return self._call(signature, args, kwargs, given)
            with name_scope(self.name, self):
                outputs = self._call(signature, args, kwargs, given)
            self._called = True
            return outputs
        finally:
            context.values = outer_values
            if outermost:
                LOCAL.context = None

    def _with_context_arguments(
        self, signature: CallSignature, kwargs: dict[str, Any], context: CallContext
    ) -> dict[str, Any]:
        """`kwargs` with `training` and its like as given here or by a layer further out, if `call` takes them."""
        for name in self._call_context_args:
            value = kwargs.get(name)
            if value is not None:
                context.values = {**context.values, name: value}
            if name not in signature.names:
                if name in kwargs:
                    kwargs = {key: other for key, other in kwargs.items() if key != name}
            elif value is None and context.values.get(name) is not None:
                kwargs = {**kwargs, name: context.values[name]}
        return kwargs

    def _register_call_context_args(self, *names: str) -> None:
        """Let arguments of these names reach the layers within, as `training` does; those register them, too."""
        if self._called:
            raise RuntimeError("Cannot add call-context args after the layer has been called.")
        self._set_untracked("_call_context_args", self._call_context_args | set(names))

    def _call(self, signature: CallSignature, args: tuple[Any, ...], kwargs: dict[str, Any], given: Any) -> Any:
        simple = len(args) == 1 and isinstance(args[0], Tensor) and (not kwargs or list(kwargs) == ["training"])
        arguments = {} if simple and self.built else signature.bound(args, kwargs)
        first = args[0] if args else next(iter(arguments.values()), None)
        if self.input_spec is not None:
            assert_input_compatibility(self.input_spec, first, self.name)
        if not self.built:
            self._maybe_build(arguments)
            if self.input_spec is not None:
                assert_input_compatibility(self.input_spec, first, self.name)
        if simple:
            mask = get_keras_mask(first)
            if mask is not None and signature.takes_mask:
                kwargs = {**kwargs, "mask": mask}
        else:
            kwargs = dict(kwargs)
            add_masks(signature, arguments, kwargs)
            mask = kwargs.get("mask")
            if mask is None:
                mask = masks_of(first)
        is_symbolic = not simple and any_symbolic_tensors(args, kwargs)
        try:
            outputs = self._in_own_types(self.compute_output_spec if is_symbolic else self.call, args, kwargs)
        except Exception as error:
            self._name_in(error, args)
            raise
        finally:
            if is_symbolic:
                self._clear_losses()
        if is_symbolic:
            Node(operation=self, call_args=given[0], call_kwargs=given[1], outputs=outputs)
        else:
            self._observe(outputs)
        self._pass_mask_on(first, mask, outputs)
        return outputs

    def _in_own_types(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`fn(*args, **kwargs)`, reading variables in the compute type if that is another than theirs."""
        policy = self._dtype_policy
        if LOCAL.autocast is None and policy.compute_dtype == policy.variable_dtype:
            return fn(*args, **kwargs)
        dtype = policy.compute_dtype if self.autocast and is_float_dtype(policy.compute_dtype) else None
        return reading_variables_as(dtype, fn, args, kwargs)

    def _observe(self, outputs: Any) -> None:
        if LOCAL.observer is not None:
            LOCAL.observer(self, outputs)
        if self.activity_regularizer is not None:
            for output in tree.flatten(outputs):
                if isinstance(output, Tensor):
                    # Per sample, as in Keras, so that its strength does not depend on the size of the batch.
                    size = max(output.shape[0], 1) if output.shape else 1
                    self.add_loss(self.activity_regularizer(output) / size)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs. Written with `dlrs.ops`, so that it can run eagerly, recorded and compiled."""
        raise self._lacks("call")

    def _lacks(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"Layer {type(self).__name__} does not have a `{method}` method implemented.")

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for inputs of shape `input_shape`, None for open sizes; found by tracing `call`."""
        if type(self).call is Layer.call:
            raise self._lacks("compute_output_shape")
        shape = args[0] if args else next(iter(kwargs.values()))
        inputs = placeholders(shape, self.compute_dtype)
        return tree.map_structure(lambda spec: spec.shape, self._traced_output_spec(inputs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Placeholders of the outputs for placeholders as inputs."""
        method = type(self).compute_output_shape
        if method is Layer.compute_output_shape:
            return self._traced_output_spec(*args, **kwargs)
        shapes = shapes_for(method, self._signature.bound(args, kwargs), self.name)
        shape = self.compute_output_shape(**shapes)
        return placeholders(tuple(shape) if is_shape(shape) else shape, self.compute_dtype)

    def _traced_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        # `call` may leave `training` to its default, as it does when a model is used on its own.
        return trace_output_spec(self.call, *args, **kwargs)

    def _convert_input(self, value: Any) -> Any:
        """Arrays and variables as tensors; floating tensors in the compute type."""
        if isinstance(value, Tensor):
            return self._autocast(value)
        if isinstance(value, np.ndarray):
            return self._autocast(as_tensor(value))
        if isinstance(value, _dlrs.Variable):
            return self._autocast(value.value)
        if isinstance(value, KerasTensor):
            return self._autocast_placeholder(value)
        if isinstance(value, list | tuple | dict):
            return tree.map_structure(self._convert_input, value)
        return value

    def _autocast(self, tensor: Tensor) -> Tensor:
        dtype = self._dtype_policy.compute_dtype
        if self.autocast and tensor.dtype != dtype and is_float_dtype(tensor.dtype):
            converted = _dlrs.cast(tensor, dtype)
            mask = get_keras_mask(tensor)
            if mask is not None:
                set_keras_mask(converted, mask)
            return converted
        return tensor

    def _autocast_placeholder(self, value: KerasTensor) -> KerasTensor:
        dtype = self._dtype_policy.compute_dtype
        if not self.autocast or value.dtype == dtype or not is_float_dtype(value.dtype):
            return value
        converted = KerasTensor(value.shape, dtype, name=value.name)
        set_keras_mask(converted, get_keras_mask(value))
        return converted

    def _name_in(self, error: Exception, args: tuple[Any, ...]) -> None:
        """Add to the message of `error` that it arose in this layer, on inputs of these shapes; its type stays."""
        if getattr(error, "_dlrs_layer", None) is not None:
            return
        shapes = [tuple(x.shape) for x in tree.flatten(args) if hasattr(x, "shape")]
        inputs = (
            f" called on {'shape' if len(shapes) == 1 else 'shapes'} {', '.join(map(str, shapes))}" if shapes else ""
        )
        kind = type(self).__name__
        of = "" if str(error).startswith(f"{kind}: ") else f" ({kind})"
        say_where(error, f"Raised in layer {self.name!r}{of}{inputs}.", self.name)

    # Masks

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output, given that of the inputs; the same by default."""
        return previous_mask

    def _pass_mask_on(self, inputs: Any, mask: Any, outputs: Any) -> None:
        """Hang on the outputs, where none hangs yet, the mask that belongs to them."""
        if not self.supports_masking:
            if mask is not None and not self._signature.takes_mask:
                warnings.warn(
                    f"Layer {self.name!r} ({type(self).__name__}) was given an input with a mask, but does not support "
                    f"masks: the layers behind it will not see the mask.",
                    stacklevel=4,
                )
            return
        if mask is None and type(self).compute_mask is Layer.compute_mask:
            return
        leaves = tree.flatten(outputs)
        if all(get_keras_mask(leaf) is not None for leaf in leaves):
            return
        output_mask = self.compute_mask(inputs, mask)
        if output_mask is None:
            return
        for leaf, one in zip(leaves, tree.flatten(output_mask), strict=False):
            if one is not None and get_keras_mask(leaf) is None:
                set_keras_mask(leaf, one)

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {**Operation.__getstate__(self), "_losses": []}
        state.pop("_signature", None)
        if type(self).get_config is not Layer.get_config:
            state["_constructor_arguments"] = ((), {})  # only a configuration made automatically needs them
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_untracked("_signature", signature_of(type(self).call))

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as plain values.

        A subclass with arguments of its own adds them to `super().get_config()`; if it does not override this method,
        the arguments it was made with are taken, provided they are plain values.
        """
        config = {"name": self.name, "trainable": self.trainable, "dtype": dtype_policies.serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            config = accepted_only(self, config | automatic_config(self))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer made from what `get_config` returned, without weights.

        Raises:
            TypeError: the constructor does not take `config`.
        """
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"{cls.__name__} cannot be made from the configuration {config}: {type(error).__name__}: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _check_positional(args: tuple[Any, ...], layer: str) -> None:
    for arg in args:
        if isinstance(arg, TENSORS):
            continue
        for leaf in tree.flatten(arg):
            if leaf is not None and not isinstance(leaf, TENSORS):
                raise ValueError(
                    f"Layer {layer!r}: Only input tensors may be passed as positional arguments; pass {leaf!r} (of "
                    f"type {type(leaf).__name__}) as a keyword argument. Lists of numbers go through `np.array` "
                    f"first, those of different lengths through `utils.pad_sequences`."
                )
