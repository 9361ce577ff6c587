"""Attention in which several heads of queries share keys and values."""

from typing import Any

from dlrs.backend.checks import positive_size
from dlrs.layers.attention.projected_attention import ProjectedAttention, Shape, check_given, check_ranks, check_sources


class GroupedQueryAttention(ProjectedAttention):
    """Multi-head attention in which groups of query heads share a head of keys and values (Ainslie et al. 2023).

    arXiv 2305.13245. As many key heads as query heads give multi-head attention, a single one multi-query attention
    (Shazeer 2019, arXiv 1911.02150).

    Args:
        head_dim: features of each head.
        num_query_heads: number of heads of queries.
        num_key_value_heads: number of heads of keys and values, a divisor of `num_query_heads`.
        dropout: share of the weights set to 0 while training.
        use_bias: whether the projections have biases.
        sliding_window: sources nearer than this are seen, on either side; all by default.
        flash_attention: whether the scores must not be kept, which forbids dropout and asking for them.
        kernel_initializer, bias_initializer: initializers of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions whose values are added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        use_gate: whether the heads' outputs are multiplied by the sigmoid of a projection of the query.
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`.

    Called like `MultiHeadAttention`, on tensors of rank 3.

    >>> import numpy as np
    >>> x = np.ones((1, 5, 8), "float32")
    >>> GroupedQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)(x, x).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        head_dim = positive_size("head_dim", head_dim)
        num_query_heads = positive_size("num_query_heads", num_query_heads)
        num_key_value_heads = positive_size("num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                "`num_query_heads` must be divisible by `num_key_value_heads`. Received: "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )
        super().__init__(
            dropout,
            use_bias,
            use_gate,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            seed,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.head_dim = self._key_size = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        check_given(self.name, query=query_shape, value=value_shape)
        key_shape = value_shape if key_shape is None else key_shape
        check_sources(value_shape, key_shape)
        check_ranks(self.name, (query_shape, value_shape, key_shape), 3, 3)
        of_queries = (self.num_query_heads, self.head_dim)
        of_sources = (self.num_key_value_heads, self.head_dim)
        self._query_dense = self._projection("query", query_shape, 1, of_queries)
        self._key_dense = self._projection("key", key_shape, 1, of_sources)
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, of_queries, "sigmoid")
        self._value_dense = self._projection("value", value_shape, 1, of_sources)
        self._build_attention(4, (1,))
        joined = (*query_shape[:-1], *of_queries)
        self._output_dense = self._projection("attention_output", joined, 2, (query_shape[-1],))

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Shape:
        if query_shape[-1] != value_shape[-1]:
            raise ValueError(
                "The last dimension of `query_shape` and `value_shape` must be equal. Received: "
                f"query_shape={tuple(query_shape)}, value_shape={tuple(value_shape)}"
            )
        check_sources(value_shape, value_shape if key_shape is None else key_shape)
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
