"""Checks of arguments that functions of this package share."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs.backend.ragged import is_ragged

Array = np.ndarray[Any, Any]


def check_text(function: str, argument: str, value: Any) -> str:
    """`value`, if it is a string; otherwise a TypeError that says which argument of what it is."""
    if not isinstance(value, str):
        raise TypeError(f"{function}: `{argument}` must be a string, got {type(value).__name__} {value!r:.60}.")
    return value


def check_choice(function: str, argument: str, value: Any, choices: Sequence[str]) -> str:
    """`value`, if it is one of the strings `choices`; otherwise, also of an array, a ValueError that lists them."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{function}: `{argument}` must be one of {tuple(choices)}, got {value!r:.60}.")
    return value


def check_verbose(function: str, value: Any) -> int:
    """`value` as an int, if it is 0, 1 or 2; otherwise, also of an array, a ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value not in (0, 1, 2):
        raise ValueError(f"{function}: `verbose` must be 0, 1 or 2, got {value!r:.60}.")
    return int(value)


def check_count(function: str, argument: str, value: Any, least: int = 1) -> int:
    """`value` as an int, if it is an integer of at least `least`; otherwise a ValueError."""
    try:
        count = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:  # arrays that are no scalars have an `__index__` too
        count = None
    if count is None or count < least:
        raise ValueError(f"{function}: `{argument}` must be an integer >= {least}, got {value!r:.60}.")
    return count


def check_ids(function: str, argument: str, value: Any, size: int | None = None) -> Array:
    """`value` as a vector of int32, if it holds integers in [0, size) along one axis.

    Raises:
        ValueError: it is something else; of an id out of range, the message names the id and its position.
    """
    try:
        ids = np.asarray(value)
    except (TypeError, ValueError) as error:
        why = "it holds sequences of different lengths" if is_ragged(error) else error
        raise ValueError(f"{function}: `{argument}` must be a vector of token ids: {why}.") from None
    if ids.size == 0 and ids.ndim == 1:
        return np.zeros(0, np.int32)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise ValueError(
            f"{function}: `{argument}` must be a vector of integers, got shape {ids.shape} and dtype {ids.dtype}."
        )
    largest = (1 << 31) - 1 if size is None else size - 1
    wrong = np.flatnonzero((ids < 0) | (ids > largest))
    if wrong.size:
        position = int(wrong[0])
        raise ValueError(
            f"{function}: token id {int(ids[position])} at position {position} of `{argument}` is not in "
            f"[0, {largest + 1})."
        )
    return ids.astype(np.int32)


def check_sentences(function: str, argument: str, value: Any, least: int = 1) -> list[str]:
    """`value` as a list, if it is a sequence of at least `least` strings.

    Raises:
        TypeError: it is something else; of an element that is no string, the message names its place.
        ValueError: it has fewer.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
        raise TypeError(
            f"{function}: `{argument}` must be a list of strings, got {type(value).__name__} {value!r:.60}."
        )
    sentences = list(value)
    if len(sentences) < least:
        raise ValueError(f"{function}: `{argument}` has no sentence.")
    for place, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise TypeError(
                f"{function}: `{argument}` must hold strings, got {type(sentence).__name__} {sentence!r:.60} "
                f"at position {place}."
            )
    return sentences
