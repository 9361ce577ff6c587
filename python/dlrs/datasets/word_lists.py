"""What IMDB and Reuters have in common: texts as lists of the ranks of their words."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from dlrs.backend.checks import check_count
from dlrs.errors import format_error

Array = np.ndarray[Any, Any]


def check_arguments(name: str, num_words: Any, skip_top: Any, maxlen: Any, index_from: Any) -> None:
    """ValueError that names the argument which is no number of words."""
    for argument, value in (("num_words", num_words), ("maxlen", maxlen)):
        check_count(name, argument, value, 0, optional=True)
    check_count(name, "skip_top", skip_top, 0)
    check_count(name, "index_from", index_from, 0, optional=True)


def shuffled(given: list[Array], generator: np.random.RandomState) -> tuple[list[Any], Array]:
    """Texts and labels in another order, the one that Keras draws from the generator.

    Raises:
        ValueError: they are not texts with a label each.
    """
    texts, labels = given
    if texts.shape != labels.shape or texts.ndim != 1 or not all(isinstance(text, list) for text in texts):
        raise ValueError(
            f"The file holds no lists with a label each, but arrays of shapes {texts.shape}, {labels.shape}."
        )
    order = np.arange(len(texts))
    generator.shuffle(order)
    return list(texts[order]), labels[order]


def limited(text: list[int], num_words: int, skip_top: int, oov_char: int | None) -> list[int]:
    """A text whose words beyond the limits are replaced by `oov_char`, or left out if it is None.

    >>> limited([1, 4, 10, 5], num_words=8, skip_top=2, oov_char=2)
    [2, 4, 2, 5]
    """
    if oov_char is None:
        return [word for word in text if skip_top <= word < num_words]
    return [word if skip_top <= word < num_words else oov_char for word in text]


def started(text: Any, start_char: int | None, index_from: int | None) -> list[int]:
    """A text whose ranks are moved by `index_from`, behind the sign of its start."""
    begin = [] if start_char is None else [start_char]
    return [*begin, *(int(word) + (index_from or 0) for word in text)]


def as_objects(texts: list[list[int]]) -> Array:
    """An array of lists."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def read_index(path: Path) -> dict[str, int]:
    """The rank of every word, from a file of JSON."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise format_error(str(error), path=str(path), format="JSON", field="content", rule="O3") from None
    if not isinstance(index, dict) or not all(isinstance(rank, int) for rank in index.values()):
        raise format_error("it is no dict of numbers", path=str(path), format="JSON", field="content", rule="O3")
    return index
