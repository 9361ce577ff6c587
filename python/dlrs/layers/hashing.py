"""Categories by their hashes, without a vocabulary."""

from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, as_tensor, floatx
from dlrs.layers.category_modes import encode_categories, encoded_shape
from dlrs.layers.data_layer import DataLayer
from dlrs.layers.string_hash import hashes
from dlrs.layers.string_lookup import string_array

Array = np.ndarray[Any, Any]

MODES = ("int", "one_hot", "multi_hot", "count")


class Hashing(DataLayer):
    """Numbers in [0, num_bins) for strings or integers, by a hash: no vocabulary is learned, and some share a number.

    The numbers are those of Keras: FarmHash64 of the UTF-8 bytes (of integers, of their decimal form), or with a salt
    SipHash-2-4 (Aumasson and Bernstein 2012), modulo the number of bins. It runs on the host, since tensors hold no
    strings: call it on arrays or lists before the model, or in `data.Dataset.map`.

    Args:
        num_bins: how many numbers there are, with that of the mask.
        mask_value: the input that has number 0 for itself; the others begin with 1 then.
        salt: an integer or two, the key of SipHash; None for FarmHash.
        output_mode: "int"; "one_hot"; or, for the inputs along the last axis, "multi_hot" or "count": vectors of
            length `num_bins` with ones for all numbers that occur, or with how often they do.
        sparse: must be False.
        **kwargs: `name`, `trainable`, and `dtype`: of the output, "int32" or "int64" with "int", which is the default.

    Inputs (batch, ...) give numbers of their shape, or vectors as `CategoryEncoding` does. Floats are cut to integers.

    Raises:
        ValueError: an argument is none of these; by the call, inputs that are neither strings nor numbers.

    >>> Hashing(3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
    [[1], [0], [1], [1], [2]]
    >>> Hashing(3, mask_value="", salt=133)(["A", "", "C"]).tolist()
    [2, 0, 1]
    >>> Hashing(3, output_mode="count")([[7, 8, 9, 7]]).tolist()
    [[0.0, 3.0, 1.0]]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        check_bins("Hashing", num_bins, output_mode, sparse, MODES)
        dtype = kwargs.pop("dtype", None)
        super().__init__(dtype=dtype or ("int64" if output_mode == "int" else floatx()), **kwargs)
        if output_mode == "int" and self.compute_dtype not in ("int32", "int64"):
            raise ValueError(
                f'When `output_mode="int"`, `dtype` should be an integer type, "int32" or "int64". '
                f"Received: dtype={dtype!r}"
            )
        if mask_value is not None and not isinstance(mask_value, str | bytes | int | float | np.generic):
            raise ValueError(f"Hashing: `mask_value` must be a string or a number, got {mask_value!r:.60}.")
        self.num_bins = int(num_bins)
        self.mask_value = mask_value
        self.salt = _checked_salt(salt)
        self.output_mode = output_mode
        self.sparse = False
        self._build_at_init()

    def _convert_input(self, value: Any) -> Any:
        return value

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, KerasTensor):
            return self.compute_output_spec(inputs)
        numbers = self._numbers(categories(inputs, "Hashing"))
        if self.output_mode == "int":
            return as_tensor(numbers.astype(self.compute_dtype))
        return encode_categories(numbers, self.output_mode, self.num_bins, self.compute_dtype)

    def _numbers(self, values: Array) -> Array:
        masked = self.mask_value is not None and self.num_bins > 1
        numbers = (hashes(values, self.salt) % np.uint64(self.num_bins - masked)).astype(np.int64)
        if not masked:
            return numbers
        mask = self.mask_value.decode() if isinstance(self.mask_value, bytes) else self.mask_value
        return np.where(values == mask, 0, numbers + 1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self.output_mode == "int":
            return tuple(input_shape)
        return encoded_shape(tuple(input_shape), self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "mask_value": self.mask_value,
            "salt": self.salt,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


def check_bins(layer: str, num_bins: Any, output_mode: Any, sparse: Any, modes: tuple[str, ...]) -> None:
    """ValueError if these arguments of `layer` are none that it takes."""
    if num_bins is None or (isinstance(num_bins, int | float) and num_bins <= 0):
        raise ValueError(
            f"The `num_bins` for `{layer}` cannot be `None` or non-positive values. Received: num_bins={num_bins}."
        )
    if isinstance(num_bins, bool) or not hasattr(num_bins, "__index__") or not 0 < num_bins < 1 << 63:
        raise ValueError(f"{layer}: `num_bins` must be an integer of at most 63 bits, got {num_bins!r:.60}.")
    if not isinstance(output_mode, str) or output_mode not in modes:
        raise ValueError(
            f"Invalid value for argument `output_mode`. Expected one of {modes}. "
            f"Received: output_mode={output_mode!r:.60}"
        )
    if sparse and output_mode == "int":
        raise ValueError(
            f"{layer}: `sparse` may only be true if `output_mode` is one of {modes[1:]}; and sparse tensors are not "
            f"supported. Received: sparse={sparse!r} and output_mode={output_mode}"
        )
    if sparse:
        raise ValueError(f"{layer}: `sparse` must be False, sparse tensors are not supported.")


def categories(inputs: Any, layer: str) -> Array:
    """An array of strings, integers or booleans; floats are cut to integers.

    Raises:
        ValueError: there is something else in it, or rows differ in length.
    """
    try:
        array = np.asarray(inputs)
    except ValueError as error:
        raise ValueError(f"{layer}: `inputs` must have rows of equal length: {error}") from error
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (abs(array) >= 2.0**63).any():
            raise ValueError(f"{layer}: `inputs` must be strings or numbers that fit 64 bits, got {array!r:.60}.")
        return array.astype(np.int64)
    return array if array.dtype.kind in "iub" else string_array(inputs, layer)


def _checked_salt(salt: Any) -> list[int] | None:
    if salt is None:
        return None
    pair = [salt, salt] if hasattr(salt, "__index__") and not isinstance(salt, bool | np.ndarray) else salt
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(hasattr(part, "__index__") for part in pair):
        raise ValueError(
            f"The `salt` argument for `Hashing` can only be a tuple of size 2 integers, or a single integer. "
            f"Received: salt={salt!r:.60}."
        )
    return [int(part) for part in pair]
