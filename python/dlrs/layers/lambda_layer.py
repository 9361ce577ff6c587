"""Functions as layers."""

import inspect
from collections.abc import Callable
from typing import Any

from dlrs.backend import tree
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.call_arguments import is_shape, map_shapes
from dlrs.layers.layer import Layer


class Lambda(Layer):
    """Applies a function of tensors.

    Args:
        function: the function, written in `dlrs.ops`. It is given `mask` and `training` if it takes them.
        output_shape: shape of the output without the batch axis, or a function from the input's shape to the
            output's; found by tracing if None.
        mask: the mask of the output, or a function of `(inputs, mask)`; with None the layer knows no masks.
        arguments: further keyword arguments of `function`.
        **kwargs: `name`, `dtype`.

    A configuration holds the function's name, never its code: to load one, register the function or hand it in as
    `custom_objects`.

    >>> import numpy as np
    >>> from dlrs import ops
    >>> Lambda(ops.square)(np.array([[3.0]], "float32")).tolist()
    [[9.0]]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"Lambda: `function` must be callable, got {function!r}.")
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._set_untracked("_output_shape", output_shape)
        self._set_untracked("_handed_on", _handed_on(function))

    _output_shape: Any
    _handed_on: tuple[str, ...]

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        context = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: context[name] for name in self._handed_on})

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        given = self._output_shape
        if given is None:
            return super().compute_output_shape(input_shape)
        if callable(given):
            return given(input_shape)
        batch = input_shape[0] if is_shape(input_shape) else tree.flatten(input_shape)[0]
        return map_shapes(lambda shape: (batch, *shape), given)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return self._traced_output_spec(*args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "function": serialize_keras_object(self.function),
            "arguments": serialize_keras_object(self.arguments),
        }
        for name, value in (("output_shape", self._output_shape), ("mask", self.mask)):
            if value is not None:
                config[name] = serialize_keras_object(value)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        config = dict(config)
        try:
            for name in config.keys() & {"function", "output_shape", "mask", "arguments"}:
                config[name] = deserialize_keras_object(config[name], custom_objects, safe_mode=safe_mode is not False)
        except ValueError as error:
            raise ValueError(f"A `Lambda` layer could not be loaded. {error}") from None
        shape = config.get("output_shape")
        return cls(**{**config, "output_shape": tuple(shape) if isinstance(shape, list) and is_shape(shape) else shape})


def _handed_on(function: Callable[..., Any]) -> tuple[str, ...]:
    """Which of the arguments of a layer's call `function` takes."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # a built-in function without a signature
        return ()
    return tuple(name for name in ("mask", "training") if name in parameters)
