"""Files of word vectors: word2vec's text and binary forms, GloVe's text, matrices of NumPy with their words beside."""

import contextlib
import os
import sys
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.errors import format_error
from dlrs.text.checks import check_choice, check_count
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

FORMATS = ("word2vec", "word2vec-binary", "glove", "npy")

# What the readers of text and of the binary form take, in bytes.
_MOST_DIMENSIONS, _LONGEST_LINE, _LONGEST_WORD = 1 << 16, 1 << 20, 1 << 12
_LONGEST_NUMBER = len(" -1.17549435e-38")


def read_vectors(path: str | os.PathLike[str], limit: int | None = None, format: str | None = None) -> WordVectors:
    """The vectors of all words of a file, or of its first `limit` ones. Of a word that occurs twice the first counts.

    Args:
        path: the file.
        limit: how many words to read; what comes after them is not looked at.
        format: "word2vec" or "glove" (text, with or without a first line of two counts), "word2vec-binary", or "npy"
            with the words in `<path less .npy>.words.txt`. By default `.bin` is binary, `.npy` the matrix, else text.

    Raises:
        OSError: the file cannot be read.
        FormatError: it is truncated, its counts are not those of its content, a number is none or not finite, a word is
            empty or no UTF-8. The message names line or byte.
        ValueError: an argument is not as above.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "vectors.bin")
    >>> WordVectors.of(["cat", "dog"], [[1, 2], [3, 4]]).save(path)
    >>> read_vectors(path)["dog"].tolist()
    [3.0, 4.0]
    """
    if limit is not None:
        limit = min(check_count("read_vectors", "limit", limit), sys.maxsize)
    name = os.fsdecode(path)
    format = _format("read_vectors", name, format)
    if format == "npy":
        words, matrix = _read_npy(name, limit)
    elif format == "word2vec-binary":
        words, _, tensor = _dlrs.read_vector_binary(name, limit)
        matrix = tensor.numpy()
    else:
        words, _, tensor = _dlrs.read_vector_text(name, limit, None, None)
        matrix = tensor.numpy()
    if not words:
        raise format_error("no words", path=name, format="word vectors", field="file", rule="V1", offset=0)
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word, row)
    matrix = matrix if len(rows) == len(words) else matrix[list(rows.values())]
    return WordVectors.of(list(rows), matrix)


def _format(function: str, path: str, format: str | None) -> str:
    if format is None:
        return {".bin": "word2vec-binary", ".npy": "npy"}.get(os.path.splitext(path)[1], "glove")
    return check_choice(function, "format", format, FORMATS)


def _read_npy(path: str, limit: int | None) -> tuple[list[str], Array]:
    words = _dlrs.read_lines(_words_beside(path))
    tensor, rows = _dlrs.read_matrix(path, limit)
    if len(words) != rows:
        message = f"{rows} rows for the {len(words)} words of {_words_beside(path)!r}"
        raise format_error(message, path=path, format="NPY", field="header", rule="V2")
    matrix = tensor.numpy()
    wrong = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if wrong.size:
        raise format_error("a number that is not finite", path=path, format="NPY", field=f"row {wrong[0]}", rule="V2")
    return words[:limit], matrix


def _words_beside(path: str) -> str:
    return os.path.splitext(path)[0] + ".words.txt"


def write_vectors(vectors: WordVectors, path: str | os.PathLike[str], format: str | None) -> None:
    """What `WordVectors.save` does; numbers in text are the shortest that read back as the same float32."""
    name = os.fsdecode(path)
    format = _format("WordVectors.save", name, format)
    if not vectors.words:
        raise ValueError("WordVectors.save: these vectors have no `words`.")
    _check_words(vectors, format)
    if format != "npy":
        _dlrs.write_vectors(name, list(vectors.words), vectors.matrix, format)
        return
    _write_pair(name, "".join(word + "\n" for word in vectors.words).encode(), vectors.matrix)


def _check_words(vectors: WordVectors, format: str) -> None:
    """Refuses what `read_vectors` would not find again in a file of the format."""
    width = vectors.matrix.shape[1]
    if format in ("glove", "word2vec") and width > _MOST_DIMENSIONS:
        raise ValueError(
            f"WordVectors.save: vectors of more than {_MOST_DIMENSIONS} numbers, here {width}, cannot stand in a file "
            f"of format {format!r}; `.npy` holds them."
        )
    lines = _LONGEST_LINE - 1 - (0 if format == "npy" else _LONGEST_NUMBER * width)
    most = _LONGEST_WORD if format == "word2vec-binary" else lines
    for word in vectors.words:
        why = _fault(word, most, spaces=format == "npy")
        if why:
            message = f"the word {word!r:.60} cannot stand in a file of format {format!r}: {why}"
            raise ValueError(f"WordVectors.save: {message}.")


def _fault(word: str, most: int, spaces: bool) -> str | None:
    if not word:
        return "it is empty"
    if "\n" in word or "\r" in word:
        return "it has a line break"
    if " " in word and not spaces:
        return "it has a space, which `.npy` would hold"
    try:
        size = len(word) if word.isascii() else len(word.encode())
    except UnicodeEncodeError:
        return "it has half of a surrogate pair"
    return f"it has {size} bytes, more than {most}" if size > most else None


def _write_pair(path: str, words: bytes, matrix: Array) -> None:
    """Replaces a matrix and its words; no matrix ever stands beside words that are not its own.

    Both are on the disk before the first is replaced. If words change, the old matrix goes first: an interruption then
    leaves none, which readers notice, as they would not notice an old one of as many rows.
    """
    beside = _dlrs.AtomicFile(_words_beside(path))
    file = _dlrs.AtomicFile(path)
    beside.write(words)
    np.lib.format.write_array(file, matrix)
    beside.sync()
    file.sync()
    if not _holds(_words_beside(path), words):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        beside.commit()
    file.commit()


def _holds(path: str, content: bytes) -> bool:
    """Whether a file holds just that."""
    try:
        with open(path, "rb") as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False
