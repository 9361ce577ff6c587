"""Embeddings that also lead back."""

from typing import Any

from dlrs import ops
from dlrs.backend import KerasTensor, set_keras_mask
from dlrs.layers.embedding import Embedding


class ReversibleEmbedding(Embedding):
    """An embedding whose matrix also scores every integer for a vector: the first and last layer of a language model.

    Press and Wolf, arXiv 1608.05859. Called with `reverse=True`, vectors of shape (..., output_dim) give scores of
    shape (..., input_dim), `vectors @ embeddings.T`.

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: as in
            `Embedding`.
        tie_weights: whether both ways use one matrix; otherwise the way back has its own.
        reverse_dtype: type in which scores are computed; that of the layer by default.
        logit_soft_cap: bound c of the scores, which become `c tanh(score / c)`.
        **kwargs: `name`, `dtype`, `trainable`, `weights`.

    >>> import numpy as np
    >>> layer = ReversibleEmbedding(3, 2, weights=np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]))
    >>> layer(np.array([[1.0, 1.0]], "float32"), reverse=True).tolist()
    [[0.0, 3.0, 7.0]]
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        # Before the base, which builds the layer if it is given `weights`.
        self.tie_weights = tie_weights
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim), self.embeddings_initializer, name="reverse_embeddings"
            )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            outputs = super().call(inputs)
            if self.mask_zero:
                set_keras_mask(outputs, ops.not_equal(inputs, 0))
            return outputs
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        scores = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        if self.logit_soft_cap is not None:
            scores = ops.tanh(scores / self.logit_soft_cap) * self.logit_soft_cap
        return scores

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        # `call`, which knows the way it goes, hangs the mask on its output.
        return None

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        dtype = self.reverse_dtype if reverse and self.reverse_dtype else self.compute_dtype
        return KerasTensor(self.compute_output_shape(inputs.shape, reverse), dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
