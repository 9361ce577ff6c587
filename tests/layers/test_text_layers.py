"""StringLookup, IntegerLookup, TextVectorization: what they learn, give and refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import Sequential, data, layers, saving
from dlrs.backend import Tensor

WORDS = ["b", "a", "c", "b", "a", "b"]
TEXTS = np.array(["The cat sat.", "the Dog sat!", "a cat, a dog"])


def test_vocabulary_goes_by_count_then_by_term_downwards() -> None:
    layer = layers.StringLookup()
    layer.adapt(WORDS)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a", "c"]
    layer.adapt(["x", "y"])
    assert layer.get_vocabulary() == ["[UNK]", "y", "x"]
    small = layers.StringLookup(max_tokens=3, mask_token="")
    small.adapt([*WORDS, "", "", "", ""])
    assert small.get_vocabulary() == ["", "[UNK]", "b"]
    assert small(["", "b", "a"]).tolist() == [0, 2, 1]


def test_output_modes() -> None:
    rows = [["a", "b", "b"], ["z", "c", ""]]

    def encoded(mode: str, **kwargs: Any) -> Any:
        layer = layers.StringLookup(vocabulary=["a", "b", "c"], output_mode=mode, mask_token="", **kwargs)
        output = layer(rows)
        assert isinstance(output, Tensor) and layer.compute_output_shape((2, 3)) == output.shape
        return output.tolist()

    assert encoded("int") == [[2, 3, 3], [1, 4, 0]]
    assert encoded("multi_hot") == [[0, 1, 1, 0], [1, 0, 0, 1]]
    assert encoded("count", max_tokens=5, pad_to_max_tokens=True) == [[0, 1, 2, 0, 0], [1, 0, 0, 1, 0]]
    assert encoded("tf_idf", idf_weights=[1, 2, 6]) == [[0, 1, 4, 0], [3, 0, 0, 6]]
    assert encoded("one_hot")[1] == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_unknown_terms() -> None:
    layer = layers.StringLookup(vocabulary=["a"], num_oov_indices=3)
    numbers = layer(list("bcdefghijklm")).tolist()
    assert set(numbers) == {0, 1, 2} and numbers == layer(list("bcdefghijklm")).tolist()
    assert layers.IntegerLookup(vocabulary=[7], num_oov_indices=2)([7, 10, 11]).tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match=r"found OOV value 'z' \(number 1\)"):
        layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "z"])


def test_there_and_back() -> None:
    there = layers.StringLookup(vocabulary=["a", "b"])
    back = layers.StringLookup(vocabulary=["a", "b"], invert=True)
    assert back(there([["a", "b"], ["z", "a"]])).tolist() == [["a", "b"], ["[UNK]", "a"]]
    assert layers.IntegerLookup(vocabulary=[5, 9], invert=True)([2, 0]).tolist() == [9, -1]


def test_weights_learned_for_tf_idf() -> None:
    layer = layers.TextVectorization(output_mode="tf_idf")
    layer.adapt(TEXTS)
    idf = {w: np.log(1 + 3 / (1 + n)) for w, n in (("the", 2), ("sat", 2), ("dog", 2), ("cat", 2), ("a", 1))}
    expected = [idf.get(w, np.mean(list(idf.values()))) * (["a", "cat", "a"].count(w)) for w in layer.get_vocabulary()]
    np.testing.assert_allclose(layer(["a cat a"])[0].tolist(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "text", "terms"),
    [
        ({}, "Héllo,  WÖRLD: twice\n", ["héllo", "wörld", "twice"]),
        ({"split": "character"}, "hÉ", ["h", "é"]),
        ({"ngrams": 2}, "A b.", ["a", "b", "a b"]),
        ({"ngrams": (2, 3)}, "a b c", ["a b", "b c", "a b c"]),
        ({"standardize": "strip_punctuation"}, "A.", ["A"]),
        ({"standardize": "lower"}, "A.", ["a."]),
        ({"standardize": None, "split": None}, "A b.", ["A b."]),
        ({"standardize": None, "split": lambda texts: [t.split("|") for t in texts]}, "x y|z", ["x y", "z"]),
        ({"standardize": lambda texts: np.char.replace(texts, "-", " ")}, "one-two", ["one", "two"]),
    ],
)
def test_ways_of_splitting(options: dict[str, Any], text: str, terms: list[str]) -> None:
    layer = layers.TextVectorization(**options)
    layer.adapt([text])
    assert sorted(layer.get_vocabulary(include_special_tokens=False)) == sorted(terms)
    assert layer(text).tolist() == [layer.get_vocabulary().index(term) for term in terms]


def test_rows_are_cut_and_filled() -> None:
    layer = layers.TextVectorization(vocabulary=["cat", "sat"], output_sequence_length=2)
    assert layer(TEXTS).tolist() == [[1, 2], [1, 1], [1, 2]]
    assert layer(TEXTS[:, None]).shape == (3, 2)
    assert layer("cat").tolist() == [2, 0]
    assert layer([b"cat sat"]).tolist() == [[2, 3]]
    assert layers.TextVectorization(vocabulary=["cat"])(["", "cat"]).tolist() == [[0], [2]]


@pytest.mark.parametrize("cls", [layers.StringLookup, layers.IntegerLookup, layers.TextVectorization])
@pytest.mark.parametrize("options", [{}, {"max_tokens": 5, "output_mode": "count", "pad_to_max_tokens": True}])
def test_without_a_vocabulary_nothing_is_looked_up(cls: Any, options: dict[str, Any]) -> None:
    layer, x = cls(name="words", **options), [1, 2] if cls is layers.IntegerLookup else ["a", "b"]
    with pytest.raises(RuntimeError, match=r"'words' has no vocabulary: call `adapt`"):
        layer(x)
    layer.adapt(x)
    assert (np.asarray(layer(x)).sum() if options else np.asarray(layer(x)).min()) > 0


def test_without_a_vocabulary_nothing_is_looked_up_backwards() -> None:
    with pytest.raises(RuntimeError, match="no vocabulary"):
        layers.IntegerLookup(invert=True)([1, 2])


@pytest.mark.parametrize(
    ("options", "x", "expected"),
    [
        ({}, ["a", "b", "c"], [2, 3, 1]),
        ({}, [["A."], ["b"]], [[2], [3]]),
        ({}, [["a", "b"], ["c", "b"]], [[2, 3], [1, 3]]),
        ({}, [[["a", "b"]]], [[[2, 3]]]),
        ({"output_sequence_length": 3}, [["a", "b"]], [[2, 3, 0]]),
        ({"output_mode": "multi_hot"}, ["a", "a", "b"], [0, 1, 1]),
        ({"output_mode": "count"}, [["a", "a"], ["c", "b"]], [[0, 2, 0], [1, 0, 1]]),
        ({"output_mode": "one_hot"}, [["a", "b"]], [[[0, 1, 0], [0, 0, 1]]]),
    ],
)
def test_terms_that_are_not_split(options: dict[str, Any], x: Any, expected: Any) -> None:
    layer = layers.TextVectorization(split=None, vocabulary=["a", "b"], **options)
    output = layer(x)
    assert output.tolist() == expected and layer.compute_output_shape(np.shape(x)) == output.shape


def test_one_hot_terms_of_texts_of_different_lengths() -> None:
    layer = layers.TextVectorization(output_mode="one_hot", vocabulary=["a", "b"])
    assert layer(["a b", "b c"]).shape == (2, 2, 3)
    with pytest.raises(ValueError, match=r"TextVectorization: .* as many terms each, got \[1, 2\]"):
        layer(["a b", "b"])


def test_in_a_dataset_before_a_model() -> None:
    layer = layers.TextVectorization(output_sequence_length=4)
    layer.adapt(TEXTS)
    batches = data.Dataset.from_tensor_slices((TEXTS, np.zeros((3, 1), np.float32))).batch(2)
    prepared = batches.map(lambda x, y: (layer(x), y))
    model = Sequential([layers.Embedding(layer.vocabulary_size(), 3), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(prepared, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("mode", ["int", "count", "tf_idf"])
def test_a_learned_vocabulary_goes_with_the_configuration(mode: str) -> None:
    for layer in (layers.TextVectorization(ngrams=(1, 2), output_mode=mode), layers.StringLookup(output_mode=mode)):
        layer.adapt(TEXTS)
        again = saving.deserialize_keras_object(saving.serialize_keras_object(layer))
        assert again.get_config() == layer.get_config()
        assert again(TEXTS).tolist() == layer(TEXTS).tolist()


def test_vocabulary_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n")
    layer = layers.StringLookup(vocabulary=str(path))
    path.unlink()
    assert layers.StringLookup.from_config(layer.get_config())(["b"]).tolist() == [2]
    with pytest.raises(ValueError, match=r"Vocabulary file .* does not exist"):
        layers.StringLookup(vocabulary=str(path))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.StringLookup(vocabulary=["a", "a"]), "repeated terms are: \\['a'\\]"),
        (lambda: layers.StringLookup(vocabulary=[]), "Cannot set an empty vocabulary"),
        (lambda: layers.StringLookup(max_tokens=2, vocabulary=["a", "b"]), "vocabulary size is 3; `max_tokens` is 2"),
        (lambda: layers.StringLookup(max_tokens=1), "`max_tokens` must be greater than 1"),
        (lambda: layers.StringLookup(num_oov_indices=-1), "`num_oov_indices` must be greater"),
        (lambda: layers.StringLookup(output_mode="bits"), "`output_mode` must be one of"),
        (lambda: layers.StringLookup(vocabulary=["a"])([1]), "inputs must be strings, got dtype int64"),
        (lambda: layers.IntegerLookup(vocabulary=[1])(["a"]), "inputs must be integers"),
        (lambda: layers.StringLookup(["a"]), "`max_tokens` must be greater than 1"),
        (lambda: layers.TextVectorization(standardize="upper"), "`standardize` must be one of"),
        (lambda: layers.TextVectorization(ngrams=0), "`ngrams` must be None, an integer from 1"),
        (lambda: layers.TextVectorization(ragged=True), "`ragged` must be False"),
        (lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]), "the input rank must be 1"),
    ],
)
def test_what_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
