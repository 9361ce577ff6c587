"""The first layer of a Transformer of tokens."""

from typing import Any

from dlrs import initializers, ops
from dlrs.backend import KerasTensor
from dlrs.layers.attention.projected_attention import copy_of
from dlrs.layers.layer import Layer
from dlrs.layers.reversible_embedding import ReversibleEmbedding
from dlrs.layers.transformer.position_encodings import PositionEmbedding


class TokenAndPositionEmbedding(Layer):
    """The sum of a trained vector for the token and one for its position.

    Args:
        vocabulary_size: number of tokens; ids lie in [0, vocabulary_size).
        sequence_length: number of positions.
        embedding_dim: length of a vector.
        tie_weights: whether `token_embedding(x, reverse=True)`, the scores of all tokens for a vector, uses the matrix
            of the tokens' vectors.
        embeddings_initializer: initializer of both.
        mask_zero: whether 0 means padding: the mask of the output is then False there.
        **kwargs: `name`, `dtype`.

    Call arguments: `inputs`, ids (batch, time); `start_index`, the position of the first.

    Returns (batch, time, embedding_dim).

    >>> import numpy as np
    >>> TokenAndPositionEmbedding(vocabulary_size=5, sequence_length=8, embedding_dim=4)(np.array([[1, 2, 0]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        vocabulary_size: int,
        sequence_length: int,
        embedding_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        # Integers in a float type are not rounded to the compute type before they are read.
        super().__init__(**{**kwargs, "autocast": False})
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.token_embedding = ReversibleEmbedding(
            vocabulary_size,
            embedding_dim,
            tie_weights,
            copy_of(self.embeddings_initializer),
            mask_zero=mask_zero,
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.position_embedding = PositionEmbedding(
            sequence_length, copy_of(self.embeddings_initializer), dtype=self.dtype_policy, name="position_embedding"
        )
        self.vocabulary_size = self.token_embedding.input_dim
        self.sequence_length = self.position_embedding.sequence_length
        self.embedding_dim = self.token_embedding.output_dim
        self.tie_weights = tie_weights
        self.mask_zero = mask_zero
        self.supports_masking = bool(mask_zero)

    def build(self, input_shape: Any) -> None:
        self.token_embedding.build(tuple(input_shape))
        self.position_embedding.build((*input_shape, self.embedding_dim))

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        vectors = self.token_embedding(inputs)
        return ops.add(vectors, self.position_embedding(vectors, start_index=start_index))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.embedding_dim)

    def compute_output_spec(self, inputs: Any, start_index: Any = 0) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "embedding_dim": self.embedding_dim,
            "tie_weights": self.tie_weights,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "mask_zero": self.mask_zero,
        }
