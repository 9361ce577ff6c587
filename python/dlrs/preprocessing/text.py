"""Texts as sequences of numbers, as Keras 1 and 2 made them; `dlrs.layers.TextVectorization` is the present way."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from dlrs.backend.old_spellings import warn_of
from dlrs.errors import unknown_name

__all__ = ["Tokenizer", "text_to_word_sequence"]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_MODES = ("binary", "count", "freq", "tfidf")


def text_to_word_sequence(input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that part words.
        lower: whether to make letters small.
        split: what parts words.

    >>> text_to_word_sequence("The cat, the mat.")
    ['the', 'cat', 'the', 'mat']
    """
    text = input_text.lower() if lower else input_text
    for character in filters:
        text = text.replace(character, split)
    return [word for word in text.split(split) if word]


class Tokenizer:
    """Numbers the words of texts, the most frequent first, from 1.

    Args:
        num_words: only words with numbers below it are kept when texts are turned into numbers.
        filters: characters that part words.
        lower: whether to make letters small.
        split: what parts words.
        char_level: whether the characters are the words.
        oov_token: word for those that are unknown, whose number is then 1; they are left out without it.

    Attributes:
        word_index, index_word: numbers of words, and the words of numbers.
        word_counts, word_docs: how often a word, and in how many texts it stands.
        document_count: the number of texts.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     tokenizer = Tokenizer(num_words=3)
    >>> tokenizer.fit_on_texts(["the cat sat", "the mat"])
    >>> tokenizer.texts_to_sequences(["the cat and the mat"])
    [[1, 2, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
    ) -> None:
        warn_of("preprocessing.text.Tokenizer", "dlrs.layers.TextVectorization.")
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.document_count = 0
        self.word_counts: Counter[str] = Counter()
        self.word_docs: Counter[str] = Counter()
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: str | Sequence[str]) -> list[str]:
        """The words of a text, or of one that is a list of words already."""
        if self.char_level or not isinstance(text, str):
            return [word.lower() if self.lower else word for word in text]
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[str | Sequence[str]]) -> None:
        """Count the words of `texts`, and number all words anew."""
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            self.word_counts.update(words)
            self.word_docs.update(set(words))
        ranked = [word for word, _ in self.word_counts.most_common() if word != self.oov_token]
        if self.oov_token is not None:
            ranked.insert(0, self.oov_token)
        self.word_index = {word: number for number, word in enumerate(ranked, 1)}
        self.index_word = dict(enumerate(ranked, 1))

    def texts_to_sequences(self, texts: Iterable[str | Sequence[str]]) -> list[list[int]]:
        """The numbers of the words of each text."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        found = []
        for text in texts:
            numbers = [self._kept(self.word_index.get(word)) for word in self._words(text)]
            known = [unknown if number is None else number for number in numbers]
            found.append([number for number in known if number is not None])
        return found

    def _kept(self, number: int | None) -> int | None:
        return number if number is None or self.num_words is None or number < self.num_words else None

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of numbers, with spaces between them."""
        return [
            " ".join(
                word
                for number in numbers
                if (word := self.index_word.get(self._kept(int(number)) or 0, self.oov_token)) is not None
            )
            for numbers in sequences
        ]

    def texts_to_matrix(
        self, texts: Iterable[str | Sequence[str]], mode: Literal["binary", "count", "freq", "tfidf"] = "binary"
    ) -> np.ndarray[Any, Any]:
        """A row for each text and a column for each number: whether, how often or how much its word stands in the text.

        Args:
            texts: the texts.
            mode: `"binary"`, `"count"`, `"freq"` (a count's share of the text) or `"tfidf"`, which is
                `(1 + log(count)) * log(1 + texts / (1 + texts with the word))`.

        Raises:
            ValueError: another mode.
        """
        if mode not in _MODES:
            raise ValueError(f"texts_to_matrix: {unknown_name('mode', mode, _MODES)}")
        columns = self.num_words or len(self.word_index) + 1
        sequences = self.texts_to_sequences(texts)
        matrix = np.zeros((len(sequences), columns))
        for row, numbers in zip(matrix, sequences, strict=True):
            for number, count in Counter(numbers).items():
                row[number] = self._weight(mode, number, count, len(numbers))
        return matrix

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            documents = self.word_docs[self.index_word[number]]
            return float((1 + np.log(count)) * np.log(1 + self.document_count / (1 + documents)))
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]
