"""Attention by dot products or by a sum under tanh, without weights of projection."""

from typing import Any

from dlrs import ops, random
from dlrs.layers.activation_layers import Softmax
from dlrs.layers.attention.masks import both, causal_mask
from dlrs.layers.attention.projected_attention import check_ranks
from dlrs.layers.layer import Layer
from dlrs.layers.noise import check_rate
from dlrs.random import SeedGenerator

Shape = tuple[int | None, ...]


class Attention(Layer):
    """Each query's mean of the values, weighted by the softmax of its scores with the keys (Luong et al. 2015).

    Called on `[query, value]`, when the values are the keys, too, or `[query, value, key]`.

    Args:
        use_scale: whether to multiply the scores by a trained number (with `"concat"`: the sum under the tanh).
        score_mode: `"dot"`: the product of query and key (Luong et al., arXiv 1508.04025); `"concat"`: a trained number
            times the sum over the features of tanh(query + key).
        dropout: share of the weights set to 0 while training.
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`.

    Call arguments: `inputs`; `mask`, a list of the queries' and the values' masks (batch, steps); `training`;
    `return_attention_scores`, whether to return the weights (batch, Tq, Tv) as well; `use_causal_mask`, whether a query
    sees only values up to its own position. A query without any value in sight gives zeros.

    Shapes: query (batch, Tq, dim), value (batch, Tv, width), key (batch, Tv, dim) to (batch, Tq, width); further axes
    may stand between the batch and the steps.

    Raises:
        ValueError: the inputs are not a list of two or three tensors, or an argument is not as above.

    >>> import numpy as np
    >>> query = np.array([[[1.0, 0.0]]], "float32")
    >>> value = np.array([[[1.0, 0.0], [0.0, 1.0]]], "float32")
    >>> output, weights = Attention()([query, value], return_attention_scores=True)
    >>> np.round(weights.numpy(), 3).tolist()
    [[[0.7310000061988831, 0.26899999380111694]]]
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. Received: "
                f"score_mode={score_mode!r}"
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = check_rate(dropout)
        self.seed = seed
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True

    scale: Any
    concat_score_weight: Any

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self._check_fit(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs, mask)
        self._check_fit([getattr(x, "shape", None) for x in inputs])
        for x in (*inputs, *(one for one in mask or () if one is not None)):
            if not hasattr(x, "ndim"):
                raise ValueError(f"Layer {self.name!r}: inputs and masks must be tensors, got {type(x).__name__}.")
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        dropped = training and self.dropout > 0
        if self._is_blockwise(query) and not dropped and not return_attention_scores:
            outputs, weights = self._attend(query, key, value, value_mask, use_causal_mask), None
        else:
            scores = self._calculate_scores(query, key)
            seen = self._calculate_score_mask(scores, value_mask, use_causal_mask)
            outputs, weights = self._apply_scores(scores, value, seen, training)
        if query_mask is not None:
            outputs = ops.where(ops.expand_dims(query_mask, -1), outputs, ops.zeros_like(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def _is_blockwise(self, query: Any) -> bool:
        """Whether one op computes it all, which keeps no matrix of scores."""
        return self.score_mode == "dot" and query.ndim == 3

    def _attend(self, query: Any, key: Any, value: Any, value_mask: Any, use_causal_mask: bool) -> Any:
        query = query if self.scale is None else ops.multiply(query, self.scale)
        if value_mask is not None:
            value_mask = ops.cast(value_mask, "bool")
            value_mask = ops.expand_dims(value_mask, (1, 2) if value_mask.ndim == 2 else 1)
        query, key, value = (ops.expand_dims(x, 2) for x in (query, key, value))
        outputs = ops.dot_product_attention(query, key, value, mask=value_mask, scale=1.0, is_causal=use_causal_mask)
        return ops.squeeze(outputs, 2)

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """The scores (batch, Tq, Tv)."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else ops.multiply(scores, self.scale)
        summed = ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3))
        if self.scale is not None:
            summed = ops.multiply(summed, self.scale)
        return ops.multiply(ops.sum(ops.tanh(summed), axis=-1), self.concat_score_weight)

    def _calculate_score_mask(self, scores: Any, v_mask: Any, use_causal_mask: bool) -> Any:
        """Which values a query sees, broadcastable to the scores; None for all."""
        if not use_causal_mask:
            return v_mask
        v_mask = None if v_mask is None else ops.expand_dims(v_mask, -2)
        return both(v_mask, causal_mask(*scores.shape[-2:]))

    def _apply_scores(self, scores: Any, value: Any, scores_mask: Any = None, training: bool = False) -> Any:
        """The outputs and the weights, after mask, softmax and dropout."""
        if scores_mask is not None and scores_mask.ndim == 2:
            scores_mask = ops.expand_dims(scores_mask, -2)
        weights = Softmax(dtype=self.dtype_policy).call(scores, mask=scores_mask)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        return ops.matmul(weights, value), weights

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        self._check(inputs, mask)
        return None if mask is None or mask[0] is None else ops.convert_to_tensor(mask[0])

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("return_attention_scores"):  # two outputs
            return self._traced_output_spec(*args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        self._check_fit(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def _check(self, inputs: Any, mask: Any = None) -> None:
        name, forms = f"Layer {self.name!r} ({type(self).__name__})", "[query, value] or [query, value, key]"
        if not isinstance(inputs, list):
            raise ValueError(f"{name} must be called on a list of inputs, {forms}. Received: inputs={inputs}.")
        if len(inputs) not in (2, 3):
            raise ValueError(f"{name} takes an inputs list of length 2 or 3, {forms}. Received length: {len(inputs)}.")
        shapes = [x if isinstance(x, tuple) else getattr(x, "shape", None) for x in inputs]
        check_ranks(self.name, [shape for shape in shapes if shape is not None], 3)
        if mask is not None and not isinstance(mask, list):
            raise ValueError(f"{name}: the layer mask must be a list, [query_mask, value_mask]. Received: mask={mask}.")
        if mask is not None and len(mask) not in (2, 3):
            raise ValueError(f"{name} accepts a mask list of length 2 or 3. Received: mask={mask}.")

    def _check_fit(self, shapes: Any) -> None:
        """ValueError unless queries and keys have the same features, keys and values the same positions."""
        if any(shape is None for shape in shapes):
            return
        query, value, key = (*shapes, shapes[1])[:3]
        pairs = (("features of query and key", query[-1], key[-1]), ("positions of value and key", value[-2], key[-2]))
        for what, left, right in pairs:
            if left is not None and right is not None and left != right:
                raise ValueError(f"Layer {self.name!r}: the {what} must be as many, got {left} and {right}.")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }
