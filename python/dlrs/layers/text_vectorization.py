"""Numbers for the words of texts."""

import math
import string
from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, as_tensor, floatx
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.data_layer import DataLayer
from dlrs.layers.index_lookup import batches_of_terms
from dlrs.layers.string_lookup import StringLookup, string_array

Array = np.ndarray[Any, Any]

_STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_MOST_WORDS = 1000  # of an n-gram
_SPLIT = ("whitespace", "character")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextVectorization(DataLayer):
    """Texts as numbers of their words, or as vectors of which words they have.

    Every text is standardized, split into tokens, its tokens are joined into n-grams, and `StringLookup` numbers them:
    0 is padding, 1 an unknown token. It runs on the host, since tensors hold no strings: call it on NumPy arrays or
    lists before the model, or in `data.Dataset.map`.

    Args:
        max_tokens: how large the vocabulary may grow.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of an array of
            strings. Lower case is Unicode's; punctuation is ASCII's.
        split: "whitespace", "character", None, or a function of an array of strings that gives lists of tokens.
        ngrams: up to how many tokens in a row are a term, or a tuple of such numbers.
        output_mode: "int"; or for each text, "multi_hot", "count" or "tf_idf", as of `StringLookup`.
        output_sequence_length: with "int", the length of rows; by default that of the longest.
        pad_to_max_tokens: whether vectors have the length `max_tokens` whatever the vocabulary.
        vocabulary: the terms, or the path of a file with one on each line; without, call `adapt`.
        idf_weights: with "tf_idf" and `vocabulary`, a weight for each.
        sparse: must be False.
        ragged: must be False.
        encoding: of inputs that are bytes.
        name: name of the layer.
        **kwargs: `dtype`, `trainable`.

    Inputs of shape (batch,) or (batch, 1) give outputs of shape (batch, length) or (batch, terms); a single string, one
    row. With `split=None` every string is a term: (..., strings) gives (..., length) or (..., terms).

    Raises:
        ValueError: an argument is none of these.
        RuntimeError: it is called without a vocabulary.

    >>> layer = TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
    >>> layer(["Foo, qux: bar!", "qux baz"]).tolist()
    [[4, 1, 3, 0], [1, 2, 0, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if ragged:
            raise ValueError("TextVectorization: `ragged` must be False, ragged tensors are not supported.")
        for argument, value, names in (("standardize", standardize, _STANDARDIZE), ("split", split, _SPLIT)):
            if value is not None and not callable(value) and not (isinstance(value, str) and value in names):
                raise ValueError(
                    f"TextVectorization: `{argument}` must be one of {names}, None or a function, got {value!r:.60}."
                )
        self.lookup = StringLookup(
            max_tokens, mask_token="", vocabulary=vocabulary, idf_weights=idf_weights, output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens, sparse=sparse, encoding=encoding, name=self.name,
        )  # fmt: skip
        self.output_mode = self.lookup.output_mode
        self.standardize, self.split = standardize, split
        self.ngrams, self._widths = ngrams, _widths(ngrams)
        self.output_sequence_length = self._checked_length(output_sequence_length)
        self.encoding = encoding
        self._build_at_init()

    def _checked_length(self, length: Any) -> int | None:
        if length is None:
            return None
        if self.output_mode != "int":
            raise ValueError(
                f"TextVectorization: `output_sequence_length` must not be set if `output_mode` is not 'int'. "
                f"Received output_sequence_length={length!r}."
            )
        if isinstance(length, bool) or not hasattr(length, "__index__") or length < 0:
            raise ValueError(
                f"TextVectorization: `output_sequence_length` must be either None or an integer when `output_mode` is "
                f"'int'. Received: output_sequence_length={length!r:.60}"
            )
        return int(length)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary of `data`, see `StringLookup.adapt`.

        Args:
            data: texts as an array or a list, or an iterable of batches of them.
            batch_size: has no effect.
            steps: how many batches to take at most.
        """
        self.reset_state()
        for batch in batches_of_terms(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the terms of a batch of texts."""
        texts = string_array(data, type(self).__name__, self.encoding)
        self.lookup.count(self._terms(texts.reshape(-1, 1) if texts.ndim < 2 else texts)[0])

    def finalize_state(self) -> None:
        """Take the vocabulary that `update_state` has counted."""
        self.lookup.finalize_state()

    def reset_state(self) -> None:
        """Forget what `update_state` was given."""
        self.lookup.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The terms in the order of their numbers, with those for padding and unknown ones if they are included."""
        return self.lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many numbers there are, those for padding and unknown terms among them."""
        return self.lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take these terms, see `StringLookup.set_vocabulary`."""
        self.lookup.set_vocabulary(vocabulary, idf_weights)

    def _convert_input(self, value: Any) -> Any:
        return value

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, KerasTensor):
            return self.compute_output_spec(inputs)
        documents, shape = self._terms(string_array(inputs, type(self).__name__, self.encoding))
        rows = [self.lookup.numbers_of(terms) for terms in documents]
        if self.output_mode == "int":
            output = self._padded(rows)
        elif self.output_mode == "one_hot":
            output = self._one_hot(rows)
        else:
            output = self.lookup.encoded(rows)
        return as_tensor(output.reshape(*shape, *output.shape[1:]))

    def _one_hot(self, rows: list[Array]) -> Array:
        lengths = sorted({len(row) for row in rows})
        if len(lengths) > 1:
            raise ValueError(
                f"{type(self).__name__}: with 'one_hot', texts must have as many terms each, got {lengths}."
            )
        flat = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        vectors = self.lookup.encoded(flat[:, None])
        return vectors.reshape(len(rows), *lengths or (0,), vectors.shape[-1])

    def _padded(self, rows: list[Array]) -> Array:
        length = self.output_sequence_length
        if length is None:
            length = max(map(len, rows), default=0)
        padded = np.zeros((len(rows), length), np.int64)
        for number, row in enumerate(rows):
            padded[number, : len(row)] = row[:length]
        return padded

    def _terms(self, texts: Array) -> tuple[list[list[str]], tuple[int, ...]]:
        """The terms of each text, or of each row of terms, and the shape that these lie in."""
        shape = texts.shape[:-1] if self.split is None else texts.shape[:1]
        if self.split is not None and texts.ndim > 1 and texts.shape[1:] != (1,):
            raise ValueError(
                f"{type(self).__name__}: When using `TextVectorization` to tokenize strings, the input rank must be 1 "
                f"or the last shape dimension must be 1. Received: inputs.shape={texts.shape} with rank={texts.ndim}"
            )
        texts = self._standardized(texts if texts.ndim else texts.reshape(1))
        if self.split is None:
            tokens = texts.reshape(math.prod(shape), texts.shape[-1]).tolist()
        else:
            tokens = self._tokens(texts.reshape(-1))
        return [_ngrams(row, self._widths) for row in tokens] if self._widths else tokens, shape

    def _standardized(self, texts: Array) -> Array:
        if self.standardize is None:
            return texts
        if callable(self.standardize):
            return string_array(self.standardize(texts.astype(str)), type(self).__name__, self.encoding)
        flat = texts.reshape(-1).tolist()
        if self.standardize.startswith("lower"):
            flat = [text.lower() for text in flat]
        if self.standardize.endswith("strip_punctuation"):
            flat = [text.translate(_NO_PUNCTUATION) for text in flat]
        return np.array(flat, object).reshape(texts.shape)

    def _tokens(self, texts: Array) -> list[list[str]]:
        if self.split == "whitespace":
            return [text.split() for text in texts.tolist()]
        if self.split == "character":
            return [list(text) for text in texts.tolist()]
        rows = self.split(texts)
        return [string_array(list(row), type(self).__name__, self.encoding).tolist() for row in rows]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = tuple(input_shape)
        if self.split is None:
            outer, length = shape[:-1], None if self._widths else (shape or (1,))[-1]
        else:
            outer, length = shape[:1], None
        if self.output_mode == "int":
            return (*outer, length if self.output_sequence_length is None else self.output_sequence_length)
        if self.output_mode == "one_hot":
            return (*outer, length, self.lookup.depth())
        return self.lookup.compute_output_shape((*outer, length))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), "int64" if self.output_mode == "int" else floatx())

    def get_config(self) -> dict[str, Any]:
        lookup = self.lookup.get_config()
        taken = ("max_tokens", "pad_to_max_tokens", "vocabulary", "idf_weights", "learned_terms", "learned_weights")
        return {
            **super().get_config(),
            **{name: lookup[name] for name in taken},
            "standardize": _serialized(self.standardize),
            "split": _serialized(self.split),
            "ngrams": self.ngrams,
            "output_mode": self.output_mode,
            "output_sequence_length": self.output_sequence_length,
            "sparse": False,
            "ragged": False,
            "encoding": self.encoding,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        terms, weights = config.pop("learned_terms", None), config.pop("learned_weights", None)
        config.pop("vocabulary_size", None)
        if terms is not None and isinstance(config.get("vocabulary"), str):
            config["vocabulary"] = None  # the terms that were read from that file
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(config[name])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        layer = super().from_config(config)
        layer.lookup.restore(terms, weights)
        return layer


def _serialized(value: Any) -> Any:
    return serialize_keras_object(value) if callable(value) else value


def _widths(ngrams: Any) -> tuple[int, ...]:
    if ngrams is None:
        return ()
    is_number = hasattr(ngrams, "__index__") and not isinstance(ngrams, bool)
    widths = tuple(range(1, min(ngrams, _MOST_WORDS + 1) + 1)) if is_number else ngrams
    if (
        not isinstance(widths, tuple)
        or not widths
        or not all(isinstance(n, int) and 0 < n <= _MOST_WORDS for n in widths)
    ):
        raise ValueError(
            f"TextVectorization: `ngrams` must be None, an integer from 1 to {_MOST_WORDS}, or a tuple of these. "
            f"Got {ngrams!r:.60}"
        )
    return widths


def _ngrams(tokens: list[str], widths: tuple[int, ...]) -> list[str]:
    return [" ".join(tokens[i : i + n]) for n in widths for i in range(len(tokens) - n + 1)]
