"""Terms that layers have learned, in Keras's files: written to the configuration, read from there and from assets."""

import json

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs h5py")

import dlrs
from dlrs import layers, saving
from dlrs.errors import FormatError
from saving import hostile

TEXTS, NUMBERS = np.array(["a b", "c", "a b", "d"]), np.array([5, 7, 5, -3])
CASES = {
    "string_lookup": (lambda: layers.StringLookup(), TEXTS),
    "string_lookup of two unknown": (lambda: layers.StringLookup(num_oov_indices=2, mask_token=""), TEXTS),
    "integer_lookup": (lambda: layers.IntegerLookup(), NUMBERS),
    "text_vectorization": (lambda: layers.TextVectorization(output_sequence_length=2), TEXTS),
}


def learned(name):
    make, data = CASES[name]
    layer = make()
    layer.adapt(data)
    kind = "int64" if data is NUMBERS else "string"
    return dlrs.Sequential([dlrs.Input((1,), dtype=kind), layer]), data


def as_keras_writes(path, name, content=None):
    """The file with the terms as Keras has them: not in the configuration, but in a member of their own."""
    members = hostile.members_of(path.read_bytes())
    config = json.loads(members["config.json"])
    inner = config["config"]["layers"][-1]["config"]
    inner["vocabulary"] = None
    place = f"assets/layers/{name.split()[0]}"
    terms = saving.load_model(path).layers[-1].get_vocabulary()
    content = "\n".join(map(str, terms)).encode() if content is None else content
    places = [place, f"{place}/_lookup_layer"] if name == "text_vectorization" else [place]
    members |= {f"{place}/vocabulary.txt": content for place in places}
    path.write_bytes(hostile.archive({**members, "config.json": json.dumps(config).encode()}))


@pytest.mark.parametrize("name", CASES)
def test_terms_come_back(tmp_path, name):
    model, data = learned(name)
    path = tmp_path / "m.keras"
    model.save(path)
    inner = json.loads(hostile.members_of(path.read_bytes())["config.json"])["config"]["layers"][-1]["config"]
    terms = model.layers[-1].get_vocabulary(include_special_tokens=False)
    assert "learned_terms" not in inner and inner["vocabulary"] == terms  # as Keras takes them
    for write in (lambda: None, lambda: as_keras_writes(path, name)):
        write()
        layer = saving.load_model(path).layers[-1]
        assert layer.get_vocabulary() == model.layers[-1].get_vocabulary()
        np.testing.assert_array_equal(layer(data[:, None]), model.layers[-1](data[:, None]))


@pytest.mark.parametrize("content", [b"", b"a\na", b"x\ny\n\xc3"])
def test_terms_that_are_none_are_refused(tmp_path, content):
    model, _ = learned("string_lookup")
    model.save(tmp_path / "m.keras")
    as_keras_writes(tmp_path / "m.keras", "string_lookup", content)
    with pytest.raises(FormatError) as caught:
        saving.load_model(tmp_path / "m.keras")
    assert caught.value.rule == "C1"


def test_a_layer_that_read_its_terms_from_a_file_is_loaded_without_it(tmp_path):
    (tmp_path / "terms.txt").write_text("red\nblue\n")
    layer = layers.StringLookup(vocabulary=str(tmp_path / "terms.txt"))
    model = dlrs.Sequential([dlrs.Input((1,), dtype="string"), layer])
    for suffix in ("keras", "dlrs"):
        model.save(tmp_path / f"m.{suffix}")
    (tmp_path / "terms.txt").unlink()
    for suffix in ("keras", "dlrs"):
        assert saving.load_model(tmp_path / f"m.{suffix}").layers[-1].get_vocabulary() == ["[UNK]", "red", "blue"]
    with pytest.raises(TypeError, match="path of another file"):
        saving.deserialize_keras_object({"module": "keras.layers", "class_name": "StringLookup",
                                         "config": {"vocabulary": str(tmp_path / "terms.txt")}})  # fmt: skip
