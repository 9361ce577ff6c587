"""Attention with several heads over any axes."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend.checks import positive_size
from dlrs.layers.attention.projected_attention import ProjectedAttention, Shape, check_given, check_ranks, check_sources


class MultiHeadAttention(ProjectedAttention):
    """Attention between projections of query, key and value, several times beside each other (Vaswani et al. 2017).

    arXiv 1706.03762, section 3.2.2: each head attends with softmax(Q·Kᵀ / √key_dim)·V, and one more projection joins
    their outputs. Without dropout and scores asked for, no matrix of scores is kept: memory grows with T, not T·S.

    Args:
        num_heads: number of heads.
        key_dim: features of each head's queries and keys.
        value_dim: features of each head's values; `key_dim` by default.
        dropout: share of the weights set to 0 while training.
        use_bias: whether the projections have biases.
        output_shape: shape of each output position; the last axis of the query by default.
        attention_axes: the axes of positions that attention runs over; all between batch and features by default.
        sliding_window: sources nearer than this are seen, on either side; all by default.
        flash_attention: whether the scores must not be kept, which forbids dropout and asking for them;
            `config.is_flash_attention_enabled()` by default.
        kernel_initializer, bias_initializer: initializers of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions whose values are added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        use_gate: whether the heads' outputs are multiplied by the sigmoid of a projection of the query
            (arXiv 2505.06708).
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`.

    Call arguments: `query` (batch, T, dim), `value` (batch, S, dim), `key` (batch, S, dim; the value by default);
    `attention_mask`, bool, broadcast to (batch, heads, T, S); `return_attention_scores`; `training`;
    `use_causal_mask`. Masks of the inputs count, too. A target that sees no source gets the projection of zeros.

    Returns (batch, T, dim) and, if asked for, the weights (batch, heads, T, S).

    >>> import numpy as np
    >>> x = np.ones((1, 5, 8), "float32")
    >>> output, weights = MultiHeadAttention(num_heads=2, key_dim=4)(x, x, return_attention_scores=True)
    >>> output.shape, weights.shape
    ((1, 5, 8), (1, 2, 5, 5))
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        num_heads, key_dim = positive_size("num_heads", num_heads), positive_size("key_dim", key_dim)
        value_dim = None if value_dim is None else positive_size("value_dim", value_dim)
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
        self.num_heads = num_heads
        self.key_dim = self._key_size = key_dim
        self.value_dim = key_dim if value_dim is None else value_dim
        self._set_untracked("_shape_of_output", _sizes("output_shape", output_shape))
        if any(size < 1 for size in self._shape_of_output or ()):
            raise ValueError(f"MultiHeadAttention: `output_shape` must be positive, got {output_shape!r}.")
        self._set_untracked("attention_axes", _sizes("attention_axes", attention_axes))

    _shape_of_output: tuple[int, ...] | None
    attention_axes: tuple[int, ...] | None

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        check_given(self.name, query=query_shape, value=value_shape)
        key_shape = value_shape if key_shape is None else key_shape
        check_sources(value_shape, key_shape)
        check_ranks(self.name, (query_shape, value_shape, key_shape), 3)
        self._query_dense = self._projection("query", query_shape, 1, (self.num_heads, self.key_dim))
        self._key_dense = self._projection("key", key_shape, 1, (self.num_heads, self.key_dim))
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, (self.num_heads, self.value_dim), "sigmoid")
        self._value_dense = self._projection("value", value_shape, 1, (self.num_heads, self.value_dim))
        rank = len(value_shape) + 1
        if self.attention_axes is None:
            self._set_untracked("attention_axes", tuple(range(1, rank - 2)))
        self._build_attention(rank, self._axes_from_front(rank))
        joined = (*query_shape[:-1], self.num_heads, self.value_dim)
        made = (query_shape[-1],) if self._shape_of_output is None else self._shape_of_output
        self._output_dense = self._projection("attention_output", joined, 2, made)

    def _axes_from_front(self, rank: int) -> tuple[int, ...]:
        """The axes of attention in projections of rank `rank`."""
        assert self.attention_axes is not None
        axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in self.attention_axes)
        if not axes or not all(0 < axis < rank - 2 for axis in axes) or len(set(axes)) != len(axes):
            raise ValueError(
                f"Layer {self.name!r}: `attention_axes` must name different axes between the batch and the features of "
                f"inputs of rank {rank - 1}, got {self.attention_axes}."
            )
        return axes

    @property
    def query_dense(self) -> Any:
        """The projection of the query."""
        return self._query_dense

    @property
    def key_dense(self) -> Any:
        """The projection of the key."""
        return self._key_dense

    @property
    def value_dense(self) -> Any:
        """The projection of the value."""
        return self._value_dense

    @property
    def output_dense(self) -> Any:
        """The projection of the heads' outputs."""
        return self._output_dense

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Shape:
        check_sources(value_shape, value_shape if key_shape is None else key_shape)
        if self._shape_of_output is None:
            return tuple(query_shape)
        return (*query_shape[:-1], *self._shape_of_output)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._shape_of_output,
            "attention_axes": self.attention_axes,
        }


def _sizes(name: str, value: Any) -> tuple[int, ...] | None:
    """`value` as a tuple of integers; ValueError if it is something else than an integer or several."""
    if value is None:
        return None
    values = (value,) if isinstance(value, int) else value
    if not isinstance(values, list | tuple) or not all(isinstance(v, int) and abs(v) < 2**31 for v in values):
        raise ValueError(f"Invalid `{name}`: {value!r}. It should be of type tuple, list, or int.")
    return tuple(values) or None
