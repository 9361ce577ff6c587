"""IMDB: 50,000 reviews of films as numbers of words, half of them for training, labelled as good or bad.

Source: A. Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011.
"""

from typing import Any

import numpy as np

from dlrs.datasets.keras_files import ORIGIN, arrays_named, locate
from dlrs.datasets.word_lists import as_objects, check_arguments, limited, read_index, shuffled, started

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]

SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
INDEX_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Split:
    """Load IMDB from Keras's file `imdb.npz`.

    The file is looked for in `$DLRS_DATA/imdb`, `$DLRS_DATA`, the user's cache, `/usr/share/datasets/imdb` and
    `~/.keras/datasets`, and else downloaded into the cache. Its digest is checked. Its arrays of lists are read without
    `pickle`, so no code in it can run.

    Args:
        path: another name of the file, or its whole path.
        num_words: the numbers below it are kept; all by default.
        skip_top: the numbers below it, of the most frequent words, are not kept.
        maxlen: texts of at least so many numbers are left out; none by default.
        seed: integer that fixes the order.
        start_char: number put before each text; none if None.
        oov_char: number that stands for words that are not kept; they are left out if None.
        index_from: what is added to the ranks of words.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of numbers, and int64 labels, 1 for a good review.

    Raises:
        FileNotFoundError: the file is nowhere and could not be downloaded; the message lists the places.
        ValueError: it is another file, or is damaged; an argument has no valid value; or no text is left.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
        >>> len(x_train), x_train[0][:4]  # doctest: +SKIP
        (25000, [1, 14, 22, 16])
    """
    check_arguments("datasets.imdb.load_data", num_words, skip_top, maxlen, index_from)
    file = locate("imdb", path, f"{ORIGIN}imdb.npz", SHA256)
    arrays = arrays_named(file, "x_train", "y_train", "x_test", "y_test")
    generator = np.random.RandomState(seed)
    parts = []
    for given in (arrays[:2], arrays[2:]):
        texts, labels = shuffled(given, generator)
        kept = [(started(text, start_char, index_from), label) for text, label in zip(texts, labels, strict=True)]
        kept = [pair for pair in kept if not maxlen or len(pair[0]) < maxlen]
        if not kept:
            raise ValueError(f"datasets.imdb.load_data: no text is shorter than `maxlen`={maxlen}.")
        parts.append(kept)
    most = num_words or max(max(text, default=0) for part in parts for text, _ in part)
    train, test = (
        (as_objects([limited(text, most, skip_top, oov_char) for text, _ in part]), np.array([y for _, y in part]))
        for part in parts
    )
    return train, test


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The rank of every word: 1 for the most frequent one. In the texts, `index_from` is added to it.

    Args:
        path: another name of the file, or its whole path.

    Raises:
        FileNotFoundError, ValueError: as `load_data`.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return read_index(locate("imdb", path, f"{ORIGIN}imdb_word_index.json", INDEX_MD5))
