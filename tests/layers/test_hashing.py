"""Hashing, HashedCrossing, and hashes behind lookups: TensorFlow's numbers, shapes, refusals, models of strings."""

from typing import Any

import numpy as np
import pytest

from dlrs import Input, Model, Sequential, data, layers, saving
from dlrs.layers.string_hash import hashes

TEXT = "".join(chr(97 + i * i * 7 % 26) for i in range(1000))
# Every way of FarmHash through its lengths.
LENGTHS = [*range(18), 24, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 191, 192, 193, 1000]
STRINGS = [TEXT[:n] for n in LENGTHS]
PRIME = 2**31 - 1

# TensorFlow's `strings.to_hash_bucket_fast(STRINGS, PRIME)` and `strings.to_hash_bucket_strong(STRINGS, PRIME, SALT)`.
SALT = [133, -137]
# fmt: off
FARM = [
    1699943623, 493484721, 797967692, 85398425, 309756687, 1917443405, 1011319457, 1563343000, 956136535, 14231028,
    711820329, 1232374084, 1539368905, 1409064999, 1877871552, 1032042568, 1953772744, 2081886091, 817005968,
    1983406588, 1516316975, 1328180921, 709716429, 706016585, 33291301, 298551473, 919520259, 583818459, 1148871362,
    189822646, 195613836, 1318622248, 752989199, 444750187,
]
SIP = [
    651491212, 1476714537, 154476194, 1421965308, 1032989892, 1000162224, 54581576, 865203525, 516248917, 174323696,
    1013578770, 1630778054, 1373857516, 354771552, 1136296884, 436829586, 416324524, 661997444, 573969088, 745344405,
    1516264030, 1619977462, 1087992048, 884003873, 433857022, 1681332326, 1744849312, 834733289, 229254192,
    1430025811, 2075017002, 2001115010, 1389784727, 1923458004,
]
# fmt: on


def test_numbers_are_those_of_tensorflow() -> None:
    assert layers.Hashing(PRIME)(STRINGS).tolist() == FARM
    assert layers.Hashing(PRIME, salt=SALT)(np.array(STRINGS)).tolist() == SIP
    assert layers.Hashing(PRIME)([0, -7, 2**62, 12345]).tolist() == [1633463888, 1094273164, 72338356, 1572853542]
    assert layers.Hashing(PRIME)(["é漢", "\U0001f600"]).tolist() == [1332519373, 1015424558]
    crossed = layers.HashedCrossing(1000003)([[["a"], ["é"]], [["b"], ["b"]], [[3], [-9]]])
    assert crossed.tolist() == [[326612], [108686]]


@pytest.mark.parametrize("kind", [str, bytes, object])
def test_kinds_of_arrays_of_strings(kind: type) -> None:
    array = np.char.encode(STRINGS) if kind is bytes else np.array(STRINGS, kind)
    assert np.asarray(layers.Hashing(PRIME)(array.reshape(2, -1))).reshape(-1).tolist() == FARM


def test_equal_strings_have_equal_numbers_in_any_order() -> None:
    values = np.random.default_rng(0).choice(np.array(STRINGS, object), (7, 11))
    expected = [[hashes(np.array([v], object))[0] for v in row] for row in values]
    np.testing.assert_array_equal(hashes(values), expected)
    assert hashes(np.empty((0, 3), object)).shape == (0, 3)


def test_kinds_of_numbers() -> None:
    layer = layers.Hashing(10)
    as_text = layer([str(i) for i in range(9)]).tolist()
    for dtype in ("int32", "int64", "uint8", "float32"):
        assert layer(np.arange(9, dtype=dtype)).tolist() == as_text
    assert layer([2.9, -2.9]).tolist() == layer([2, -2]).tolist()
    assert layer([True, False]).tolist() == layer(["true", "false"]).tolist()


def test_the_mask_has_number_zero() -> None:
    cases: tuple[tuple[Any, list[Any]], ...] = (("b", ["a", "b", "c"]), (5, [4, 5, 6]))
    for mask, inputs in cases:
        plain, masked = layers.Hashing(3)(inputs).tolist(), layers.Hashing(4, mask_value=mask)(inputs).tolist()
        assert masked == [plain[0] + 1, 0, plain[2] + 1]
    assert layers.Hashing(1, mask_value="a")(["a", "b"]).tolist() == [0, 0]


def test_output_modes() -> None:
    words = [["a", "b", "a"], ["c", "c", "c"]]
    numbers = np.asarray(layers.Hashing(5)(words))
    counts = np.stack([np.bincount(row, minlength=5) for row in numbers])
    assert layers.Hashing(5, output_mode="count")(words).tolist() == counts.tolist()
    assert layers.Hashing(5, output_mode="multi_hot")(words).tolist() == (counts > 0).tolist()
    assert layers.Hashing(5, output_mode="one_hot")(words).tolist() == np.eye(5)[numbers].tolist()
    assert layers.Hashing(5, output_mode="one_hot", dtype="float64")(words).dtype == "float64"
    assert layers.Hashing(5, dtype="int32")(words).dtype == "int32"
    assert layers.HashedCrossing(5, output_mode="one_hot")([["a", "b"], [1, 2]]).shape == (2, 5)


def test_unknown_words_share_numbers_as_in_keras() -> None:
    words, known = list("bcdefgh"), ["a"]
    shares = (hashes(np.array(words)) % np.uint64(3)).tolist()
    assert layers.StringLookup(vocabulary=known, num_oov_indices=3)(words).tolist() == shares
    salted = layers.StringLookup(vocabulary=known, num_oov_indices=3, salt=7, mask_token="")
    expected = (hashes(np.array(words), [7, 7]) % np.uint64(3) + np.uint64(1)).tolist()
    assert salted(["", *words, "a"]).tolist() == [0, *expected, 4]


@pytest.mark.parametrize(
    "layer", [layers.Hashing(4, mask_value="", salt=[1, 2], output_mode="count"), layers.HashedCrossing(4, "one_hot")]
)
def test_configurations(layer: layers.Layer) -> None:
    again = saving.deserialize_keras_object(saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()


def test_in_a_dataset() -> None:
    hashed = data.Dataset.from_tensor_slices(np.array(["x", "y", "z"])).batch(3).map(layers.Hashing(9))
    assert next(iter(hashed)).tolist() == layers.Hashing(9)(["x", "y", "z"]).tolist()


def test_models_take_strings_where_a_layer_on_the_host_does() -> None:
    word, number = Input((1,), dtype="string", name="word"), Input((2,), name="number")
    encoded = layers.Hashing(5, output_mode="one_hot")(word)
    model = Model({"word": word, "number": number}, layers.Concatenate()([encoded, number]))
    words, numbers = np.array(["a", "b"]), np.ones((2, 2))
    expected = np.concatenate([layers.Hashing(5, output_mode="one_hot")(words[:, None]), numbers], -1)
    for given in (words, words[:, None], words.astype(object), words.astype("S1")):
        np.testing.assert_array_equal(model({"word": given, "number": numbers}), expected)
    again = Model.from_config(model.get_config())
    np.testing.assert_array_equal(again({"word": words, "number": numbers}), expected)
    with pytest.raises(ValueError, match=r"'word' .*wrong shape: expected shape=\(None, 1\), found shape=\(2, 3\)"):
        model({"word": np.full((2, 3), "a"), "number": numbers})
    with pytest.raises(ValueError, match="must be strings, got dtype int"):
        model({"word": np.array([1, 2]), "number": numbers})
    with pytest.raises(ValueError, match="string"):
        layers.Dense(2)(word)


def test_integers_are_hashed_where_a_model_runs_eagerly() -> None:
    model = Sequential([Input((3,), dtype="int32"), layers.Hashing(4)])
    np.testing.assert_array_equal(model(np.arange(6).reshape(2, 3)), layers.Hashing(4)(np.arange(6).reshape(2, 3)))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: layers.Hashing(0), "cannot be `None` or non-positive"),
        (lambda: layers.Hashing(2.5), "`num_bins` must be an integer"),
        (lambda: layers.Hashing(2, salt="s"), "can only be a tuple of size 2 integers"),
        (lambda: layers.Hashing(2, salt=[1.5, 2]), "can only be a tuple of size 2 integers"),
        (lambda: layers.Hashing(2, mask_value=[1]), "`mask_value` must be a string or a number"),
        (lambda: layers.Hashing(2, dtype="float32"), "`dtype` should be an integer type"),
        (lambda: layers.Hashing(2, output_mode="tf_idf"), "Invalid value for argument `output_mode`"),
        (lambda: layers.Hashing(2, output_mode="count", sparse=True), "sparse tensors are not supported"),
        (lambda: layers.Hashing(2)([["a"], ["a", "b"]]), "rows of equal length"),
        (lambda: layers.Hashing(2)([None]), "inputs must be strings"),
        (lambda: layers.Hashing(2)([float("nan")]), "must be strings or numbers that fit 64 bits"),
        (lambda: layers.HashedCrossing(2, "count"), "Invalid value for argument `output_mode`"),
        (lambda: layers.HashedCrossing(2)(["a"]), "at least two inputs"),
        (lambda: layers.HashedCrossing(2)("ab"), "on a list or tuple"),
        (lambda: layers.HashedCrossing(2)([["a"], ["a", "b"]]), "should have shape"),
        (lambda: layers.HashedCrossing(2)([["a"], [1.5]]), "integer or string dtype, got float64"),
    ],
)
def test_refusals(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()
