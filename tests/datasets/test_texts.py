"""Names, a novel and rated sentences out of small archives, whole and damaged."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlrs.datasets import austen, names, sentiment

FEMALE = b"MARY           2.629  2.629      1\nANN            0.364 15.310     31\n"
MALE = b"JAMES          3.318  3.318      1\nANN            0.364 15.310     31\n"
BOOK = (
    b"***The Project Gutenberg Etext of X, by Y***\n\n\nI\n\nShe--well,\nsat.\n\n\n\n"
    b"End of The Project Gutenberg Etext of X\n"
)
RATED = b"1\t2.25\tA fine film.\r\n2\t-0.5\tToo tepid\r\n"


def tar_of(content: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def put(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """Put an archive into the folder, and pin it."""
    owners = {"names-0.3.0.tar.gz": names, "vaderSentiment-3.3.2.tar.gz": sentiment}

    def write(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        monkeypatch.setattr(owners.get(name, austen), "ARCHIVE_SHA256", hashlib.sha256(data).hexdigest())

    return write


def put_book(put: Callable[[str, bytes], None], book: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as wheel:
        wheel.writestr(austen.MEMBER, book)
    put("music21-10.5.0-py3-none-any.whl", stream.getvalue())


def put_ratings(put: Callable[[str, bytes], None], inner: bytes) -> None:
    put("vaderSentiment-3.3.2.tar.gz", tar_of({f"vaderSentiment-3.3.2/{sentiment.INNER}": inner}))


def test_names(put: Callable[[str, bytes], None]) -> None:
    female, male = (f"names-0.3.0/names/dist.{sex}.first" for sex in ("female", "male"))
    put("names-0.3.0.tar.gz", tar_of({female: FEMALE, male: MALE}))
    assert names.load_data() == ["Ann", "James", "Mary"]
    assert names.load_data("male") == ["Ann", "James"]
    with pytest.raises(ValueError, match=r"no file 'names/dist.all.last' in it"):
        names.load_data("last")
    with pytest.raises(ValueError, match="`kind` must be one of female, male, first, last, got 'pets'"):
        names.load_data("pets")


@pytest.mark.parametrize("line", [b"MARY 2.629", b"MARY 2.629  2.629 x", b"12 2.629 2.629 1", b"\xff\xfe 1 1 1", b""])
def test_lines_that_are_no_names(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"datasets\.names: line 3 is not a name with three figures"):
        names.read(FEMALE + line + b"\n")


def test_novel(put: Callable[[str, bytes], None]) -> None:
    put_book(put, BOOK)
    assert austen.load_data() == ["I", "She—well, sat."]


@pytest.mark.parametrize(("book", "missing"), [(BOOK[:-30], "last"), (BOOK[12:], "first"), (b"", "first")])
def test_a_book_cut_short(put: Callable[[str, bytes], None], book: bytes, missing: str) -> None:
    put_book(put, book)
    with pytest.raises(ValueError, match=f"lacks Project Gutenberg's {missing} line"):
        austen.load_data()


def test_sentiment(put: Callable[[str, bytes], None]) -> None:
    put_ratings(put, tar_of({"hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt": RATED}))
    texts, scores = sentiment.load_data()
    assert texts == ["A fine film.", "Too tepid"]
    assert scores.dtype == np.float32 and scores.tolist() == [2.25, -0.5]
    with pytest.raises(ValueError, match=r"there is no file 'hutto_ICWSM_2014/tweets_GroundTruth.txt'"):
        sentiment.load_data("tweets")
    with pytest.raises(ValueError, match="`source` must be one of movie, amazon, nyt, tweets, got 'books'"):
        sentiment.load_data("books")


@pytest.mark.parametrize("kept", [0, 5, 60, 150])
def test_an_archive_within_that_is_cut_short(put: Callable[[str, bytes], None], kept: int) -> None:
    inner = tar_of({"hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt": RATED * 100})
    put_ratings(put, inner[:kept])
    with pytest.raises(ValueError, match="the archive within is damaged or cut short"):
        sentiment.load_data()


@pytest.mark.parametrize("line", [b"3\t1.0", b"3\tgood\tfilm", b"x\t1\tfilm", b"film", b"3\t\xff\t4"])
def test_lines_that_are_no_ratings(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 3 is not number, score, text"):
        sentiment.read(RATED + line)


@pytest.mark.parametrize("score", [b"4.5", b"-1e9", b"nan", b"inf"])
def test_scores_out_of_range(score: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 3 has the score .* not within -4 and 4"):
        sentiment.read(RATED + b"3\t" + score + b"\tfilm")


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("names-0.3.0.tar.gz", names.load_data),
        ("music21-10.5.0-py3-none-any.whl", austen.load_data),
        ("vaderSentiment-3.3.2.tar.gz", sentiment.load_data),
    ],
)
def test_another_archive_than_the_pinned_one(folder: Path, name: str, load: Callable[[], object]) -> None:
    (folder / name).write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(ValueError, match=r"its SHA-256 is [0-9a-f]{64}, expected"):
        load()
