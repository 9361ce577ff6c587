"""Scores against those of sacreBLEU and jiwer: committed ones, and new ones if DLRS_PEERS is a Python that has both."""

import json
import os
import subprocess
import sys
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlrs import _dlrs, text
from scores import corpora

HERE = Path(__file__).parents[1] / "scores"
# Of sacreBLEU 2.6.0 and jiwer 4.0.0: `peers.py bleu 0 150` and `peers.py rates 0 100`.
COMMITTED = {"bleu": 150, "rates": 100}
CAMPAIGN = {"bleu": 2000, "rates": 1000}


def bleu_of(case: dict[str, Any]) -> list[Any]:
    score = text.bleu(case["hypotheses"], case["references"], **case["options"])
    first = text.sentence_bleu(case["hypotheses"][0], case["references"][0], **case["options"])
    return [float(score), str(score), float(first), str(first)]


def rates_of(case: dict[str, Any]) -> list[Any]:
    rates = [rate(case["references"], case["hypotheses"]) for rate in (text.wer, text.cer)]
    counts = [[rate.hits, rate.substitutions, rate.deletions, rate.insertions] for rate in rates]
    return [[float(rates[0])], counts[0], [float(rates[1])], counts[1]]


KINDS = {"bleu": (corpora.translations, bleu_of), "rates": (corpora.transcripts, rates_of)}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_peers(kind: str) -> None:
    expected = [json.loads(line) for line in (HERE / f"{kind}.jsonl").read_text().splitlines()]
    cases, score = KINDS[kind]
    assert len(expected) == COMMITTED[kind]
    for number, (case, right) in enumerate(zip(cases(0, len(expected)), expected, strict=True)):
        got = score(case)
        # Sums of logarithms are added up more precisely from Python 3.12 on: the last bit may differ from the file's.
        assert got[1::2] == right[1::2], (number, case)
        np.testing.assert_allclose(np.hstack(got[::2]), np.hstack(right[::2]), rtol=1e-14, err_msg=str(number))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_new_corpora_are_those_of_the_peers(kind: str) -> None:
    python = os.environ.get("DLRS_PEERS")
    if python is None:
        pytest.skip("DLRS_PEERS names no Python that has sacreBLEU and jiwer")
    cases, score = KINDS[kind]
    seed, count = int(os.environ.get("DLRS_SEED", "1")), CAMPAIGN[kind]
    command = [python, str(HERE / "peers.py"), kind, str(seed), str(count)]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout
    for number, (case, line) in enumerate(zip(cases(seed, count), output.splitlines(), strict=True)):
        assert score(case) == json.loads(line), (seed, number, case)


def test_sentences_and_the_corpus_agree() -> None:
    case = max(corpora.translations(3, 20), key=lambda c: len(c["hypotheses"]))
    hypotheses, references = case["hypotheses"] * 9, case["references"] * 9  # several shards
    corpus = text.bleu(hypotheses, references, smoothing="none")
    each = text.sentence_bleu(hypotheses, references, smoothing="none")
    for part in ("counts", "totals", "hypothesis_length", "reference_length"):
        assert np.array_equal(getattr(corpus, part), np.sum([getattr(s, part) for s in each], 0))


def test_thread_counts_make_no_difference() -> None:
    before = _dlrs.num_threads()
    translations = max(corpora.translations(3, 20), key=lambda c: len(c["hypotheses"]))
    transcripts = max(corpora.transcripts(3, 20), key=lambda c: len(c["hypotheses"]))
    results = []
    try:
        for threads in (1, 2, 3, 5):
            _dlrs.set_num_threads(threads)
            score = text.bleu(translations["hypotheses"] * 9, translations["references"] * 9)
            rate = text.wer(transcripts["references"] * 9, transcripts["hypotheses"] * 9)
            results.append((str(score), float(score), rate.counts.tolist()))
    finally:
        _dlrs.set_num_threads(before)
    assert all(result == results[0] for result in results)


@given(st.text("ab \t.,-1&;"), st.text("ab \t.,-1&;"))
def test_a_text_is_its_own_best_translation(one: str, other: str) -> None:
    score = text.sentence_bleu(one, [other, one])
    assert float(score) == pytest.approx(100) or not score.counts[0]
    assert text.sentence_bleu(one, other) <= score + 1e-9


def test_corner_cases() -> None:
    assert text.bleu([""], [[""]]) == 0
    assert text.bleu(["a"], ["b"]) == 0
    assert text.bleu(["", "a b c d"], ["x", "a b c d"]).brevity_penalty == pytest.approx(np.exp(1 - 5 / 4))
    assert text.sentence_bleu("ein \ud800 b c", "ein \ud800 b c") == pytest.approx(100)
    assert isinstance(text.sentence_bleu(["a"], [["b", "a"]]), list)
    assert text.wer("", "") == 0 and text.wer("", "two words") == 2 and text.wer("two words", "") == 1
    assert text.wer([], []) == 0
    rates = text.wer(["a b", "c"], ["a", "d"])
    assert rates.counts.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("hypotheses", "references", "options", "error"),
    [
        ([], [], {}, ValueError),
        (["a"], [], {}, ValueError),
        (["a"], ["b", "c"], {}, ValueError),
        (["a"], [[]], {}, ValueError),
        (["a"], "a", {}, ValueError),
        ("a", ["a"], {}, TypeError),
        ([1], ["a"], {}, TypeError),
        (["a"], [[None]], {}, TypeError),
        (["a"], [3], {}, TypeError),
        (["a"], ["a"], {"max_order": 0}, ValueError),
        (["a"], ["a"], {"max_order": 10**9}, ValueError),
        (["a"], ["a"], {"tokenizer": "intl"}, ValueError),
        (["a"], ["a"], {"smoothing": "floor", "smoothing_value": -1}, ValueError),
        (["a"], ["a"], {"smoothing": "add-k", "smoothing_value": float("nan")}, ValueError),
        (["a"], ["a"], {"smoothing": "exp", "smoothing_value": 1}, ValueError),
        (["a"], ["a"], {"smoothing": "more"}, ValueError),
        (["a"], ["a"], {"smoothing": "add-k", "smoothing_value": 10**400}, ValueError),
        (["a"], ["a"], {"tokenizer": np.zeros(2)}, ValueError),
        (["a"], ["a"], {"lowercase": np.zeros(2)}, TypeError),
        (["a"], ["a"], {"max_order": np.zeros(2)}, ValueError),
    ],
)
def test_what_bleu_refuses(hypotheses: Any, references: Any, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^bleu: "):
        text.bleu(hypotheses, references, **options)


def test_what_error_rates_refuse() -> None:
    with pytest.raises(ValueError, match="1 references and 2 hypotheses"):
        text.wer("a", ["a", "b"])
    with pytest.raises(TypeError, match="position 1"):
        text.cer(["a", None], ["a", "b"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="hashable"):
        text.edit_distance([[1]], [2])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="sequence"):
        text.edit_distance(3, "a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one axis"):
        text.edit_distance(np.zeros((2, 2), int), [1])
    with pytest.raises(ValueError, match="2 first and 1 second"):
        text.edit_distances(["a", "b"], ["a"])


def distance(a: Any, b: Any) -> int:
    """By the table of Wagner & Fischer (1974)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        before, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            before, row[j + 1] = row[j + 1], min(before + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


@given(st.lists(st.tuples(st.text("abc", max_size=150), st.text("abcd", max_size=150)), max_size=4))
def test_edit_distance_is_the_table_s(pairs: list[tuple[str, str]]) -> None:
    expected = list(starmap(distance, pairs))
    assert text.edit_distances([a for a, _ in pairs], [b for _, b in pairs]).tolist() == expected
    assert [text.edit_distance(list(a), tuple(b)) for a, b in pairs] == expected
    assert [text.edit_distance(b, a) for a, b in pairs] == expected


def test_scores_are_pickled_with_their_parts() -> None:
    import pickle

    score = text.bleu(["a b"], ["a c"])
    again = pickle.loads(pickle.dumps(score))
    assert str(again) == str(score) and again == score and sys.getsizeof(again)
