"""How some 126,000 English words and names are spoken, spelled in the sounds of American English.

Source: the CMU Pronouncing Dictionary, Carnegie Mellon University, as the Python package `pocketsphinx` 5.1.1 carries
it for its recogniser of speech (both under BSD licences of two clauses). The sounds are ARPAbet's 39, without the marks
of stress that the dictionary has elsewhere.
"""

from dlrs.datasets import packages

ARCHIVE_SHA256 = "bb8fd0fc7fb08dd8f85da21f5121f34ebf4186a5bee91ce85e2d358e69a448bf"
TAG = "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"
FILE = "pocketsphinx/model/en-us/cmudict-en-us.dict"

_ARPABET = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
PHONEMES = tuple(_ARPABET.split())

Pronunciations = dict[str, list[tuple[str, ...]]]


def load_data() -> Pronunciations:
    """The dictionary: the pronunciations of each word, the usual one first.

    The archive is looked for, and fetched, as `datasets.packages.member` says.

    Returns:
        Words in small letters, some with an apostrophe, a full stop or a hyphen, in the dictionary's order; of each at
        least one sequence of `PHONEMES`.

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched.
        ValueError: the archive is not the one that is pinned.

    Example:
        >>> load_data()["tomato"]  # doctest: +SKIP
        [('T', 'AH', 'M', 'EY', 'T', 'OW'), ('T', 'AH', 'M', 'AA', 'T', 'OW')]
    """
    return read(packages.member("pocketsphinx", "5.1.1", FILE, sha256=ARCHIVE_SHA256, tag=TAG))


def read(content: bytes) -> Pronunciations:
    """Words and pronunciations of lines "word phoneme phoneme ..."; `word(2)` is another way to say `word`.

    Raises:
        ValueError: a line has no phonemes, or something else than phonemes.

    Example:
        >>> read(b"a AH\\na(2) EY\\nab AE B\\n")
        {'a': [('AH',), ('EY',)], 'ab': [('AE', 'B')]}
    """
    known = frozenset(PHONEMES)
    words: Pronunciations = {}
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        entry, *phonemes = line.split() or [""]
        if not entry or not phonemes or not known.issuperset(phonemes):
            raise ValueError(f"datasets.cmudict: line {number} is not a word and phonemes: {line!r:.60}")
        words.setdefault(entry.split("(")[0], []).append(tuple(phonemes))
    return words
