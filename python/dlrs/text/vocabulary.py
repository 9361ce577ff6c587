"""Tokens and their numbers."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from dlrs.errors import FormatError
from dlrs.saving.archive import write_file
from dlrs.text.checks import check_count, check_ids, check_text
from dlrs.text.tokens import join_words, normalized, tokenize

Array = np.ndarray[Any, Any]

PAD, UNK, BOS, EOS = "<pad>", "<unk>", "<bos>", "<eos>"
SPECIAL = (PAD, UNK, BOS, EOS)
_FORMAT = "dlrs vocabulary"


class Vocabulary:
    """Words and punctuation marks numbered from 0; the first four numbers are PAD, UNK, BOS and EOS.

    PAD (0) fills up short sequences, UNK stands for what is not in the vocabulary, BOS begins a sequence and EOS ends
    it.

    Args:
        tokens: the tokens from number 4 on, each once.
        lower: whether texts are turned into lower case before they are split.

    Raises:
        TypeError: a token is not a string.
        ValueError: a token occurs twice, is empty, or is one of the four.

    >>> vocabulary = Vocabulary.build(["the cat sat.", "The cat ran!"], max_size=7, lower=True)
    >>> vocabulary.tokens
    ('<pad>', '<unk>', '<bos>', '<eos>', 'cat', 'the', '!')
    >>> vocabulary.encode("the dog!", eos=True).tolist()
    [5, 1, 6, 3]
    >>> vocabulary.decode([5, 4, 6, 3, 0])
    'the cat!'
    """

    kind: ClassVar[str] = "words"
    pad_id, unk_id, bos_id, eos_id = range(4)

    def __init__(self, tokens: Iterable[str], lower: bool = False) -> None:
        if isinstance(tokens, str) or not isinstance(tokens, Iterable):
            raise TypeError(f"{type(self).__name__}: `tokens` must be a sequence of strings, got {tokens!r:.60}.")
        if not isinstance(lower, bool | np.bool_):
            raise TypeError(f"{type(self).__name__}: `lower` must be True or False, got {lower!r:.60}.")
        self.lower = bool(lower)
        self._tokens = list(SPECIAL)
        self._ids = {token: number for number, token in enumerate(SPECIAL)}
        for token in tokens:
            check_text(type(self).__name__, "tokens", token)
            if not token or token in self._ids:
                what = "is empty" if not token else f"stands there already, as number {self._ids[token]}"
                raise ValueError(f"{type(self).__name__}: token number {len(self._tokens)}, {token!r}, {what}.")
            self._ids[token] = len(self._tokens)
            self._tokens.append(token)

    @classmethod
    def build(cls, corpus: Iterable[str], max_size: int | None = None, min_count: int = 1, lower: bool = False) -> Self:
        """The vocabulary of a corpus, the most frequent tokens first; of equally frequent ones, by code points.

        Args:
            corpus: texts; it is read once.
            max_size: how many tokens the vocabulary may have, the four special ones among them.
            min_count: how often a token must occur to be taken.
            lower: whether to turn texts into lower case.

        Raises:
            TypeError: `corpus` is a single string, or does not hold strings.
            ValueError: `max_size` is below 5, or `min_count` below 1.
        """
        if isinstance(corpus, str) or not isinstance(corpus, Iterable):
            raise TypeError(f"{cls.__name__}.build: `corpus` must be a sequence of texts, got {corpus!r:.60}.")
        min_count = check_count(f"{cls.__name__}.build", "min_count", min_count)
        if max_size is not None:
            max_size = check_count(f"{cls.__name__}.build", "max_size", max_size, len(SPECIAL) + 1) - len(SPECIAL)
        empty = cls((), lower)
        counts: Counter[str] = Counter()
        for text in corpus:
            counts.update(empty.split(text))
        for token in SPECIAL:
            counts.pop(token, None)
        ordered = sorted((-count, token) for token, count in counts.items() if count >= min_count)
        return cls((token for _, token in ordered[:max_size]), lower)

    def split(self, text: str) -> list[str]:
        """The tokens of a text."""
        return tokenize(text, self.lower)

    def join(self, tokens: Iterable[str]) -> str:
        """The text of tokens."""
        return join_words(tokens)

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens, the special ones first; the place of each is its number."""
        return tuple(self._tokens)

    def id_of(self, token: str) -> int:
        """The number of a token, that of UNK if it is not in the vocabulary."""
        return self._ids.get(check_text("Vocabulary.id_of", "token", token), self.unk_id)

    def token_of(self, number: int) -> str:
        """The token of a number.

        Raises:
            ValueError: there is no such token.
        """
        return self._tokens[int(check_ids("Vocabulary.token_of", "number", [number], len(self))[0])]

    def __len__(self) -> int:
        return len(self._tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._tokens == self._tokens and other.lower == self.lower

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} {self.kind})"

    def encode(self, text: str, bos: bool = False, eos: bool = False) -> Array:
        """The numbers of a text's tokens, int32, shape (tokens,).

        Args:
            text: what to encode.
            bos: whether BOS comes first.
            eos: whether EOS comes last.
        """
        check_text("Vocabulary.encode", "text", text)
        ids = [self._ids.get(token, self.unk_id) for token in self.split(text)]
        return np.array([self.bos_id] * bool(bos) + ids + [self.eos_id] * bool(eos), np.int32)

    def decode(self, ids: Any, skip_special: bool = True) -> str:
        """The text of numbers.

        Args:
            ids: integers along one axis.
            skip_special: whether PAD, BOS and EOS are left out; UNK never is.

        Raises:
            ValueError: an id has no token; the message names it and its position.
        """
        checked = check_ids("Vocabulary.decode", "ids", ids, len(self))
        left_out = {self.pad_id, self.bos_id, self.eos_id} if skip_special else set()
        return self.join(self._tokens[i] for i in checked.tolist() if i not in left_out)

    def encode_batch(
        self, texts: Sequence[str], length: int | None = None, bos: bool = False, eos: bool = False
    ) -> Array:
        """The numbers of several texts, int32, shape (texts, length), shorter ones filled up with PAD at the end.

        Args:
            texts: what to encode.
            length: the length of every row, longer texts being cut; by default that of the longest.
            bos: whether BOS comes first.
            eos: whether EOS comes last; a text that is cut ends without.
        """
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise TypeError(f"Vocabulary.encode_batch: `texts` must be a sequence of texts, got {texts!r:.60}.")
        rows = [self.encode(text, bos, eos) for text in texts]
        if length is None:
            length = max((len(row) for row in rows), default=0)
        length = check_count("Vocabulary.encode_batch", "length", length, 0)
        batch = np.full((len(rows), length), self.pad_id, np.int32)
        for number, row in enumerate(rows):
            batch[number, : len(row)] = row[:length]
        return batch

    def decode_batch(self, batch: Iterable[Any], skip_special: bool = True) -> list[str]:
        """The texts of rows of numbers, see `decode`."""
        return [self.decode(row, skip_special) for row in batch]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary to a JSON file, which takes its place only when it is complete."""
        content = {"format": _FORMAT, "version": 1, "kind": self.kind, "lower": self.lower}
        content["tokens"] = self._tokens[len(SPECIAL) :]
        write_file(os.fspath(path), [json.dumps(content, ensure_ascii=False, indent=0).encode()])

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "Vocabulary":
        """The vocabulary, of words or of characters, that `save` wrote.

        Raises:
            OSError: the file cannot be read.
            errors.FormatError: it is not a vocabulary.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if not isinstance(content, dict) or not {"format", "version", "kind", "tokens", "lower"} <= content.keys():
                raise ValueError("it lacks the entries format, version, kind, tokens and lower")
            if content["format"] != _FORMAT or content["version"] != 1:
                raise ValueError(f"format {content['format']!r:.60}, version {content['version']!r:.60}")
            return _KINDS[content["kind"]](content["tokens"], content["lower"])
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise FormatError(f"Vocabulary.load: {os.fspath(path)!r} is not a vocabulary: {error}") from error


class CharacterVocabulary(Vocabulary):
    """Characters (code points in Unicode's form NFC) numbered from 0; see `Vocabulary`.

    >>> vocabulary = CharacterVocabulary.build(["anna", "nan"])
    >>> vocabulary.encode("nab", bos=True).tolist()
    [2, 4, 5, 1]
    >>> vocabulary.decode([2, 4, 5, 4, 3])
    'nan'
    """

    kind = "characters"

    def split(self, text: str) -> list[str]:
        return list(normalized(text, self.lower))

    def join(self, tokens: Iterable[str]) -> str:
        return "".join(tokens)


_KINDS: dict[str, type[Vocabulary]] = {kind.kind: kind for kind in (Vocabulary, CharacterVocabulary)}
