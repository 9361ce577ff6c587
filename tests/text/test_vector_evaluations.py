"""Analogies and similarities that word vectors are judged by."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlrs
from dlrs import text
from dlrs.text.correlations import pearson, ranks, spearman

WORDS = ["king", "queen", "man", "woman", "apple", "King", "Queen", "MAN"]


def some_vectors(count=40, width=5, seed=0, words=None):
    matrix = np.random.default_rng(seed).normal(size=(count, width)).astype("float32")
    return text.WordVectors.of(words or [f"w{i}" for i in range(count)], matrix)


def best(vectors, question, method, fold, restrict, epsilon=0.001):
    """The answer by the formulas, in float64, over rows in a loop; None if a word is unknown."""
    rows = {}
    for row, word in reversed(list(enumerate(vectors.words[:restrict]))):
        rows[fold(word)] = row
    if any(fold(word) not in rows for word in question):
        return None
    unit = vectors.matrix.astype("float64")
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    a, b, c = (unit @ unit[rows[fold(word)]] for word in question[:3])
    score = b - a + c if method == "add" else (b + 1) * (c + 1) / 4 / ((a + 1) / 2 + epsilon)
    out = {fold(word) for word in question[:3]}
    candidates = [row for row, word in enumerate(vectors.words[:restrict]) if fold(word) not in out]
    return vectors.words[max(candidates, key=lambda row: score[row])] if candidates else ""


@given(st.integers(0, 2**20), st.sampled_from(["add", "mul"]), st.booleans(), st.integers(4, 60))
@settings(max_examples=60, deadline=None)
def test_answers_are_those_of_the_formulas(seed, method, case_insensitive, restrict):
    rng = np.random.default_rng(seed)
    words = [w for i in range(20) for w in (f"word{i}", f"Word{i}", f"WORD{i}")]
    vectors = some_vectors(len(words), 6, seed, list(rng.permutation(words)))
    questions = [tuple(rng.choice(words, 4).tolist()) for _ in range(12)]
    score = vectors.evaluate_analogies({"x": questions}, restrict, case_insensitive, method)
    fold = str.upper if case_insensitive else str
    expected = [best(vectors, question, method, fold, restrict) for question in questions]
    mistakes = [
        (*question, answer)
        for question, answer in zip(questions, expected, strict=True)
        if answer is not None and fold(answer) != fold(question[3])
    ]
    assert list(score.total.mistakes) == mistakes
    assert score.total.skipped == expected.count(None)
    assert score.total.correct == len(questions) - len(mistakes) - expected.count(None)


def test_products_over_several_blocks_answer_as_analogies_do():
    vectors = some_vectors(2000, 20)
    questions = [tuple(f"w{i}" for i in four) for four in np.random.default_rng(1).integers(0, 2000, (700, 4))]
    questions = [question for question in questions if len(set(question)) == 4]
    for method in ("add", "mul"):
        found = vectors.evaluate_analogies(questions, method=method).total
        answers = vectors.analogies([question[:3] for question in questions], 1, method)
        assert [mistake[4] for mistake in found.mistakes] == [
            answer[0][0] for question, answer in zip(questions, answers, strict=True) if answer[0][0] != question[3]
        ]


def test_sections_of_a_file(tmp_path):
    words = ["man", "king", "woman", "queen", "cat", "cats", "dog", "dogs"]
    rows = [[1, 1, 0, 0], [2, 1, 0, 0], [1, -1, 0, 0], [2, -1, 0, 0], [0, 0, 1, 1], [0, 0, 2, 1], [0, 0, 1, -1],
            [0, 0, 2, -1]]  # fmt: skip
    vectors = text.WordVectors.of(words, rows)
    path = tmp_path / "questions.txt"
    path.write_text(
        ": family\nMan King Woman Queen\nman king woman dog\nman boy woman girl\n\n: gram8-plural\ncat cats dog dogs\n"
    )
    score = vectors.evaluate_analogies(path)
    family, plural = score.sections
    assert (family.name, family.correct, family.asked, family.skipped) == ("family", 1, 2, 1)
    assert family.mistakes == (("man", "king", "woman", "dog", "queen"),)
    assert (family.accuracy, family.accuracy_of_all) == (0.5, 1 / 3)
    assert (plural.name, plural.correct, plural.skipped) == ("gram8-plural", 1, 0)
    assert score.semantic.correct == 1 and score.syntactic.correct == 1 and score.accuracy == 2 / 3
    assert str(score).splitlines()[-1] == "total: 66.7 %, 2 of 3, 1 skipped"
    case = vectors.evaluate_analogies(path, case_insensitive=False)
    assert case.total.skipped == 2
    few = vectors.evaluate_analogies(path, restrict_vocab=4)
    assert (few.total.asked, few.total.skipped) == (1, 3)
    assert math.isnan(few.syntactic.accuracy)


def test_the_same_answers_at_any_number_of_threads():
    vectors, before, found = some_vectors(5000, 30), dlrs._dlrs.num_threads(), []
    questions = [tuple(f"w{i}" for i in four) for four in np.random.default_rng(1).integers(0, 5000, (50, 4))]
    try:
        for threads in (1, 2, 3):
            dlrs._dlrs.set_num_threads(threads)
            found.append([vectors.evaluate_analogies(questions, method=method) for method in ("add", "mul")])
    finally:
        dlrs._dlrs.set_num_threads(before)
    assert all(scores == found[0] for scores in found)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=30))
@settings(deadline=None)
def test_correlations_are_those_of_scipy(pairs):
    stats = pytest.importorskip("scipy.stats")
    x, y = np.array(pairs, np.float64).T
    np.testing.assert_allclose(ranks(x), stats.rankdata(x))
    if len(set(x)) > 1 and len(set(y)) > 1:
        np.testing.assert_allclose(pearson(x, y), stats.pearsonr(x, y)[0], atol=1e-12)
        np.testing.assert_allclose(spearman(x, y), stats.spearmanr(x, y)[0], atol=1e-12)
    else:
        assert math.isnan(pearson(x, y)) and math.isnan(spearman(x, y))


def test_similarity_of_a_file_in_the_forms_of_wordsim_and_simlex(tmp_path):
    vectors = text.WordVectors.of(["cat", "dog", "car", "bus"], [[3, 1], [2, 1], [-1, 3], [-1, 2]])
    lines = [("Cat", "Dog", 9.0), ("car", "bus", 8.0), ("cat", "bus", 1.0), ("dog", "car", 1.0), ("ox", "cat", 5.0)]
    wordsim, simlex, commas = (tmp_path / name for name in ("wordsim.tab", "simlex.txt", "pairs.csv"))
    wordsim.write_text("# of 2002\nWord 1\tWord 2\tHuman (mean)\n" + "".join(f"{a}\t{b}\t{s}\n" for a, b, s in lines))
    simlex.write_text("word1\tword2\tPOS\tSimLex999\n" + "".join(f"{a}\t{b}\tN\t{s}\n" for a, b, s in lines))
    commas.write_text("".join(f"{a},{b},{s}\r\n" for a, b, s in lines))
    cosines = vectors.similarities(["cat", "car", "cat", "dog"], ["dog", "bus", "bus", "car"]).astype(float)
    people = np.array([9.0, 8, 1, 1])
    for score in (
        vectors.evaluate_similarity(lines),
        vectors.evaluate_similarity(wordsim),
        vectors.evaluate_similarity(simlex, column="SimLex999"),
        vectors.evaluate_similarity(simlex, column=3),
        vectors.evaluate_similarity(commas, delimiter=","),
    ):
        assert (score.pairs, score.skipped, score.unknown) == (4, 1, 0.2)
        np.testing.assert_allclose(score.pearson, pearson(people, cosines), atol=1e-6)
        assert score.spearman == spearman(people, cosines)
    case = vectors.evaluate_similarity(lines, case_insensitive=False)
    assert (case.pairs, case.skipped) == (3, 2)
    none = vectors.evaluate_similarity([("a", "b", 1.0)])
    assert math.isnan(none.spearman) and none.unknown == 1


@given(st.one_of(st.binary(max_size=60), st.text("ab1.:# \t\r\n\x85\u2028", max_size=60).map(str.encode)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(content):
    vectors = text.WordVectors.of(["a", "b", "ab", "c"], np.eye(4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        for evaluate in (vectors.evaluate_analogies, vectors.evaluate_similarity):
            try:
                evaluate(path)
            except ValueError as error:
                assert "WordVectors.evaluate" in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [("a b c\n", "line 1 .* four words"), (": x\na b c d\na b c d e\n", "line 3"), ("", "no questions"),
     (": only\n", "no questions")],
)  # fmt: skip
def test_wrong_files_of_questions(tmp_path, content, message):
    path = tmp_path / "questions.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        some_vectors().evaluate_analogies(path)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [("a\tb\tx\na\tb\tx\n", 2, "line 2 .* column 2, got 'x'"), ("a\tb\n", 2, "line 1 .* only 2 columns"),
     ("a\tb\tnan\na\tb\tnan\n", 2, "line 2"), ("", 2, "no pairs"), ("a\tb\tS\na\tb\t1\n", "T", "no column 'T'")],
)  # fmt: skip
def test_wrong_files_of_pairs(tmp_path, content, column, message):
    path = tmp_path / "pairs.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        some_vectors().evaluate_similarity(path, column=column)


def test_wrong_arguments(tmp_path):
    vectors, question = some_vectors(), [("w0", "w1", "w2", "w3")]
    for arguments, error in (
        (([("w0", "w1", "w2")],), ValueError), ((["w0 w1 w2 w3"],), ValueError), ((3,), TypeError),
        ((question, 0), ValueError), ((question, None, "yes"), TypeError), ((question, None, True, "sub"), ValueError),
        ((question, None, True, "mul", -1.0), ValueError), (([],), ValueError), ((tmp_path / "none",), OSError),
    ):  # fmt: skip
        with pytest.raises(error):
            vectors.evaluate_analogies(*arguments)
    huge, complex_number = [("w0", "w1", 10**400)], [("w0", "w1", np.complex64(1 + 2j))]
    for pairs in (
        [("w0", "w1")], [("w0", 1, 2.0)], [("w0", "w1", "x")], [("w0", "w1", math.inf)], huge, complex_number, [],
    ):  # fmt: skip
        with pytest.raises(ValueError, match="pair"):
            vectors.evaluate_similarity(pairs)
    with pytest.raises(TypeError, match="path"):
        vectors.evaluate_similarity(3)
    with pytest.raises(ValueError, match="delimiter"):
        vectors.evaluate_similarity(tmp_path / "none", delimiter="")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for evaluate in (vectors.evaluate_analogies, vectors.evaluate_similarity):
        with pytest.raises(ValueError, match="UTF-8"):
            evaluate(tmp_path / "bytes")
    nameless = text.WordVectors(np.ones((2, 2)))
    with pytest.raises(ValueError, match="no `words`"):
        nameless.evaluate_analogies(question)
