"""Word vectors that were trained elsewhere."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.errors import format_error
from dlrs.text.checks import check_count, check_text
from dlrs.text.vocabulary import Vocabulary
from dlrs.text.word_vectors import WordVectors

Array = np.ndarray[Any, Any]

_MOST_VALUES = 1 << 31  # of the matrix


def load_vectors(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | Iterable[str] | Mapping[str, int],
    words: str | os.PathLike[str] | Iterable[str] | None = None,
    dimensions: int | None = None,
    seed: int | None = 0,
) -> WordVectors:
    """The pre-trained vectors of the tokens of a vocabulary.

    Read are text files with a word and its numbers in every line, as GloVe and fastText publish them, with or without
    word2vec's first line of two counts; and `.npy` matrices together with `words`. Text is read line by line, so only
    the vectors asked for are held; in other lines the numbers are counted, not read. Of a word that occurs twice the
    first vector counts.

    Tokens that the file lacks get random vectors, normal with the mean and standard deviation of those found; the
    padding token of a `Vocabulary` gets zeros.

    Args:
        path: the file.
        vocabulary: a `Vocabulary`, tokens in the order of their numbers, or a dict of numbers by token, 0 to n - 1.
        words: for `.npy` only: the words of the rows, or a text file of them, one a line.
        dimensions: what the vectors must have; any number by default.
        seed: of the vectors of missing tokens; None draws anew each time.

    Raises:
        OSError: a file cannot be read.
        FormatError: a line has another number of numbers, one that is no finite number, no UTF-8 or no end; the first
            line's counts are not those of the file; `.npy` holds something else than a matrix of numbers. The message
            names the line.
        ValueError: an argument is not as above, or no token was found.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "vectors.txt")
    >>> _ = path.write_text("king 1.0 0.5\\nqueen 1.0 -0.5\\n", encoding="utf-8")
    >>> vectors = load_vectors(path, ["queen", "king", "zebra"])
    >>> vectors, vectors.missing, vectors.matrix[:2].tolist()
    (WordVectors(2 of 3 tokens found, 2 dimensions), ('zebra',), [[1.0, -0.5], [1.0, 0.5]])
    >>> vectors.embedding(trainable=True).output_dim
    2
    """
    tokens = _tokens_of(vocabulary)
    if seed is not None:
        seed = check_count("load_vectors", "seed", seed, 0)
    if dimensions is not None:
        dimensions = check_count("load_vectors", "dimensions", dimensions)
    name = os.fsdecode(path)
    if name.endswith(".npy"):
        if words is None:
            raise ValueError("load_vectors: a matrix in a `.npy` file needs `words`, the words of its rows.")
        found = _from_matrix(name, words, tokens)
    elif words is not None:
        raise ValueError(f"load_vectors: `words` is for `.npy` files; {name!r} is read as text, words and numbers.")
    else:
        found = _from_text(name, tokens, dimensions)
    if not found:
        raise ValueError(f"load_vectors: {name!r} has a vector for none of the {len(tokens)} tokens of `vocabulary`.")
    width = len(next(iter(found.values())))
    if dimensions is not None and width != dimensions:
        raise ValueError(f"load_vectors: the vectors of {name!r} have {width} dimensions, not {dimensions}.")
    if width * len(tokens) > _MOST_VALUES:
        raise ValueError(f"load_vectors: {len(tokens)} vectors of {width} dimensions are too many.")
    return _filled(tokens, found, vocabulary, seed)


def _tokens_of(vocabulary: Any) -> list[str]:
    """The tokens in the order of their numbers."""
    if isinstance(vocabulary, str) or not isinstance(vocabulary, Iterable):
        raise TypeError(
            f"load_vectors: `vocabulary` must be a Vocabulary, a sequence of tokens or a dict of numbers by token, got "
            f"{vocabulary!r:.60}."
        )
    tokens: list[Any] = list(vocabulary)
    if isinstance(vocabulary, Mapping):
        if sorted(map(repr, vocabulary.values())) != sorted(map(repr, range(len(tokens)))):
            raise ValueError("load_vectors: the numbers in `vocabulary` must be 0 to n - 1, each once.")
        tokens = sorted(tokens, key=vocabulary.__getitem__)
    for token in tokens:
        check_text("load_vectors", "vocabulary", token)
    if not tokens:
        raise ValueError("load_vectors: `vocabulary` has no tokens.")
    if len(set(tokens)) != len(tokens):
        raise ValueError("load_vectors: a token occurs twice in `vocabulary`.")
    return tokens


def _filled(tokens: list[str], found: Mapping[str, Array], vocabulary: Any, seed: int | None) -> WordVectors:
    """The matrix, with random rows for the tokens that were not found."""
    known = np.stack(list(found.values()))
    missing = tuple(token for token in tokens if token not in found)
    rows = {token: number for number, token in enumerate(tokens)}
    matrix = np.empty((len(tokens), known.shape[1]), np.float32)
    matrix[[rows[token] for token in found]] = known
    random = np.random.default_rng(seed).standard_normal((len(missing), known.shape[1]), np.float32)
    matrix[[rows[token] for token in missing]] = known.mean(dtype=np.float64) + known.std(dtype=np.float64) * random
    if isinstance(vocabulary, Vocabulary) and tokens[vocabulary.pad_id] not in found:
        matrix[vocabulary.pad_id] = 0.0
    return WordVectors(matrix, missing, tuple(tokens))


# Text


def _from_text(path: str, tokens: list[str], dimensions: int | None) -> dict[str, Array]:
    """The vectors of the tokens, of a file with a word and its numbers in every line."""
    most = None if dimensions is None else min(dimensions, sys.maxsize)
    words, width, tensor = _dlrs.read_vector_text(path, None, tokens, most)
    if dimensions is not None and width != dimensions:
        raise ValueError(f"load_vectors: the vectors of {path!r} have {width} dimensions, not {dimensions}.")
    found: dict[str, Array] = {}
    for word, vector in zip(words, np.asarray(tensor), strict=True):
        found.setdefault(word, vector)
    return found


# A matrix and its words


def _from_matrix(path: str, words: Any, tokens: list[str]) -> dict[str, Array]:
    """The vectors of the tokens among the rows of a `.npy` file."""
    matrix = np.asarray(_dlrs.read_matrix(path, None)[0])
    row_of: dict[str, int] = {}
    count = 0
    for word in _given_words(words):
        row_of.setdefault(word, count)
        count += 1
    if count != len(matrix):
        raise ValueError(f"load_vectors: `words` has {count} words for the {len(matrix)} rows of {path!r}.")
    found = {token: matrix[row_of[token]] for token in tokens if token in row_of}
    for token, vector in found.items():
        if not np.isfinite(vector).all():
            message = f"the vector of {token!r:.40} is not finite"
            raise format_error(message, path=path, format="NPY", field=f"row {row_of[token]}", rule="V2")
    return found


def _given_words(words: Any) -> Iterator[str]:
    """Words that are given one by one, or in a file, one a line."""
    if isinstance(words, str | os.PathLike):
        yield from _dlrs.read_lines(os.fsdecode(words))
        return
    if not isinstance(words, Iterable):
        raise TypeError(f"load_vectors: `words` must be a file or a sequence of strings, got {words!r:.60}.")
    for word in words:
        yield check_text("load_vectors", "words", word)
