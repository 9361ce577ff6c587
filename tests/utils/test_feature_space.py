"""FeatureSpace: what its features give, crosses, rows and batches, datasets, copies, models, refusals."""

import copy
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import Model, layers, saving
from dlrs.data import Dataset
from dlrs.models import load_model
from dlrs.utils import FeatureSpace

TABLE: dict[str, Any] = {
    "size": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    "age": [3, 1, 3, 2, 3, 1, 3, 2, 9, 9],
    "town": ["Bonn", "Ulm", "Bonn", "Kiel", "Ulm", "Bonn", "Bonn", "Ulm", "Kiel", "Bonn"],
}
LABELS = np.arange(10) % 2


def space(**kwargs: Any) -> Any:
    features = {"size": "float_normalized", "age": "integer_categorical", "town": "string_categorical"}
    return FeatureSpace(features, **kwargs)


def adapted(**kwargs: Any) -> Any:
    made = space(**kwargs)
    made.adapt(TABLE)
    return made


def test_columns_are_joined_in_the_order_of_their_names() -> None:
    found = adapted()(TABLE).numpy()
    # Age: the unknown, then 3, 9, 2, 1 by frequency and size; size; town: the unknown, Bonn, Ulm, Kiel.
    assert found.shape == (10, 5 + 1 + 4)
    ages, towns = [3, 9, 2, 1], ["Bonn", "Ulm", "Kiel"]
    np.testing.assert_array_equal(found[:, 1:5], np.array(TABLE["age"])[:, None] == ages)
    np.testing.assert_array_equal(found[:, 7:], np.array(TABLE["town"])[:, None] == towns)
    size = np.array(TABLE["size"])
    np.testing.assert_allclose(found[:, 5], (size - size.mean()) / size.std(), atol=1e-5)


def test_what_was_never_seen_is_unknown() -> None:
    found = adapted()({"size": [0.5], "age": [77], "town": ["Trier"]}).numpy()[0]
    assert (found[0], found[6]) == (1, 1)
    assert found.sum() == pytest.approx(2 + found[5])


@pytest.mark.parametrize("batch", [None, 4])
def test_datasets_of_rows_and_of_batches_teach_the_same(batch: int | None) -> None:
    dataset = Dataset.from_tensor_slices({key: np.array(column) for key, column in TABLE.items()})
    made = space()
    made.adapt(dataset if batch is None else dataset.batch(batch))
    np.testing.assert_allclose(made(TABLE), adapted()(TABLE), atol=1e-6)


def test_a_row_is_a_batch_of_one() -> None:
    made = adapted()
    row = {key: column[3] for key, column in TABLE.items()}
    np.testing.assert_array_equal(made(row), made(TABLE)[3])
    columns = {key: np.array(column)[:, None] for key, column in TABLE.items()}
    np.testing.assert_array_equal(made(columns), made(TABLE))


def test_crosses_are_hashed_pairs_of_numbers() -> None:
    made = adapted(crosses=[("age", "town")], crossing_dim=16, output_mode="dict")
    found = made(TABLE)
    assert set(found) == {"size", "age", "town", "age_X_town"}
    numbers = [np.asarray(found[key]).argmax(-1) for key in ("age", "town")]
    expected = layers.HashedCrossing(16, output_mode="one_hot")([n[:, None] for n in numbers])
    np.testing.assert_array_equal(found["age_X_town"], expected)


def test_features_with_arguments() -> None:
    made = FeatureSpace(
        {
            "plain": FeatureSpace.float(),
            "scaled": FeatureSpace.float_rescaled(2.0, 1.0),
            "ranged": FeatureSpace.float_discretized(None, bin_boundaries=[1.5, 2.5]),
            "hashed": FeatureSpace.integer_hashed(7, output_mode="int"),
            "word": FeatureSpace.string_hashed(8),
            "text": FeatureSpace.feature("string", layers.TextVectorization(output_mode="count"), "float"),
        },
        output_mode="dict",
    )
    table = {
        "plain": [1, 2, 3], "scaled": [1.0, 2.0, 3.0], "ranged": [1.0, 2.0, 3.0], "hashed": [1, 2, 3],
        "word": ["a", "b", "c"], "text": ["one two", "two", "three two two"],
    }  # fmt: skip
    made.adapt(table)
    found = {key: np.asarray(value) for key, value in made(table).items()}
    assert found["plain"].tolist() == [[1.0], [2.0], [3.0]]
    assert found["scaled"].tolist() == [[3.0], [5.0], [7.0]]
    assert found["ranged"].tolist() == np.eye(3).tolist()
    assert found["hashed"].tolist() == layers.Hashing(7)([[1], [2], [3]]).tolist()
    assert found["word"].shape == (3, 8)
    assert found["text"][:, 1].tolist() == [1, 1, 2]


def test_nothing_to_learn_needs_no_data() -> None:
    made = FeatureSpace({"a": "float", "b": FeatureSpace.integer_hashed(4)})
    assert made({"a": [1.0], "b": [2]}).shape == (1, 5)


def test_a_model_is_trained_on_what_a_dataset_maps() -> None:
    made = adapted()
    encoded = made.get_encoded_features()
    assert encoded.shape == (None, 10)
    model = Model(encoded, layers.Dense(1)(encoded))
    model.compile("adam", "mse")
    rows = Dataset.from_tensor_slices((TABLE, LABELS)).map(lambda x, y: (made(x), y)).batch(4)
    model.fit(rows, verbose=0)
    whole = Model(made.get_inputs(), model(encoded))
    columns = {key: np.array(column) for key, column in TABLE.items()}
    np.testing.assert_allclose(whole(columns), model.predict(made(TABLE), verbose=0), atol=1e-6)


def test_files_hold_what_was_learned(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    made = FeatureSpace(
        {
            "size": "float_normalized", "age": FeatureSpace.integer_categorical(max_tokens=5, num_oov_indices=2),
            "town": "string_categorical", "room": FeatureSpace.integer_hashed(8),
            "width": FeatureSpace.float_discretized(3),
        },
        crosses=[FeatureSpace.cross(("age", "town"), 8), FeatureSpace.cross(("width", "age"), 4)],
    )  # fmt: skip
    table = {**TABLE, "room": TABLE["age"], "width": TABLE["size"]}
    made.adapt(table)
    made.save(tmp_path / "one.keras")
    one = load_model(tmp_path / "one.keras")
    one.save(tmp_path / "other.keras")  # as it is, before it is called
    stream = io.BytesIO()
    saving.save_model(one, stream)
    stream.seek(0)
    for again in (one, load_model(tmp_path / "other.keras"), load_model(stream)):
        np.testing.assert_array_equal(again(table), made(table))
        model = Model(again.get_inputs(), again.get_encoded_features())
        np.testing.assert_allclose(model({k: np.array(v) for k, v in table.items()}), made(table), atol=1e-6)
    for name in ("space.dlrs", "space.h5", "space"):
        with pytest.raises(ValueError, match=r"must end in `\.keras`"):
            made.save(tmp_path / name)
    for name in ("space.dlrs", "space.h5"):
        with pytest.raises(ValueError, match=r"FeatureSpace is saved to a path that ends in '\.keras'"):
            saving.save_model(made, tmp_path / name)
    with pytest.raises(ValueError, match=r"You need to call `\.adapt"):
        FeatureSpace({"a": "float_normalized"}).save(tmp_path / "two.keras")
        load_model(tmp_path / "two.keras")({"a": [1.0]})


@pytest.mark.parametrize("how", ["configuration", "pickle", "copy"])
def test_copies_know_what_was_learned(how: str) -> None:
    made = FeatureSpace(
        {"size": "float_normalized", "age": "integer_categorical", "town": "string_categorical"},
        crosses=[FeatureSpace.cross(("age", "town"), 8)],
    )
    made.adapt(TABLE)
    ways = {
        "configuration": lambda: FeatureSpace.from_config(json.loads(json.dumps(made.get_config()))),
        "pickle": lambda: pickle.loads(pickle.dumps(made)),
        "copy": lambda: copy.deepcopy(made),
    }
    np.testing.assert_array_equal(ways[how]()(TABLE), made(TABLE))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: FeatureSpace({}), "cannot be None or empty"),
        (lambda: FeatureSpace({"a": "floats"}), "Invalid feature type of 'a': 'floats'"),
        (lambda: space(output_mode="tuple"), "for argument `output_mode`"),
        (lambda: space(crosses=[("age", "city")]), "should be present in the `features`"),
        (lambda: space(crosses=[("age", "town")], crossing_dim=None), "`crossing_dim`"),
        (lambda: space()(TABLE), "You need to call `.adapt"),
        (lambda: space().get_encoded_features(), "You need to call `.adapt"),
        (lambda: space().adapt([1, 2]), "can only be called on a data.Dataset or a dict"),
        (lambda: adapted()({"size": [1.0]}), "a dict of its features"),
        (lambda: adapted()([1.0]), "Received: list"),
        (lambda: FeatureSpace.cross(("a", "b"), 4, "float"), "for argument `output_mode`"),
        (lambda: FeatureSpace.feature("int32", 3, "int"), "`preprocessor` must be a layer"),
        (lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, "int")})({"a": [1]}), "has not been encoded"),
        (
            lambda: FeatureSpace({"a": FeatureSpace.feature("float32", layers.Rescaling(2.0), "one_hot")})({"a": [1]}),
            "should return an integer dtype",
        ),
    ],
)
def test_refusals(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()
