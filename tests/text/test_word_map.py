"""Maps of words: principal components, t-SNE, and the picture."""

import sys

import numpy as np
import pytest

from dlrs import text
from dlrs.text.tsne import affinities, divergence, gradient
from dlrs.text.word_map import principal_components


def clusters(count=30, width=10, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(count, width)) + 12 * centre for centre in np.eye(width)[:3]])


def test_principal_components_are_those_of_the_covariance():
    x = np.random.default_rng(0).normal(size=(40, 6)) * [5, 3, 1, 1, 0.5, 0.1] + 7
    found = principal_components(x)
    values, directions = np.linalg.eigh(np.cov(x.T))
    np.testing.assert_allclose(found.var(axis=0, ddof=1), values[:-3:-1], rtol=1e-9)
    expected = (x - x.mean(0)) @ directions[:, :-3:-1]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    assert principal_components([[1.0], [3.0]]).tolist() == [[-1, 0], [1, 0]]
    assert principal_components(np.ones((3, 2))).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize("perplexity", [1.5, 5.0, 30.0, 80.0])
def test_affinities_have_the_perplexity_and_are_the_formula(perplexity):
    x = clusters()
    n = len(x)
    p = affinities(x, perplexity)
    np.testing.assert_allclose(p, p.T)
    np.testing.assert_allclose(p.sum(), 1)
    assert (np.diag(p) == 0).all()
    expected = np.zeros((n, n))
    for i in range(n):
        squares = ((x[i] - x) ** 2).sum(1)
        low, high = 1e-8, 1e8
        for _ in range(200):
            precision = np.sqrt(low * high)
            row = np.exp(-np.maximum(squares - np.delete(squares, i).min(), 0) * precision)
            row[i] = 0
            row /= row.sum()
            entropy = -(row[row > 0] * np.log(row[row > 0])).sum()
            low, high = (precision, high) if entropy > np.log(perplexity) else (low, precision)
        np.testing.assert_allclose(np.exp(entropy), perplexity, rtol=1e-6)
        expected[i] = row
    np.testing.assert_allclose(p, (expected + expected.T) / (2 * n), atol=1e-8)


def test_the_gradient_is_that_of_the_divergence():
    p, y = affinities(clusters(5), 3.0), np.random.default_rng(1).normal(size=(15, 2))
    found, step = gradient(p, y), 1e-5
    for i, j in ((0, 0), (3, 1), (14, 0)):
        move = np.zeros_like(y)
        move[i, j] = step
        difference = (divergence(p, y + move) - divergence(p, y - move)) / (2 * step)
        np.testing.assert_allclose(found[i, j], difference, rtol=1e-6)


def test_the_map_is_as_good_as_scikit_learn_s_and_keeps_clusters_apart():
    manifold = pytest.importorskip("sklearn.manifold")
    x = clusters()
    p = affinities(x, 20.0)
    mine = text.tsne(x, perplexity=20, seed=0)
    theirs = manifold.TSNE(perplexity=20, method="exact", init="random", random_state=0).fit_transform(x)
    assert divergence(p, mine) < 1.1 * divergence(p, theirs.astype(float))
    squares = ((mine[:, None] - mine) ** 2).sum(-1)
    np.fill_diagonal(squares, np.inf)
    assert (squares.argmin(1) // 30 == np.arange(90) // 30).all()
    np.testing.assert_allclose(mine.mean(0), 0, atol=1e-9)
    np.testing.assert_array_equal(mine, text.tsne(x, perplexity=20, seed=0))
    assert not np.array_equal(mine, text.tsne(x, perplexity=20, seed=1))


@pytest.mark.parametrize("rate, exaggeration", [(1e300, 4.0), (1e160, 4.0), (100.0, 1e300)])
def test_a_map_that_does_not_stay_finite_is_an_error(rate, exaggeration):
    with pytest.raises(ValueError, match=r"tsne: the map is not finite after . steps; `learning_rate` = ") as caught:
        text.tsne(clusters(5), perplexity=3, learning_rate=rate, exaggeration=exaggeration, seed=0)
    assert f" = {rate} " in str(caught.value)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e300])
def test_maps_of_any_scale_and_of_equal_points_are_finite(scale):
    x = clusters(6) * scale
    x[3] = x[4]
    assert np.isfinite(text.tsne(x, perplexity=5, iterations=60, seed=0)).all()
    assert np.isfinite(text.tsne(np.ones((6, 2)) * scale, perplexity=3, iterations=60, seed=0)).all()
    far = np.concatenate([x / scale, [[1e8] * 10]])
    assert np.isfinite(text.tsne(far, perplexity=5, iterations=60, seed=0)).all()


@pytest.mark.parametrize("count", [3, 4, 8, 20, 60])
def test_maps_of_few_points_do_not_fly_apart(count):
    x = np.random.default_rng(count).normal(size=(count, 10))
    y = text.tsne(x, perplexity=max(1.0, min(30.0, (count - 1) / 3)), seed=0)
    p = affinities(x, max(1.0, min(30.0, (count - 1) / 3)))
    start = np.random.default_rng(0).normal(scale=0.01, size=(count, 2))
    assert np.isfinite(y).all() and divergence(p, y) <= divergence(p, start)


def test_the_picture(tmp_path):
    pytest.importorskip("matplotlib")
    words = [f"word{i}" for i in range(40)]
    vectors = text.WordVectors.of(words, np.random.default_rng(0).normal(size=(40, 8)))
    for method in ("pca", "tsne"):
        path = tmp_path / f"{method}.png"
        figure = vectors.plot({"one": words[:25], "two": words[25:]}, method, path, title="words")
        axes = figure.axes[0]
        assert [name.get_text() for name in axes.texts] == words
        points = np.concatenate([dots.get_offsets() for dots in axes.collections])
        np.testing.assert_allclose(points, [name.xy for name in axes.texts])
        assert [name.get_text() for name in figure.legends[0].get_texts()] == ["one", "two"]
        assert path.stat().st_size > 5000
        from matplotlib.image import imread

        assert imread(path).std() > 0.05
    unit = vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
    figure = vectors.plot(words[:20])
    places = [name.xy for name in figure.axes[0].texts]
    np.testing.assert_allclose(places, principal_components(unit[:20]), atol=1e-5)
    assert not figure.legends


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    vectors = text.WordVectors.of(["a", "b", "c"], np.eye(3))
    with pytest.raises(ImportError, match=r"dlrs\[plot\]"):
        vectors.plot(["a", "b", "c"])


def test_bad_arguments():
    vectors = text.WordVectors.of(["king", "queen", "man", "woman"], np.eye(4))
    with pytest.raises(KeyError, match="near it are 'king'"):
        vectors.plot(["kingg", "queen", "man"])
    with pytest.raises(ValueError, match="occurs twice"):
        vectors.plot({"a": ["king", "man"], "b": ["king"]})
    with pytest.raises(ValueError, match="3 to 1000 words, got 2"):
        vectors.plot(["king", "queen"])
    for words in ("king queen man", 3, {"a": "king"}, {1: ["king"]}):
        with pytest.raises(TypeError, match="mapping"):
            vectors.plot(words)
    with pytest.raises(ValueError, match="pca"):
        vectors.plot(vectors.words, "umap")
    x = clusters(3)
    for arguments, name in (
        ({"perplexity": 8.0}, "perplexity"), ({"perplexity": 0.5}, "perplexity"), ({"dimensions": 0}, "dimensions"),
        ({"iterations": -1}, "iterations"), ({"learning_rate": 0}, "learning_rate"), ({"exaggeration": 0.5}, "exagg"),
        ({"seed": -1}, "seed"), ({"iterations": 10**9}, "iterations"), ({"dimensions": 10}, "dimensions"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=name):
            text.tsne(x, **{"perplexity": 3, **arguments})
    for wrong in (
        x * 1j,
        [[10**400, 1]] * 4,
        x[:2],
        x[0],
        np.full((5, 2), np.nan),
        "x",
        [[1, 2], [3]],
        np.zeros((0, 2)),
    ):
        with pytest.raises(ValueError, match="`x`"):
            text.tsne(wrong, perplexity=1)
