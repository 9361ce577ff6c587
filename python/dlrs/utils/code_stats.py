"""Counting lines of code."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from dlrs.utils.io_utils import print_msg

_QUOTES = '"""'


def count_loc(
    directory: str | os.PathLike[str],
    exclude: Sequence[str] = ("_test",),
    extensions: Sequence[str] = (".py",),
    verbose: int = 0,
) -> int:
    """Lines of code in the files of a directory: neither empty, nor comments, nor strings in triple quotes.

    Args:
        directory: where to look, with all folders in it.
        exclude: endings of names, before the extension, of files and folders that do not count.
        extensions: endings of the files that count.
        verbose: whether to print the name of every file.

    >>> count_loc(Path(__file__).parent, exclude=("",))
    0
    """
    total = 0
    for root, _, names in os.walk(directory):
        if any(root.endswith(ending) for ending in exclude):
            continue
        for name in sorted(names):
            stem, extension = os.path.splitext(name)
            if extension not in extensions or any(stem.endswith(ending) for ending in exclude):
                continue
            path = os.path.join(root, name)
            if verbose:
                print_msg(f"Count LoCs in {path}")
            total += _lines_of_code(Path(path).read_text(encoding="utf-8").split("\n"))
    return total


def _lines_of_code(lines: Iterable[str]) -> int:
    count, in_string = 0, False
    for line in map(str.strip, lines):
        if in_string:
            in_string = not line.endswith(_QUOTES)
        elif line.startswith(_QUOTES):
            in_string = line == _QUOTES or not line.endswith(_QUOTES)
        elif line and not line.startswith("#"):
            count += 1
    return count
