"""Word vectors from files."""

import numpy as np
import pytest

from dlrs import Sequential, layers, ops, text
from dlrs.errors import FormatError
from dlrs.initializers import Constant

LINES = ["king 1.0 0.5 2", "queen 1.0 -0.5 2e0", "the 0 0 -1.25"]
VECTORS = {"king": [1.0, 0.5, 2.0], "queen": [1.0, -0.5, 2.0], "the": [0.0, 0.0, -1.25]}


@pytest.fixture
def write(tmp_path):
    def make(content, name="vectors.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else "\n".join(content).encode())
        return path

    return make


@pytest.mark.parametrize("first", [[], ["3 3"]], ids=["GloVe", "word2vec"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b" \n"])
def test_vectors_of_the_vocabulary_in_its_order(write, first, end):
    path = write("\n".join(first + LINES).encode() + end)
    vectors = text.load_vectors(path, ["the", "zebra", "king"])
    assert (vectors.found, vectors.missing) == (2, ("zebra",))
    assert vectors.matrix.dtype == np.float32
    np.testing.assert_array_equal(vectors.matrix[[0, 2]], [VECTORS["the"], VECTORS["king"]])
    by_number = text.load_vectors(path, {"king": 1, "the": 0})
    np.testing.assert_array_equal(by_number.matrix, [VECTORS["the"], VECTORS["king"]])


def test_a_matrix_and_its_words(write, tmp_path):
    for dtype, order in (("float32", "C"), ("float64", "F"), ("float16", "C"), ("int32", "C")):
        matrix = np.array(list(VECTORS.values()), order=order).astype(dtype, order="K")
        np.save(tmp_path / "m.npy", matrix)
        for words in (list(VECTORS), write(list(VECTORS), "words.txt")):
            vectors = text.load_vectors(tmp_path / "m.npy", ["queen", "king"], words=words, dimensions=3)
            np.testing.assert_array_equal(vectors.matrix, matrix[[1, 0]].astype("float32"))


def test_missing_tokens_are_drawn_by_the_seed_and_padding_is_zero(write):
    rng = np.random.default_rng(0)
    known = {f"w{i}": rng.normal(3.0, 0.5, 8) for i in range(200)}
    path = write([f"{word} {' '.join(map(str, vector))}" for word, vector in known.items()])
    vocabulary = text.Vocabulary([*known, *(f"unseen{i}" for i in range(300))])
    vectors = text.load_vectors(path, vocabulary)
    assert vectors.found == 200 and len(vectors.missing) == 304
    assert not vectors.matrix[vocabulary.pad_id].any() and vectors.matrix[vocabulary.unk_id].any()
    drawn = vectors.matrix[-300:]
    assert abs(drawn.mean() - 3.0) < 0.1 and abs(drawn.std() - 0.5) < 0.1
    np.testing.assert_array_equal(text.load_vectors(path, vocabulary).matrix, vectors.matrix)
    assert (text.load_vectors(path, vocabulary, seed=1).matrix != vectors.matrix)[-300:].all()


def test_words_with_spaces_and_the_first_of_two(write):
    path = write([". . 1 2", "b 3 4", ". . 5 6", "ü 7 8"])
    with pytest.raises(FormatError, match=r"line 1.*3 numbers|line 2"):
        text.load_vectors(path, ["b"])
    vectors = text.load_vectors(path, [". .", "b", "ü"], dimensions=2)
    np.testing.assert_array_equal(vectors.matrix, [[1, 2], [3, 4], [7, 8]])


def test_the_gather_is_the_product_with_one_hot_vectors_and_layers_freeze_or_tune(write):
    vectors = text.load_vectors(write(LINES), ["king", "the", "queen"])
    ids = np.array([[2, 0], [1, 1]])
    frozen, tuned = vectors.embedding(), vectors.embedding(trainable=True, mask_zero=True)
    by_initializer = layers.Embedding(3, 3, embeddings_initializer=Constant(vectors.matrix))
    for layer in (frozen, tuned, by_initializer, layers.Embedding(3, 3, weights=[vectors.matrix])):
        product = ops.matmul(ops.one_hot(ids, 3), vectors.matrix)  # E · o_j = e_j
        np.testing.assert_array_equal(layer(ids), product)
    for layer, moves in ((frozen, False), (tuned, True)):
        model = Sequential([layers.Input((2,), dtype="int32"), layer, layers.LSTM(2), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(ids, np.ones((2, 1)), verbose=0)
        assert (layer.embeddings.numpy() != vectors.matrix).any() == moves


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["a 1 2", "b 1"], r"line 2: 1 numbers behind a word, not 2"),
        (["a 1 2", "b 1 2 3"], r"line 2: 3 numbers behind a word, not 2"),
        (["a 1 2", "b 1 x"], r"line 2: 'x' is not a number"),
        (["a 1 nan"], r"line 1: a number that is not finite"),
        (["a 1 1e39"], r"line 1: a number that is not finite"),
        (["a"], r"line 1: 0 numbers"),
        (b"a 1 2\nb\xff 1 2\n", r"line 2: not UTF-8 .*byte 7"),
        (b"\x80\x04\x95pickle", "line 1: not UTF-8"),
        (["3 2", "a 1 2", "b 1 2"], "says 3 words, the file holds 2"),
        (["2 2", "a 1 2", "b 1"], "line 3: 1 numbers"),
        (["2 0", "a 1 2"], "line 2: 2 numbers"),
        (b"a " + b"1 " * (1 << 20), "line 1: a line of more than"),
    ],
)
def test_damaged_text_is_refused_by_its_line(write, content, message):
    path = write(content)
    with pytest.raises(FormatError, match=message) as caught:
        text.load_vectors(path, ["a", "b"])
    assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((2, 2, 2)), r"\(2, 2, 2\)"),
        (np.ones((3, 0)), r"\(3, 0\)"),
        (np.array([["a"] * 3] * 3), "dtype <U1"),
        (np.array([[1, None]] * 3, object), "dtype object"),
        (np.full((3, 2), np.inf), "'king' is not finite"),
    ],
)
def test_a_file_without_a_matrix_is_refused(tmp_path, content, message):
    np.save(tmp_path / "m.npy", content)
    with pytest.raises(FormatError, match=message):
        text.load_vectors(tmp_path / "m.npy", ["king"], words=list(VECTORS))


def test_a_matrix_that_is_cut_off_or_lies_about_its_size_takes_no_memory(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, np.ones((3, 4)))
    content = path.read_bytes()
    huge = content.replace(b"(3, 4), }          ", b"(3000000, 40000), }")
    assert len(huge) == len(content) and huge != content
    for damaged, message in ((content[:-1], "holds 95"), (huge, "960000000000 bytes"), (content[:20], "NPY"),
                             (b"PK\x03\x04", "NPY"), (b"", "NPY")):  # fmt: skip
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=message):
            text.load_vectors(path, ["king"], words=list(VECTORS))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"vocabulary": "king"}, TypeError, "`vocabulary`"),
        ({"vocabulary": 3}, TypeError, "`vocabulary`"),
        ({"vocabulary": ["king", 3]}, TypeError, "`vocabulary`"),
        ({"vocabulary": []}, ValueError, "no tokens"),
        ({"vocabulary": ["king", "king"]}, ValueError, "twice"),
        ({"vocabulary": {"king": 1, "the": 2}}, ValueError, "0 to n - 1"),
        ({"vocabulary": ["zebra"]}, ValueError, "none of the 1 tokens"),
        ({"dimensions": 0}, ValueError, "`dimensions`"),
        ({"seed": -1}, ValueError, "`seed`"),
        ({"words": ["king"]}, ValueError, "`words` is for `.npy`"),
    ],
)
def test_bad_arguments(write, arguments, error, message):
    with pytest.raises(error, match=message):
        text.load_vectors(write(LINES), **{"vocabulary": ["king"], **arguments})


def test_words_of_a_matrix_must_fit(tmp_path, write):
    np.save(tmp_path / "m.npy", np.ones((3, 2)))
    for words, error, message in (
        (None, ValueError, "needs `words`"),
        (["king"], ValueError, "1 words for the 3 rows"),
        (3, TypeError, "`words`"),
        (["king", "the", 3], TypeError, "`words`"),
    ):
        with pytest.raises(error, match=message):
            text.load_vectors(tmp_path / "m.npy", ["king"], words=words)
    with pytest.raises(ValueError, match="2 dimensions, not 3"):
        text.load_vectors(tmp_path / "m.npy", ["king"], words=list(VECTORS), dimensions=3)
    with pytest.raises(FileNotFoundError):
        text.load_vectors(tmp_path / "missing.txt", ["king"])
