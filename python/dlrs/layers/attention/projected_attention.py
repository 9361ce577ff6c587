"""What attention with several heads shares: projections, masks and the two ways to compute it."""

import math
from collections.abc import Sequence
from typing import Any

from dlrs import config, constraints, initializers, ops, regularizers
from dlrs.backend.checks import positive_size
from dlrs.layers.activation_layers import Softmax
from dlrs.layers.attention.masks import both, causal_mask, window_mask, with_heads
from dlrs.layers.einsum_dense import EinsumDense
from dlrs.layers.layer import Layer
from dlrs.layers.noise import Dropout, check_rate

Shape = tuple[int | None, ...]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def projection_equation(free: int, bound: int, made: int) -> tuple[str, str]:
    """The equation of a projection that keeps `free` axes, sums over `bound` and makes `made`; and the letters made.

    >>> projection_equation(2, 1, 2)
    ('abc,cde->abde', 'de')
    """
    kept, summed, new = _LETTERS[:free], _LETTERS[free : free + bound], _LETTERS[free + bound : free + bound + made]
    return f"{kept}{summed},{summed}{new}->{kept}{new}", new


def attention_equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """The einsums of scores (from key and query) and of outputs (from weights and value).

    Tensors are (batch, ..., heads, features), of rank `rank`; attention runs over the axes `axes` of them.

    >>> attention_equations(4, (1,))
    ('aecd,abcd->acbe', 'acbe,aecd->abcd')
    """
    target = _LETTERS[:rank]
    fresh = iter(_LETTERS[rank:])
    source = "".join(next(fresh) if axis in axes else letter for axis, letter in enumerate(target))
    batch = "".join(letter for axis, letter in enumerate(target[:-1]) if axis not in axes)
    product = batch + "".join(target[axis] for axis in axes) + "".join(source[axis] for axis in axes)
    return f"{source},{target}->{product}", f"{product},{source}->{target}"


class ProjectedAttention(Layer):
    """Attention between projections of the inputs, head by head. A subclass builds the projections.

    The arguments are those of `MultiHeadAttention` and `GroupedQueryAttention`.
    """

    _key_size: int
    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _value_dense: EinsumDense
    _gate_dense: EinsumDense
    _output_dense: EinsumDense

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        use_gate: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._set_untracked("_dropout", check_rate(dropout))
        self.use_bias = use_bias
        self.use_gate = use_gate
        self._sliding_window = None if sliding_window is None else positive_size("sliding_window", sliding_window)
        self._flash_attention = bool(flash_attention or config.is_flash_attention_enabled())
        if self._flash_attention and dropout > 0:
            raise ValueError(
                "Dropout is not supported when flash attention is enabled. Set dropout to 0.0 to use flash attention. "
                f"Received: dropout={dropout}"
            )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed = seed

    def _projection(
        self, name: str, input_shape: Shape, bound: int, made: tuple[int, ...], activation: Any = None
    ) -> EinsumDense:
        """A built layer that sums over the last `bound` axes of its input and makes axes of the sizes `made`."""
        free = len(input_shape) - bound
        equation, letters = projection_equation(free, bound, len(made))
        dense = EinsumDense(
            equation,
            output_shape=(None,) * (free - 1) + tuple(made),
            activation=activation,
            bias_axes=letters if self.use_bias else None,
            # Copies: an initializer shared by layers would draw the same values for each.
            kernel_initializer=copy_of(self.kernel_initializer),
            bias_initializer=copy_of(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            activity_regularizer=self.activity_regularizer,
            dtype=self.dtype_policy,
            name=name,
        )
        dense.supports_masking = True  # masks are this layer's business
        dense.build(input_shape)
        return dense

    def _build_attention(self, rank: int, axes: tuple[int, ...]) -> None:
        """What the scores need, for projections of rank `rank` and attention over the axes `axes`."""
        self._set_untracked("_axes", axes)
        self._set_untracked("_equations", attention_equations(rank, axes))
        self._softmax = Softmax(axis=tuple(range(-len(axes), 0)), dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._dropout, seed=self.seed, dtype=self.dtype_policy)

    _dropout: float
    _axes: tuple[int, ...]
    _equations: tuple[str, str]

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        check_given(self.name, query=query, value=value)
        # The op leaves blocks out that lie in the future, and what padded targets get is set to 0 behind it: a mask of
        # either would be a matrix.
        dropped = bool(training) and self._dropout > 0
        blockwise = len(query.shape) == 3 and not (return_attention_scores or dropped or self._computes_otherwise())
        masks = (None if blockwise else query_mask, value_mask, key_mask, attention_mask)
        attention_mask = self._compute_attention_mask(query, value, *masks, use_causal_mask and not blockwise)
        gate = self._gate_dense(query) if self.use_gate else None
        options = {"use_causal_mask": True} if use_causal_mask and blockwise else {}
        if return_attention_scores:
            options["return_attention_scores"] = True
        outputs, scores = self._compute_attention(
            self._query_dense(query),
            self._key_dense(value if key is None else key),
            self._value_dense(value),
            attention_mask,
            training,
            **options,
        )
        if blockwise and query_mask is not None:
            seen = ops.expand_dims(ops.cast(query_mask, "bool"), (-1, -2))
            outputs = ops.where(seen, outputs, ops.zeros_like(outputs))
        outputs = self._output_dense(outputs if gate is None else ops.multiply(outputs, gate))
        return (outputs, scores) if return_attention_scores else outputs

    @property
    def dropout(self) -> float:
        """Share of the weights set to 0 while training."""
        return self._dropout

    @property
    def sliding_window(self) -> int | None:
        """How near a source must be to be seen; None for all."""
        return self._sliding_window

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("return_attention_scores"):  # two outputs
            return self._traced_output_spec(*args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def _computes_otherwise(self) -> bool:
        """Whether a subclass computes masks or attention in a way of its own, which may ask for the whole mask."""
        methods = (type(self)._compute_attention, type(self)._compute_attention_mask)
        return not all(method.__module__.startswith("dlrs.layers.attention.") for method in methods)

    def _compute_attention_mask(
        self,
        query: Any,
        value: Any,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Which sources a target sees, (batch, T, S), by all masks together; None for all."""
        seen = None if attention_mask is None else self._checked_mask(attention_mask)
        if query_mask is not None:
            seen = both(seen, ops.expand_dims(ops.cast(query_mask, "bool"), -1))
        for mask in (value_mask, key_mask):
            if mask is not None:
                seen = both(seen, ops.expand_dims(ops.cast(mask, "bool"), -2))
        if use_causal_mask:
            seen = both(seen, causal_mask(*self._lengths(query, value)))
        if self._sliding_window is not None:
            seen = both(seen, window_mask(*self._lengths(query, value), self._sliding_window))
        return seen

    def _checked_mask(self, attention_mask: Any) -> Any:
        """A mask that was given, as booleans; ValueError if it lacks the axes of targets or sources."""
        seen, axes = ops.cast(attention_mask, "bool"), len(self._axes)
        if not 2 * axes <= seen.ndim <= 2 * axes + 2:
            raise ValueError(
                f"Layer {self.name!r}: `attention_mask` must have the shape (batch, targets, sources), got "
                f"{tuple(seen.shape)}."
            )
        return seen

    def _lengths(self, query: Any, source: Any) -> tuple[int, int]:
        """How many targets and sources there are; ValueError if they are not in one order."""
        if len(self._axes) > 1:
            raise ValueError(
                f"Layer {self.name!r}: a causal mask and a sliding window need positions along one axis; "
                f"`attention_axes` are {self._axes}."
            )
        return query.shape[self._axes[0]], source.shape[self._axes[0]]

    def _compute_attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:
        """The outputs and the weights, None unless asked for; an override computes another kind of attention.

        Args:
            query: (batch, T, heads, size).
            key: (batch, S, heads, size), or fewer heads that each serve several.
            value: (batch, S, heads, width), likewise.
            attention_mask: which sources a target sees.
            training: whether weights are dropped.
            return_attention_scores: whether the weights are returned.
            use_causal_mask: whether a target sees only sources up to its own position.
        """
        if self._flash_attention and return_attention_scores:
            raise ValueError(
                "Returning attention scores is not supported when flash attention is enabled. Please "
                "disable flash attention to access attention scores."
            )
        scale = 1.0 / math.sqrt(self._key_size)
        dropped = bool(training) and self._dropout > 0
        if not dropped and not return_attention_scores and len(query.shape) == 4:
            if attention_mask is not None:
                attention_mask = ops.cast(with_heads(attention_mask, 4, len(self._axes)), "bool")
            outputs = ops.dot_product_attention(
                query, key, value, mask=attention_mask, scale=scale, is_causal=use_causal_mask
            )
            return outputs, None
        if use_causal_mask:
            attention_mask = both(attention_mask, causal_mask(*self._lengths(query, key)))
        key, value = (_with_all_heads(x, query.shape[-2]) for x in (key, value))
        of_scores, of_outputs = self._equations
        scores = ops.einsum(of_scores, key, ops.multiply(query, scale))
        if attention_mask is not None:
            attention_mask = with_heads(attention_mask, scores.ndim, len(self._axes))
        weights = self._softmax(scores, mask=attention_mask)
        kept = self._dropout_layer(weights, training=training) if dropped else weights
        return ops.einsum(of_outputs, kept, value), weights

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dropout": self._dropout,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self._sliding_window,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "seed": self.seed,
        }


def check_ranks(layer: str, shapes: Sequence[Any], least: int, most: int | None = None) -> None:
    """ValueError unless query, value and key have the shape (batch, time, features), with more axes between if allowed.

    >>> check_ranks("heads", [(2, 3), (2, 5, 3)], 3)
    Traceback (most recent call last):
        ...
    ValueError: Layer 'heads': the query must have the shape (batch, time, features), got (2, 3).
    """
    for what, shape in zip(("query", "value", "key"), shapes, strict=False):
        if len(shape) < least or (most is not None and len(shape) > most):
            raise ValueError(
                f"Layer {layer!r}: the {what} must have the shape (batch, time, features), got {tuple(shape)}."
            )


def check_given(layer: str, **inputs: Any) -> None:
    """ValueError if one of `inputs`, or its shape, is None."""
    for name, value in inputs.items():
        if value is None:
            raise ValueError(f"Layer {layer!r}: `{name}` must be a tensor, got None.")


def check_sources(value_shape: Shape, key_shape: Shape) -> None:
    """ValueError unless values and keys have the same positions."""
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ValueError(
            "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
            f"value_shape={tuple(value_shape)} and key_shape={tuple(key_shape)}"
        )


def copy_of(initializer: Any) -> Any:
    """Another initializer like it; a function is its own."""
    if isinstance(initializer, initializers.Initializer):
        return type(initializer).from_config(initializer.get_config())
    return initializer


def _with_all_heads(x: Any, heads: int) -> Any:
    """`x` with each head repeated for those it serves."""
    return x if x.shape[-2] == heads else ops.repeat(x, heads // x.shape[-2], axis=-2)
