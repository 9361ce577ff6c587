"""The encoder's block."""

from typing import Any

from dlrs.backend import get_keras_mask, set_keras_mask
from dlrs.layers.attention.multi_head_attention import MultiHeadAttention
from dlrs.layers.transformer.block import Shape, TransformerBlock
from dlrs.layers.transformer.positions import check_sequence


class TransformerEncoder(TransformerBlock):
    """Self-attention, then two dense layers at each step, both with residual connections (Vaswani et al. 2017, §3.1).

    Args:
        intermediate_dim: units of the first dense layer; the second has as many as the inputs have features.
        num_heads: heads of attention, a divisor of the features.
        dropout: share of the weights of attention and of the parts' outputs set to 0 while training.
        activation: of the first dense layer.
        layer_norm_epsilon: added to the variance where the parts are normalized.
        kernel_initializer, bias_initializer: initializers of dense layers and projections.
        normalize_first: whether a part's inputs are normalized (Xiong et al. 2020, arXiv 2002.04745), instead of the
            sum behind it. The outputs are then sums that are not normalized.
        **kwargs: `name`, `dtype`.

    Call arguments: `inputs` (batch, time, features); `padding_mask` (batch, time), False where a step is padding, by
    default the mask that hangs on the inputs; `attention_mask` (batch, time, time), which steps a step sees;
    `training`.

    Returns outputs of the same shape, and with the same mask.

    Raises:
        ValueError: inputs of another rank, or with features that the heads do not divide.

    >>> import numpy as np
    >>> TransformerEncoder(intermediate_dim=16, num_heads=2)(np.ones((2, 5, 8), "float32")).shape
    (2, 5, 8)
    """

    def build(self, inputs_shape: Any) -> None:
        shape: Shape = tuple(inputs_shape)
        head_size = self._check_features("inputs", shape)
        self._self_attention = self._attention(MultiHeadAttention, "self_attention", (shape, shape), head_size)
        self._self_attention_norm, self._self_attention_dropout = self._norm_and_dropout("self_attention", shape)
        self._build_feedforward(shape)

    def call(
        self, inputs: Any, padding_mask: Any = None, attention_mask: Any = None, training: bool | None = None
    ) -> Any:
        check_sequence(self, "inputs", inputs.shape)
        padding = get_keras_mask(inputs) if padding_mask is None else padding_mask

        def attend(x: Any) -> Any:
            return self._self_attention(x, x, value_mask=padding, attention_mask=attention_mask)

        x = self._with_residual(inputs, attend, self._self_attention_norm, self._self_attention_dropout)
        outputs = self._feedforward(x)
        if padding is not None:
            set_keras_mask(outputs, padding)
        return outputs

    def compute_output_shape(self, inputs_shape: Any) -> Shape:
        return tuple(inputs_shape)
