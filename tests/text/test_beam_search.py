"""Beam search against a twin that keeps lists, exhaustive and greedy search; steps of models; errors."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlrs
from dlrs import _dlrs, layers, ops, strategy, text

EOS = 0


def log_softmax(x: Any) -> Any:
    x = np.asarray(x, np.float64)
    top = x.max(-1, keepdims=True)
    return x - top - np.log(np.exp(x - top).sum(-1, keepdims=True))


def chain(seed: int, tokens: int, kind: str = "float64", spread: float = 1.0) -> Any:
    """A step whose scores depend on the whole beginning: its state is a number for it."""
    factor, table = 31, log_softmax(np.random.default_rng(seed).normal(size=(997, tokens)) * spread).astype(kind)

    def step(last: Any, state: Any) -> Any:
        state = (state * factor + last + 1) % 997
        return table[state], state

    return step


def twin(
    step: Any, start: int, width: int, most: int, least: int, alpha: float
) -> list[tuple[list[int], float, float]]:
    """What `beam_search` says, with a step for each hypothesis."""
    live: list[tuple[list[int], float, Any]] = [([], 0.0, np.array([0]))]
    ended: list[tuple[list[int], float, float]] = []
    for time in range(1, most + 1):
        found = []
        for rank, (tokens, total, state) in enumerate(live):
            scores, after = step(np.array([tokens[-1] if tokens else start]), state)
            for token, score in enumerate(scores[0]):
                if score > -np.inf and not (token == EOS and time < least):
                    key = (-(total + float(score)), rank, -float(score), token)
                    found.append((key, ([*tokens, token], total + float(score), after)))
        found.sort(key=lambda one: one[0])
        live = []
        for _, (tokens, total, state) in found[: width - len(ended)]:
            if tokens[-1] == EOS or time == most:
                ended.append((tokens, total, total / time**alpha))
            else:
                live.append((tokens, total, state))
    return sorted(ended, key=lambda one: -one[2])


def plain(found: Any) -> list[tuple[list[int], float, float]]:
    return [(h.tokens.tolist(), h.log_probability, h.score) for h in found]


@settings(deadline=None)
@given(
    st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 7), st.integers(1, 5), st.integers(1, 5),
    st.sampled_from([0.0, 0.7, 1.0]), st.sampled_from(["float32", "float64"]), st.sampled_from([0.0, 1.0, 4.0]),
)  # fmt: skip
def test_it_finds_what_its_twin_finds(
    seed: int, tokens: int, width: int, most: int, least: int, alpha: float, kind: str, spread: float
) -> None:
    step, least = chain(seed, tokens, kind, spread), min(least, most)
    expected = twin(step, 1, width, most, least, alpha)
    options: dict[str, Any] = {
        "eos": EOS, "max_length": most, "min_length": least, "length_penalty": alpha, "scores": "log_probabilities"
    }  # fmt: skip
    for wanted in {1, width}:
        found = plain(text.beam_search(step, 1, state=np.array([0]), width=width, n_best=wanted, **options))
        assert [f[0] for f in found] == [e[0] for e in expected[:wanted]]
        np.testing.assert_array_equal([f[1] for f in found], [e[1] for e in expected[:wanted]])
        np.testing.assert_allclose([f[2] for f in found], [e[2] for e in expected[:wanted]], rtol=1e-14)
    batch = text.beam_search(step, [1, 2, 1], state=np.zeros(3, int), width=width, n_best=width, **options)
    assert plain(batch[0]) == found == plain(batch[2])
    assert plain(batch[1]) == plain(
        text.beam_search(step, 2, state=np.array([0]), width=width, n_best=width, **options)
    )
    for sentence, total, score in found:
        again = text.sentence_score(
            step, 1, sentence, state=np.array([0]), eos=EOS, length_penalty=alpha, scores="log_probabilities"
        )
        assert (again.log_probability, again.complete) == (pytest.approx(total, rel=1e-12), sentence[-1] == EOS)
        assert again.score == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_a_beam_that_holds_everything_finds_the_best_of_all(alpha: float) -> None:
    tokens, most = 3, 4
    for seed in range(20):
        step = chain(seed, tokens)
        scores = []
        for length in range(1, most + 1):
            for sentence in itertools.product(range(tokens), repeat=length):
                # Sentences that end in EOS and have no other, and those that are cut off.
                if EOS not in sentence[:-1] and (sentence[-1] == EOS or length == most):
                    h = text.sentence_score(
                        step, 1, list(sentence), state=np.array([0]), length_penalty=alpha, scores="log_probabilities"
                    )
                    scores.append((h.score, list(sentence)))
        scores.sort(reverse=True)
        found = text.beam_search(
            step, 1, state=np.array([0]), width=tokens**most, n_best=tokens**most, eos=EOS, max_length=most,
            length_penalty=alpha, scores="log_probabilities",
        )  # fmt: skip
        assert len(found) == len(scores) and found[0].tokens.tolist() == scores[0][1]
        np.testing.assert_allclose([h.score for h in found], [s for s, _ in scores], rtol=1e-12)
        assert np.exp([h.log_probability for h in found]).sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("scores", ["logits", "log_probabilities", "probabilities"])
def test_a_width_of_one_is_greedy(kind: str, scores: Any) -> None:
    for seed in range(30):
        table = np.random.default_rng(seed).normal(size=(40, 40)).astype(kind) * 20
        table = np.round(table) if seed % 3 == 0 else table  # ties
        if scores != "logits":
            table = log_softmax(table).astype(kind)
        given = np.exp(table) if scores == "probabilities" else table
        greedy, token = list[int](), 1
        while len(greedy) < 30 and (not greedy or token != EOS):
            token = int(given[token].argmax())
            greedy.append(token)
        for alpha in (0.0, 1.0):
            (found,) = text.beam_search(
                lambda last, state, given=given: (given[last], None), 1, width=1, eos=EOS, max_length=30,
                length_penalty=alpha, scores=scores,
            )  # fmt: skip
            assert found.tokens.tolist() == greedy


def model_of(last: Any = None) -> Any:
    model = dlrs.Sequential(
        [layers.Embedding(7, 4), layers.GRU(6, return_sequences=True), layers.Dense(7), *([last] if last else [])]
    )
    return randomize(model)


def randomize(model: Any) -> Any:
    model(np.zeros((1, 2), np.int32))
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def transformer() -> Any:
    return randomize(
        dlrs.Sequential([layers.TokenAndPositionEmbedding(7, 90, 8), layers.TransformerDecoder(16, 2), layers.Dense(7)])
    )


def functional() -> Any:
    inputs = dlrs.Input((None,), dtype="int32")
    x = layers.LSTM(6, return_sequences=True)(layers.Embedding(7, 4)(inputs))
    return randomize(dlrs.Model(inputs, layers.Dense(7)(x)))


PROMPTS = [[1, 2, 3], [4], [5, 1], [6]]


@pytest.mark.parametrize("make", [model_of, transformer, functional])
def test_models_are_stepped(make: Any) -> None:
    model = make()
    for prompt in PROMPTS:
        greedy = text.generate(model, prompt, 12, temperature=0, eos=EOS).tolist()
        assert [*prompt, *text.beam_search(model, prompt, width=1, eos=EOS, max_length=12)[0].tokens] == greedy

    def whole(last: Any, state: Any) -> Any:
        state = np.concatenate([state, last[:, None]], 1)
        return np.asarray(model(state.astype(np.int32)))[:, -1], state

    options: dict[str, Any] = {"width": 4, "n_best": 4, "eos": EOS, "max_length": 8}
    found = text.beam_search(model, PROMPTS, **options)
    for prompt, hypotheses in zip(PROMPTS, found, strict=True):
        expected = text.beam_search(whole, prompt[-1], state=np.array([prompt[:-1]], np.int32), **options)
        assert [h.tokens.tolist() for h in hypotheses] == [h.tokens.tolist() for h in expected]
        np.testing.assert_allclose([h.score for h in hypotheses], [h.score for h in expected], rtol=2e-5)
        for h in hypotheses:
            again = text.sentence_score(model, prompt, h.tokens, eos=EOS)
            assert again.score == pytest.approx(h.score, rel=2e-5) and again.complete == h.complete
    several = text.sentence_score(model, PROMPTS, [h[0].tokens for h in found], eos=EOS)
    assert [float(s) for s in several] == pytest.approx([float(h[0]) for h in found], rel=2e-5)


def test_vocabularies_and_probabilities_of_models() -> None:
    vocabulary = text.CharacterVocabulary.build(["abc"])
    assert len(vocabulary) == 7
    model, soft = model_of(), model_of(layers.Activation("softmax"))
    found = text.beam_search(model, "ab", vocabulary=vocabulary, width=3, max_length=6)
    same = text.beam_search(soft, "ab", vocabulary=vocabulary, width=3, max_length=6, scores="probabilities")
    assert found[0].tokens.tolist() == same[0].tokens.tolist()
    assert found[0].score == pytest.approx(same[0].score, rel=1e-4)
    assert text.sentence_score(
        soft, "ab", same[0].tokens, vocabulary=vocabulary, scores="probabilities"
    ).score == pytest.approx(same[0].score, rel=1e-5)


def test_states_may_be_tensors_in_any_nesting() -> None:
    cell = layers.GRUCell(5)
    embedding, out = layers.Embedding(6, 4), layers.Dense(6)

    def step(last: Any, state: Any) -> Any:
        y, (h,) = cell(embedding(last), [state["h"]])
        return out(y), {"h": h, "nothing": None, "length": state["length"] + 1}

    start = {"h": ops.ones((2, 5)), "nothing": None, "length": np.zeros(2)}
    found = text.beam_search(step, [1, 2], state=start, width=3, n_best=3, eos=EOS, max_length=6)
    sentences = [h.tokens for hypotheses in found for h in hypotheses[:1]]
    scores = text.sentence_score(step, [1, 2], sentences, state=start, eos=EOS)
    assert [s.score for s in scores] == pytest.approx([hypotheses[0].score for hypotheses in found], rel=1e-5)


def test_thread_counts_make_no_difference() -> None:
    rng = np.random.default_rng(0)
    table = np.round(rng.normal(size=(50, 40_000)) * 4).astype(np.float32) / 4  # many ties
    before, results = _dlrs.num_threads(), []
    try:
        for threads in (1, 2, 3, 5):
            _dlrs.set_num_threads(threads)
            found = text.beam_search(lambda last, _: (table[last % 50], None), [1, 2], width=9, n_best=9, max_length=4)
            results.append([plain(h) for h in found])
    finally:
        _dlrs.set_num_threads(before)
    assert all(result == results[0] for result in results)


def test_more_hypotheses_than_tokens_allow() -> None:
    step = chain(0, 2)
    found = text.beam_search(
        step, 1, state=np.array([0]), width=50, n_best=50, eos=EOS, max_length=2, scores="log_probabilities"
    )
    assert len(found) == 3 and len(found[0].tokens) <= 2


GOOD = np.log(np.full((4, 4), 0.25))


@pytest.mark.parametrize(
    ("step", "options", "error", "match"),
    [
        (lambda t, s: (np.full((len(t), 4), np.nan), s), {}, ValueError, "token 0 after hypothesis 0 .* is NaN"),
        (lambda t, s: (np.full((len(t), 4), np.inf), s), {}, ValueError, "is inf"),
        (lambda t, s: (np.full((len(t), 4), 2.0), s), {"scores": "log_probabilities"}, ValueError, "at most 0"),
        (lambda t, s: (np.full((len(t), 4), -1.0), s), {"scores": "probabilities"}, ValueError, "NaN"),
        (lambda t, s: (np.full((len(t), 4), -np.inf), s), {}, ValueError, "every token is ruled out"),
        (lambda t, s: (np.zeros((len(t) + 1, 4)), s), {}, ValueError, "shape"),
        (lambda t, s: (np.zeros(4), s), {}, ValueError, "shape"),
        (lambda t, s: (np.zeros((len(t), 0)), s), {}, ValueError, "shape"),
        (lambda t, s: (np.full((len(t), 4), "a"), s), {}, ValueError, "dtype"),
        (lambda t, s: GOOD[t], {}, TypeError, "a state"),
        (lambda t, s: (GOOD[t], np.zeros(3)), {}, ValueError, "first axis"),
        (lambda t, s: (GOOD[t], 7), {}, ValueError, "first axis"),
        (lambda t, s: (GOOD[t], s), {"state": np.zeros((2, 3))}, ValueError, "first axis"),
        (lambda t, s: (GOOD[t], s), {"eos": 4}, ValueError, "`eos` is 4"),
        (lambda t, s: (GOOD[t], s), {"eos": -1}, ValueError, "`eos`"),
        (lambda t, s: (GOOD[t], s), {"width": 0}, ValueError, "`width`"),
        (lambda t, s: (GOOD[t], s), {"width": 10**9}, ValueError, "`width`"),
        (lambda t, s: (GOOD[t], s), {"n_best": 11}, ValueError, "`n_best`"),
        (lambda t, s: (GOOD[t], s), {"min_length": 20}, ValueError, "`min_length`"),
        (lambda t, s: (GOOD[t], s), {"max_length": 2**64}, ValueError, "`max_length`"),
        (lambda t, s: (GOOD[t], s), {"length_penalty": 10**400}, ValueError, "`length_penalty`"),
        (lambda t, s: (GOOD[t], s), {"length_penalty": -1}, ValueError, "`length_penalty`"),
        (lambda t, s: (GOOD[t], s), {"start": [[1], [2, 3]]}, ValueError, "`start`"),
        (lambda t, s: (GOOD[t], s), {"state": np}, ValueError, "first axis"),
        (lambda t, s: (GOOD[t], s), {"length_penalty": float("nan")}, ValueError, "`length_penalty`"),
        (lambda t, s: (GOOD[t], s), {"scores": "odds"}, ValueError, "`scores`"),
        (lambda t, s: (GOOD[t], s), {"start": []}, ValueError, "`start`"),
        (lambda t, s: (GOOD[t], s), {"start": 0.5}, ValueError, "`start`"),
        (3, {}, TypeError, "`step`"),
    ],
)
def test_what_is_refused(step: Any, options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=f"^beam_search: .*{match}"):
        text.beam_search(step, **{"start": 1, "max_length": 10, "eos": EOS, **options})


def test_what_a_sentence_must_be() -> None:
    def step(tokens: Any, state: Any) -> Any:
        return GOOD[tokens], state

    for tokens, match in (([], "at least a token"), ([9], "token id 9"), ([0.5], "integers"), ([-1], "not in")):
        with pytest.raises(ValueError, match=match):
            text.sentence_score(step, 1, tokens)
    with pytest.raises(ValueError, match="lengths"):
        text.sentence_score(step, [1, 2], [[1]])
    with pytest.raises(ValueError, match="NaN"):
        text.sentence_score(lambda t, s: (GOOD[t] * np.nan, s), 1, [1])
    ruled_out = text.sentence_score(lambda t, s: (np.array([[-np.inf, 0.0]]), s), 1, [0])
    assert ruled_out.score == -np.inf


def test_a_narrow_beam_is_at_fault_where_a_wide_one_is_not() -> None:
    human, narrow, wide = [], [], []
    for seed in range(40):
        step, options = chain(seed, 5, spread=1.5), {"eos": EOS, "max_length": 6, "scores": "log_probabilities"}
        given: dict[str, Any] = {"state": np.array([0]), **options}
        best = text.beam_search(step, 1, width=5**5, **given)[0]
        del given["max_length"]
        human.append(text.sentence_score(step, 1, best.tokens, **given))
        narrow.append(text.beam_search(step, 1, width=1, max_length=6, **given)[0])
        wide.append(text.beam_search(step, 1, width=5**5, max_length=6, **given)[0])
    errors = strategy.beam_errors(human, narrow)
    assert errors.search > 0.3 and errors.search + errors.model == pytest.approx(1)
    assert strategy.beam_errors(human, wide).search < 0.2  # but for rounding
    assert "wider beam" in str(strategy.beam_errors([1.0], [0.0]))


@pytest.mark.parametrize(
    ("human", "found"), [([], []), ([1.0], [1.0, 2.0]), ([np.nan], [1.0]), (["a"], [1.0]), (3, [1.0])]
)
def test_what_beam_errors_refuses(human: Any, found: Any) -> None:
    with pytest.raises(ValueError, match=r"^beam_errors: "):
        strategy.beam_errors(human, found)
