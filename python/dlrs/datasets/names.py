"""Given names and surnames that are frequent in the United States, to train models of characters.

Source: U.S. Census Bureau, "Frequently Occurring Names in the U.S.: 1990", a work of the federal government and so in
the public domain, as the Python package `names` 0.3.0 (MIT licence) carries it in its source distribution.
"""

from dlrs.datasets import packages

ARCHIVE_SHA256 = "726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671"
FILES = {
    "female": ("names/dist.female.first",),
    "male": ("names/dist.male.first",),
    "first": ("names/dist.female.first", "names/dist.male.first"),
    "last": ("names/dist.all.last",),
}


def load_data(kind: str = "first") -> list[str]:
    """The names of one kind, each once, in alphabetical order.

    The archive is looked for, and fetched, as `datasets.packages.member` says.

    Args:
        kind: `"female"` (4,275 names), `"male"` (1,219), `"first"` (both: 5,163) or `"last"` (88,799).

    Returns:
        Names such as `"Mary"`: ASCII letters, the first a capital.

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched.
        ValueError: there is no such kind, or the archive is not the one that is pinned.

    Example:
        >>> load_data("female")[:3]  # doctest: +SKIP
        ['Aaron', 'Abbey', 'Abbie']
    """
    if kind not in FILES:
        raise ValueError(f"datasets.names.load_data: `kind` must be one of {', '.join(FILES)}, got {kind!r:.60}.")
    found: set[str] = set()
    for path in FILES[kind]:
        content = packages.member("names", "0.3.0", path, sha256=ARCHIVE_SHA256, sdist=True)
        found.update(read(content))
    return sorted(found)


def read(content: bytes) -> list[str]:
    """The names of one of the bureau's files: a line is a name in capitals, its share, the sum of shares, its rank.

    Raises:
        ValueError: a line is something else.

    Example:
        >>> read(b"MARY           2.629  2.629      1\\nPATRICIA       1.073  3.702      2\\n")
        ['Mary', 'Patricia']
    """
    names = []
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        fields = line.split()
        if len(fields) != 4 or not fields[0].isalpha() or not fields[3].isdigit():
            raise ValueError(f"datasets.names: line {number} is not a name with three figures: {line!r:.60}")
        names.append(fields[0].title())
    return names
