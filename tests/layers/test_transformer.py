"""Layers of the Transformer: the formula of positions, masks, caches, saving, refusals, and that they learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 8))
SOURCE = RNG.normal(size=(2, 5, 4))
BOUNDS = {"float32": 1e-6, "float64": 1e-12}


@pytest.mark.parametrize("features", [6, 7])
@pytest.mark.parametrize("start", [0, 5000])
def test_sines_and_cosines_of_the_paper(features: int, start: int) -> None:
    expected = np.empty((4, features))
    for position in range(4):
        for column in range(features):
            angle = (start + position) / 100 ** (2 * (column // 2) / features)
            expected[position, column] = np.cos(angle) if column % 2 else np.sin(angle)
    inputs = np.zeros((2, 4, features))
    for dtype, bound in BOUNDS.items():
        layer = layers.SinePositionEncoding(max_wavelength=100, dtype=dtype)
        traced = dlrs.function(lambda x, i, layer=layer: layer(x, start_index=i))(inputs, np.array(start))
        for encodings in (layer(inputs, start_index=start), traced):
            assert encodings.shape == inputs.shape and encodings.dtype == dtype
            np.testing.assert_allclose(encodings[1], expected, rtol=0, atol=bound)


@pytest.mark.parametrize(
    "layer", [layers.SinePositionEncoding(), layers.PositionEmbedding(6)], ids=lambda layer: type(layer).__name__
)
def test_positions_of_parts_are_those_of_the_whole(layer: Any) -> None:
    whole = layer(X).numpy()
    traced = dlrs.function(lambda x, i: layer(x, start_index=i))
    for i in range(6):
        part = X[:, i : i + 1]
        assert np.array_equal(layer(part, start_index=i), whole[:, i : i + 1])
        assert np.array_equal(traced(part, np.array(i)), whole[:, i : i + 1])


def test_tokens_and_positions_are_added() -> None:
    layer = layers.TokenAndPositionEmbedding(5, 8, 4, mask_zero=True)
    ids = np.array([[3, 1, 0]])
    layer.build(ids.shape)
    tokens, positions = (w.numpy() for w in layer.weights)
    np.testing.assert_allclose(layer(ids)[0], tokens[ids[0]] + positions[:3], rtol=1e-6)
    np.testing.assert_allclose(layer(ids, start_index=5)[0], tokens[ids[0]] + positions[5:], rtol=1e-6)
    assert layer.compute_mask(ids).numpy().tolist() == [[True, True, False]]
    assert layer.token_embedding(layer(ids), reverse=True).shape == (1, 3, 5)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("window", [None, 3])
def test_attention_in_parts_is_attention_at_once(dtype: str, traced: bool, window: int | None) -> None:
    layer = layers.CachedMultiHeadAttention(2, 3, 5, sliding_window=window, use_gate=True, dtype=dtype)
    whole = layer(X, X, use_causal_mask=True).numpy()

    def step(x: Any, cache: Any, index: Any) -> Any:
        return layer(x, x, cache=cache, cache_update_index=index, use_causal_mask=True)

    step = dlrs.function(step) if traced else step
    for parts in ([1] * 6, [3, 1, 2], [6]):
        cache, start = layer.get_initial_cache(2, 9), 0
        for size in parts:
            part = X[:, start : start + size].astype(dtype)
            outputs, cache = step(part, cache, np.array(start) if traced else start)
            np.testing.assert_allclose(outputs, whole[:, start : start + size], rtol=0, atol=BOUNDS[dtype])
            start += size


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("across", [False, True])
def test_decoding_step_by_step_is_decoding_at_once(dtype: str, first: bool, across: bool) -> None:
    layer = layers.TransformerDecoder(16, 2, normalize_first=first, dtype=dtype)
    x, source = X.astype(dtype), SOURCE.astype(dtype) if across else None
    mask = np.array([[True] * 5, [True, True, False, True, False]]) if across else None
    whole = layer(x, source, encoder_padding_mask=mask).numpy()
    cache = layer.get_initial_cache(2, 6)
    cross = layer.get_initial_cache(2, 5) if across else None
    if across:
        *_, cross = layer(
            x[:, :1], source, cross_attention_cache=cross, cross_attention_cache_update_index=0
        )  # the sources' keys and values, once
    step = dlrs.function(
        lambda x, cache, index, cross: layer(
            x,
            encoder_padding_mask=mask,
            self_attention_cache=cache,
            self_attention_cache_update_index=index,
            cross_attention_cache=cross,
        )
    )
    for i in range(6):
        outputs, cache, *_ = step(x[:, i : i + 1], cache, np.array(i), cross)
        np.testing.assert_allclose(outputs, whole[:, i : i + 1], rtol=0, atol=BOUNDS[dtype])


def test_padding_has_no_effect() -> None:
    ids = np.array([[1, 2, 3, 0, 0], [4, 1, 0, 0, 0]])
    inputs = layers.Input((None,), dtype="int32")
    x = layers.TokenAndPositionEmbedding(5, 9, 8, mask_zero=True)(inputs)
    x = layers.TransformerEncoder(16, 2)(layers.TransformerEncoder(16, 4, normalize_first=True)(x))
    x = layers.TransformerDecoder(16, 2)(x, x)
    model, mean = models.Model(inputs, x), models.Model(inputs, layers.GlobalAveragePooling1D()(x))
    for row, length in enumerate((3, 2)):
        alone = ids[row : row + 1, :length]
        np.testing.assert_allclose(model(ids)[row, :length], model(alone)[0], rtol=0, atol=2e-6)
        np.testing.assert_allclose(mean(ids)[row], mean(alone)[0], rtol=0, atol=2e-6)


def test_a_padding_mask_given_is_the_mask_of_the_inputs() -> None:
    layer, decoder = layers.TransformerEncoder(16, 2), layers.TransformerDecoder(16, 2)
    mask = np.array([[True] * 4 + [False] * 2, [True] * 6])
    changed = X + 3 * ~mask[..., None]
    for run in (
        lambda x: layer(x, padding_mask=mask),
        lambda x: decoder(x, SOURCE, decoder_padding_mask=mask, use_causal_mask=False),
    ):
        np.testing.assert_allclose(run(changed).numpy()[mask], run(X).numpy()[mask], rtol=0, atol=2e-6)
        assert np.array_equal(dlrs.backend.get_keras_mask(run(X)), mask)


def test_steps_see_what_the_attention_mask_shows() -> None:
    layer = layers.TransformerEncoder(16, 2)
    seen = np.tri(6, dtype=bool)[None]
    decoder = layers.TransformerDecoder(16, 2)
    decoder.build(X.shape)
    layer.build(X.shape)
    decoder.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(X, attention_mask=seen), decoder(X), rtol=0, atol=2e-6)


@pytest.mark.parametrize("training", [False, True])
def test_a_sequence_of_padding_gives_numbers(training: bool) -> None:
    mask = np.array([[False] * 6, [True] * 6])
    encoder, decoder = layers.TransformerEncoder(16, 2, dropout=0.1), layers.TransformerDecoder(16, 2, dropout=0.1)
    x = dlrs.Variable(X.astype("float32"))
    with dlrs.GradientTape() as tape:
        y = encoder(x, padding_mask=mask, training=training)
        y = decoder(y, y, training=training)
        loss = ops.sum(ops.square(y))
    assert np.isfinite(y).all() and np.isfinite(tape.gradient(loss, x)).all()
    attention = layers.CachedMultiHeadAttention(2, 3)
    cache = attention.get_initial_cache(2, 4)
    y, _ = attention(X[:, :1], X[:, :1], attention_mask=np.zeros((1, 1, 4), bool), cache=cache, cache_update_index=0)
    assert not y.numpy().any()


def test_dropout_with_a_cache() -> None:
    layer = layers.CachedMultiHeadAttention(2, 3, dropout=0.5, seed=1)
    outputs, _ = layer(
        X, X, cache=layer.get_initial_cache(2, 6), cache_update_index=0, use_causal_mask=True, training=True
    )
    assert outputs.shape == X.shape and not np.allclose(outputs, layer(X, X, use_causal_mask=True))


def translator(features: int = 32, heads: int = 4) -> Any:
    source, target = dlrs.Input((None,), dtype="int32"), dlrs.Input((None,), dtype="int32")
    embed = layers.TokenAndPositionEmbedding(13, 9, features)
    encoded = layers.TransformerEncoder(64, heads)(embed(source))
    decoded = layers.TransformerDecoder(64, heads)(embed(target), encoded)
    return dlrs.Model([source, target], layers.Dense(13)(decoded))


def test_an_encoder_and_a_decoder_learn_to_reverse(tmp_path: Path) -> None:
    dlrs.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    rows = rng.integers(2, 13, (4256, 6)).astype("int32")
    backwards = rows[:, ::-1]
    shifted = np.concatenate([np.ones((len(rows), 1), "int32"), backwards[:, :-1]], axis=1)
    model = translator()
    model.compile(
        dlrs.optimizers.Adam(3e-3), dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    model.fit([rows[:4000], shifted[:4000]], backwards[:4000], batch_size=100, epochs=12, verbose=0)
    loss, accuracy = model.evaluate([rows[4000:], shifted[4000:]], backwards[4000:], verbose=0)
    assert accuracy >= 0.95, (loss, accuracy)
    written = np.ones((256, 1), "int32")
    for _ in range(6):
        scores = model.predict_on_batch([rows[4000:], written])
        written = np.concatenate([written, scores[:, -1:].argmax(-1).astype("int32")], axis=1)
    assert (written[:, 1:] == backwards[4000:]).mean() >= 0.9
    path = tmp_path / "model.dlrs"
    model.save(path)
    again = models.load_model(path)
    inputs = [rows[:5], shifted[:5]]
    assert np.array_equal(again.predict_on_batch(inputs), model.predict_on_batch(inputs))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.SinePositionEncoding(0), "max_wavelength"),
        (lambda: layers.SinePositionEncoding()(np.ones(3)), r"\(batch, time, features\)"),
        (lambda: layers.SinePositionEncoding()(X, start_index=-1), "start_index"),
        (lambda: layers.SinePositionEncoding()(X, start_index=np.array([1, 2])), "start_index.*single"),
        (lambda: layers.PositionEmbedding(0), "sequence_length"),
        (lambda: layers.PositionEmbedding(5, name="short")(X), "short.*`sequence_length` = 5"),
        (lambda: layers.PositionEmbedding(8)(X, start_index=3), "6 steps from position 3"),
        (lambda: layers.TransformerEncoder(0, 2), "intermediate_dim"),
        (lambda: layers.TransformerEncoder(4, 2.0), "num_heads"),
        (lambda: layers.TransformerEncoder(4, 2, dropout=2), "rate"),
        (lambda: layers.TransformerEncoder(4, 3, name="three")(X), "three.*8 features and num_heads=3"),
        (lambda: layers.TransformerEncoder(4, 2, name="flat")(X[0]), r"flat.*\(batch, time, features\).*\(6, 8\)"),
        (lambda: layers.TransformerDecoder(4, 2)(X, SOURCE[0]), r"encoder_sequence.*\(batch, time, features\)"),
        (lambda: layers.TransformerDecoder(4, 2).get_initial_cache(2, 3), "built"),
        (lambda: _built().call(X, SOURCE), "without an `encoder_sequence`"),
        (lambda: _built(SOURCE)(X), "built with an `encoder_sequence`"),
        (lambda: _cached(1, 6), "room"),
        (lambda: _cached(-1, 6), "cache_update_index"),
        (lambda: _cached(0, 6, batch=3), r"\(2, 2, places, 3\)"),
        (lambda: layers.CachedMultiHeadAttention(2, 3)(X, X, cache_update_index=0), "no `cache`"),
        (lambda: layers.CachedMultiHeadAttention(2, 3)(X, X, cache=np.zeros(3)), "pair"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def _built(*sources: Any) -> Any:
    layer = layers.TransformerDecoder(4, 2)
    layer(X, *sources)
    return layer


def _cached(index: int, places: int, batch: int = 2) -> Any:
    layer = layers.CachedMultiHeadAttention(2, 3)
    return layer(X, X, cache=layer.get_initial_cache(batch, places), cache_update_index=index)
