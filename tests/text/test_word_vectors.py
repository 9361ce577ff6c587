"""Questions to word vectors, and their files."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlrs
from dlrs import text
from dlrs.errors import FormatError


def random_vectors(count=300, width=50, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(count, width)).astype("float32")
    return text.WordVectors.of([f"w{i}" for i in range(count)], matrix)


def cosines(vectors, query):
    unit = vectors.matrix.astype("float64")
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-30)
    return unit @ (query / np.linalg.norm(query))


@given(st.integers(2, 200), st.integers(1, 70), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_nearest_are_those_of_numpy(count, width, k):
    vectors, k = random_vectors(count, width, count), min(k, count - 1)
    expected = cosines(vectors, vectors["w1"].astype("float64"))
    expected[1] = -np.inf
    found = vectors.nearest("w1", k)
    np.testing.assert_allclose([score for _, score in found], np.sort(expected)[::-1][:k], atol=2e-6)
    np.testing.assert_allclose([expected[int(word[1:])] for word, _ in found], np.sort(expected)[::-1][:k], atol=2e-6)


def test_many_at_once_get_what_each_gets_alone():
    vectors = random_vectors(500, 33)
    asked = ["w3", vectors.matrix[7] + 1, "w499", [0.5] * 33, "w3"]
    alone = [vectors.nearest(word, 6, ["w8", "w9"]) for word in asked]
    assert vectors.nearest_many(asked, 6, ["w8", "w9"]) == alone
    assert vectors.nearest_many(vectors.matrix[:4].astype("float64"), 2) == [
        vectors.nearest(row, 2) for row in vectors.matrix[:4]
    ]
    assert vectors.nearest_many([]) == vectors.nearest_many(np.zeros((0, 33))) == []
    for words, error, message in (
        ("w3", TypeError, "sequence"),
        (3, TypeError, "sequence"),
        (["w3", "none"], KeyError, "'none'"),
        (np.zeros(33), ValueError, "a vector must be finite and have shape"),
        ([[np.nan] * 33], ValueError, "a vector must be finite"),
    ):
        with pytest.raises(error, match=message):
            vectors.nearest_many(words)
    with pytest.raises(ValueError, match="`k` is 500, but only 499"):
        vectors.nearest_many([[1.0] * 33, "w1"], 500)


@pytest.mark.parametrize("size", [1e-45, 1e-42, 1e-40, 1e-30, 1e-19, 1e19, 1e30, 1e37])
@pytest.mark.parametrize("others", [1.0, None])
def test_cosines_of_very_short_and_very_long_vectors(size, others):
    """Squares of 1e-20 and 1e20 are beyond float32, and so are inverses of subnormal numbers."""
    sizes = np.where(np.arange(40) % 3 == 0, size, size if others is None else others)[:, None]
    matrix = (random_vectors(40, 30).matrix.astype("float64") * 3 * sizes).astype("float32")
    matrix[7] = 0.0
    vectors = text.WordVectors.of([f"w{i}" for i in range(40)], matrix)
    wide = vectors.matrix.astype(np.longdouble)
    norms = np.sqrt((wide**2).sum(axis=1))
    unit = wide / np.where(norms > 0, norms, 1)[:, None]
    expected = (unit @ unit.T).astype("float64")
    words = list(vectors.words)
    for row in (0, 1, 3):
        found = dict(vectors.nearest(words[row], 39))
        np.testing.assert_allclose(
            [found[w] for w in words if w != words[row]], np.delete(expected[row], row), atol=1e-6
        )
        assert dict(vectors.nearest(matrix[row], 40))[words[row]] == pytest.approx(1, abs=1e-6)
        assert vectors.similarity(words[row], "w4") == pytest.approx(expected[row, 4], abs=1e-6)
    np.testing.assert_allclose(vectors.similarities(words[:39], words[1:]), np.diag(expected, 1), atol=1e-6)
    a, b, c = expected[[3, 4, 6]]
    for method, scores in (("add", b - a + c), ("mul", (b + 1) * (c + 1) / 4 / ((a + 1) / 2 + 0.001))):
        best = max((i for i in range(40) if i not in (3, 4, 6)), key=scores.__getitem__)
        assert vectors.analogy("w3", "w4", "w6", 1, method)[0][0] == f"w{best}"
        score = vectors.evaluate_analogies([("w3", "w4", "w6", f"w{best}")], method=method)
        assert score.total.accuracy == 1
    assert vectors.matrix.tobytes() == matrix.tobytes(), "what was given stays"


def test_vectors_longer_than_float32_reaches():
    rows = np.full((3, 300), 3e38, np.float32)
    rows[1, :100] *= -1
    rows[2] /= 3e38
    found = dict(text.WordVectors.of(["a", "b", "c"], rows).nearest("a", 2))
    assert found == pytest.approx({"b": 1 / 3, "c": 1}, abs=1e-6)


@pytest.mark.parametrize("size", ["1e-4000", "1e-310", "1e-300", "1e-46", "1", "1e39", "1e300", "1e4000"])
def test_directions_of_very_short_and_very_long_queries(size):
    vectors, scale = random_vectors(30, 20), np.longdouble(size)
    if not 0 < scale < np.inf:
        pytest.skip("numpy.longdouble is float64 here")
    query = vectors["w5"].astype(np.longdouble) * scale
    if 1e-320 < scale < 1e308:
        query = query.astype(np.float64)
    found = dict(vectors.nearest(query, 30))
    expected = cosines(vectors, vectors["w5"].astype("float64"))
    np.testing.assert_allclose([found[word] for word in vectors.words], expected, atol=1e-6)


def test_analogies_are_those_of_the_formulas():
    vectors = random_vectors()
    a, b, c = (cosines(vectors, vectors[word].astype("float64")) for word in ("w3", "w4", "w5"))
    product = (b + 1) * (c + 1) / 4 / ((a + 1) / 2 + 0.001)
    for method, scores in (("add", b - a + c), ("mul", product)):
        scores = scores.copy()
        scores[[3, 4, 5]] = -np.inf
        expected = [f"w{i}" for i in np.argsort(-scores)[:5]]
        assert [word for word, _ in vectors.analogy("w3", "w4", "w5", k=5, method=method)] == expected
    many = vectors.analogies([("w3", "w4", "w5"), ("w1", "w1", "w2")], k=2)
    assert many[0] == vectors.analogy("w3", "w4", "w5", k=2) and many[1] == vectors.analogy("w1", "w1", "w2", k=2)


def test_products_of_equal_words_stand_in_the_vocabulary_s_order():
    rows = np.random.default_rng(0).normal(size=(5, 4))[[0, 1, 2, 3, 4, 3, 4, 3, 4, 3]]
    vectors = text.WordVectors.of(list("abcdefghij"), rows)
    whole = [word for word, _ in vectors.analogy("a", "b", "c", 7, "mul")]
    assert sorted(whole) == list("defghij") and whole in (list("dfhjegi"), list("egidfhj"))
    for k in range(1, 8):
        assert [word for word, _ in vectors.analogy("a", "b", "c", k, "mul")] == whole[:k]


@pytest.mark.parametrize("epsilon", [1e-30, 1e-6, 1e30])
def test_products_with_a_word_opposite_to_the_first_are_finite(epsilon):
    vectors = text.WordVectors.of(list("abcde"), [[1, 0], [0, 1], [1, 1], [-1, 0], [0.9, 0.1]])
    found = vectors.analogy("a", "b", "c", 2, "mul", epsilon)
    assert all(0 < score < np.inf for _, score in found)
    best = "d" if epsilon < 1 else "e"
    assert found[0][0] == best
    assert vectors.evaluate_analogies([("a", "b", "c", best)], method="mul", epsilon=epsilon).accuracy == 1


@pytest.mark.parametrize("epsilon", [0, -1.0, 1e-50, 1e39, np.inf, np.nan, True, "x", None])
def test_epsilons_that_float32_does_not_bear_are_refused(epsilon):
    vectors = random_vectors(10, 3)
    with pytest.raises(ValueError, match="`epsilon` must be a number from 1e-30 to 1e30"):
        vectors.analogy("w0", "w1", "w2", 1, "mul", epsilon)
    with pytest.raises(ValueError, match="`epsilon` must be a number from 1e-30 to 1e30"):
        vectors.evaluate_analogies([("w0", "w1", "w2", "w3")], method="mul", epsilon=epsilon)


def test_the_same_bits_at_any_number_of_threads():
    vectors, before, found = random_vectors(20_000, 20), dlrs._dlrs.num_threads(), []
    try:
        for threads in (1, 2, 3, 5):
            dlrs._dlrs.set_num_threads(threads)
            found.append(vectors.nearest("w7", 50))
    finally:
        dlrs._dlrs.set_num_threads(before)
    assert all(answer == found[0] for answer in found)


def test_equal_ones_stand_in_the_vocabulary_s_order_and_zeros_have_cosine_0():
    vectors = text.WordVectors.of(tuple("abcde"), [[0, 0], [1, 0], [2, 0], [3, 0], [-1, 0]])
    assert vectors.nearest("c", 4) == [("b", 1.0), ("d", 1.0), ("a", 0.0), ("e", -1.0)]
    assert vectors.similarity("a", "b") == 0.0 and vectors.similarity("b", "e") == -1.0
    np.testing.assert_array_equal(vectors.similarities(["b", "b"], ["e", "c"]), [-1.0, 1.0])
    assert vectors.nearest(np.array([0.0, 1.0]), 1, exclude=["a", "b"])[0][0] == "c"


@pytest.mark.parametrize(
    ("row", "why"),
    [([1 + 2j, 0], "complex128"), ([10**400, 0], "too large"), (["1", "2"], "<U1"), ([[1], [2, 3]], "inhomogeneous"),
     (np.zeros(2, "M8[D]"), "datetime64")],
)  # fmt: skip
def test_what_are_no_real_numbers_is_refused_and_not_made_one(row, why):
    with pytest.raises(TypeError, match=f"WordVectors: `matrix` must be a matrix of numbers: .*{why}"):
        text.WordVectors.of(["a"], [row] if isinstance(row, list) else row[None])
    vectors = text.WordVectors.of(["a", "b"], np.eye(2))
    with pytest.raises(TypeError, match=rf"WordVectors\.nearest: `word` must be a string or a vector: .*{why}"):
        vectors.nearest(row, 1)


def test_what_is_refused():
    vectors = text.WordVectors.of(["king", "queen"], [[1, 2], [3, 4]])
    with pytest.raises(KeyError, match=r"kign.*near it are 'king'"):
        vectors.nearest("kign", 1)
    with pytest.raises(ValueError, match="`k` is 2, but only 1 of 2"):
        vectors.nearest("king", 2)
    with pytest.raises(ValueError, match="no `words`"):
        text.WordVectors(np.ones((2, 2))).similarity("a", "b")
    for words, matrix, message in (
        (["a", "a"], np.ones((2, 2)), "'a' occurs twice"),
        (["a"], np.ones((2, 2)), "1 words for the 2 rows"),
        (["a"], [[np.nan]], "row 0 of `matrix` is not finite"),
        (["a"], np.ones(1), "must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            text.WordVectors.of(words, matrix)
    with pytest.raises(ValueError, match="a vector must be finite"):
        vectors.nearest([np.inf, 0], 1)
    with pytest.raises(ValueError, match='"add" or "mul"'):
        vectors.analogy("king", "queen", "king", method="pair")


@pytest.mark.parametrize("format", ["word2vec", "word2vec-binary", "glove", "npy"])
def test_files_hold_the_same_bits(tmp_path, format):
    vectors = text.WordVectors.of(["ä", "b", "1.5"], np.random.default_rng(0).normal(size=(3, 7)))
    path = tmp_path / "vectors.file"
    vectors.save(path, format)
    read = text.read_vectors(path, format=format)
    assert read.words == vectors.words
    np.testing.assert_array_equal(read.matrix, vectors.matrix)
    assert text.read_vectors(path, 2, format).words == ("ä", "b")


# Letters, what separates words and lines anywhere, numbers, and halves of surrogate pairs.
LETTERS = st.one_of(st.characters(), st.sampled_from(" \t\n\r\v\f\x1c\x85\xa0\u2028\ufeff\ud800\x00-.0123456789eé"))
SPELLINGS = st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=5, unique=True)


@pytest.mark.parametrize("format", ["word2vec", "word2vec-binary", "glove", "npy"])
@given(words=SPELLINGS, width=st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_words_are_read_as_they_were_saved_or_refused(tmp_path_factory, format, words, width):
    path = tmp_path_factory.getbasetemp() / "any.file"
    vectors = text.WordVectors.of(words, np.arange(len(words) * width).reshape(-1, width) * 0.5)
    forbidden = "\r\n" if format == "npy" else "\r\n "
    unfit = [w for w in words if not w or set(w) & set(forbidden) or any("\ud800" <= c <= "\udfff" for c in w)]
    if unfit:
        with pytest.raises(ValueError) as caught:
            vectors.save(path, format)
        assert str(caught.value).startswith(
            f"WordVectors.save: the word {unfit[0]!r:.60} cannot stand in a file of format "
        )
        assert repr(format) in str(caught.value)
        return
    vectors.save(path, format)
    read = text.read_vectors(path, format=format)
    assert read.words == vectors.words and read.matrix.tobytes() == vectors.matrix.tobytes()


@pytest.mark.parametrize("format", ["word2vec", "word2vec-binary", "glove", "npy"])
@pytest.mark.parametrize("word", ["new york", " a", "a ", "a 1", "1 2 3"])
def test_words_with_spaces(tmp_path, format, word):
    vectors = text.WordVectors.of([word, "b"], [[1, 2], [3, 4]])
    if format == "npy":
        vectors.save(tmp_path / "v.npy")
        assert text.read_vectors(tmp_path / "v.npy").words == (word, "b")
        return
    with pytest.raises(
        ValueError, match=f"the word '{word}' cannot stand in a file of format '{format}': it has a space"
    ):
        vectors.save(tmp_path / "v", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "format, most",
    [("word2vec-binary", 4096), ("npy", 2**20 - 1), ("glove", 2**20 - 33), ("word2vec", 2**20 - 33)],
)
@pytest.mark.parametrize("letter", ["x", "é"])
def test_the_longest_words(tmp_path, format, most, letter):
    fits = letter * (most // len(letter.encode()))
    # The longest numbers there are.
    vectors = text.WordVectors.of(["a", fits], np.full((2, 2), -1.17549435e-38, np.float32))
    vectors.save(tmp_path / "v.npy", format)
    read = text.read_vectors(tmp_path / "v.npy", format=format)
    assert read.words == ("a", fits) and read.matrix.tobytes() == vectors.matrix.tobytes()
    with pytest.raises(
        ValueError, match=rf"the word '{letter}+ cannot stand in .* '{format}': it has .* bytes, more than"
    ):
        text.WordVectors.of([fits + letter, "b"], [[1, 2], [3, 4]]).save(tmp_path / "v.npy", format)
    assert text.read_vectors(tmp_path / "v.npy", format=format).words == ("a", fits)


def test_the_longest_vectors(tmp_path):
    for width in (1 << 16, (1 << 16) + 1):
        vectors = text.WordVectors.of(["a"], np.ones((1, width)))
        for format in ("glove", "word2vec"):
            with pytest.raises(ValueError, match="cannot stand in a file of format"):
                vectors.save(tmp_path / "v", format)
        for format in ("npy", "word2vec-binary"):
            vectors.save(tmp_path / "v", format)
            assert text.read_vectors(tmp_path / "v", format=format).matrix.shape == (1, width)


@pytest.mark.parametrize("stop", ["write", "sync", "commit"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_matrix_never_stands_beside_other_words(tmp_path, monkeypatch, stop, call):
    """Whatever fails while the two files are replaced."""
    path = tmp_path / "v.npy"
    old = text.WordVectors.of(["a", "b"], [[1, 2], [3, 4]])
    new = text.WordVectors.of(["c", "d"], [[5, 6], [7, 8]])
    moved = text.WordVectors.of(["a", "b"], [[5, 6], [7, 8]])
    real, calls = dlrs._dlrs.AtomicFile, []

    class Failing:
        def __init__(self, name):
            self.file = real(name)

        def __getattr__(self, name):
            if name == stop:
                calls.append(name)
                if len(calls) == call:
                    raise OSError("the disk is full")
            return getattr(self.file, name)

    old.save(path)
    for changed in (moved, new):
        calls.clear()
        with monkeypatch.context() as patch, contextlib.suppress(OSError):
            patch.setattr(dlrs._dlrs, "AtomicFile", Failing)
            changed.save(path)
        try:
            read = text.read_vectors(path)
        except FileNotFoundError:
            assert changed is new and stop == "commit"
        else:
            found = (read.words, read.matrix.tolist())
            assert found in [(each.words, each.matrix.tolist()) for each in (old, changed)]
        old.save(path)
        assert sorted(file.name for file in tmp_path.iterdir()) == ["v.npy", "v.words.txt"]
    (tmp_path / "v.words.txt").write_text("a\n")
    with pytest.raises(FormatError, match="2 rows for the 1 words"):
        text.read_vectors(path)


def test_words_of_c_s_word2vec_may_lack_line_feeds(tmp_path):
    numbers = np.array([1, 2], "<f4").tobytes()
    (tmp_path / "a.bin").write_bytes(b"2 2\na " + numbers + b"a " + numbers)
    assert text.read_vectors(tmp_path / "a.bin").words == ("a",)


@pytest.mark.parametrize("format", ["word2vec", "word2vec-binary", "glove", "npy"])
def test_damaged_files_get_typed_errors(tmp_path, format):
    """Every truncation, and changed bytes: what reads, or a FormatError."""
    path, rng = tmp_path / "v.npy", np.random.default_rng(1)
    text.WordVectors.of(["one", "two", "three"], np.arange(9).reshape(3, 3) + 0.5).save(path, format)
    whole = path.read_bytes()
    damaged = [whole[:n] for n in range(len(whole))]
    for _ in range(300):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] = rng.integers(256)
        damaged.append(bytes(changed))
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            text.read_vectors(path, format=format)
        except FormatError:
            refused += 1
    assert refused > len(whole) // 4


def test_lying_counts_take_no_memory(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"4000000000 1000000\na 1234")
    with pytest.raises(FormatError, match="do not fit into"):
        text.read_vectors(path)
