"""A corpus as numbers of its words, in memory or, beyond a bound, in a file."""

import tempfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from dlrs.text.cooccurrences import Corpus, Frequencies, Speed, corpus_pieces

Array = np.ndarray[Any, Any]

END = (1 << 32) - 1  # behind each sentence
_NUMBER_BYTES = 4
_FLUSHED = 1 << 20  # numbers that are written at once


class NumberedCorpus:
    """The words of a corpus that have a number, uint32, with `END` behind each sentence.

    Args:
        owner: who reads the corpus, for messages.
        corpus: the corpus, which is read once.
        known: its vocabulary.
        memory: bytes; more numbers go to a temporary file, which `stack` removes.
        folder: where that file is made.
        verbose: whether a progress bar is shown.

    Raises:
        ValueError: the corpus has another number of words than when its vocabulary was read.
    """

    def __init__(
        self,
        owner: str,
        corpus: Corpus,
        known: Frequencies,
        memory: int,
        folder: str | None,
        verbose: int,
        stack: ExitStack,
    ) -> None:
        self._memory, self._folder, self._stack = memory, folder, stack
        self._numbers = array("I")
        self._file: Any = None
        self.length = 0
        self.words = 0
        self.checksum = 0
        find = {word: number for number, word in enumerate(known.words)}.get
        seen, bar = 0, Speed(verbose, "word", known.total)
        for words, ends in corpus_pieces(owner, corpus):
            numbers = [number for number in map(find, words) if number is not None]
            self.words += len(numbers)
            self._numbers.extend(numbers)
            if ends:
                self._numbers.append(END)
            if len(self._numbers) >= _FLUSHED and (self._file or _NUMBER_BYTES * len(self._numbers) > memory):
                self._flush()
            seen += len(words)
            bar.add(len(words))
        bar.close()
        if seen != known.total:
            raise ValueError(
                f"{owner}: `corpus` had {known.total} words when it was first read and {seen} the second time."
            )
        if self.length:  # a part is in the file
            self._flush()
        else:
            self.length = len(self._numbers)
            self.checksum = zlib.crc32(self._numbers)

    def _flush(self) -> None:
        if self._file is None:
            file = tempfile.TemporaryFile  # `stack` closes it
            self._file = self._stack.enter_context(file(prefix="dlrs-words-", dir=self._folder))
        self._file.write(self._numbers)
        self.checksum = zlib.crc32(self._numbers, self.checksum)
        self.length += len(self._numbers)
        self._numbers = array("I")

    def blocks(self, size: int, first: int = 0) -> Iterator[Array]:
        """The numbers, `size` at a time, from block `first` on."""
        for start in range(first * size, self.length, size):
            if self._file is None:
                yield np.frombuffer(self._numbers, np.uint32, min(size, self.length - start), start * _NUMBER_BYTES)
            else:
                self._file.seek(start * _NUMBER_BYTES)
                yield np.frombuffer(self._file.read(size * _NUMBER_BYTES), np.uint32)
