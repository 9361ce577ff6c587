"""A corpus as numbers of its words, in memory or, beyond a bound, in a file."""

import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.text.cooccurrences import Corpus, Frequencies, Speed, check_words, checked_sentence, most_frequent, too_long

Array = np.ndarray[Any, Any]

END = (1 << 32) - 1  # behind each sentence
_DROPPED = END - 1  # instead of a word without a number
_NUMBER_BYTES = 4
_FLUSHED = 1 << 20  # numbers that are written at once
_PIECE = 1 << 18  # characters of a file that are read at once
_SENTENCES = 1 << 12  # of a list that are read at once


class NumberedCorpus:
    """The words of a corpus that occur often enough as numbers, uint32, with `END` behind each sentence.

    Words get numbers as they are met, and better ones, the most frequent word 0, when all are counted: the corpus is
    read once. `known` is its vocabulary.

    Args:
        owner: who reads the corpus, for messages.
        corpus: the corpus.
        min_count, max_vocab: how often a word must occur, and how many have numbers at most.
        memory: bytes; more numbers go to a temporary file, which `stack` removes.
        folder: where that file is made.
        verbose: whether a progress bar is shown.

    Raises:
        TypeError: the corpus, a sentence or a word is of a wrong type.
        ValueError: there is no word, none is frequent enough, or a file is not UTF-8.
        OSError: a file cannot be read, or the disk is full.
    """

    known: Frequencies

    def __init__(
        self,
        owner: str,
        corpus: Corpus,
        min_count: int,
        max_vocab: int | None,
        memory: int,
        folder: str | None,
        verbose: int,
        stack: ExitStack,
    ) -> None:
        self._memory, self._folder, self._stack = memory, folder, stack
        self._chunks: list[Array] = []
        self._file: Any = None
        self.length = self.words = self.checksum = 0
        names, counts = self._read(owner, corpus, Speed(verbose, "word"))
        self.known = most_frequent(owner, dict(zip(names, counts.tolist(), strict=True)), min_count, max_vocab)
        numbers = {word: number for number, word in enumerate(self.known.words)}
        final = np.array([END, *(numbers.get(word, _DROPPED) for word in names)], np.uint32)
        self._renumber(final)

    def _read(self, owner: str, corpus: Corpus, bar: Speed) -> tuple[list[str], Array]:
        """Stores the words as first numbers; returns which words these are and how often each occurs."""
        words, pieces, held = _dlrs.CorpusWords(), [], 0
        for piece in _pieces(owner, corpus, words):
            pieces.append(piece)
            held += len(piece)
            if held >= _FLUSHED:
                self._store(pieces)
                pieces, held = [], 0
            bar.add(int(np.count_nonzero(piece)))
        self._store(pieces)
        bar.close()
        names, counts = words.counted()
        return names, np.asarray(counts)

    def _store(self, pieces: list[Array]) -> None:
        self._chunks.append(np.concatenate([np.empty(0, np.uint32), *pieces]))
        self.length += len(self._chunks[-1])
        if self._file is not None or _NUMBER_BYTES * self.length > self._memory:
            self._flush()

    def _flush(self) -> None:
        """Moves what is in memory to the end of the file."""
        if self._file is None:
            file = tempfile.TemporaryFile  # `stack` closes it
            self._file = self._stack.enter_context(file(prefix="dlrs-words-", dir=self._folder))
        for chunk in self._chunks:
            self._file.write(chunk)
        self._chunks.clear()

    def _renumber(self, final: Array) -> None:
        """Puts the final numbers in the place of the first ones."""
        if self._file is None:
            kept = [self._finished(final[chunk]) for chunk in self._chunks]
            self._chunks = [np.concatenate([np.empty(0, np.uint32), *kept])]
            self.length = len(self._chunks[0])
            return
        read = written = 0  # what is left out makes room for what is written
        while read < self.length:
            self._file.seek(read * _NUMBER_BYTES)
            chunk = np.frombuffer(self._file.read(_FLUSHED * _NUMBER_BYTES), np.uint32)
            kept_words = self._finished(final[chunk])
            self._file.seek(written * _NUMBER_BYTES)
            self._file.write(kept_words)
            read, written = read + len(chunk), written + len(kept_words)
        self.length = written

    def _finished(self, chunk: Array) -> Array:
        kept: Array = chunk[chunk != _DROPPED]
        self.words += int(np.count_nonzero(kept != END))
        self.checksum = zlib.crc32(kept.data, self.checksum)
        return kept

    def blocks(self, size: int, first: int = 0) -> Iterator[Array]:
        """The numbers, `size` at a time, from block `first` on."""
        for start in range(first * size, self.length, size):
            if self._file is None:
                yield self._chunks[0][start : start + size]
            else:
                self._file.seek(start * _NUMBER_BYTES)
                count = min(size, self.length - start)
                yield np.frombuffer(self._file.read(count * _NUMBER_BYTES), np.uint32)


def _pieces(owner: str, corpus: Any, words: Any) -> Iterator[Array]:
    """The first numbers of some sentences at a time."""
    if isinstance(corpus, str | os.PathLike):
        yield from _file_pieces(owner, os.fspath(corpus), words)
        return
    if isinstance(corpus, bytes | bytearray) or not isinstance(corpus, Iterable):
        raise TypeError(f"{owner}: `corpus` must be sentences or the path of a text file, got {corpus!r:.60}.")
    numbered = enumerate(corpus)
    while some := [checked_sentence(owner, *pair) for pair in islice(numbered, _SENTENCES)]:
        try:
            yield np.asarray(words.sentences(some))
        except TypeError:
            check_words(owner, (word for sentence in some if isinstance(sentence, list) for word in sentence))
            raise


def _file_pieces(owner: str, path: str, words: Any) -> Iterator[Array]:
    rest = ""
    try:
        with open(path, encoding="utf-8") as file:
            while text := file.read(_PIECE):
                numbers, rest = words.text(rest + text)
                too_long(owner, path, rest)
                yield np.asarray(numbers)
    except UnicodeDecodeError as error:
        raise ValueError(f"{owner}: {path!r} is not UTF-8 text: {error}") from None
    yield np.asarray(words.text(rest + "\n")[0])
