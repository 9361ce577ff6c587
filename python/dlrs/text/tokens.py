"""Text into words and back."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from dlrs.backend.checks import check_flags
from dlrs.text.checks import check_text

_CLOSING = re.compile(r" ([.,;:!?)\]}…%])")
_OPENING = re.compile(r"([(\[{]) ")


def normalized(text: str, lower: bool = False) -> str:
    """The text in Unicode's form NFC, in which equal characters are equal code points, and in lower case if `lower`.

    >>> normalized("Cafe\\u0301", lower=True)
    'café'
    """
    check_text("tokenize", "text", text)
    check_flags("tokenize", lower=lower)
    text = unicodedata.normalize("NFC", text)
    # Lower case may decompose: that of "İ" is "i" and a combining dot.
    return unicodedata.normalize("NFC", text.lower()) if lower else text


def tokenize(text: str, lower: bool = False) -> list[str]:
    """Words and punctuation marks of a text, in the order in which they stand.

    A word is a run of letters, digits and marks that combine with them, with apostrophes inside; every other character
    that is not white space is a token of its own.

    Args:
        text: any string; it is brought into Unicode's form NFC first.
        lower: whether to turn it into lower case.

    Raises:
        TypeError: `text` is not a string.

    >>> tokenize("Don't stop, Zoë!", lower=True)
    ["don't", 'stop', ',', 'zoë', '!']
    """
    text = normalized(text, lower)
    marks = "".join(sorted(c for c in set(text) if unicodedata.category(c).startswith("M")))
    return _pattern(marks).findall(text)


@lru_cache(maxsize=64)
def _pattern(marks: str) -> re.Pattern[str]:
    """What tokens look like if these are the combining marks: `\\w` does not hold them."""
    letter = rf"[\w{re.escape(marks)}]"
    return re.compile(rf"{letter}+(?:['’]{letter}+)*|[^\w\s]")


def join_words(tokens: Iterable[str]) -> str:
    """Words and punctuation marks as a text, with spaces as in English.

    >>> join_words(["well", ",", "(", "yes", ")", "!"])
    'well, (yes)!'
    """
    return _OPENING.sub(r"\1", _CLOSING.sub(r"\1", " ".join(tokens)))
