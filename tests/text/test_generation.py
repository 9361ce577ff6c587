"""A model writes on: stepped equals run anew, one prompt equals one of many, seeds, EOS, errors."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops, text
from dlrs.text import CharacterVocabulary, generate, sample

WORDS = 9

PROMPTS = [[1, 2, 3], [4], [5, 1]]


def model_of(kind: Any, **kwargs: Any) -> Any:
    model = dlrs.Sequential(
        [layers.Embedding(7, 4), kind(6, return_sequences=True), kind(5, **{"return_sequences": True, **kwargs}),
         layers.Dropout(0.5), layers.Dense(7)]
    )  # fmt: skip
    model(np.zeros((1, 2), np.int32))
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def naive(model: Any, prompt: list[int], count: int) -> list[int]:
    text = list(prompt)
    for _ in range(count):
        scores = np.asarray(model(np.array([text], np.int32), training=False))
        text.append(int(scores.reshape(-1, 7)[-1].argmax()))
    return text


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.GRU, layers.LSTM])
@pytest.mark.parametrize("sequences", [True, False])
def test_stepping_equals_running_anew(kind: Any, sequences: bool) -> None:
    model = model_of(kind, return_sequences=sequences)
    for prompt in PROMPTS:
        assert generate(model, prompt, 12, temperature=0).tolist() == naive(model, prompt, 12)


def transformer(positions: int = 90, **kwargs: Any) -> Any:
    model = dlrs.Sequential(
        [layers.TokenAndPositionEmbedding(7, positions, 8, **kwargs), layers.TransformerDecoder(16, 2),
         layers.TransformerDecoder(16, 4, normalize_first=True, dropout=0.3), layers.LayerNormalization(),
         layers.Dense(7)]
    )  # fmt: skip
    model(np.zeros((1, 2), np.int32))
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def test_decoders_with_a_cache_write_what_the_whole_writes() -> None:
    model = transformer()
    for prompt in PROMPTS:
        # More steps than caches have room for at first.
        assert generate(model, prompt, 70, temperature=0).tolist() == naive(model, prompt, 70)
    together = [text.tolist() for text in generate(model, PROMPTS, 9, temperature=0)]
    assert together == [naive(model, prompt, 9) for prompt in PROMPTS]


def test_a_transformer_has_so_many_positions() -> None:
    model = transformer(6)
    assert generate(model, [1, 2], 5, temperature=0).tolist() == naive(model, [1, 2], 5)
    with pytest.raises(ValueError, match=r"need 7 positions.*has 6.*`window`"):
        generate(model, [1, 2], 6)
    assert len(generate(model, [1, 2], 20, window=6, seed=0)) == 22


def test_padding_is_seen_by_a_model_that_is_run_anew() -> None:
    model = transformer(mask_zero=True)
    assert generate(model, [1, 0, 3], 9, temperature=0).tolist() == naive(model, [1, 0, 3], 9)


def test_any_other_model_is_run_anew() -> None:
    inputs = dlrs.Input((None,), dtype="int32")
    x = layers.GRU(5, return_sequences=True)(layers.Embedding(7, 4)(inputs))
    model = dlrs.Model(inputs, layers.Dense(7)(x))
    assert generate(model, [1, 2], 9, temperature=0).tolist() == naive(model, [1, 2], 9)


def test_prompts_of_a_list_draw_on_their_own() -> None:
    model = model_of(layers.LSTM)
    together = generate(model, PROMPTS, 8, seed=4)
    assert [t.tolist() for t in generate(model, PROMPTS, 8, seed=4)] == [t.tolist() for t in together]
    assert generate(model, PROMPTS[0], 8, seed=4).tolist() == together[0].tolist()
    assert [t.tolist() for t in generate(model, PROMPTS[:2], 8, seed=4)] == [t.tolist() for t in together[:2]]
    assert [t.tolist()[: len(p)] for t, p in zip(together, PROMPTS, strict=True)] == PROMPTS
    assert any(a.tolist() != b.tolist() for a, b in zip(together, generate(model, PROMPTS, 8, seed=5), strict=True))


def test_eos_ends_a_text() -> None:
    model = model_of(layers.GRU)
    greedy = generate(model, [1], 10, temperature=0).tolist()
    end = greedy[3]
    assert generate(model, [1], 10, temperature=0, eos=end).tolist() == greedy[: greedy.index(end, 1) + 1]


def test_texts_by_a_vocabulary() -> None:
    vocabulary = CharacterVocabulary(["a", "b", "c"])
    texts = generate(model_of(layers.GRU), ["ab", ""], 5, vocabulary=vocabulary, seed=1)
    assert texts[0].startswith("ab") and all(isinstance(t, str) for t in texts)
    with pytest.raises(ValueError, match="`vocabulary` is needed"):
        generate(model_of(layers.GRU), "ab")
    with pytest.raises(ValueError, match="token id 9 at position 1 of `prompt`"):
        generate(model_of(layers.GRU), [1, 9], vocabulary=vocabulary)
    with pytest.raises(ValueError, match="prompt 1 has no tokens"):
        generate(model_of(layers.GRU), [[1], []])


def test_weights_trained_on_are_seen() -> None:
    model = model_of(layers.GRU)
    generate(model, [1], 2, seed=0)
    model.set_weights([-w for w in model.get_weights()])
    assert generate(model, [1], 9, temperature=0).tolist() == naive(model, [1], 9)


def test_sample_takes_the_scores_of_a_model() -> None:
    assert sample(model_of(layers.GRU)(np.array([[1, 2]]))).shape == (1, 2)


def test_what_is_excluded_is_never_drawn() -> None:
    model = model_of(layers.GRU)
    usual = generate(model, [1], 40, seed=0).tolist()
    never = sorted(set(usual[1:]))[:2]
    written = generate(model, [1], 40, exclude=never, seed=0).tolist()
    assert not set(written[1:]) & set(never)
    assert generate(model, [1], 40, exclude=[], seed=0).tolist() == usual
    with pytest.raises(ValueError, match="`exclude` has the id 99"):
        generate(model, [1], 3, exclude=[99])
    with pytest.raises(ValueError, match="token id -1 at position 0 of `exclude`"):
        generate(model, [1], 3, exclude=[-1])
    with pytest.raises(ValueError, match="nothing to draw"):
        generate(model, [1], 3, exclude=range(model.layers[-1].units))


def greedy(model: Any, prompt: list[int], count: int) -> list[int]:
    """What the whole model says, run anew for every token."""
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(np.asarray(model(np.array([ids], np.int32)))[0, -1].argmax()))
    return ids


def with_drawn_weights(*inner: Any, mask_zero: bool = False) -> Any:
    model = dlrs.Sequential([layers.Embedding(9, 4, mask_zero=mask_zero), *inner, layers.Dense(9)])
    model(np.ones((1, 2), np.int32))
    model.set_weights([np.random.default_rng(1).normal(0, 1.5, w.shape) for w in model.weights])
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(6, return_sequences=True),
        lambda: layers.GRU(6, return_sequences=True, zero_output_for_mask=True),
        lambda: layers.RNN([layers.GRUCell(4), layers.LSTMCell(5)], return_sequences=True),
    ],
)
def test_padding_is_skipped_as_the_model_skips_it(make: Any) -> None:
    model = with_drawn_weights(make(), layers.SimpleRNN(5, return_sequences=True), mask_zero=True)
    for prompt in ([4, 0, 3], [0, 0, 3], [0], [2, 5]):
        assert text.generate(model, prompt, 12, temperature=0).tolist() == greedy(model, prompt, 12)


class Turned(layers.GRU):
    """Its outputs in the order that only the whole layer knows."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        return super().call(sequences, initial_state, mask, training)[..., ::-1]


class Summing(layers.Dense):
    def call(self, inputs: Any) -> Any:
        return super().call(ops.cumsum(inputs, axis=1))


@pytest.mark.parametrize(
    "inner",
    [
        lambda: [Turned(6, return_sequences=True)],
        lambda: [layers.GRU(6, return_sequences=True), Summing(5)],
    ],
)
def test_layers_of_ones_own_compute_what_they_say(inner: Any) -> None:
    model = with_drawn_weights(*inner())
    assert text.generate(model, [1, 2], 10, temperature=0).tolist() == greedy(model, [1, 2], 10)


def test_a_stateful_layer_begins_at_zero_and_keeps_its_state() -> None:
    def model_of(batch: int | None, **options: Any) -> Any:
        ids = dlrs.Input(batch_shape=(batch, None), dtype="int32")
        recurrent = layers.LSTM(6, return_sequences=True, **options)
        return dlrs.Model(ids, layers.Dense(9)(recurrent(layers.Embedding(9, 4)(ids))))

    live, whole = model_of(1, stateful=True), model_of(None)
    whole.set_weights(live.get_weights())
    live(np.array([[1, 2, 3]], np.int32))
    states = [state.numpy() for state in live.layers[2].states]
    assert text.generate(live, [4, 3], 12, seed=1).tolist() == text.generate(whole, [4, 3], 12, seed=1).tolist()
    assert all(np.array_equal(a, b) for a, b in zip(states, live.layers[2].states, strict=True))


def test_models_that_wrote_are_let_go() -> None:
    def used() -> Any:
        model = with_drawn_weights(layers.GRU(6))
        text.generate(model, [1], 3)
        return weakref.ref(model)

    reference = used()
    gc.collect()
    assert reference() is None


def test_what_is_no_model() -> None:
    with pytest.raises(TypeError, match="`model` must be a model"):
        text.generate(None, [1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eos": "a"}, "`eos` must be an integer >= 0, got 'a'"),
        ({"eos": -1}, "`eos` must be an integer >= 0"),
        ({"eos": 1.0}, "`eos` must be an integer >= 0"),
        ({"eos": WORDS}, f"`eos` is {WORDS}; the model gives scores of {WORDS} tokens"),
        ({"window": 0}, "`window` must be an integer >= 1, got 0"),
        ({"window": -3}, "`window` must be an integer >= 1, got -3"),
    ],
)
def test_options_that_say_nothing(options: dict[str, Any], message: str) -> None:
    model = dlrs.Sequential([layers.Embedding(WORDS, 4), layers.GRU(5, return_sequences=True), layers.Dense(WORDS)])
    with pytest.raises(ValueError, match=f"generate: {message}"):
        text.generate(model, [1, 2], 3, **options)


def test_scores_are_one_tensor() -> None:
    ids = dlrs.Input((None,), dtype="int32")
    x = layers.Embedding(WORDS, 4)(ids)
    two, flat = (
        dlrs.Model(ids, [layers.Dense(WORDS)(x), layers.Dense(WORDS)(x)]),
        dlrs.Model(ids, dlrs.ops.sum(x, (1, 2))),
    )
    for model, found in ((two, "list"), (flat, r"one of shape \(1,\)")):
        with pytest.raises(ValueError, match=rf"generate: the model must give one tensor of scores, .* got {found}"):
            text.generate(model, [1], 2)
