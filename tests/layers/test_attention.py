"""Attention layers: masks, causality, the two ways to compute, refusals."""

from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers, models
from dlrs.backend import GradientTape, Variable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 4)).astype("float32")
V = RNG.normal(size=(2, 6, 4)).astype("float32")
PROJECTED = {
    "multi-head": lambda **k: layers.MultiHeadAttention(2, 3, **k),
    "grouped": lambda **k: layers.GroupedQueryAttention(3, 4, 2, **k),
}


@pytest.mark.parametrize("name", PROJECTED)
@pytest.mark.parametrize("options", [{}, {"use_causal_mask": True}, {"attention_mask": RNG.random((2, 5, 6)) < 0.6}])
def test_with_and_without_scores_agree(name: str, options: dict[str, Any]) -> None:
    layer = PROJECTED[name]()
    blockwise = layer(X, V, **options).numpy()
    whole, weights = layer(X, V, return_attention_scores=True, **options)
    np.testing.assert_allclose(blockwise, whole.numpy(), rtol=0, atol=1e-5)
    sums = weights.numpy().sum(-1)
    np.testing.assert_allclose(sums[sums > 0], 1, rtol=1e-5)


@pytest.mark.parametrize("name", PROJECTED)
def test_the_future_has_no_effect(name: str) -> None:
    layer = PROJECTED[name]()
    before = layer(X, X, use_causal_mask=True).numpy()
    changed = X.copy()
    changed[:, 3:] += 1
    after = layer(changed, changed, use_causal_mask=True).numpy()
    np.testing.assert_allclose(after[:, :3], before[:, :3], rtol=0, atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max() > 1e-3


@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("name", PROJECTED)
def test_a_target_without_sources_gets_zeros(name: str, scores: bool) -> None:
    layer = PROJECTED[name](use_bias=False)
    seen = np.ones((2, 5, 6), bool)
    seen[1, 2] = False
    x = Variable(X)
    with GradientTape() as tape:
        outputs = layer(x, V, attention_mask=seen, return_attention_scores=scores)
        outputs = outputs[0] if scores else outputs
        loss = dlrs.ops.sum(outputs * outputs)
    assert not outputs.numpy()[1, 2].any() and outputs.numpy()[1, 1].any()
    gradient = tape.gradient(loss, x).numpy()
    assert np.isfinite(gradient).all() and not gradient[1, 2].any()


def test_plain_attention_without_sources_gives_zeros() -> None:
    mask = np.array([[True] * 6, [False] * 6])
    for layer in (layers.Attention(), layers.AdditiveAttention(), layers.Attention(score_mode="concat")):
        outputs = layer([X, V], mask=[None, mask]).numpy()
        assert outputs[0].any() and not outputs[1].any()


def test_masks_of_embeddings_arrive() -> None:
    ids = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
    inputs = layers.Input((None,), dtype="int32")
    embedded = layers.Embedding(4, 3, mask_zero=True)(inputs)
    attended = layers.MultiHeadAttention(1, 2)(embedded, embedded)
    model = models.Model(inputs, layers.GlobalAveragePooling1D()(attended))
    longer = np.concatenate([ids, np.zeros((2, 4), int)], 1)
    other = models.Model(inputs, attended)
    np.testing.assert_allclose(model(longer[:, :4]).numpy(), model(ids).numpy(), rtol=1e-6)
    masked = other(ids).numpy()
    alone = other(ids[:, :2]).numpy()
    np.testing.assert_allclose(masked[0, :2], alone[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.MultiHeadAttention(0, 2), "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 2.5), "key_dim"),
        (lambda: layers.MultiHeadAttention(2, 2, dropout=2.0), "rate"),
        (lambda: layers.MultiHeadAttention(2, 2, sliding_window=0), "sliding_window"),
        (lambda: layers.MultiHeadAttention(2, 2, output_shape="x"), "output_shape"),
        (lambda: layers.MultiHeadAttention(2, 2, attention_axes=7, name="seven")(X, X), "seven.*attention_axes"),
        (lambda: layers.MultiHeadAttention(2, 2, flash_attention=True, dropout=0.1), "flash"),
        (lambda: layers.GroupedQueryAttention(2, 4, 3), "divisible"),
        (lambda: layers.MultiHeadAttention(2, 2)(X, V, V[:, :4]), "must be equal"),
        (lambda: layers.MultiHeadAttention(2, 2)(X, V[:1]), "batch"),
        (lambda: layers.Attention(score_mode="product"), "score_mode"),
        (lambda: layers.Attention(name="both")(X), "both.*list"),
        (lambda: layers.Attention()([X, V[..., :3]]), "features|shape"),
        (
            lambda: layers.MultiHeadAttention(2, 2)(X[:, :, None], X[:, :, None], use_causal_mask=True),
            "along one axis",
        ),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
