"""Numbers for integers."""

from typing import Any

import numpy as np

from dlrs.layers.index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """Numbers from 0 for integers of any size, by a vocabulary that is given or learned; see `StringLookup`.

    It runs on the host: call it on arrays before the model, or in `data.Dataset.map`.

    Args:
        max_tokens: how large the vocabulary may grow, with the numbers for masks and unknown integers.
        num_oov_indices: how many numbers unknown integers have; of several, that of the remainder is taken. With 0 an
            unknown integer is an error.
        mask_token: the integer that stands for padding: number 0 with "int", left out otherwise.
        oov_token: what `invert` gives for numbers of unknown integers.
        vocabulary: the integers, or the path of a file with one on each line; without, call `adapt`.
        vocabulary_dtype: must be "int64".
        idf_weights: with "tf_idf" and `vocabulary`, a weight for each.
        invert: whether to turn numbers into integers of the vocabulary.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf", as of `StringLookup`.
        sparse: must be False.
        pad_to_max_tokens: whether vectors have the length `max_tokens` whatever the vocabulary.
        oov_method: "floormod", the remainder, or "farmhash": FarmHash64 of the decimal form, with a salt SipHash-2-4.
        salt: an integer or two, which change the hash.
        name: name of the layer.
        **kwargs: `dtype`, `trainable`.

    Raises:
        ValueError: an argument is none of these.
        RuntimeError: it is called without a vocabulary.

    >>> IntegerLookup(vocabulary=[12, 36, 1138])([[36, 12], [7, 1138]]).tolist()
    [[2, 1], [0, 3]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(
                f"IntegerLookup: Only `vocabulary_dtype='int64'` is supported. Received: {vocabulary_dtype!r}"
            )
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
            pad_to_max_tokens, sparse, oov_method, salt, name=name, **kwargs,
        )  # fmt: skip

    def _flat_terms(self, values: Any) -> tuple[list[int], tuple[int, ...]]:
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise ValueError(f"IntegerLookup: inputs must be integers in rows of equal length: {error}") from error
        if array.size and array.dtype.kind not in "iu":
            raise ValueError(f"IntegerLookup: inputs must be integers, got dtype {array.dtype}, shape {array.shape}.")
        return array.reshape(-1).tolist(), array.shape

    def _read_vocabulary(self, path: str) -> list[int]:
        with open(path, encoding="utf-8") as file:
            return [int(line) for line in file.read().splitlines()]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_dtype": "int64", "oov_method": self.oov_method}
