"""Files of word vectors: word2vec's text and binary forms, GloVe's text, matrices of NumPy with their words beside."""

import os
from typing import Any, BinaryIO

import numpy as np

from dlrs.errors import format_error
from dlrs.text import vectors as parts
from dlrs.text.checks import check_count
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_LONGEST_WORD = 1 << 12  # bytes
FORMATS = ("word2vec", "word2vec-binary", "glove", "npy")


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
        limit = check_count("read_vectors", "limit", limit)
    name = os.fsdecode(path)
    format = _format("read_vectors", name, format)
    with open(name, "rb") as file:
        if format == "npy":
            words, matrix = _read_npy(name, limit)
        else:
            words, matrix = (_read_binary if format == "word2vec-binary" else _read_text)(name, file, limit)
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
    if format not in FORMATS:
        raise ValueError(f"{function}: `format` must be one of {FORMATS}, got {format!r:.60}.")
    return format


def _read_text(path: str, file: BinaryIO, limit: int | None) -> tuple[list[str], Array]:
    words: list[str] = []
    vectors: list[Array] = []
    for word, vector in parts.text_vectors(path, file, None, lambda word: True):
        words.append(word)
        vectors.append(vector())
        if len(words) == limit:
            break
    return words, np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)


def _read_npy(path: str, limit: int | None) -> tuple[list[str], Array]:
    words, matrix = list(parts.given_words(_words_beside(path))), parts.read_matrix(path)
    if len(words) != len(matrix):
        message = f"{len(matrix)} rows for the {len(words)} words of {_words_beside(path)!r}"
        raise format_error(message, path=path, format="NPY", field="header", rule="V2")
    with np.errstate(over="ignore"):
        matrix = matrix[:limit].astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if wrong.size:
        raise format_error("a number that is not finite", path=path, format="NPY", field=f"row {wrong[0]}", rule="V2")
    return words[:limit], matrix


def _words_beside(path: str) -> str:
    return os.path.splitext(path)[0] + ".words.txt"


def _read_binary(path: str, file: BinaryIO, limit: int | None) -> tuple[list[str], Array]:
    """A line of two counts; then of each vector word, space, little-endian float32 and possibly a line feed."""
    head = file.readline(64)
    counts = head.split()
    if not head.endswith(b"\n") or len(counts) != 2 or not all(count.isdigit() for count in counts):
        raise _broken(path, 0, "the first line must be two counts")
    count, width = map(int, counts)
    size = os.fstat(file.fileno()).st_size - file.tell()
    if width < 1 or count < 1 or count * (2 + 4 * width) > size:
        raise _broken(path, 0, f"{count} vectors of {width} numbers do not fit into {size} bytes")
    number = min(count, limit or count)
    words: list[str] = []
    matrix = np.empty((number, width), "<f4")
    for row in range(number):
        words.append(_word(path, file))
        data = file.read(4 * width)
        if len(data) < 4 * width:
            raise _broken(path, file.tell(), f"the vector of word {row} is truncated")
        matrix[row] = np.frombuffer(data, "<f4")
        if not np.isfinite(matrix[row]).all():
            raise _broken(path, file.tell() - len(data), f"a number of word {row} is not finite")
    if number == count and file.read(2) not in (b"", b"\n"):
        raise _broken(path, file.tell(), f"more than the {count} vectors that the first line says")
    return words, matrix.astype(np.float32, copy=False)


def _word(path: str, file: BinaryIO) -> str:
    start, word = file.tell(), bytearray()
    while (byte := file.read(1)) != b" ":
        if not byte or len(word) == _LONGEST_WORD:
            raise _broken(path, start, "a word without an end")
        if byte != b"\n" or word:
            word += byte
    try:
        if not word:
            raise _broken(path, start, "an empty word")
        return word.decode("utf-8")
    except UnicodeDecodeError:
        raise _broken(path, start, "a word that is not UTF-8") from None


def _broken(path: str, offset: int, message: str) -> Exception:
    return format_error(message, path=path, format="word vectors", field="binary", rule="V3", offset=offset)


def write_vectors(vectors: WordVectors, path: str | os.PathLike[str], format: str | None) -> None:
    """What `WordVectors.save` does; numbers in text are the shortest that read back as the same float32."""
    name = os.fsdecode(path)
    format = _format("WordVectors.save", name, format)
    if not vectors.words:
        raise ValueError("WordVectors.save: these vectors have no `words`.")
    for word in vectors.words:
        text_form = format in ("glove", "word2vec")
        if not word or any(c in word for c in "\r\n") or (" " in word and format == "word2vec-binary"):
            raise ValueError(f"WordVectors.save: the word {word!r:.60} cannot stand in a file of format {format!r}.")
        if text_form and word != word.strip(" "):
            raise ValueError(f"WordVectors.save: the word {word!r:.60} begins or ends with a space.")
    count, width = vectors.matrix.shape
    if format == "npy":
        with open(_words_beside(name), "w", encoding="utf-8", newline="\n") as file:
            file.writelines(word + "\n" for word in vectors.words)
        with open(name, "wb") as matrix:
            np.save(matrix, vectors.matrix)
        return
    with open(name, "wb") as out:
        if format != "glove":
            out.write(f"{count} {width}\n".encode())
        for word, vector in zip(vectors.words, vectors.matrix, strict=True):
            if format == "word2vec-binary":
                out.write(word.encode() + b" " + vector.astype("<f4").tobytes() + b"\n")
            else:
                out.write(f"{word} {' '.join(map(str, vector))}\n".encode())
