"""Files of word vectors that are cut off, lie or hold what nobody would write."""

import numpy as np
import pytest

import dlrs
from dlrs import text
from dlrs.errors import FormatError
from harness import memory

HUGE = 1 << 60
ONE = np.ones(1, "<f4").tobytes()


@pytest.fixture
def read(tmp_path):
    def make(content, format=None, limit=None):
        path = tmp_path / "vectors"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return text.read_vectors(path, limit, format)

    return make


@pytest.fixture
def little_memory():
    """What a file promises cannot be had."""
    with memory.little_memory():
        yield


def refused(read, content, message, format=None, rule=None):
    with pytest.raises(FormatError, match=message) as caught:
        read(content, format)
    assert caught.value.format in ("word vectors", "NPY") and caught.value.path.endswith("vectors")
    assert rule is None or caught.value.rule == rule
    return caught.value


@pytest.mark.parametrize("format", ["word2vec", "word2vec-binary", "glove"])
def test_cut_off_at_every_byte(read, tmp_path, format):
    """A prefix reads as a prefix of the words, and only where it may be one: counts and binary vectors know better."""
    words = [f"wört{i}" for i in range(7)]
    vectors = text.WordVectors.of(words, np.random.default_rng(0).normal(size=(7, 5)))
    vectors.save(tmp_path / "whole", format)
    whole = (tmp_path / "whole").read_bytes()
    accepted = 0
    for length in range(len(whole)):
        try:
            found = read(whole[:length], format)
        except FormatError as error:
            assert 0 <= error.offset <= length
            continue
        accepted += 1
        assert found.words == tuple(words[: len(found)])
        if format == "glove":  # a last number may have lost digits, or the first line numbers
            assert len(found) == 1 or (found.matrix[:-1] == vectors.matrix[: len(found) - 1]).all()
        else:
            assert len(found) == 7  # the last line feed, or digits of the very last number
    assert accepted == 1 if format == "word2vec-binary" else accepted > 1


@pytest.mark.parametrize(
    ("head", "text_message", "binary_message"),
    [
        ("3 1", "the first line says 3 words, the file holds 2", "truncated|do not fit|without an end"),
        ("1 1", "the first line says 1 words, the file holds 2", "more than the 1 vectors"),
        (f"{HUGE} 1", f"says {HUGE} words", "do not fit into"),
        (f"2 {HUGE}", f"numbers behind a word, not {HUGE}", "do not fit into"),
        (f"{HUGE} {HUGE}", f"not {HUGE}", "do not fit into"),
        (f"{1 << 64} 1", r"a count of 2\^64 or more", "must be two counts"),
        ("9" * 5000 + " 1", r"a count of 2\^64 or more", "must be two counts"),
        ("2 0", "1 numbers behind a word, not one or more", "do not fit"),
        ("2 -1", "line 1: '-1'|line 2", "must be two counts"),
        ("-2 1", None, "must be two counts"),
        ("2 1 1", "line 2: 1 numbers behind a word, not 2", "must be two counts"),
        ("2.0 1", None, "must be two counts"),
    ],
)
def test_first_lines_that_lie(read, little_memory, head, text_message, binary_message):
    lines = f"{head}\na 1\nb 1\n"
    if text_message is None:  # no two counts, so a word and its number
        assert len(read(lines)) == 3
    elif head == "2 -1":
        assert read(lines).words == ("2", "a", "b")
    else:
        refused(read, lines, text_message, rule="V1")
    binary = head.encode() + b"\na " + ONE + b"b " + ONE
    refused(read, binary, binary_message, "word2vec-binary", "V3")


def test_a_promised_matrix_takes_no_memory(tmp_path, little_memory):
    np.save(tmp_path / "vectors.npy", np.ones((3, 4), np.float32))
    content = (tmp_path / "vectors.npy").read_bytes()
    (tmp_path / "vectors.words.txt").write_text("a\nb\nc\n")
    for shape in (f"({HUGE}, 4)", f"(3, {HUGE})", "(3, 400000000)", f"({1 << 64}, 1)", "(3, 5)"):
        lie = content.replace(b"(3, 4), }" + b" " * (len(shape) - 6), shape.encode() + b", }")
        assert lie != content
        (tmp_path / "vectors.npy").write_bytes(lie)
        with pytest.raises(FormatError, match=r"the file holds 48|must be a dictionary"):
            text.read_vectors(tmp_path / "vectors.npy")


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", ">f4", ">f8", "i1", "i2", ">i2", "i4", "i8", "u1", "u2", "u4", "u8"]
)
def test_matrices_of_every_type_are_numpy_s(tmp_path, dtype, order, version):
    matrix = np.array(np.random.default_rng(0).normal(0, 40, (50, 7)).round(3).astype(dtype), order=order)
    with open(tmp_path / "m.npy", "wb") as file:
        np.lib.format.write_array(file, matrix, version)
    (tmp_path / "m.words.txt").write_text("\n".join(f"w{i}" for i in range(50)))
    np.testing.assert_array_equal(text.read_vectors(tmp_path / "m.npy").matrix, matrix.astype(np.float32))
    np.testing.assert_array_equal(text.read_vectors(tmp_path / "m.npy", 3).matrix, matrix[:3].astype(np.float32))


@pytest.mark.parametrize("descr", ["<f16", "<c8", "|b1", "|V8", "<m8[ns]", "=f4"])
def test_other_types_and_damaged_headers_are_refused(tmp_path, descr):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (1, 2), }}\n".encode()
    (tmp_path / "m.words.txt").write_text("a\n")
    for magic in (b"\x93NUMPY\x01\x00", b"\x93NUMPY\x03\x00", b"\x93NUMPX\x01\x00"):
        (tmp_path / "m.npy").write_bytes(magic + len(header).to_bytes(2, "little") + header + bytes(32))
        with pytest.raises(FormatError, match="NPY"):
            text.read_vectors(tmp_path / "m.npy")


@pytest.mark.parametrize("number", ["nan", "NaN", "inf", "-inf", "infinity", "1e39", "-3.5e38", "9" * 1_000_000])
def test_numbers_that_are_not_finite(read, number):
    error = refused(read, f"a 1 2\nb 1 {number}\nc 1 2\n", "line 2: a number that is not finite", rule="V1")
    assert error.offset == 6


@pytest.mark.parametrize("number", ["x", "1_0", "0x1p3", "1e", "--1", "1,5", "٣", "1\t", "\x00", "", "1..2", "None"])
def test_what_is_no_number(read, number):
    refused(read, f"a 1 2\nb {number} 2\nc 1 2\n", "line 2: .* is not a number", rule="V1")


def test_numbers_are_rounded_once_however_long(read):
    halfway = "1.000000059604644775390625"  # between 1 and the next float32
    rows = {
        "pi": ("3." + "141592653589793" + "0" * 900_000, np.float32(3.141592653589793)),
        "even": (halfway, np.float32(1)),
        "above": (halfway + "0" * 30 + "1", np.nextafter(np.float32(1), np.float32(2))),
        "tiny": ("1e-45", np.float32(1e-45)),
        "none": ("1e-46", np.float32(0)),
        "largest": ("3.4028235e38", np.finfo(np.float32).max),
    }
    found = read("".join(f"{word} {number}\n" for word, (number, _) in rows.items()))
    assert [found[word][0] for word in rows] == [value for _, value in rows.values()]


def test_words_that_are_odd(read):
    found = read("ö 1 2\r\n\r\n\n日本 3 4\n\x85 5 6 \r\n\u00a0 7 8\nö 9 9\nnan 1 1\n0 1 1")
    assert found.words == ("ö", "日本", "\x85", "\u00a0", "nan", "0")
    np.testing.assert_array_equal(found["ö"], [1, 2])  # the first of two
    assert read("3 1\na 1\nb 2\na 3\n").words == ("a", "b")
    refused(read, " 1 2\n", "line 1: an empty word")
    refused(read, b"a 1\n\xe6\x97 2\n", "line 2: not UTF-8 .*at byte 4")
    refused(read, b"1 1\n\xe6\x97 " + ONE, "not UTF-8 .*at byte 4", "word2vec-binary", "V3")
    refused(read, b"1 1\n" + b"x" * 5000 + b" " + ONE, "a word without an end", "word2vec-binary", "V3")
    refused(read, b"1 1\n " + ONE + b" ", "an empty word", "word2vec-binary", "V3")
    for content in ("", "\n\n", "\r\n", "0 5\n"):
        refused(read, content, "no words")
    refused(read, "a " + "1 " * (1 << 20), "line 1: a line of more than")
    refused(read, b"a 1\n" + b"b" * (5 << 20), "line 2: a line of more than")
    refused(read, "a " + "1 " * (1 << 17), "numbers behind a word")


def test_the_same_at_any_number_of_threads_and_the_first_damage_is_named(read):
    """A file of several blocks and pieces, whole and with damage in two lines."""
    rng = np.random.default_rng(0)
    lines = [f"w{i} " + " ".join(f"{x:.4f}" for x in rng.normal(size=6)) for i in range(30_000)]
    damaged = lines.copy()
    damaged[21_000], damaged[29_000] = "w21000 1 2 3 4 5 x", "w29000 1"
    before, found = dlrs._dlrs.num_threads(), []
    try:
        for threads in (1, 2, 5):
            dlrs._dlrs.set_num_threads(threads)
            vectors = read("\n".join(lines))
            with pytest.raises(FormatError, match="line 21001: 'x' is not a number") as caught:
                read("\n".join(damaged))
            found.append((vectors.words, vectors.matrix.tobytes(), str(caught.value)))
            assert len(read("\n".join(damaged), limit=21_000)) == 21_000
    finally:
        dlrs._dlrs.set_num_threads(before)
    assert all(result == found[0] for result in found)
    expected = np.array([line.split()[1:] for line in lines], np.float32)
    np.testing.assert_array_equal(np.frombuffer(found[0][1], np.float32).reshape(-1, 6), expected)


def test_of_words_not_wanted_numbers_are_counted_but_not_read(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("a 1 2\nb x nan\nc 3 4\n")
    np.testing.assert_array_equal(text.load_vectors(path, ["c", "a"]).matrix, [[3, 4], [1, 2]])
    with pytest.raises(FormatError, match="line 2: 'x'"):
        text.load_vectors(path, ["b"])
    np.testing.assert_array_equal(text.load_vectors(path, ["\ud800", "c"], seed=0).matrix[1], [3, 4])


def test_what_is_no_regular_file(tmp_path):
    with pytest.raises(FormatError, match="not a regular file"):
        text.read_vectors(tmp_path)
    with pytest.raises(FileNotFoundError):
        text.read_vectors(tmp_path / "none.bin")


@pytest.mark.parametrize("format", text.vector_files.FORMATS)
def test_saving_replaces_the_whole_file_or_leaves_it(tmp_path, format):
    path = tmp_path / "vectors.npy"
    text.WordVectors.of(["a"], [[1.5]]).save(path, format)
    before = path.read_bytes()
    for word in ("a\nb", "a\r", "", "\ud800"):
        with pytest.raises(ValueError, match=r"cannot stand in a file|surrogates"):
            text.WordVectors.of([word], [[2.5]]).save(path, format)
    assert path.read_bytes() == before
    with pytest.raises(FileNotFoundError):
        text.WordVectors.of(["a"], [[1.5]]).save(tmp_path / "none" / "vectors", format)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith(".")) == []


def test_extreme_numbers_survive_text(tmp_path):
    matrix = np.array([[1e-45, -0.0, 3.4028235e38], [1e9, 1e-4, 16777216.0]], np.float32)
    for format in ("glove", "word2vec", "word2vec-binary", "npy"):
        text.WordVectors.of(["a", "b"], matrix).save(tmp_path / "v.npy", format)
        assert text.read_vectors(tmp_path / "v.npy", format=format).matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("format", [np.array(["glove", "npy"]), np.array("glove"), ["glove"], b"glove", 3, "text"])
def test_formats_that_are_none(tmp_path, format):
    vectors = text.WordVectors.of(["a"], [[1.5]])
    with pytest.raises(ValueError, match=r"WordVectors\.save: `format` must be one of"):
        vectors.save(tmp_path / "v", format)
    vectors.save(tmp_path / "v")
    with pytest.raises(ValueError, match="read_vectors: `format` must be one of"):
        text.read_vectors(tmp_path / "v", format=format)


@pytest.mark.parametrize("flag", [np.zeros(2), "yes", None])
def test_flags_that_are_none(flag):
    for name, call in (
        ("sample: `from_logits`", lambda: text.sample([0.1, 0.2], from_logits=flag)),
        ("perplexity: `from_logits`", lambda: text.perplexity([0], [[0.5, 0.5]], from_logits=flag)),
        ("tokenize: `lower`", lambda: text.tokenize("a", lower=flag)),
    ):
        with pytest.raises(TypeError, match=f"{name} must be True or False"):
            call()


def test_numbers_beyond_the_machine_s_and_questions_that_are_none(tmp_path):
    vectors = text.WordVectors.of(["a", "b"], [[1.5], [2.5]])
    for format in text.vector_files.FORMATS:
        vectors.save(tmp_path / "v", format)
        assert text.read_vectors(tmp_path / "v", 10**400, format).words == ("a", "b")
    vectors.save(tmp_path / "v")
    with pytest.raises(ValueError, match=r"numbers behind a word|dimensions"):
        text.load_vectors(tmp_path / "v", ["a"], dimensions=10**400)
    for questions in (None, 3, 2.5, "abc"):
        with pytest.raises(TypeError, match="WordVectors: expected a sequence"):
            vectors.analogies(questions)
