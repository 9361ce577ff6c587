"""Categories that are pairs of categories, by their hashes."""

from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, as_tensor, floatx
from dlrs.layers.category_modes import encode_categories, encoded_shape
from dlrs.layers.data_layer import DataLayer
from dlrs.layers.farm_hash import fingerprint_cat_64
from dlrs.layers.hashing import Array, check_bins
from dlrs.layers.string_hash import hashes
from dlrs.layers.string_lookup import string_array

MODES = ("int", "one_hot")
_START = 0xDECAFCAFFE


class HashedCrossing(DataLayer):
    """Numbers in [0, num_bins) for what two or more features are together: `hash((a, b, ...)) % num_bins`.

    The numbers are those of Keras: fingerprints of the features (FarmHash64 of strings, integers themselves) joined in
    order. It runs on the host, since tensors hold no strings.

    Args:
        num_bins: how many numbers there are.
        output_mode: "int", or "one_hot": vectors of length `num_bins`.
        sparse: must be False.
        name: name of the layer.
        dtype: of the output; "int64" with "int" by default.
        **kwargs: `trainable`.

    A call takes a list of at least two features of one shape: (), (batch,) or (batch, 1).

    Raises:
        ValueError: an argument is none of these; by the call, features that are floats, or of other shapes.

    >>> HashedCrossing(5)((["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102])).tolist()
    [1, 4, 1, 1, 3]
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_bins("HashedCrossing", num_bins, output_mode, sparse, MODES)
        dtype = dtype or ("int64" if output_mode == "int" else floatx())
        super().__init__(name=name, dtype=dtype, **kwargs)
        if output_mode == "int" and self.compute_dtype not in ("int32", "int64"):
            raise ValueError(
                f'HashedCrossing: when `output_mode="int"`, `dtype` should be "int32" or "int64", got {dtype!r}.'
            )
        self.num_bins = int(num_bins)
        self.output_mode = output_mode
        self.sparse = False
        self._build_at_init()

    def _convert_input(self, value: Any) -> Any:
        return value

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple):
            raise ValueError(f"`HashedCrossing` should be called on a list or tuple of inputs, got {inputs!r:.60}.")
        if len(inputs) < 2:
            raise ValueError(f"`HashedCrossing` should be called on at least two inputs, got {inputs!r:.60}.")
        if any(isinstance(x, KerasTensor) for x in inputs):
            return self.compute_output_spec(inputs)
        arrays = [np.asarray(x) for x in inputs]
        if len({x.shape for x in arrays}) > 1 or arrays[0].ndim > 2 or arrays[0].shape[1:] not in ((), (1,)):
            raise ValueError(
                "All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or `(batch_size, 1)`, the same; "
                f"got {[x.shape for x in arrays]}."
            )
        features = [_fingerprints(x) for x in arrays]
        joined = np.full(features[0].size, _START, np.uint64)
        for x in features:
            joined = fingerprint_cat_64(joined, x.reshape(-1))
        numbers = (joined % np.uint64(self.num_bins)).astype(np.int64).reshape(features[0].shape)
        if self.output_mode == "int":
            return as_tensor(numbers.astype(self.compute_dtype))
        return encode_categories(numbers, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if len(input_shape) < 2 or not all(isinstance(shape, list | tuple) for shape in input_shape):
            raise ValueError(f"Expected as input a list/tuple of 2 tensors. Received input_shape={input_shape}")
        shape = tuple(input_shape[0])
        if any(tuple(other)[1:] != shape[1:] for other in input_shape):
            raise ValueError(f"Expected the input tensors to have identical shapes. Received input_shape={input_shape}")
        return shape if self.output_mode == "int" else encoded_shape(shape, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


def _fingerprints(values: Array) -> Array:
    """Of a feature, uint64."""
    if values.dtype.kind in "iu":
        return values.astype(np.int64).astype(np.uint64)
    if values.dtype.kind in "fbc":
        raise ValueError(f"All `HashedCrossing` inputs should have an integer or string dtype, got {values.dtype}.")
    return hashes(string_array(values, "HashedCrossing"))
