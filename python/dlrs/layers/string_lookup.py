"""Numbers for strings."""

from typing import Any

import numpy as np

from dlrs.layers.index_lookup import IndexLookup

Array = np.ndarray[Any, Any]


class StringLookup(IndexLookup):
    """Numbers for strings, by a vocabulary that is given or learned; with `invert`, strings for numbers.

    It runs on the host, since tensors hold no strings: call it on NumPy arrays or lists before the model, or in
    `data.Dataset.map`.

    Args:
        max_tokens: how large the vocabulary may grow, with the numbers for masks and unknown strings.
        num_oov_indices: how many numbers unknown strings have; several share them by a hash, FarmHash64 or with
            a salt SipHash-2-4, as in Keras. With 0 an unknown string is an error.
        mask_token: the string that stands for padding: number 0 with "int", left out otherwise.
        oov_token: what `invert` gives for numbers of unknown strings.
        vocabulary: the strings, or the path of a file with one on each line; without, call `adapt`.
        idf_weights: with "tf_idf" and `vocabulary`, a weight for each.
        invert: whether to turn numbers into strings.
        output_mode: "int"; "one_hot"; or, for the strings along the last axis, "multi_hot", "count" or "tf_idf":
            vectors with ones, counts, or counts times `log(1 + documents / (1 + documents with the string))`.
        pad_to_max_tokens: whether vectors have the length `max_tokens` whatever the vocabulary.
        sparse: must be False.
        encoding: of inputs that are bytes.
        name: name of the layer.
        salt: an integer or two, which change the hash.
        **kwargs: `dtype`, `trainable`.

    Raises:
        ValueError: an argument is none of these.
        RuntimeError: it is called without a vocabulary.

    >>> layer = StringLookup(vocabulary=["a", "b", "c"])
    >>> layer(["b", "d"]).tolist()
    [2, 0]
    >>> StringLookup(vocabulary=["a", "b"], invert=True)([2, 0]).tolist()
    ['b', '[UNK]']
    """

    _vocabulary_dtype = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
            pad_to_max_tokens, sparse, "floormod", salt, name=name, **kwargs,
        )  # fmt: skip

    def _flat_terms(self, values: Any) -> tuple[list[str], tuple[int, ...]]:
        array = string_array(values, type(self).__name__, self.encoding)
        return array.reshape(-1).tolist(), array.shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}


def string_array(values: Any, layer: str, encoding: str = "utf-8") -> Array:
    """An array of `str` (as objects, or of NumPy's own type) from strings or bytes in any nesting.

    Raises:
        ValueError: there is something else in it, or rows differ in length.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{layer}: inputs must be strings in rows of equal length: {error}") from error
    if array.dtype.kind == "S":
        return np.char.decode(array, encoding)
    if array.dtype.kind == "O":
        flat = [v.decode(encoding) if isinstance(v, bytes) else v for v in array.reshape(-1)]
        if all(isinstance(v, str) for v in flat):
            strings = np.empty(len(flat), object)
            strings[:] = flat
            return strings.reshape(array.shape)
    elif array.dtype.kind in "UT" or array.size == 0:
        return array.astype(object) if array.dtype.kind != "U" else array
    raise ValueError(f"{layer}: inputs must be strings, got dtype {array.dtype}, shape {array.shape}.")
