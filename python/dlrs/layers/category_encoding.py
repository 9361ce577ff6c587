"""Vectors for integers that name categories."""

from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import KerasTensor, as_tensor, is_int_dtype
from dlrs.layers.category_modes import encode_categories, encoded_shape
from dlrs.layers.data_layer import DataLayer


class CategoryEncoding(DataLayer):
    """Vectors of length `num_tokens` for integers in [0, num_tokens).

    Args:
        num_tokens: number of categories.
        output_mode: "one_hot": each integer becomes a vector with a single 1; "multi_hot": the integers along the last
            axis become one vector, with ones for all that occur; "count": with how often they occur.
        sparse: must be False.
        **kwargs: `name`, `dtype`, `trainable`.

    Inputs of shape (..., n) give outputs of shape (..., num_tokens); with "one_hot" of shape (..., n, num_tokens), but
    (..., num_tokens) if n is 1. In the mode "count" a call may have `count_weights`, in the shape of the inputs: what
    each of them counts.

    Raises:
        ValueError: an argument is none of these.
        IndexError: an input is out of range.

    >>> CategoryEncoding(4, output_mode="multi_hot")([[0, 1], [3, 3]]).tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    >>> CategoryEncoding(3, output_mode="count")([0, 2, 0], count_weights=[0.5, 2.0, 1.0]).tolist()
    [1.5, 0.0, 2.0]
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        if output_mode not in ("count", "one_hot", "multi_hot"):
            raise ValueError(
                f"Unknown arg for output_mode: {output_mode}. It must be 'one_hot', 'multi_hot' or 'count'."
            )
        if num_tokens is None:
            raise ValueError("CategoryEncoding: num_tokens must be set to use this layer.")
        if isinstance(num_tokens, bool) or not hasattr(num_tokens, "__index__") or num_tokens < 1:
            raise ValueError(
                f"CategoryEncoding: `num_tokens` must be >= 1, and an integer. Received: num_tokens={num_tokens!r}."
            )
        if sparse:
            raise ValueError("CategoryEncoding: `sparse` must be False, sparse tensors are not supported.")
        self.num_tokens = int(num_tokens)
        self.output_mode = output_mode
        self.sparse = False
        self._build_at_init()

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None:
            count_weights = self._checked_weights(inputs, count_weights)
        if not isinstance(inputs, KerasTensor):
            inputs = as_tensor(inputs)
        ids = inputs if is_int_dtype(inputs.dtype) else ops.cast(inputs, "int32")
        # Looked up in themselves, because `take` refuses what is too large; negative ones it would count from the end.
        ids = ops.take(np.arange(self.num_tokens), ops.where(ids < 0, self.num_tokens, ids), axis=0)
        return encode_categories(
            ids, self.output_mode, self.num_tokens, self.compute_dtype, count_weights=count_weights
        )

    def _checked_weights(self, inputs: Any, count_weights: Any) -> Any:
        if self.output_mode != "count":
            raise ValueError(
                f"`count_weights` is not used when `output_mode` is not 'count'. The mode is {self.output_mode!r}."
            )
        if tuple(count_weights.shape) != tuple(inputs.shape):
            raise ValueError(
                f"CategoryEncoding: `count_weights` must have the shape {tuple(inputs.shape)} of the inputs, "
                f"got {tuple(count_weights.shape)}."
            )
        weights = ops.cast(count_weights, self.compute_dtype)
        return ops.reshape(weights, (1,)) if weights.ndim == 0 else weights

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(tuple(input_shape), self.output_mode, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
