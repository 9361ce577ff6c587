"""Vectors of integers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from dlrs import _dlrs, constraints, initializers, ops, regularizers
from dlrs.backend import KerasTensor, Tensor, is_int_dtype
from dlrs.backend.checks import check_type
from dlrs.backend.ragged import PAD
from dlrs.layers.layer import Layer


class Lookup(NamedTuple):
    """What an `Embedding` was called with: the ids, which must lie in [0, rows), and the name of the layer."""

    ids: Any
    rows: int
    owner: str


class _Watched(threading.local):
    lookups: list[Lookup] | None = None


_WATCHED = _Watched()


@contextmanager
def watching_lookups() -> Iterator[list[Lookup]]:
    """Collect what embeddings are called with in this block, so that ids can be checked before anything is run."""
    outer, _WATCHED.lookups = _WATCHED.lookups, []
    try:
        yield _WATCHED.lookups
    finally:
        _WATCHED.lookups = outer


class Embedding(Layer):
    """A vector for each integer: row `i` of a trained matrix for the input `i`.

    It equals the product of the one-hot vector of `i` with the matrix, without making either.

    Args:
        input_dim: number of integers; inputs lie in [0, input_dim).
        output_dim: length of a vector.
        embeddings_initializer: initializer of the matrix, shape (input_dim, output_dim).
        embeddings_regularizer: function of the matrix whose value is added to the loss.
        embeddings_constraint: function applied to the matrix after each update.
        mask_zero: whether 0 means padding: the mask of the output is then False there.
        weights: the matrix to start with, such as pre-trained vectors; an array, or a list that holds it.
        **kwargs: `name`, `dtype`, `trainable`.

    Inputs of shape (batch, ...) give outputs of shape (batch, ..., output_dim). Floats are truncated to integers.

    Raises:
        ValueError: `input_dim` or `output_dim` is not a positive integer.
        IndexError: an input is not in [0, input_dim); the message names the layer, the input and its position.

    >>> import numpy as np
    >>> layer = Embedding(3, 2, weights=np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]))
    >>> layer(np.array([[2, 1]])).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            if isinstance(size, bool) or not hasattr(size, "__index__") or size <= 0:
                raise ValueError(f"Embedding: `{name}` must be a positive integer, got {size!r}.")
        # Integers in a float type are not rounded to the compute type before they are read.
        super().__init__(**{**kwargs, "autocast": False})
        self.input_dim = int(input_dim)
        self.output_dim = int(output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = bool(mask_zero)
        if weights is not None:
            self.build()
            self.set_weights(list(weights) if isinstance(weights, list | tuple) else [np.asarray(weights)])

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Any) -> Any:
        check_type(type(self).__name__, "inputs", inputs, Tensor | KerasTensor, f"a tensor of integers ({PAD[:-1]})")
        owner = f"{type(self).__name__} layer {self.name!r}"
        if _WATCHED.lookups is not None:
            _WATCHED.lookups.append(Lookup(inputs, self.input_dim, owner))
        if not is_int_dtype(inputs.dtype):
            inputs = ops.cast(inputs, "int32")
        return ops.cast(_dlrs.lookup(self.embeddings, inputs, owner), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }
