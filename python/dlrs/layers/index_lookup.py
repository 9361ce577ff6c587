"""The base of layers that number what they have a vocabulary of."""

import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, as_tensor, floatx
from dlrs.backend.foreign import check_may_open
from dlrs.backend.structure import bump_structure
from dlrs.layers.category_modes import encoded_shape
from dlrs.layers.data_layer import ARRAYS, DataLayer
from dlrs.layers.string_hash import hashes

Array = np.ndarray[Any, Any]

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


class IndexLookup(DataLayer):
    """Numbers for the terms of a vocabulary, on the host: before a model, or in `data.Dataset.map`.

    Heirs say what a term is. Number 0 is the mask token's if there is one and `output_mode` is "int"; then come the
    numbers of terms that are not in the vocabulary, then the vocabulary.
    """

    _vocabulary_dtype = "int64"

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        sparse: bool,
        oov_method: str,
        salt: Any,
        **kwargs: Any,
    ) -> None:
        self._check_sizes(max_tokens, num_oov_indices, pad_to_max_tokens)
        super().__init__(**kwargs)
        self.output_mode = self._checked_mode(output_mode, invert, sparse, idf_weights)
        self.max_tokens = max_tokens
        self.num_oov_indices = int(num_oov_indices)
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.invert = bool(invert)
        self.pad_to_max_tokens = bool(pad_to_max_tokens)
        self.sparse = False
        self.oov_method, self.salt = self._checked_hashing(oov_method, salt)
        self.input_vocabulary = None if isinstance(vocabulary, str | os.PathLike) else _listed(vocabulary)
        self.input_idf_weights = _listed(idf_weights)
        self._terms: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self.idf_weights: Array | None = None
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        self._build_at_init()

    def _check_sizes(self, max_tokens: Any, num_oov_indices: Any, pad_to_max_tokens: Any) -> None:
        layer = type(self).__name__
        if max_tokens is not None and (not _is_count(max_tokens) or max_tokens <= 1):
            raise ValueError(
                f"{layer}: If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens!r}"
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{layer}: If pad_to_max_tokens is True, must set `max_tokens`. Received: None")
        if not _is_count(num_oov_indices) or not 0 <= num_oov_indices < 1 << 31:
            raise ValueError(
                f"{layer}: `num_oov_indices` must be greater than or equal to 0. "
                f"Received: num_oov_indices={num_oov_indices!r}"
            )

    def _checked_mode(self, mode: Any, invert: Any, sparse: Any, idf_weights: Any) -> str:
        layer = type(self).__name__
        mode = _OLD_MODES.get(mode, mode) if isinstance(mode, str) else mode
        if not isinstance(mode, str) or mode not in MODES:
            raise ValueError(f"{layer}: `output_mode` must be one of {MODES}, got {mode!r:.60}.")
        if sparse:
            raise ValueError(f"{layer}: `sparse` must be False, sparse tensors are not supported.")
        if invert and mode != "int":
            raise ValueError(
                f"{layer}: `output_mode` must be `'int'` when `invert` is true. Received: output_mode={mode}"
            )
        if idf_weights is not None and mode != "tf_idf":
            raise ValueError(f"{layer}: `idf_weights` should only be set if `output_mode` is `'tf_idf'`, got {mode!r}.")
        return mode

    def _checked_hashing(self, method: Any, salt: Any) -> tuple[str, list[int] | None]:
        layer = type(self).__name__
        if not isinstance(method, str) or method not in ("floormod", "farmhash"):
            raise ValueError(f"{layer}: `oov_method` must be 'floormod' or 'farmhash', got {method!r:.60}.")
        if salt is None:
            return method, None
        if self._vocabulary_dtype == "int64" and method != "farmhash":
            raise ValueError(
                f"{layer}: `salt` can only be used when `oov_method='farmhash'`. Received: oov_method={method}"
            )
        pair = [salt, salt] if _is_count(salt) else salt
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(map(_is_count, pair)):
            raise ValueError(
                f"{layer}: `salt` can only be a tuple of 2 integers, or a single integer. Got {salt!r:.60}"
            )
        return method, [int(part) for part in pair]

    # What a term is

    @abstractmethod
    def _flat_terms(self, values: Any) -> tuple[list[Any], tuple[int, ...]]:
        """The terms of an array, and its shape."""

    def _read_vocabulary(self, path: str) -> list[Any]:
        return self._flat_terms(Path(path).read_text(encoding="utf-8").splitlines())[0]

    # The vocabulary

    def _first_oov(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    def _first_term(self) -> int:
        return self._first_oov() + self.num_oov_indices

    def _special(self) -> list[Any]:
        return [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The terms in the order of their numbers, those for masks and unknown terms first if they are included."""
        return [*(self._special() if include_special_tokens else ()), *self._terms]

    def vocabulary_size(self) -> int:
        """How many numbers there are, those for masks and unknown terms among them."""
        return self._first_term() + len(self._terms)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take these terms, in this order.

        Args:
            vocabulary: the terms, each once, with or without those for masks and unknown terms in front; or the path
                of a text file with one on each line.
            idf_weights: with `output_mode="tf_idf"`, a weight for each.

        Raises:
            ValueError: a term occurs twice, there are none, there are more than `max_tokens`, or weights are missing,
                out of place, or of another number.
        """
        layer = type(self).__name__
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            raise ValueError(
                f"{layer}: `idf_weights` must be set if output_mode is 'tf_idf', and only then. "
                f"Received: output_mode={self.output_mode} and idf_weights={idf_weights!r:.60}"
            )
        if isinstance(vocabulary, str | os.PathLike):
            check_may_open(layer, "vocabulary", vocabulary)
            if not Path(vocabulary).is_file():
                raise ValueError(f"{layer}: Vocabulary file {os.fspath(vocabulary)} does not exist.")
            vocabulary = self._read_vocabulary(os.fspath(vocabulary))
        given, shape = self._flat_terms(vocabulary)
        if len(shape) != 1 or not given:
            raise ValueError(f"{layer}: Cannot set an empty vocabulary, or one of shape {shape}: give a list of terms.")
        special = self._special()
        has_special = given[: len(special)] == special
        terms = given[len(special) :] if has_special else given
        self._check_terms(terms, special)
        self._take(terms, None if idf_weights is None else self._weights(idf_weights, len(given), has_special))

    def _check_terms(self, terms: list[Any], special: list[Any]) -> None:
        layer = type(self).__name__
        repeated = [term for term, count in Counter(terms).items() if count > 1]
        if repeated:
            raise ValueError(
                f"{layer}: The passed vocabulary has at least one repeated term. The repeated terms are: {repeated}"
            )
        reserved = [("mask", self.mask_token)] + ([("OOV", self.oov_token)] if self.invert else [])
        for what, token in reserved:
            if token is not None and token in terms:
                raise ValueError(
                    f"{layer}: Found reserved {what} token at unexpected location in `vocabulary`. Either remove all "
                    f"mask and OOV tokens, or include them only at the start, in this order: {special}. "
                    f"Received: {token!r} at number {terms.index(token)} of the terms."
                )
        size = self._first_term() + len(terms)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{layer}: Attempted to set a vocabulary larger than the maximum vocab size. "
                f"Received vocabulary size is {size}; `max_tokens` is {self.max_tokens}."
            )

    def _weights(self, idf_weights: Any, number: int, has_special: bool) -> Array:
        weights = np.asarray(idf_weights)
        if weights.ndim != 1 or weights.dtype.kind not in "iuf" or len(weights) != number:
            raise ValueError(
                f"{type(self).__name__}: `idf_weights` must be the same length as vocabulary, {number} numbers; "
                f"got shape {weights.shape}, dtype {weights.dtype}."
            )
        # What stands for unknown terms weighs as much as terms do on average.
        return weights if has_special else np.pad(weights, (self._first_term(), 0), constant_values=weights.mean())

    def _take(self, terms: list[Any], weights: Array | None) -> None:
        self._terms = terms
        self._numbers = {term: number for number, term in enumerate(terms, self._first_term())}
        self.idf_weights = None if weights is None else weights.astype(floatx())
        bump_structure()

    # Learning it

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary of `data`: the most frequent terms first, of equally frequent ones the larger first.

        Args:
            data: an array or a list of terms, or an iterable of batches of them. With "tf_idf" a row is a document.
            steps: how many batches to take at most.
        """
        self.reset_state()
        for batch in batches_of_terms(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forget what `update_state` was given."""
        self._counts: Counter[Any] = Counter()
        self._document_counts: Counter[Any] = Counter()
        self._documents = 0

    def update_state(self, data: Any) -> None:
        """Count the terms of a batch."""
        terms, shape = self._flat_terms(data)
        width = shape[-1] if len(shape) > 1 else 1
        self.count([terms[i : i + width] for i in range(0, len(terms), max(width, 1))])

    def count(self, documents: Iterable[Sequence[Any]]) -> None:
        """Count the terms of documents, each a sequence of terms."""
        for document in documents:
            self._counts.update(document)
            self._document_counts.update(set(document))
            self._documents += 1

    def finalize_state(self) -> None:
        """Take the vocabulary that `update_state` has counted, unless it was given none."""
        if not self._counts:
            return
        special = {self.mask_token, self.oov_token}
        ordered = sorted(((n, t) for t, n in self._counts.items() if t not in special), reverse=True)
        room = None if self.max_tokens is None else max(self.max_tokens - self._first_term(), 0)
        terms = [term for _, term in ordered[:room]]
        weights = None
        if self.output_mode == "tf_idf":
            frequencies = np.array([self._document_counts[term] for term in terms], float)
            idf = np.log(1 + self._documents / (1 + frequencies))
            weights = np.pad(idf, (self._first_term(), 0), constant_values=idf.mean() if len(idf) else 0.0)
        self.reset_state()
        self._take(terms, weights)

    # Looking up

    def _convert_input(self, value: Any) -> Any:
        return value

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, KerasTensor):
            return self.compute_output_spec(inputs)
        if self.invert:
            return self.terms_of(np.asarray(inputs))
        terms, shape = self._flat_terms(inputs)
        numbers = self.numbers_of(terms).reshape(shape)
        if self.output_mode == "int":
            return as_tensor(numbers)
        numbers = numbers.reshape(shape or (1,))
        if self.output_mode == "one_hot":
            spread = numbers[..., None] if numbers.ndim == 1 or numbers.shape[-1] != 1 else numbers
            return as_tensor(self.encoded(spread.reshape(-1, 1)).reshape(*spread.shape[:-1], -1))
        return as_tensor(self.encoded(numbers.reshape(-1, numbers.shape[-1])).reshape(*numbers.shape[:-1], -1))

    def numbers_of(self, terms: Sequence[Any]) -> Array:
        """The number of each term, int64; -1 for masked ones if there is no number for them.

        Raises:
            RuntimeError: there is no vocabulary yet.
            ValueError: a term is not in the vocabulary, and `num_oov_indices` is 0.
        """
        self._check_vocabulary()
        masked = 0 if self.output_mode == "int" else -1
        found = np.array([self._numbers.get(term, -2) for term in terms], np.int64)
        places = np.flatnonzero(found == -2)
        unknown = [terms[place] for place in places.tolist()]
        if self.mask_token is not None and unknown:
            is_mask = np.array([term == self.mask_token for term in unknown], bool)
            found[places[is_mask]] = masked
            places = places[~is_mask]
            unknown = [term for term in unknown if term != self.mask_token]
        if unknown:
            found[places] = self._first_oov() + self._shares(unknown, int(places[0]))
        return found

    def _shares(self, unknown: list[Any], first: int) -> Any:
        """Which of the numbers for unknown terms each of these has; the place of the first is for the message."""
        if self.num_oov_indices == 0:
            raise ValueError(
                f"{type(self).__name__}: When `num_oov_indices=0` all inputs should be in vocabulary, found OOV value "
                f"{unknown[0]!r} (number {first}), consider setting `num_oov_indices=1`."
            )
        if self.num_oov_indices == 1:
            return 0
        if self._vocabulary_dtype == "int64" and self.oov_method == "floormod":
            return np.array(unknown) % self.num_oov_indices
        return hashes(np.array(unknown, object), self.salt) % np.uint64(self.num_oov_indices)

    def terms_of(self, numbers: Array) -> Any:
        """The terms of numbers: strings as a NumPy array."""
        self._check_vocabulary()
        if numbers.dtype.kind not in "iu" and numbers.size:
            raise ValueError(f"{type(self).__name__}: with `invert=True` inputs are integers, got {numbers.dtype}.")
        table = dict(enumerate(self.get_vocabulary()))
        found = [table.get(number, self.oov_token) for number in numbers.reshape(-1).tolist()]
        return np.array(found, dtype=str if self._vocabulary_dtype == "string" else np.int64).reshape(numbers.shape)

    def encoded(self, rows: Iterable[Array]) -> Array:
        """A vector for each row of numbers, in the output mode."""
        depth = self.depth()
        counted = [np.bincount(row[row >= 0], minlength=depth) for row in rows]
        vectors: Array = np.array(counted, floatx()).reshape(len(counted), depth)
        if self.output_mode == "tf_idf":
            vectors[:, : self.vocabulary_size()] *= self.idf_weights
        return vectors if self.output_mode in ("count", "tf_idf") else (vectors > 0).astype(floatx())

    def _check_vocabulary(self) -> None:
        """RuntimeError without a vocabulary: every term would be unknown."""
        self.depth()
        if not self._terms:
            raise RuntimeError(
                f"Layer {self.name!r} has no vocabulary: call `adapt` with some data first, or give the terms by "
                "`vocabulary` or `set_vocabulary`."
            )

    def depth(self) -> int:
        """The length of vectors; RuntimeError if it follows from a vocabulary that is not there."""
        if self.output_mode != "int" and not self._terms and not self.pad_to_max_tokens:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you must set the layer's "
                f"vocabulary before calling it. Either pass a `vocabulary` argument to the layer, or call `adapt` with "
                f"some sample data."
            )
        return self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()  # type: ignore[return-value]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self.output_mode == "int":
            return tuple(input_shape)
        mode = "one_hot" if self.output_mode == "one_hot" else "count"
        return encoded_shape(tuple(input_shape), mode, self.depth())

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), "int64" if self.output_mode == "int" else floatx())

    # Configuration: a vocabulary learned or read goes with it, so that a saved model is complete.

    def get_config(self) -> dict[str, Any]:
        learned = bool(self._terms) and self._terms != self.input_vocabulary
        return {
            **super().get_config(),
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "mask_token": self.mask_token,
            "oov_token": self.oov_token,
            "vocabulary": self.input_vocabulary,
            "idf_weights": self.input_idf_weights,
            "invert": self.invert,
            "output_mode": self.output_mode,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "sparse": self.sparse,
            "salt": self.salt,
            "learned_terms": list(self._terms) if learned else None,
            "learned_weights": self.idf_weights.tolist() if learned and self.idf_weights is not None else None,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        terms, weights = config.pop("learned_terms", None), config.pop("learned_weights", None)
        for unused in ("vocabulary_size", "has_input_vocabulary"):
            config.pop(unused, None)
        if terms is not None and isinstance(config.get("vocabulary"), str):
            config["vocabulary"] = None  # the terms that were read from that file
        layer = super().from_config(config)
        layer.restore(terms, weights)
        return layer

    def restore(self, terms: list[Any] | None, weights: Any) -> None:
        """Take what `get_config` gave as `learned_terms` and `learned_weights`, if anything."""
        if terms is not None:
            self._check_terms(terms, self._special())
            size = self._first_term() + len(terms)
            self._take(terms, None if weights is None else self._weights(weights, size, True))


def batches_of_terms(data: Any, steps: int | None) -> Iterator[Any]:
    """Batches of `data`: all of it, if it is an array or a list; otherwise what it iterates over.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(data, (list, tuple, str, bytes, *ARRAYS)):
        return iter([data])
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return (data[number] for number in islice(range(len(data)), steps))
    if hasattr(data, "__iter__"):
        return islice(iter(data), steps)
    raise TypeError(f"adapt: `data` must be an array, a list or an iterable of batches, got {type(data).__name__}.")


def _is_count(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool | np.bool_ | np.ndarray)


def _listed(values: Any) -> Any:
    return values if values is None or isinstance(values, str | list) else np.asarray(values).tolist()
