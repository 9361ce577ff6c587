"""Reuters: 11,228 newswires of 1987 as numbers of words, on 46 topics.

Source: D. Lewis, Reuters-21578 text categorization test collection, 1997.
"""

from typing import Any

import numpy as np

from dlrs.datasets.housing import check_split
from dlrs.datasets.keras_files import ORIGIN, arrays_named, locate
from dlrs.datasets.word_lists import as_objects, check_arguments, limited, read_index, shuffled, started

Array = np.ndarray[Any, Any]
Split = tuple[tuple[Array, Array], tuple[Array, Array]]

SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
INDEX_MD5 = "4d44cc38712099c9e383dc6e5f11a921"

LABEL_NAMES = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar",
    "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp",
    "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel",
    "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog",
    "lead",
)  # fmt: skip


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Split:
    """Load Reuters from Keras's file `reuters.npz`.

    The file is looked for in `$DLRS_DATA/reuters`, `$DLRS_DATA`, the user's cache, `/usr/share/datasets/reuters` and
    `~/.keras/datasets`, and else downloaded into the cache. Its digest is checked. Its arrays of lists are read without
    `pickle`, so no code in it can run.

    Args:
        path: another name of the file, or its whole path.
        num_words: the numbers below it are kept; all by default.
        skip_top: the numbers below it, of the most frequent words, are not kept.
        maxlen: texts of at least so many numbers are left out; none by default.
        test_split: share of the texts that are for testing.
        seed: integer that fixes the order.
        start_char: number put before each text; none if None.
        oov_char: number that stands for words that are not kept; they are left out if None.
        index_from: what is added to the ranks of words.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of numbers, and int64 labels, which `get_label_names`
        names.

    Raises:
        FileNotFoundError: the file is nowhere and could not be downloaded; the message lists the places.
        ValueError: it is another file, or is damaged; an argument has no valid value; or no text is left.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
        >>> len(x_train), len(x_test)  # doctest: +SKIP
        (8982, 2246)
    """
    check_arguments("datasets.reuters.load_data", num_words, skip_top, maxlen, index_from)
    check_split(test_split)
    file = locate("reuters", path, f"{ORIGIN}reuters.npz", SHA256)
    texts, labels = shuffled(arrays_named(file, "x", "y"), np.random.RandomState(seed))
    kept = [(started(text, start_char, index_from), label) for text, label in zip(texts, labels, strict=True)]
    kept = [pair for pair in kept if not maxlen or len(pair[0]) < maxlen]
    if not kept:
        raise ValueError(f"datasets.reuters.load_data: no text is shorter than `maxlen`={maxlen}.")
    most = num_words or max(max(text, default=0) for text, _ in kept)
    x = as_objects([limited(text, most, skip_top, oov_char) for text, _ in kept])
    y = np.array([label for _, label in kept])
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The rank of every word: 1 for the most frequent one. In the texts, `index_from` is added to it.

    Args:
        path: another name of the file, or its whole path.

    Raises:
        FileNotFoundError, ValueError: as `load_data`.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return read_index(locate("reuters", path, f"{ORIGIN}reuters_word_index.json", INDEX_MD5))


def get_label_names() -> tuple[str, ...]:
    """The names of the topics, in the order of their numbers.

    >>> get_label_names()[3]
    'earn'
    """
    return LABEL_NAMES
