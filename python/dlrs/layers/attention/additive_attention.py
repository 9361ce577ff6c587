"""Attention by a sum under tanh."""

from typing import Any

from dlrs import ops
from dlrs.layers.attention.attention import Attention


class AdditiveAttention(Attention):
    """Attention whose score is the sum over the features of `scale * tanh(query + key)` (Bahdanau et al. 2015).

    arXiv 1409.0473, without its projections: put a `Dense` before each input for W·s and U·a.

    Args:
        use_scale: whether each feature has a trained factor, v in the paper.
        dropout: share of the weights set to 0 while training.
        **kwargs: `seed`, `name`, `dtype`.

    Called like `Attention`, with the same shapes; query and key have as many features.

    >>> import numpy as np
    >>> query, value = np.zeros((1, 2, 3), "float32"), np.eye(4, 3, dtype="float32")[None]
    >>> AdditiveAttention()([query, value]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        features = input_shape[0][-1]
        self.scale = self.add_weight((features,), "glorot_uniform", name="scale") if self.use_scale else None

    def _is_blockwise(self, query: Any) -> bool:
        return False

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        bent = ops.tanh(ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3)))
        return ops.sum(bent if self.scale is None else ops.multiply(bent, self.scale), axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]  # it has no choice
        return config
