"""Short texts and how favourable twenty people found each, to train classifiers of sentiment.

Source: C. J. Hutto, E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text",
ICWSM 2014, as the source distribution of the Python package `vaderSentiment` 3.3.2 (MIT licence) carries it. The
authors ask to be cited. The texts are other people's: sentences of reviews from Rotten Tomatoes and Amazon, of
editorials of the New York Times, and tweets with the names taken out.
"""

import io
import tarfile
import zlib
from typing import Any

import numpy as np

from dlrs.datasets import packages

ARCHIVE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
FILES = {
    "movie": "movieReviewSnippets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "nyt": "nytEditorialSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
}

Array = np.ndarray[Any, Any]


def load_data(source: str = "movie") -> tuple[list[str], Array]:
    """The texts of one source and the mean of their ratings.

    The archive is looked for, and fetched, as `datasets.packages.member` says.

    Args:
        source: `"movie"` (10,605 sentences of film reviews), `"amazon"` (3,708 of reviews of products), `"nyt"` (5,190
            of editorials) or `"tweets"` (4,200).

    Returns:
        `texts, scores`: strings, and float32 of the same length, from -4 (very negative) to 4 (very positive).

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched.
        ValueError: there is no such source, or the archive is not the one that is pinned.

    Example:
        >>> texts, scores = load_data()  # doctest: +SKIP
        >>> texts[2], round(float(scores[2]), 2)  # doctest: +SKIP
        ('Effective but too tepid biopic', -0.6)
    """
    if source not in FILES:
        raise ValueError(
            f"datasets.sentiment.load_data: `source` must be one of {', '.join(FILES)}, got {source!r:.60}."
        )
    content = packages.member("vaderSentiment", "3.3.2", INNER, sha256=ARCHIVE_SHA256, sdist=True)
    return read(unpack(content, f"hutto_ICWSM_2014/{FILES[source]}"))


def unpack(archive: bytes, path: str) -> bytes:
    """One file of the archive within the archive.

    Raises:
        ValueError: the archive is damaged or cut short, or has no such file.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            file = tar.extractfile(path)
            if file is not None:
                return file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"datasets.sentiment: the archive within is damaged or cut short ({error})") from error
    except KeyError:
        pass
    raise ValueError(f"datasets.sentiment: there is no file {path!r} in the archive within")


def read(content: bytes) -> tuple[list[str], Array]:
    """Texts and scores of lines "number, tab, score, tab, text".

    Raises:
        ValueError: a line is something else, or its score is not within -4 and 4.

    Example:
        >>> read(b"1\\t2.2\\tA fine film.\\n2\\t-0.6\\tToo tepid\\n")
        (['A fine film.', 'Too tepid'], array([ 2.2, -0.6], dtype=float32))
    """
    texts, scores = [], []
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        fields = line.rstrip("\r").split("\t", 2)
        try:
            _, score, text = int(fields[0]), float(fields[1]), fields[2]
        except (IndexError, ValueError):
            raise ValueError(f"datasets.sentiment: line {number} is not number, score, text: {line!r:.60}") from None
        if not -4 <= score <= 4:
            raise ValueError(f"datasets.sentiment: line {number} has the score {score}, which is not within -4 and 4")
        texts.append(text.strip())
        scores.append(score)
    return texts, np.array(scores, np.float32)
