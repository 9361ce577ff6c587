"""A recurrent layer run over a sequence both ways."""

from collections.abc import Callable
from typing import Any

from dlrs import ops
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.layer import Layer

_MERGES: dict[str | None, Callable[[Any, Any], Any]] = {
    "concat": lambda forth, back: ops.concatenate([forth, back], axis=-1),
    "sum": ops.add,
    "ave": lambda forth, back: ops.multiply(ops.add(forth, back), 0.5),
    "mul": ops.multiply,
    None: lambda forth, back: (forth, back),
}


class Bidirectional(Layer):
    """Runs a recurrent layer from the first step to the last and another from the last to the first.

    Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".

    Args:
        layer: a recurrent layer, copied without its weights.
        merge_mode: what becomes of two outputs: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None for both as they are.
        weights: weights for both layers, those of the first before those of the second.
        backward_layer: the layer for the way back; a copy of `layer` by default.
        **kwargs: `name`, `dtype`.

    Call arguments are those of `RNN`; `initial_state` holds the states of the way forth, then those of the way back.
    With `return_state` the states follow the output in this order.

    Raises:
        ValueError: no layers, an unknown merge mode, or two layers that run the same way or return different things.

    >>> import numpy as np
    >>> from dlrs.layers import LSTM
    >>> Bidirectional(LSTM(3, return_sequences=True))(np.ones((2, 5, 4), "float32")).shape
    (2, 5, 6)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        for given, what in ((layer, "layer"), (backward_layer, "backward_layer")):
            if not isinstance(given, Layer) and not (given is None and what == "backward_layer"):
                raise ValueError(
                    "Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. Received: "
                    f"{what}={given}"
                )
        lacking = [name for name in ("go_backwards", "return_sequences", "return_state") if not hasattr(layer, name)]
        if lacking:
            raise ValueError(
                f"Bidirectional: `layer` must be a recurrent layer; {type(layer).__name__} has no {', '.join(lacking)}."
            )
        if not isinstance(merge_mode, str | None) or merge_mode not in _MERGES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode!r}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = backward_layer or _copy(layer, "backward_", go_backwards=not layer.go_backwards)
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(layer, "use_cudnn"):
                one.use_cudnn = layer.use_cudnn  # which no configuration has
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                # Outputs of masked steps that repeat others would be merged with those of other steps.
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        self._set_untracked("_given_weights", weights)

    _given_weights: Any

    def _check_pair(self) -> None:
        forth, back = self.forward_layer, self.backward_layer
        if forth.go_backwards == back.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. Received: "
                f"forward_layer.go_backwards {forth.go_backwards}, backward_layer.go_backwards={back.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            values = getattr(forth, name), getattr(back, name)
            if values[0] != values[1]:
                raise ValueError(
                    f'Forward layer and backward layer are expected to have the same value for attribute "{name}", got '
                    f'"{values[0]}" for forward layer and "{values[1]}" for backward layer'
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        self.input_spec = self.forward_layer.input_spec
        if self._given_weights is not None:
            half = len(self._given_weights) // 2
            self.forward_layer.set_weights(self._given_weights[:half])
            self.backward_layer.set_weights(self._given_weights[half:])

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        states: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            half = _state_count(self.forward_layer)
            self._check_states(initial_state, half + _state_count(self.backward_layer))
            states = list(initial_state[:half]), list(initial_state[half:])
        forth = self.forward_layer(sequences, initial_state=states[0], mask=mask)
        back = self.backward_layer(sequences, initial_state=states[1], mask=mask)
        after: tuple[Any, ...] = ()
        if self.return_state:
            after, forth, back = (*forth[1:], *back[1:]), forth[0], back[0]
        if self.return_sequences:
            back = ops.flip(back, 1)
        self._check_widths(forth.shape[-1], back.shape[-1])
        merged = _MERGES[self.merge_mode](ops.cast(forth, self.compute_dtype), ops.cast(back, self.compute_dtype))
        if not self.return_state:
            return merged
        return (*merged, *after) if self.merge_mode is None else (merged, *after)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shapes = [one.compute_output_shape(sequences_shape) for one in (self.forward_layer, self.backward_layer)]
        (forth, *states), (back, *others) = shapes if self.return_state else ([shape] for shape in shapes)
        self._check_widths(forth[-1], back[-1])
        if self.merge_mode is None:
            return (forth, back, *states, *others)
        output = (*forth[:-1], forth[-1] + back[-1]) if self.merge_mode == "concat" else forth
        return (output, *states, *others) if self.return_state else output

    def _check_states(self, states: Any, count: int) -> None:
        if not isinstance(states, list | tuple) or len(states) != count:
            found = f"{len(states)} of them" if isinstance(states, list | tuple) else type(states).__name__
            raise ValueError(
                f"Layer {self.name!r}: `initial_state` must be a list of the {count} states, those of the forward "
                f"layer first, got {found}."
            )

    def _check_widths(self, forth: int, back: int) -> None:
        if forth != back and self.merge_mode in ("sum", "mul", "ave"):
            raise ValueError(
                f"Layer {self.name!r}: with `merge_mode={self.merge_mode!r}` both layers must give as many features, "
                f"got {forth} forward and {back} backward."
            )

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        output = [mask, mask] if self.merge_mode is None else mask
        if not self.return_state:
            return output
        states = [None] * (_state_count(self.forward_layer) + _state_count(self.backward_layer))
        return [*output, *states] if isinstance(output, list) else [output, *states]

    @property
    def states(self) -> Any:
        """The states of a stateful layer, forth and back; None before it has any."""
        if self.forward_layer.states and self.backward_layer.states:
            return (*self.forward_layer.states, *self.backward_layer.states)
        return None

    def reset_state(self) -> None:
        """Let the next batch begin with zeros."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        layer = serialize_keras_object(self.forward_layer)
        layer["config"]["name"] = layer["config"]["name"].removeprefix("forward_")
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": layer,
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        layer = deserialize_keras_object(config.pop("layer"), custom_objects=custom_objects)
        back = config.pop("backward_layer", None)
        if back is not None:
            back = deserialize_keras_object(back, custom_objects=custom_objects)
        return cls(layer, backward_layer=back, **config)


def _state_count(layer: Any) -> int:
    """How many states a recurrent layer has."""
    return len(layer.state_size) if isinstance(layer.state_size, list | tuple) else 1


def _copy(layer: Any, prefix: str, **changes: Any) -> Any:
    """A layer of the same configuration, without weights."""
    config = serialize_keras_object(layer)
    config["config"] = {**config["config"], **changes, "name": prefix + layer.name.removeprefix(prefix)}
    return deserialize_keras_object(config)
