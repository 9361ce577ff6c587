"""Decoding of connectionist temporal classification: against all alignments, with language models, bad input."""

import itertools
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import _dlrs, layers, ops
from dlrs.text import ctc_beam_search

Array = np.ndarray[Any, Any]


def log_softmax(x: Array) -> Array:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def all_sequences(scores: Array, blank: int = 0) -> dict[tuple[int, ...], float]:
    """Probabilities of the sequences that alignments lead to."""
    sums: dict[tuple[int, ...], float] = {}
    for way in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        tokens = tuple(c for c, _ in itertools.groupby(way) if c != blank)
        sums[tokens] = sums.get(tokens, 0.0) + float(np.exp(scores[np.arange(len(scores)), way].sum()))
    return sums


def logits(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("blank", [0, 2])
def test_a_beam_search_finds_what_all_alignments_say(dtype: str, blank: int) -> None:
    x = logits(3, 5, 3).astype(dtype)
    lengths = [5, 3, 0]
    paths, scores = ops.ctc_decode(x, lengths, "beam_search", 400, 7, mask_index=blank)
    assert paths.shape == (7, 3, 5) and scores.shape == (3, 7) and scores.dtype == dtype
    for b, length in enumerate(lengths):
        best = sorted(all_sequences(log_softmax(x[b, :length]), blank).items(), key=lambda item: -item[1])[:7]
        for k in range(7):
            path = paths.numpy()[k, b]
            if k < len(best):
                tokens, p = best[k]
                assert path.tolist() == [*tokens, *[-1] * (5 - len(tokens))]
                assert scores.numpy()[b, k] == pytest.approx(np.log(p), rel=1e-5, abs=1e-6)
            else:
                assert path.tolist() == [-1] * 5 and scores.numpy()[b, k] == -np.inf


def test_a_loss_is_minus_the_logarithm_of_what_is_found() -> None:
    x = logits(1, 12, 6, seed=3).astype("float32")
    paths, scores = ops.ctc_decode(x, [12], "beam_search", 3000, 1)
    tokens = [n for n in paths.numpy()[0, 0].tolist() if n >= 0]
    loss = ops.ctc_loss([tokens], x, [len(tokens)], [12])
    assert scores.item() == pytest.approx(-loss.item(), rel=1e-4)


def test_the_greedy_strategy_takes_the_best_class_of_each_step() -> None:
    x = logits(4, 9, 4, seed=1).astype("float32")
    for merge, lengths in ((True, [9, 5, 1, 0]), (False, [9, 9, 2, 3])):
        paths, scores = ops.ctc_decode(x, lengths, merge_repeated=merge)
        for b, length in enumerate(lengths):
            best = x[b, :length].argmax(-1).tolist()
            classes = [c for c, _ in itertools.groupby(best)] if merge else best
            tokens = [c for c in classes if c != 0]
            assert paths.numpy()[0, b].tolist() == tokens + [-1] * (9 - len(tokens))
            assert scores.numpy()[b, 0] == pytest.approx(-x[b, :length].max(-1).sum(), rel=1e-5)


def test_in_models_and_functions_it_is_the_same() -> None:
    x = logits(4, 6, 5, seed=2).astype("float32")
    lengths = np.array([6, 6, 4, 1])
    for strategy in ("greedy", "beam_search"):
        eager = ops.ctc_decode(x, lengths, strategy, 5)
        inputs, counts = dlrs.Input((6, 5)), dlrs.Input((), dtype="int32")
        model = dlrs.Model([inputs, counts], ops.ctc_decode(layers.Activation("linear")(inputs), counts, strategy, 5))
        compiled = dlrs.function(lambda a, b, s=strategy: ops.ctc_decode(a, b, s, 5))(x, lengths)
        for a, b, c in zip(eager, model([x, lengths]), compiled, strict=True):
            assert a.numpy().tobytes() == b.numpy().tobytes() == c.numpy().tobytes()


def test_the_same_bits_for_any_number_of_threads() -> None:
    x, threads, results = logits(9, 40, 20).astype("float32"), _dlrs.num_threads(), []
    try:
        for count in (1, 2, 3, 5):
            _dlrs.set_num_threads(count)
            found = ops.ctc_decode(x, [40] * 9, "beam_search", 30, 3)
            results.append([part.numpy().tobytes() for part in found])
    finally:
        _dlrs.set_num_threads(threads)
    assert all(result == results[0] for result in results)


def test_there_is_no_slope() -> None:
    x = dlrs.Variable(logits(1, 3, 3).astype("float32"))
    with dlrs.GradientTape() as tape:
        _, scores = ops.ctc_decode(x, [3], "beam_search", 3)
    with pytest.raises((TypeError, ValueError, NotImplementedError), match="ctc_decode"):
        tape.gradient(scores, x)


# Language models


def bigrams(classes: int, seed: int = 5) -> Array:
    return log_softmax(logits(classes + 1, classes, seed=seed))  # the last row is for the first label


@pytest.mark.parametrize("alpha, beta", [(0.0, 0.0), (0.8, 0.0), (1.3, 0.7), (0.5, -1.0)])
def test_a_language_model_weighs_the_sequences(alpha: float, beta: float) -> None:
    x = logits(5, 3, seed=7)
    table = bigrams(3)
    asked: list[tuple[int, ...]] = []

    def model(beginnings: Any) -> Array:
        asked.extend(beginnings)
        return np.stack([table[beginning[-1] if beginning else 3] for beginning in beginnings])

    expected = {}
    for tokens, p in all_sequences(log_softmax(x)).items():
        prior = sum(table[a, b] for a, b in itertools.pairwise([3, *tokens]))
        expected[tokens] = np.log(p) + alpha * prior + beta * len(tokens)
    best = sorted(expected.items(), key=lambda item: -item[1])
    found = ctc_beam_search(x, width=400, n_best=400, language_model=model, alpha=alpha, beta=beta)
    assert [tuple(h.tokens.tolist()) for h in found] == [tokens for tokens, _ in best]
    np.testing.assert_allclose([h.log_probability for h in found], [score for _, score in best], rtol=1e-9)
    assert len(asked) == len(set(asked)), "each beginning is asked for once"


def test_without_a_model_it_is_ctc_decode() -> None:
    x = logits(3, 20, 8, seed=9)
    paths, scores = ops.ctc_decode(x, [20, 11, 0], "beam_search", 6, 2)
    for b, best in enumerate(ctc_beam_search(x, [20, 11, 0], width=6, n_best=2)):
        for k, hypothesis in enumerate(best):
            tokens = [n for n in paths.numpy()[k, b].tolist() if n >= 0]
            assert hypothesis.tokens.tolist() == tokens
            assert float(hypothesis) == pytest.approx(scores.numpy()[b, k], rel=1e-6, abs=1e-9)


X = logits(4, 3)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"scores": "text"}, ValueError, "array of numbers"),
        ({"scores": [1.0, 2.0]}, ValueError, "shape"),
        ({"scores": [[1.0, np.nan]]}, ValueError, "step 0 are not finite"),
        ({"scores": [[0.0, 0.0], [-np.inf, 0.0]]}, ValueError, "step 1 are not finite"),
        ({"lengths": [5]}, ValueError, r"\[0, 4\]"),
        ({"lengths": [1, 2]}, ValueError, "1 integers"),
        ({"lengths": [1.5]}, ValueError, "integers"),
        ({"width": 0}, ValueError, "width"),
        ({"n_best": 200}, ValueError, "more than `width`"),
        ({"blank": 3}, ValueError, "3 classes"),
        ({"blank": -1}, ValueError, "blank"),
        ({"alpha": np.nan}, ValueError, "alpha"),
        ({"language_model": 3}, TypeError, "function"),
        ({"language_model": lambda beginnings: [[0.0]]}, ValueError, r"shape \(1, 3\)"),
        ({"language_model": lambda beginnings: [[0.0, 1.0, 0.0]]}, ValueError, "at most 0"),
        ({"language_model": lambda beginnings: [[0.0, np.nan, 0.0]]}, ValueError, "at most 0"),
    ],
)
def test_bad_arguments_of_the_search(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ctc_beam_search(**{"scores": X, **arguments})


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"strategy": "best"}, ValueError, "Invalid strategy"),
        ({"inputs": X}, ValueError, "batch, steps, classes"),
        ({"inputs": X[None] * np.nan}, ValueError, "NaN"),
        ({"inputs": X[None] * np.nan, "strategy": "beam_search"}, ValueError, "NaN"),
        ({"sequence_lengths": [5]}, IndexError, r"sequence_lengths\[0\] is 5"),
        ({"sequence_lengths": [-1]}, IndexError, r"sequence_lengths\[0\] is -1"),
        ({"sequence_lengths": [1, 1]}, ValueError, "batch"),
        ({"strategy": "beam_search", "beam_width": 0}, ValueError, "beam_width"),
        ({"strategy": "beam_search", "beam_width": 2, "top_paths": 3}, ValueError, "top_paths"),
        ({"mask_index": 3}, ValueError, "3 classes"),
        ({"mask_index": -1}, ValueError, "mask_index"),
        ({"merge_repeated": "yes"}, TypeError, "merge_repeated"),
    ],
)
def test_bad_arguments_of_decoding(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ops.ctc_decode(**{"inputs": X[None], "sequence_lengths": [4], **arguments})


def test_the_binding_refuses_what_does_not_fit() -> None:
    search = _dlrs.PrefixSearch(3, 2, 0)
    for scores, bonus in ((np.zeros(3), None), (np.zeros(2), np.zeros(3)), (np.array([np.inf, 0.0]), None)):
        with pytest.raises(ValueError):
            search.step(scores, bonus)
    with pytest.raises(TypeError):
        search.step(np.zeros(2, np.float32), None)
    with pytest.raises(ValueError):
        search.tokens([7])
    for arguments in ((0, 2, 0), (3, 2, 2)):
        with pytest.raises(ValueError):
            _dlrs.PrefixSearch(*arguments)


def test_a_blank_among_the_labels_is_a_step_that_says_blank() -> None:
    """As Keras scores it: with as many steps as labels, each step says its label."""
    x = logits(1, 3, 3)
    said = log_softmax(x[0])[[0, 1, 2], [1, 0, 2]].sum()
    np.testing.assert_allclose(ops.ctc_loss([[1, 0, 2]], x, [3], [3]), [-said], rtol=1e-6)
    first = log_softmax(x[0])[[0, 1], [1, 0]].sum()  # two labels are not 0, so that the first two count
    np.testing.assert_allclose(dlrs.losses.CTC()([[1, 0, 2]], x[:, :2]), -first, rtol=1e-6)


def test_the_loss_has_no_second_derivative() -> None:
    x = dlrs.Variable(logits(1, 4, 3).astype("float32"))
    with dlrs.GradientTape() as outer:
        with dlrs.GradientTape() as inner:
            loss = ops.sum(ops.ctc_loss([[1]], x, [1], [4]))
        slope = ops.sum(ops.square(inner.gradient(loss, x)))
    with pytest.raises(ValueError, match="ctc_loss_gradient has no gradient"):
        outer.gradient(slope, x)


def test_too_many_labels_count_nothing_if_asked_for() -> None:
    x = logits(3, 4, 3, seed=4).astype("float32")
    arguments = [[1, 2, 1], [1, 1, 1], [2, 2, 0]], x, [3, 3, 1], [4, 4, 4]  # 1 _ 1 _ 1 takes five steps
    plain, zero = ops.ctc_loss(*arguments), ops.ctc_loss(*arguments, zero_infinity=True)
    assert np.isinf(plain.numpy()).tolist() == [False, True, False]
    assert zero.numpy().tolist() == np.where(np.isinf(plain), 0, plain).tolist()
    for zero_infinity in (False, True):
        variable = dlrs.Variable(x)
        with dlrs.GradientTape() as tape:
            losses = ops.ctc_loss(arguments[0], variable, *arguments[2:], zero_infinity=zero_infinity)
            total = ops.sum(losses)
        slopes = tape.gradient(total, variable).numpy()
        assert np.isfinite(slopes).all() and not slopes[1].any() and slopes[0].any() and slopes[2].any()
    loss = dlrs.losses.CTC(zero_infinity=True)
    assert np.isfinite(loss([[1, 1, 1, 0]], x[:1]).item())
    assert dlrs.losses.CTC.from_config(loss.get_config()).get_config() == loss.get_config()
    assert "zero_infinity" not in dlrs.losses.CTC().get_config()
    with pytest.raises(TypeError, match="zero_infinity"):
        ops.ctc_loss(*arguments, zero_infinity="yes")
