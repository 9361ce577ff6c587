"""Windows, sampling and perplexity."""

from typing import Any

import numpy as np
import pytest

from dlrs import metrics, ops, preprocessing, utils
from dlrs.text import (
    contiguous_windows,
    language_model_dataset,
    language_model_windows,
    perplexity,
    sample,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("stride", [1, 2, 5, 9])
def test_windows(stride: int) -> None:
    ids = RNG.integers(0, 99, 50)
    inputs, targets = language_model_windows(ids, 5, stride)
    starts = range(0, 45, stride)
    assert inputs.tolist() == [ids[s : s + 5].tolist() for s in starts]
    assert targets.tolist() == [ids[s + 1 : s + 6].tolist() for s in starts]
    assert inputs.dtype == targets.dtype == np.int32


def test_windows_are_views() -> None:
    inputs, targets = language_model_windows(np.arange(1000), 100, 1)
    assert np.shares_memory(inputs, targets) and inputs.shape == (900, 100)


def test_a_text_of_one_window() -> None:
    assert language_model_windows([1, 2, 3], 2)[1].tolist() == [[2, 3]]
    with pytest.raises(ValueError, match="`ids` has 2 tokens; windows of length 2 need at least 3"):
        language_model_windows([1, 2], 2)


def test_dataset_holds_every_window_each_epoch() -> None:
    data = language_model_dataset(np.arange(31), 3, 4, seed=1)
    for _ in range(2):
        assert sorted(i for x, _ in data for i in x[:, 0].tolist()) == list(range(0, 30, 3))


@pytest.mark.parametrize(("size", "length"), [(1, 4), (3, 4), (5, 2), (4, 7)])
def test_contiguous_rows_go_on_in_the_next_batch(size: int, length: int) -> None:
    inputs, targets = contiguous_windows(np.arange(100), length, size)
    batches = inputs.reshape(-1, size, length)
    np.testing.assert_array_equal(targets, inputs + 1)
    np.testing.assert_array_equal(batches[1:, :, 0], batches[:-1, :, -1] + 1)
    assert len(batches) == 99 // (size * length)


def frequencies(**options: Any) -> np.ndarray[Any, Any]:
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    drawn = sample(np.tile(logits, (20000, 1)), seed=3, **options)
    return np.bincount(drawn, minlength=4) / 20000


def test_samples_have_their_probabilities() -> None:
    np.testing.assert_allclose(frequencies(), [0.5, 0.3, 0.15, 0.05], atol=0.015)
    squared = np.square([0.5, 0.3, 0.15, 0.05])
    np.testing.assert_allclose(frequencies(temperature=0.5), squared / squared.sum(), atol=0.015)
    np.testing.assert_allclose(frequencies(top_k=2), [0.625, 0.375, 0, 0], atol=0.015)
    np.testing.assert_allclose(frequencies(top_p=0.81), np.array([0.5, 0.3, 0.15, 0]) / 0.95, atol=0.015)
    np.testing.assert_allclose(frequencies(top_k=3, top_p=0.5), [1, 0, 0, 0])
    np.testing.assert_allclose(frequencies(top_k=9, top_p=1.0), frequencies(), atol=0.015)


def test_samples_repeat_with_their_seed() -> None:
    scores = RNG.normal(size=(7, 30))
    np.testing.assert_array_equal(sample(scores, seed=5), sample(scores, seed=5))
    np.testing.assert_array_equal(sample(scores, temperature=1e-300), scores.argmax(-1))
    np.testing.assert_array_equal(sample(scores, temperature=0), scores.argmax(-1))
    probabilities = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_array_equal(sample(probabilities, from_logits=False, seed=5), sample(scores, seed=5))


def test_impossible_tokens_are_never_drawn() -> None:
    scores = np.array([-np.inf, 0.0, -np.inf])
    assert {int(sample(scores, seed=s)) for s in range(50)} == {1}
    assert {int(sample([0.0, 1.0, 0.0], from_logits=False, seed=s)) for s in range(50)} == {1}


@pytest.mark.parametrize("scores", [[np.nan, 1.0], [-np.inf, -np.inf], [np.inf, 0.0], [], 3.0, ["a"]])
def test_scores_that_cannot_be_drawn_from(scores: Any) -> None:
    with pytest.raises(ValueError, match="sample: `scores` must"):
        sample(scores)


@pytest.mark.parametrize(
    "options", [{"temperature": -1}, {"temperature": np.nan}, {"temperature": 10**400}, {"top_k": 0}, {"top_p": 0.0}]
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"sample: `{next(iter(options))}` must be"):
        sample([1.0, 2.0], **options)


def test_perplexity_against_the_formula() -> None:
    logits, truth = RNG.normal(size=(4, 6, 9)), RNG.integers(0, 9, (4, 6))
    mask = RNG.random((4, 6)) < 0.7
    soft = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    losses = -np.log(np.take_along_axis(soft, truth[..., None], -1)[..., 0])
    assert perplexity(truth, soft) == pytest.approx(np.exp(losses.mean()))
    assert perplexity(truth, logits, from_logits=True) == pytest.approx(np.exp(losses.mean()))
    assert perplexity(truth, soft, mask) == pytest.approx(np.exp(losses[mask].mean()))
    metric = metrics.Perplexity()
    metric.update_state(truth[:1], ops.array(soft[:1], "float32"), sample_weight=mask[:1].astype("float32"))
    metric.update_state(truth[1:], ops.array(soft[1:], "float32"), sample_weight=mask[1:].astype("float32"))
    assert metric.result().item() == pytest.approx(np.exp(losses[mask].mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [[3.0, -2.0], [0.1, 0.9]]), "some are negative"),
        (([0, 1], [[0.0, 0.0], [0.1, 0.9]]), "all of a row are 0"),
        (([0, 1], [[0.5, 0.5], [0.1, 0.9]], [0.5, 2.0]), "`mask` must hold booleans"),
        (([[0], [1, 1]], [[0.5, 0.5], [0.1, 0.9]]), "`y_true`: lists or arrays of different lengths"),
    ],
)
def test_what_has_no_perplexity(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"perplexity: .*{message}"):
        perplexity(*arguments)
    counted = perplexity([0, 1], [[3.0, -2.0], [0.1, 0.9]], mask=[0, 1])  # what does not count may be anything
    assert counted == pytest.approx(1 / 0.9)


def test_perplexity_metric_leaves_a_class_out() -> None:
    soft = RNG.dirichlet(np.ones(5), (3, 4)).astype(np.float32)
    truth = RNG.integers(0, 5, (3, 4))
    metric = metrics.Perplexity(ignore_class=0)
    assert metric(truth, ops.array(soft)).item() == pytest.approx(perplexity(truth, soft, truth != 0), rel=1e-4)


def test_perplexity_names_id_and_position() -> None:
    with pytest.raises(ValueError, match=r"token id 7 at position \(0, 1\) is not in \[0, 3\)"):
        perplexity([[0, 7]], np.ones((1, 2, 3)))
    assert perplexity([[0, 7]], np.ones((1, 2, 3)), mask=[[True, False]]) == pytest.approx(3)


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 0, 2, 5])
def test_pad_sequences(padding: str, truncating: str, maxlen: int | None) -> None:
    rows = [[1], [], [2, 3, 4], [5, 6]]
    padded = utils.pad_sequences(rows, maxlen, padding=padding, truncating=truncating, value=-1)
    length = 3 if maxlen is None else maxlen
    for row, got in zip(rows, padded.tolist(), strict=True):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        fill = [-1] * (length - len(kept))
        assert got == (fill + kept if padding == "pre" else kept + fill)
    assert preprocessing.sequence.pad_sequences is utils.pad_sequences


@pytest.mark.parametrize(
    ("sequences", "options", "message"),
    [
        ([[1], ["a"]], {}, "position 1 does not fit `dtype` int32: it holds text, which `dtype=object` keeps"),
        ([[2**40]], {}, r"1099511627776 is not in \[-2147483648, 2147483648\)"),
        ([np.array([2**40])], {}, "1099511627776 is not in"),
        ([np.array([300])], {"dtype": "uint8"}, r"300 is not in \[0, 256\)"),
        ([[-1]], {"dtype": "uint8"}, "-1 is not in"),
        ([[2**70]], {"dtype": "int64"}, "position 0 does not fit `dtype` int64"),
        ([[1.0, float("nan")]], {}, "nan is not in"),
        ([[1.0, None]], {}, "position 0 does not fit"),
        ([[1j]], {"dtype": "float32"}, "complex"),
        ([[[1], [1, 2]]], {}, "elements differ in length"),
        ([["abc"]], {"dtype": "U2"}, "longer text; `dtype=object` takes any"),
        ([{1, 2}], {}, "Found non-iterable: {1, 2} at position 0"),
        (["abc"], {"dtype": object}, "Found non-iterable: 'abc'"),
        ([[1]], {"dtype": "words"}, "`dtype` must be a type of NumPy's, got 'words'"),
        ([[1]], {"value": float("nan")}, "`value` does not fit"),
        ([[[1, 2]]], {"value": [7, 8, 9], "maxlen": 2}, r"`value` of shape \(3,\) does not fill \(2,\)"),
    ],
)
def test_what_cannot_be_padded(sequences: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"pad_sequences: .*{message}"):
        utils.pad_sequences(sequences, **options)


def test_pad_sequences_of_vectors_and_strings() -> None:
    assert utils.pad_sequences([[[1, 2]], [[3, 4], [5, 6]]]).shape == (2, 2, 2)
    words = utils.pad_sequences([["a"], ["bc", "d"]], dtype=object, value="<pad>", padding="post")
    assert words.tolist() == [["a", "<pad>"], ["bc", "d"]]
    with pytest.raises(ValueError, match="at position 1 is different from expected shape"):
        utils.pad_sequences([[[1, 2]], [[3]]])
    with pytest.raises(ValueError, match="Found non-iterable: 3 at position 1"):
        utils.pad_sequences([[1], 3])
