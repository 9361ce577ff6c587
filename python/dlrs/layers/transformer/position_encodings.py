"""What tells positions apart: waves, or trained vectors."""

from typing import Any

import numpy as np

from dlrs import initializers, ops
from dlrs.layers.layer import Layer
from dlrs.layers.transformer.positions import known_index, steps_from

Shape = tuple[int | None, ...]


class SinePositionEncoding(Layer):
    """Sines and cosines of the position, in wavelengths from 2π to `max_wavelength` · 2π (Vaswani et al. 2017, §3.5).

    PE(p, 2i) = sin(p / L^(2i/d)), PE(p, 2i+1) = cos(p / L^(2i/d)), with d features and L = `max_wavelength`. The layer
    returns these, not their sum with the inputs, which are read for their shape alone.

    Args:
        max_wavelength: L, 10,000 in the paper.
        **kwargs: `name`, `dtype`.

    Call arguments: `inputs` (..., time, features); `start_index`, the position of the first step, for sequences that
    are given in parts.

    Returns the encodings, broadcast to the shape of the inputs.

    >>> layer = SinePositionEncoding()
    >>> np.round(layer(np.zeros((1, 2, 4), "float32")).numpy(), 4)[0].tolist()  # doctest: +ELLIPSIS
    [[0.0, 1.0, 0.0, 1.0], [0.841..., 0.540..., 0.00999..., 1.0]]
    """

    def __init__(self, max_wavelength: float = 10000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        number = isinstance(max_wavelength, int | float | np.number) and not isinstance(max_wavelength, bool)
        if not number or not 0 < max_wavelength < np.inf:
            raise ValueError(f"`max_wavelength` must be a positive number, got {max_wavelength!r}.")
        self.max_wavelength = max_wavelength
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        _check_rank(self, inputs.shape)
        steps, features = inputs.shape[-2:]
        known = known_index("start_index", start_index)
        # In double precision: the sine of a large angle is as wrong as the angle.
        columns = np.arange(features)
        factors = float(self.max_wavelength) ** (-2.0 * (columns // 2) / max(features, 1))
        even = columns % 2 == 0
        if known is not None:
            angles = steps_from(known, steps)[:, None] * factors
            encodings = ops.convert_to_tensor(np.where(even, np.sin(angles), np.cos(angles)))
        else:
            positions = ops.cast(steps_from(start_index, steps), "float64")
            angles = ops.multiply(ops.expand_dims(positions, -1), factors)
            encodings = ops.where(even, ops.sin(angles), ops.cos(angles))
        return ops.broadcast_to(ops.cast(encodings, self.compute_dtype), inputs.shape)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        _check_rank(self, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_wavelength": self.max_wavelength}


class PositionEmbedding(Layer):
    """A trained vector for each position (Gehring et al. 2017, arXiv 1705.03122).

    The layer returns these, not their sum with the inputs, which are read for their shape alone.

    Args:
        sequence_length: number of positions.
        initializer: initializer of the vectors, shape (sequence_length, features).
        **kwargs: `name`, `dtype`.

    Call arguments: `inputs` (..., time, features); `start_index`, the position of the first step, for sequences that
    are given in parts.

    Returns the vectors, broadcast to the shape of the inputs.

    Raises:
        ValueError: a step lies beyond the last position.

    >>> layer = PositionEmbedding(sequence_length=10)
    >>> layer(np.zeros((2, 7, 4), "float32")).shape
    (2, 7, 4)
    """

    def __init__(self, sequence_length: int, initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        whole = hasattr(sequence_length, "__index__") and not isinstance(sequence_length, bool)
        if not whole or not 0 < sequence_length < 2**31:
            raise ValueError(f"`sequence_length` must be a positive integer, got {sequence_length!r}.")
        self.sequence_length = int(sequence_length)
        self.initializer = initializers.get(initializer)
        self.supports_masking = True

    def build(self, inputs_shape: Any) -> None:
        _check_rank(self, inputs_shape)
        if inputs_shape[-1] is None:
            raise ValueError(f"Layer {self.name!r}: the number of features must be known, got shape {inputs_shape}.")
        self.position_embeddings = self.add_weight(
            (self.sequence_length, inputs_shape[-1]), self.initializer, name="embeddings"
        )

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        _check_rank(self, inputs.shape)
        return ops.broadcast_to(self.vectors(inputs.shape[-2], start_index), inputs.shape)

    def vectors(self, steps: int, start_index: Any = 0) -> Any:
        """The vectors of so many positions from `start_index` on, (steps, features)."""
        known = known_index("start_index", start_index)
        if known is None:
            return ops.take(self.position_embeddings, steps_from(start_index, steps), axis=0)
        if known + steps > self.sequence_length:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) has vectors for `sequence_length` = "
                f"{self.sequence_length} positions, got {steps} steps from position {known} on."
            )
        return self.position_embeddings[known : known + steps]

    def compute_output_shape(self, input_shape: Any) -> Shape:
        _check_rank(self, input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
        }


def _check_rank(layer: Layer, shape: Any) -> None:
    if len(shape) < 2:
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}): inputs must have the shape (batch, time, features), got "
            f"{tuple(shape)}."
        )
