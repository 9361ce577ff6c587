"""Questions to word vectors, and their files."""

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
