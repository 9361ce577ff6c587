"""The language model on a window of words, and the examples it is trained on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlrs
from dlrs import layers, text

SENTENCES = ["i want a glass of orange juice", "i want a glass of apple juice", "you drink a cup of orange tea",
             "you drink a cup of apple tea"] * 10  # fmt: skip


@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 5))
def test_contexts_are_the_tokens_around(count, before, after):
    ids = np.random.default_rng(count).integers(0, 99, count)
    places = range(before, count - after)
    if before + after == 0 or not places:
        with pytest.raises(ValueError, match="context"):
            text.context_windows(ids, before, after)
        return
    contexts, targets = text.context_windows(ids, before, after)
    assert contexts.tolist() == [[*ids[i - before : i], *ids[i + 1 : i + 1 + after]] for i in places]
    assert targets.tolist() == [ids[i] for i in places]
    assert contexts.dtype == targets.dtype == np.int32


@given(st.integers(2, 30), st.integers(1, 40))
def test_nearby_words_are_all_pairs_within_the_distance(count, distance):
    ids = np.random.default_rng(count).integers(0, 99, count)
    contexts, targets = text.nearby_words(ids, distance)
    expected = [(ids[i], ids[j]) for i in range(count) for j in range(count) if 0 < abs(i - j) <= distance]
    assert list(zip(contexts[:, 0], targets, strict=True)) == expected


def test_contexts_of_what_went_before_take_no_memory():
    contexts, _ = text.context_windows(np.arange(1000, dtype="int32"), 200)
    assert contexts.base is not None and contexts.strides == (4, 4)


def test_the_model_is_the_formula():
    for direct in (False, True):
        for from_logits in (False, True):
            model = text.window_language_model(7, 3, 4, 5, direct, from_logits)
            weights = {w.path.split("window_language_model/")[-1]: np.asarray(w, "float64") for w in model.weights}
            weights = {"/".join(path.split("/")[-2:]): w + 0.1 for path, w in weights.items()}
            model.set_weights([weights["/".join(w.path.split("/")[-2:])] for w in model.weights])
            ids = np.array([[1, 0, 6], [2, 2, 3]])
            x = weights["vectors/embeddings"][ids].reshape(2, -1)
            hidden = np.tanh(x @ weights["hidden/kernel"] + weights["hidden/bias"])
            y = hidden @ weights["scores/kernel"] + weights["scores/bias"]
            if direct:
                y = y + x @ weights["direct/kernel"]
            if not from_logits:
                y = np.exp(y) / np.exp(y).sum(-1, keepdims=True)
            np.testing.assert_allclose(model(ids), y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("before", "after"), [(4, 0), (4, 4), (1, 0), (None, None)])
def test_it_learns_from_each_of_the_course_s_contexts(before, after):
    dlrs.utils.set_random_seed(0)
    vocabulary = text.Vocabulary.build(SENTENCES)
    ids = vocabulary.encode(" ".join(SENTENCES))
    contexts, targets = text.nearby_words(ids, 2) if before is None else text.context_windows(ids, before, after)
    model = text.window_language_model(len(vocabulary), contexts.shape[1], 8, 32)
    model.compile(dlrs.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=[dlrs.metrics.Perplexity()])
    model.fit(contexts, targets, batch_size=32, epochs=40 if before else 10, verbose=0)
    perplexity = text.perplexity(targets, np.asarray(model.predict(contexts, verbose=0)))
    np.testing.assert_allclose(perplexity, model.evaluate(contexts, targets, verbose=0)[1], rtol=1e-4)
    # Of a context, the entropy of what is near one word is high whatever is learned.
    assert perplexity < (2.5 if before else 9) < len(vocabulary)
    vectors = text.embedding_vectors(model, vocabulary.tokens)
    np.testing.assert_array_equal(vectors.matrix, model.get_layer("vectors").get_weights()[0])
    assert vectors.words == vocabulary.tokens


def test_it_learns_a_cycle_and_is_saved(tmp_path):
    dlrs.utils.set_random_seed(0)
    ids = np.array([1, 2, 3, 4, 5] * 60)
    contexts, targets = text.context_windows(ids, 3)
    model = text.window_language_model(6, 3, 4, 16, direct=True, from_logits=True)
    loss = dlrs.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(dlrs.optimizers.Adam(0.02), loss)
    model.fit(contexts, targets, epochs=20, verbose=0)
    assert np.argmax(model.predict(contexts, verbose=0), -1).tolist() == targets.tolist()
    model.save(tmp_path / "model.keras")
    again = dlrs.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(contexts[:5], verbose=0), model.predict(contexts[:5], verbose=0))


def cycle_model(build):
    """A model that has learned 1 2 3 4 5 1 2 ... from its last three tokens."""
    dlrs.utils.set_random_seed(0)
    contexts, targets = text.context_windows(np.array([1, 2, 3, 4, 5] * 60), 3)
    model = build()
    model.compile(dlrs.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(contexts, targets, epochs=20, verbose=0)
    return model


def sequential():
    parts = [layers.Input((3,)), layers.Embedding(6, 4), layers.Flatten(), layers.Dense(6, activation="softmax")]
    return dlrs.Sequential(parts)


@pytest.mark.parametrize(
    ("build", "window"), [(lambda: text.window_language_model(6, 3, 4, 16), None), (sequential, 3)]
)
def test_it_writes_on_from_its_last_words(build, window):
    model = cycle_model(build)
    options = {"from_logits": False, "temperature": 0.01, "seed": 0, "window": window}
    assert text.generate(model, [3, 4, 5], 6, **options).tolist() == [3, 4, 5, 1, 2, 3, 4, 5, 1]
    several = text.generate(model, [[1, 2, 3], [5, 1, 2, 3, 4], [2, 3, 4, 5]], 4, eos=1, **options)
    assert [found.tolist() for found in several] == [[1, 2, 3, 4, 5, 1], [5, 1, 2, 3, 4, 5, 1], [2, 3, 4, 5, 1]]
    same = text.generate(model, [3, 4, 5], 6, **{**options, "window": 3})
    assert same.tolist() == text.generate(model, [3, 4, 5], 6, **options).tolist()
    search = {"eos": 5, "scores": "probabilities", "window": window}
    found = text.beam_search(model, [5, 1, 2, 3], width=2, **search)[0]
    assert found.tokens.tolist() == [4, 5]
    score = text.sentence_score(model, [5, 1, 2, 3], [4, 5], **search)
    np.testing.assert_allclose(score.log_probability, found.log_probability, rtol=1e-6)


def test_prompts_shorter_than_the_window_are_refused():
    model = text.window_language_model(6, 3)
    for call in (
        lambda: text.generate(model, [[1, 2, 3], [4, 5]], 2, from_logits=False),
        lambda: text.beam_search(model, [4, 5], eos=0, scores="probabilities"),
        lambda: text.sentence_score(model, [4, 5], [1, 0], eos=0, scores="probabilities"),
    ):
        with pytest.raises(ValueError, match=r"'window_language_model' takes 3 tokens at a time, a prompt has 2"):
            call()
    with pytest.raises(ValueError, match="takes 3 tokens at a time, `window` is 2"):
        text.generate(model, [1, 2, 3], 2, window=2)


def test_bad_arguments():
    for name in ("tokens", "context", "vector_size", "hidden"):
        with pytest.raises(ValueError, match=f"`{name}`"):
            text.window_language_model(**{"tokens": 5, name: 0})
        with pytest.raises(ValueError, match=f"`{name}`"):
            text.window_language_model(**{"tokens": 5, name: 2**31})
    with pytest.raises((TypeError, ValueError), match="direct"):
        text.window_language_model(5, direct="yes")
    with pytest.raises(ValueError, match="a pair needs 2"):
        text.nearby_words([1])
    with pytest.raises(TypeError, match="must be a model"):
        text.embedding_vectors(3, ["a"])
    with pytest.raises(ValueError, match="its `Embedding`s: none"):
        text.embedding_vectors(dlrs.Sequential([layers.Input((2,)), layers.Dense(1)]), ["a"])
    two = dlrs.Sequential([layers.Embedding(3, 2, name="a"), layers.Flatten(), layers.Embedding(3, 2, name="b")])
    with pytest.raises(ValueError, match="'a', 'b'"):
        text.embedding_vectors(two, ["a"])
    model = text.window_language_model(3)
    with pytest.raises(ValueError, match="'other'"):
        text.embedding_vectors(model, ["a", "b", "c"], "other")
    with pytest.raises(ValueError, match="2 words for the 3 rows"):
        text.embedding_vectors(model, ["a", "b"])
    with pytest.raises(IndexError, match="id 3 at position"):
        model.predict(np.array([[0, 1, 2, 3]]), verbose=0)
