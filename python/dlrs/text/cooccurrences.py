"""How often the words of a corpus stand near each other, for corpora larger than memory too."""

import os
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.utils.progbar import Progbar, refresh_interval

Array = np.ndarray[Any, Any]
Corpus = str | os.PathLike[str] | Iterable[str | Iterable[str]]

_PIECE = 1 << 16  # characters of a line that are read at once
_LONGEST_WORD = 1 << 20  # characters
_LONGEST_CHUNK = 1 << 31  # words
_PAIR_BYTES = 16  # of a pair: two numbers of words and a sum
_WORD_BYTES = 12  # of a word of a chunk, its pairs apart


def corpus_pieces(owner: str, corpus: Any) -> Iterator[tuple[list[str], bool]]:
    """The words of a corpus, and of each piece whether its sentence ends there.

    Raises:
        TypeError: the corpus or a sentence of it is something else than it may be.
        ValueError: a file is not UTF-8.
        OSError: a file cannot be read.
    """
    if isinstance(corpus, str | os.PathLike):
        yield from _file_pieces(owner, os.fspath(corpus))
        return
    if isinstance(corpus, bytes | bytearray) or not isinstance(corpus, Iterable):
        raise TypeError(f"{owner}: `corpus` must be sentences or the path of a text file, got {corpus!r:.60}.")
    sentences = iter(corpus)
    if sentences is corpus:
        raise TypeError(
            f"{owner}: `corpus` is read more than once, but {type(corpus).__name__} objects can be iterated only once; "
            "give a list, or an object whose __iter__ begins anew."
        )
    for number, sentence in enumerate(sentences):
        words = checked_sentence(owner, number, sentence)
        yield words.split() if isinstance(words, str) else words, True


def checked_sentence(owner: str, number: int, sentence: Any) -> str | list[str]:
    """Sentence `number` of a corpus, a string or a list of words.

    Raises:
        TypeError: it is neither a string nor words.
    """
    if isinstance(sentence, str):
        return sentence
    if isinstance(sentence, Iterable) and not isinstance(sentence, bytes | bytearray):
        return list(sentence)
    raise TypeError(
        f"{owner}: sentence {number} of `corpus` must be a string or a list of words, got {sentence!r:.60}."
    )


def _file_pieces(owner: str, path: str) -> Iterator[tuple[list[str], bool]]:
    rest = ""
    try:
        with open(path, encoding="utf-8") as file:
            while line := file.readline(_PIECE):
                text = rest + line
                words, rest = text.split(), ""
                if not line.endswith("\n") and words and not text[-1].isspace():
                    rest = words.pop()  # it may go on
                too_long(owner, path, rest)
                yield words, line.endswith("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{owner}: {path!r} is not UTF-8 text: {error}") from None
    yield ([rest] if rest else []), True


def too_long(owner: str, path: str, word: str) -> None:
    """Refuses a word that may be no text at all.

    Raises:
        ValueError: it is too long.
    """
    if len(word) > _LONGEST_WORD:
        raise ValueError(f"{owner}: {path!r} has a word of more than {_LONGEST_WORD} characters.")


@dataclass
class Frequencies:
    """The words to learn, the most frequent first, how often each occurs, and how many words the corpus has in all."""

    words: tuple[str, ...]
    counts: Array
    total: int


def word_frequencies(owner: str, corpus: Corpus, min_count: int, max_vocab: int | None, verbose: int) -> Frequencies:
    """The words that occur `min_count` times, the most frequent first, equally frequent ones by code points.

    Raises:
        TypeError: a word is no string.
        ValueError: there is no word, or none is frequent enough.
    """
    counts: Counter[str] = Counter()
    bar = Speed(verbose, "word")
    for words, _ in corpus_pieces(owner, corpus):
        try:
            counts.update(words)
        except TypeError:  # a list, say, which cannot be counted
            check_words(owner, words)
            raise
        bar.add(len(words))
    bar.close()
    check_words(owner, counts)
    return most_frequent(owner, counts, min_count, max_vocab)


def most_frequent(owner: str, counts: dict[str, int], min_count: int, max_vocab: int | None) -> Frequencies:
    """The words that occur `min_count` times, the most frequent first, equally frequent ones by code points.

    Raises:
        ValueError: there is no word, or none is frequent enough.
    """
    if not counts:
        raise ValueError(f"{owner}: `corpus` has no words.")
    kept = sorted((-count, word) for word, count in counts.items() if count >= min_count)[:max_vocab]
    if not kept:
        word, most = max(counts.items(), key=lambda item: item[1])
        raise ValueError(
            f"{owner}: no word of `corpus` occurs `min_count` = {min_count} times; the most frequent, {word!r:.60}, "
            f"occurs {most} times."
        )
    numbers = np.array([-count for count, _ in kept], np.int64)
    return Frequencies(tuple(word for _, word in kept), numbers, sum(counts.values()))


def check_words(owner: str, words: Iterable[Any]) -> None:
    """Refuses words that are no strings.

    Raises:
        TypeError: one is something else.
    """
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"{owner}: the words of `corpus` must be strings, got {type(word).__name__} {word!r:.60}.")


@dataclass(frozen=True)
class Counting:
    """What counts as near, how the pairs are cut into blocks and weighted, and how much memory there is."""

    window: int
    symmetric: bool
    parts: int
    x_max: float
    alpha: float
    seed: int
    memory: int
    folder: str | None


@dataclass
class Cells:
    """The pairs with X_ij > 0 as GloVe's kernel takes them.

    `cells` has an array for each part of the words i, those with the same i mod parts. A row of it holds a place,
    i // parts + 65536 (j // parts), and the bits of ln X_ij and f(X_ij) as float32. Rows with the same j mod parts, a
    block, follow each other; `ends` says where each block ends.
    """

    cells: list[Array]
    ends: list[Array]
    checksum: int

    @classmethod
    def count(
        cls, owner: str, corpus: Corpus, known: Frequencies, counting: Counting, verbose: int, stack: ExitStack
    ) -> "Cells":
        """The pairs of a corpus; beyond `memory` they go to files, which `stack` removes."""
        runs = _Runs(len(known.words), counting, stack)
        numbers = {word: number for number, word in enumerate(known.words)}
        bar = Speed(verbose, "word", known.total)
        find: Callable[[str], int | None] = numbers.get
        seen = 0
        for words, ends in corpus_pieces(owner, corpus):
            runs.add([number for number in map(find, words) if number is not None], ends)
            seen += len(words)
            bar.add(len(words))
        bar.close()
        if seen != known.total:
            raise ValueError(
                f"{owner}: `corpus` had {known.total} words when it was first read and {seen} the second time."
            )
        runs.flush()
        cells = runs.cells()
        if not any(map(len, cells.cells)):
            raise ValueError(f"{owner}: no two words of the vocabulary stand within `window` = {counting.window}.")
        return cells


class _Runs:
    """Sums of pairs, chunk of the corpus after chunk: arrays, or files once there is no memory left."""

    def __init__(self, vocabulary: int, counting: Counting, stack: ExitStack) -> None:
        self._vocabulary, self._counting, self._stack = vocabulary, counting, stack
        neighbours = counting.window * (1 + counting.symmetric)
        # Half is for a chunk: in the worst case all of its pairs differ, and for a moment there are two copies of them.
        most = counting.memory // 2 // (_WORD_BYTES + 2 * _PAIR_BYTES * neighbours)
        self._most_words = min(max(most, 1), _LONGEST_CHUNK)
        self._words, self._ends, self._carried = array("I"), array("q"), 0
        self._runs: list[tuple[Any, list[int]]] = []  # of each part rows, columns and sums, or a file; lengths of parts
        self._bytes = 0
        self._folder: str | None = None

    def add(self, words: list[int], ends: bool) -> None:
        start = 0
        while start < len(words):
            room = self._most_words - (len(self._words) - self._carried)
            if room == 0:
                self.flush()
            else:
                self._words.extend(words[start : start + room])
                start += room
        if ends:
            self._ends.append(len(self._words))

    def flush(self) -> None:
        """Counts the chunk. Of a sentence that goes on the last words are carried over: those to come are near them."""
        length = len(self._words)
        if length == self._carried:
            return
        open_from = self._ends[-1] if self._ends else 0
        if open_from < length:
            self._ends.append(length)
        words, ends = np.frombuffer(self._words, np.uint32), np.frombuffer(self._ends, np.int64)
        c = self._counting
        parts = _dlrs.count_cooccurrences(words, ends, self._carried, self._vocabulary, c.window, c.symmetric, c.parts)
        self._keep([tuple(map(np.asarray, part)) for part in parts])
        rest = array("I", words[max(open_from, length - c.window) :].tolist())
        self._words, self._ends, self._carried = rest, array("q"), len(rest)

    def _keep(self, parts: list[Any]) -> None:
        lengths = [len(part[0]) for part in parts]
        self._runs.append((parts, lengths))
        self._bytes += _PAIR_BYTES * sum(lengths)
        # With the cells, which come when all is counted, a third makes less than the whole.
        if self._folder is None and self._bytes > self._counting.memory // 3:
            folder = tempfile.TemporaryDirectory(prefix="dlrs-glove-", dir=self._counting.folder)
            self._folder = self._stack.enter_context(folder)
        if self._folder is not None:
            for number, (run, lengths) in enumerate(self._runs):
                if not isinstance(run, str):
                    self._runs[number] = (self._write(f"run{number}", run), lengths)

    def _write(self, name: str, parts: list[Any]) -> str:
        path = os.path.join(str(self._folder), name)
        with open(path, "wb") as file:
            for part in parts:
                for array in part:
                    file.write(array.data)
        return path

    def _part(self, run: int, part: int) -> tuple[Array, Array, Array]:
        parts, lengths = self._runs[run]
        if not isinstance(parts, str):
            found: tuple[Array, Array, Array] = parts[part]
            return found
        place, count = _PAIR_BYTES * sum(lengths[:part]), lengths[part]
        with open(parts, "rb") as file:
            file.seek(place)
            rows, columns, sums = (np.fromfile(file, kind, count) for kind in (np.uint32, np.uint32, np.uint64))
        return rows, columns, sums

    def _merged(self, part: int) -> list[tuple[Array, Array, Array]]:
        """Pieces with the sums of a part.

        Those that lie in files are read one after another and merged whenever they have as many pairs as fit into a
        third of `memory`, or as the sums merged before, so that merging takes time in proportion to what is read.
        """
        pieces: list[tuple[Array, Array, Array]] = []
        most = self._counting.memory // 3 // _PAIR_BYTES
        merged = unmerged = 0
        for run, (_, lengths) in enumerate(self._runs):
            if self._folder is not None and unmerged and unmerged + lengths[part] > max(most - merged, merged):
                pieces = [self._merge(pieces, part)]
                merged, unmerged = len(pieces[0][0]), 0
            pieces.append(self._part(run, part))
            unmerged += lengths[part]
        return pieces

    def _merge(self, pieces: list[tuple[Array, Array, Array]], part: int) -> tuple[Array, Array, Array]:
        rows, columns, sums = _dlrs.merge_cooccurrences(pieces, self._vocabulary, part, self._counting.parts)
        return np.asarray(rows), np.asarray(columns), np.asarray(sums)

    def cells(self) -> Cells:
        c = self._counting
        unit = _dlrs.cooccurrence_unit(c.window)
        found, all_ends, checksum = [], [], 0
        with ExitStack() as stack:
            path = os.path.join(self._folder, "cells") if self._folder else None
            file = stack.enter_context(open(path, "wb")) if path else None
            for part in range(c.parts):
                pieces = self._merged(part)
                cells, ends, one = _dlrs.glove_blocks(
                    pieces, self._vocabulary, part, c.parts, unit, c.x_max, c.alpha, c.seed
                )
                checksum = (checksum + one) % (1 << 64)
                all_ends.append(np.asarray(ends))
                found.append(np.asarray(cells))
                if file is not None:
                    file.write(found[-1].data)
                    found[-1] = np.empty((0, 3), np.uint32)
        self._runs.clear()
        lengths = [int(ends[-1]) for ends in all_ends]
        if path and sum(lengths):
            # Pages of a mapped file come and go as they are needed.
            mapped = np.memmap(path, np.uint32, "r", shape=(sum(lengths), 3))
            found = np.split(mapped, np.cumsum(lengths)[:-1])
        return Cells(found, all_ends, checksum)


class Speed:
    """A progress bar of things of which there are millions a second."""

    def __init__(self, verbose: int, unit: str, target: int | None = None) -> None:
        name = f"M{unit}s/s"
        stateful = [name, "loss"]
        self._bar = Progbar(target, 10, verbose, interval=refresh_interval(), stateful_metrics=stateful, unit_name=unit)
        self._name, self._live = name, verbose == 1 and refresh_interval() < 1
        self._start = self._last = time.perf_counter()
        self._done = self._before = 0

    def begin_at(self, done: int) -> None:
        """So many were done before."""
        self._done = self._before = done

    @property
    def due(self) -> bool:
        """Whether it is time to show something."""
        return self._live and time.perf_counter() - self._last > 0.1

    def add(self, count: int, **values: float) -> None:
        """`count` more are done."""
        self._done += count
        if self.due:
            self._show(False, values)

    def close(self, **values: float) -> None:
        """All are done."""
        self._show(True, values)

    def _show(self, last: bool, values: dict[str, float]) -> None:
        self._last = time.perf_counter()
        speed = (self._done - self._before) / max(self._last - self._start, 1e-9) / 1e6
        self._bar.update(self._done, [*values.items(), (self._name, speed)], finalize=last)
