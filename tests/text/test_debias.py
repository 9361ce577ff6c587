"""Bias of word vectors, against the formulas of Bolukbasi et al. 2016."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlrs import text
from dlrs.text import debias

PAIRS = [("she", "he"), ("her", "his"), ("woman", "man"), ("mother", "father")]
NEUTRAL = [f"job{i}" for i in range(30)]


def people(width=12, seed=0, lengths=True):
    """Vectors in which pairs differ along one axis, and jobs lean to either side of it."""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=width)
    g /= np.linalg.norm(g)
    words, rows = [], []
    for pair in PAIRS:
        common = rng.normal(size=width)
        for word, sign in zip(pair, (1, -1), strict=True):
            words.append(word)
            rows.append(common + sign * 1.5 * g + rng.normal(size=width) * 0.1)
    for word in NEUTRAL:
        words.append(word)
        rows.append(rng.normal(size=width) + rng.normal() * g)
    matrix = np.array(rows) * (rng.uniform(0.5, 3, (len(rows), 1)) if lengths else 1)
    return text.WordVectors.of(words, matrix), g


def unit(vectors):
    matrix = vectors.matrix.astype(float)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def subspace_of_the_paper(vectors, sets, k):
    """The first k rows of SVD(C), written as in section 6."""
    rows = dict(zip(vectors.words, unit(vectors), strict=True))
    covariance = 0
    for words in sets:
        mean = np.mean([rows[word] for word in words], axis=0)
        covariance = covariance + sum(np.outer(rows[w] - mean, rows[w] - mean) for w in words) / len(words)
    return np.linalg.svd(covariance)[2][:k]


@given(st.integers(0, 2**16), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_the_subspace_is_that_of_the_paper(seed, k):
    vectors, _ = people(seed=seed)
    sets = [*PAIRS[:3], ("job1", "job2", "job3")]
    found = np.atleast_2d(debias.bias_direction(vectors, sets, k=k))
    expected = subspace_of_the_paper(vectors, sets, k)
    np.testing.assert_allclose(found.T @ found, expected.T @ expected, atol=1e-6)
    np.testing.assert_allclose(found @ found.T, np.eye(k), atol=1e-12)


def test_directions_point_to_the_first_words_and_the_mean_is_the_course_s():
    vectors, g = people()
    for method in ("pca", "mean"):
        found = debias.bias_direction(vectors, PAIRS, method)
        assert found @ g > 0.95
        turned = debias.bias_direction(vectors, [pair[::-1] for pair in PAIRS], method)
        np.testing.assert_allclose(turned, -found, atol=1e-9)
    difference = vectors["woman"].astype(float) - vectors["man"]
    one = debias.bias_direction(vectors, [("woman", "man")], "mean", normalize=False)
    np.testing.assert_allclose(one, difference / np.linalg.norm(difference), atol=1e-12)


@given(st.integers(0, 2**16), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_neutralising_is_the_formula(seed, k):
    vectors, _ = people(seed=seed)
    b = np.atleast_2d(debias.bias_direction(vectors, PAIRS, k=k))
    after = debias.neutralize(vectors, b, NEUTRAL)
    w = unit(vectors)
    rest = w - w @ b.T @ b
    expected = np.where(np.isin(vectors.words, NEUTRAL)[:, None], rest / np.linalg.norm(rest, axis=1, keepdims=True), w)
    np.testing.assert_allclose(after.matrix, expected, atol=2e-7)
    plain = debias.neutralize(vectors, b * 3, NEUTRAL, normalize=False)
    w = vectors.matrix.astype(float)
    expected = np.where(np.isin(vectors.words, NEUTRAL)[:, None], w - w @ b.T @ b, w)
    np.testing.assert_allclose(plain.matrix, expected, atol=2e-6)
    assert plain.words == vectors.words and plain.matrix is not vectors.matrix


def test_the_course_s_neutralize():
    vectors, _ = people()
    g = vectors["woman"] - vectors["man"]
    e = vectors["job3"]
    course = e - (e @ g) / np.sum(g * g) * g
    after = debias.neutralize(vectors, g, ["job3"], normalize=False)
    np.testing.assert_allclose(after["job3"], course, atol=1e-6)
    assert abs(debias.projections(after, g, ["job3"])[0]) < 1e-6


@given(st.integers(0, 2**16), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_equalising_is_the_formula(seed, k):
    vectors, _ = people(seed=seed)
    b = np.atleast_2d(debias.bias_direction(vectors, PAIRS, k=k))
    sets = [("she", "he"), ("mother", "father"), ("job1", "job2", "job3")]
    after = debias.equalize(vectors, b, sets)
    expected = dict(zip(vectors.words, unit(vectors), strict=True))
    for words in sets:
        values = np.array([expected[word] for word in words])
        mean = values.mean(axis=0)
        nu = mean - b.T @ (b @ mean)
        for word, value in zip(words, values, strict=True):
            apart = b.T @ (b @ (value - mean))
            expected[word] = nu + np.sqrt(1 - nu @ nu) * apart / np.linalg.norm(apart)
    np.testing.assert_allclose(after.matrix, [expected[word] for word in vectors.words], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(after.matrix, axis=1), 1, atol=1e-6)


@given(st.integers(0, 2**16), st.floats(0.01, 3))
@settings(max_examples=30, deadline=None)
def test_the_course_s_equalize(seed, scale):
    """As the formulas (4) to (10) of its notebook are written, over vectors of any length."""
    vectors, _ = people(seed=seed)
    vectors = text.WordVectors.of(vectors.words, vectors.matrix * np.float32(scale))
    e = {word: vectors[word].astype(float) for word in vectors.words}
    g = e["woman"] - e["man"]
    after = debias.equalize(vectors, g, [("mother", "father")], normalize=False)
    mean = (e["mother"] + e["father"]) / 2
    mean_b = mean @ g / (g @ g) * g
    perpendicular = mean - mean_b
    for word in ("mother", "father"):
        part = e[word] @ g / (g @ g) * g
        size = np.sqrt(abs(1 - perpendicular @ perpendicular)) / np.linalg.norm(e[word] - perpendicular - mean_b)
        np.testing.assert_allclose(after[word], size * (part - mean_b) + perpendicular, rtol=1e-5, atol=1e-5)
        e[word] = after[word]
    np.testing.assert_array_equal(after.matrix, [e[word] for word in vectors.words])
    neutral = debias.neutralize(after, g, ["job1"], normalize=False)
    assert abs(neutral.similarity("job1", "mother") - neutral.similarity("job1", "father")) < 1e-5


def test_after_both_every_neutral_word_is_as_near_to_one_as_to_the_other():
    vectors, _ = people()
    g = debias.bias_direction(vectors, PAIRS)
    after = debias.hard_debias(vectors, g, ["woman"], PAIRS)
    assert max(abs(after.similarity("job5", a) - after.similarity("job5", b)) for a, b in PAIRS) < 1e-6
    before = debias.direct_bias(vectors, g, NEUTRAL)
    assert debias.direct_bias(after, g, NEUTRAL) < 1e-6 < 0.05 < before
    she, he = debias.projections(after, g, ["she", "he"])
    assert she > 0.3 and abs(she + he) < 1e-6
    kept = debias.hard_debias(vectors, g, ["job7"], PAIRS)
    np.testing.assert_allclose(
        debias.projections(kept, g, ["job7"]), debias.projections(vectors, g, ["job7"]), atol=1e-6
    )


def test_measures_are_the_formulas():
    vectors, _ = people()
    g = debias.bias_direction(vectors, PAIRS)
    cosines = unit(vectors)[8:] @ g
    np.testing.assert_allclose(debias.projections(vectors, -5 * g, NEUTRAL), -cosines, atol=1e-9)
    for c in (0, 0.5, 1, 2):
        np.testing.assert_allclose(debias.direct_bias(vectors, g, NEUTRAL, c), np.mean(np.abs(cosines) ** c), atol=1e-9)
    none = debias.neutralize(text.WordVectors.of(["a"], [[1, 1]]), [0, 1])
    assert debias.direct_bias(none, [0, 1], ["a"], 0) == 0
    w, v = unit(vectors)[[9, 10]]
    rest = [x - (x @ g) * g for x in (w, v)]
    beta = (w @ v - rest[0] @ rest[1] / np.linalg.norm(rest[0]) / np.linalg.norm(rest[1])) / (w @ v)
    np.testing.assert_allclose(debias.indirect_bias(vectors, g, "job1", "job2"), beta, atol=1e-9)
    both = np.eye(12)[:2]
    np.testing.assert_allclose(debias.projections(vectors, both, ["job1"])[0], np.linalg.norm(w[:2]), atol=1e-9)


@pytest.mark.parametrize("cost", [0.01, 1.0, 30.0])
def test_the_classifier_is_scikit_learn_s_linear_svc(cost):
    svm = pytest.importorskip("sklearn.svm")
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(600, 20))
    matrix[:60] += rng.normal(size=20) * 0.6
    vectors = text.WordVectors.of([f"w{i}" for i in range(600)], matrix)
    seeds = [f"w{i}" for i in range(40)]
    mine = debias.definitional_classifier(vectors, seeds, C=cost)
    theirs = svm.LinearSVC(C=cost, tol=1e-12, max_iter=200_000, dual=False)
    theirs.fit(unit(vectors), np.arange(600) < 40)
    np.testing.assert_allclose(mine.weights, theirs.coef_[0], atol=1e-5)
    np.testing.assert_allclose(mine.bias, theirs.intercept_[0], atol=1e-5)
    words = set(mine.words(vectors))
    assert set(seeds) <= words
    assert words - set(seeds) == {
        f"w{i}" for i in np.flatnonzero(theirs.decision_function(unit(vectors)) > 0) if i >= 40
    }
    few = debias.definitional_classifier(vectors, seeds, limit=100, C=cost)
    same = debias.definitional_classifier(vectors, seeds, [f"w{i}" for i in range(40, 100)], cost)
    np.testing.assert_array_equal(few.weights, same.weights)


def test_the_report_and_its_picture(tmp_path):
    vectors, _ = people()
    g = debias.bias_direction(vectors, PAIRS)
    after = debias.hard_debias(vectors, g, [], PAIRS)
    report = debias.bias_report(vectors, after, g, [*NEUTRAL[:5], "she"], [("she", "job1", "he")])
    np.testing.assert_allclose(report.before, debias.projections(vectors, g, report.words))
    np.testing.assert_allclose(report.after[:5], 0, atol=1e-6)
    assert report.direct_before == debias.direct_bias(vectors, g, report.words)
    question, before, then = report.analogies[0]
    assert before == vectors.analogy(*question, k=1)[0][0] and then == after.analogy(*question, k=1)[0][0]
    lines = repr(report).splitlines()
    assert len(lines) == 9 and "job0" in lines[2] and "-0.000" not in repr(report)
    pytest.importorskip("matplotlib")
    figure = report.plot(tmp_path / "bias.png", title="jobs")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        report.words[i] for i in np.argsort(report.before)
    ]
    assert (tmp_path / "bias.png").stat().st_size > 1000


def test_the_report_has_indirect_bias_and_the_strictness_of_direct_bias():
    vectors, _ = people()
    g = debias.bias_direction(vectors, PAIRS)
    after = debias.hard_debias(vectors, g, [], PAIRS)
    pairs = [("job1", "job2"), ["job3", "job4"]]
    report = debias.bias_report(vectors, after, g, NEUTRAL, pairs=pairs, c=2)
    assert report.direct_before == debias.direct_bias(vectors, g, NEUTRAL, 2) != debias.direct_bias(vectors, g, NEUTRAL)
    assert [pair for pair, _, _ in report.indirect] == [("job1", "job2"), ("job3", "job4")]
    for pair, before, then in report.indirect:
        assert before == debias.indirect_bias(vectors, g, *pair)
        assert abs(then) < 1e-5 < 1e-3 < abs(before)
    lines = repr(report).splitlines()
    assert lines[-2].startswith("  indirect bias of job1 and job2: ") and lines[-1].endswith("after +0.000")
    for pairs, error in ((3, TypeError), ("job1", TypeError), (["job1"], ValueError), ([("job1",)], ValueError)):
        with pytest.raises(error, match=r"bias_report: .*`pairs`"):
            debias.bias_report(vectors, after, g, NEUTRAL, pairs=pairs)
    with pytest.raises(TypeError, match="string"):
        debias.bias_report(vectors, after, g, NEUTRAL, pairs=[(1, 2)])
    with pytest.raises(ValueError, match="`c`"):
        debias.bias_report(vectors, after, g, NEUTRAL, c=-1)


def test_bad_words_have_near_ones():
    vectors, g = people()
    for call in (
        lambda: debias.bias_direction(vectors, [("she", "hee")]),
        lambda: debias.neutralize(vectors, g, ["hee"]),
        lambda: debias.equalize(vectors, g, [("she", "hee")]),
        lambda: debias.hard_debias(vectors, g, ["hee"], PAIRS),
        lambda: debias.projections(vectors, g, ["hee"]),
        lambda: debias.definitional_classifier(vectors, ["hee"]),
        lambda: debias.bias_report(vectors, vectors, g, ["hee"]),
    ):
        with pytest.raises(KeyError, match="near it are 'he'"):
            call()


def test_what_cannot_be_done_is_said():
    vectors, g = people()
    with pytest.raises(TypeError, match="`normalize` must be True or False"):
        debias.equalize(vectors, g, PAIRS, normalize=1)
    for normalize in (True, False):
        with pytest.raises(ValueError, match="stands where the mean"):
            debias.equalize(debias.neutralize(vectors, g, ["she", "he"]), g, [("she", "he")], normalize)
    with pytest.raises(ValueError, match="pca"):
        debias.bias_direction(vectors, PAIRS, "svd")
    with pytest.raises(ValueError, match="two words"):
        debias.bias_direction(vectors, [("she", "he", "her")], "mean")
    with pytest.raises(ValueError, match="two words"):
        debias.bias_direction(vectors, PAIRS, "mean", k=2)
    with pytest.raises(ValueError, match="differ in 1 directions"):
        debias.bias_direction(vectors, PAIRS[:1], k=2)
    with pytest.raises(ValueError, match="is zero"):
        debias.bias_direction(vectors, [("she", "he"), ("he", "she")], "mean")
    for sets in ([("she",)], [("she", "she")], []):
        with pytest.raises(ValueError, match="pairs"):
            debias.bias_direction(vectors, sets)
    for sets in ("she", [1], ["she"], [("she", 1)]):
        with pytest.raises(TypeError, match="pairs"):
            debias.bias_direction(vectors, sets)
    same = text.WordVectors.of(["a", "b", "c"], [[1, 0], [2, 0], [0, 1]])
    with pytest.raises(ValueError, match="0 directions"):
        debias.bias_direction(same, [("a", "b")])
    with pytest.raises(ValueError, match="nothing is left of 'a'"):
        debias.neutralize(same, [1, 0])
    assert debias.neutralize(same, [1, 0], normalize=False)["a"].tolist() == [0, 0]
    with pytest.raises(ValueError, match="no direction to move"):
        debias.equalize(same, [1, 0], [("a", "b")])
    with pytest.raises(ValueError, match="in two sets"):
        debias.equalize(vectors, g, [("she", "he"), ("her", "he")])
    for direction in (np.zeros(12), np.ones(3), np.full(12, np.nan), np.ones((2, 12)), np.ones((1, 1, 12))):
        with pytest.raises(ValueError, match="direction"):
            debias.neutralize(vectors, direction)
    with pytest.raises(TypeError, match="numbers"):
        debias.neutralize(vectors, "up")
    for direction in (np.full(12, 1j), [10**400] * 12):
        with pytest.raises(TypeError, match="`direction`"):
            debias.projections(vectors, direction, ["she"])
    for call in (
        lambda: debias.bias_direction(vectors.matrix, PAIRS),
        lambda: debias.neutralize(vectors.matrix, g),
        lambda: debias.equalize(vectors.matrix, g, PAIRS),
        lambda: debias.hard_debias(vectors.matrix, g, [], PAIRS),
        lambda: debias.projections(vectors.matrix, g, ["she"]),
        lambda: debias.definitional_classifier(vectors.matrix, ["she"]),
        lambda: debias.bias_report(vectors, vectors.matrix, g, ["she"]),
        lambda: debias.DefinitionalClassifier(g, 0.0).words(vectors.matrix),
    ):
        with pytest.raises(TypeError, match="must be `WordVectors`"):
            call()
    with pytest.raises(TypeError, match="normalize"):
        debias.neutralize(vectors, g, normalize="no")
    with pytest.raises(ValueError, match="no words"):
        debias.direct_bias(vectors, g, [])
    with pytest.raises(ValueError, match="`c`"):
        debias.direct_bias(vectors, g, ["she"], -1)
    with pytest.raises(ValueError, match="perpendicular"):
        debias.indirect_bias(same, [1, 1], "a", "c")
    with pytest.raises(ValueError, match="both a seed"):
        debias.definitional_classifier(vectors, ["she"], ["she", "he"])
    with pytest.raises(ValueError, match="0 seeds"):
        debias.definitional_classifier(vectors, [])
    for cost in (0, 1e10):
        with pytest.raises(ValueError, match="`C`"):
            debias.definitional_classifier(vectors, ["she"], C=cost)
    assert np.isfinite(debias.definitional_classifier(vectors, ["she"], C=1e9).weights).all()
    with pytest.raises(TypeError, match="three words"):
        debias.bias_report(vectors, vectors, g, ["she"], [3])
    classifier = debias.definitional_classifier(vectors, ["she"])
    with pytest.raises(ValueError, match="shape"):
        classifier.scores(same)


def test_rows_of_zeros_stay_and_numbers_near_the_end_of_float32_do_not_overflow():
    vectors = text.WordVectors.of(["a", "b", "zero"], [[3e38, 1e38], [-3e38, 1e38], [0, 0]])
    for method in ("pca", "mean"):
        for normalize in (True, False):
            g = debias.bias_direction(vectors, [("a", "b")], method, normalize=normalize)
            np.testing.assert_allclose(g, [1, 0], atol=1e-6)
    after = debias.neutralize(vectors, [1e300, 0])
    np.testing.assert_allclose(after.matrix, [[0, 1], [0, 1], [0, 0]])
