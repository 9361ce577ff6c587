"""Keras's files as streams, folders and shards, and the editor of weights."""

import io
import json

import numpy as np
import pytest

import dlrs
from dlrs import layers
from dlrs.errors import FormatError
from dlrs.saving import KerasFileEditor

pytest.importorskip("h5py")


PLACES = ("layers/dense", "layers/dense_1", "optimizer")


def small_model(**options):
    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(4), layers.Dense(2)])
    model.compile("adam", "mse", **options)
    return model


def test_streams_and_folders_hold_what_files_do(tmp_path):
    model, x = small_model(), np.ones((2, 3), "float32")
    stream = io.BytesIO()
    dlrs.saving.save_model(model, stream)
    dlrs.saving.save_model(model, tmp_path / "folder", zipped=False)
    stream.seek(0)
    for source in (stream, tmp_path / "folder"):
        np.testing.assert_array_equal(dlrs.saving.load_model(source)(x), model(x))
    with pytest.raises(FileExistsError):
        dlrs.saving.save_model(model, tmp_path / "folder", overwrite=False, zipped=False)
    with pytest.raises(ValueError, match=r"should not end in '\.keras'"):
        dlrs.saving.save_model(model, tmp_path / "model.keras", zipped=False)
    (tmp_path / "folder" / "more.txt").write_text("x")
    with pytest.raises(FormatError, match=r"'more\.txt' is not read"):
        dlrs.saving.load_model(tmp_path / "folder")


def test_weights_in_shards(tmp_path):
    model, other = small_model(), small_model()
    path = tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=5e-8)  # 53 bytes
    assert sorted(p.name for p in tmp_path.iterdir())[:2] == ["w.weights.json", "w_00000.weights.h5"]
    assert len(list(tmp_path.iterdir())) == 4
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="more than `max_shard_size`"):
        model.save_weights(path, max_shard_size=1e-8)
    for size in (0, -1, float("nan"), True, "1"):
        with pytest.raises(ValueError, match="positive number"):
            model.save_weights(path, max_shard_size=size)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{}", "C1"),
        ("[]", "G11"),
        ('{"weight_map": []}', "C1"),
        ('{"weight_map": {"/a/vars": "../w.weights.h5"}}', "K1"),
        ('{"weight_map": {"/a/vars": "/etc/passwd"}}', "K1"),
        ('{"weight_map": {"/a/vars": ["w.weights.h5", 3]}}', "K1"),
        ('{"weight_map": {"/a/vars": "w\\u0000.weights.h5"}}', "K1"),
        ('{"weight_map": {"/a/vars": ["a.weights.h5", "b.weights.h5"]}}', "K1"),
        (json.dumps({"weight_map": {f"/{place}/vars": ["a.weights.h5", "b.weights.h5"] for place in PLACES}}), "G12"),
    ],
)
def test_a_lying_map_of_shards_is_refused(tmp_path, content, rule):
    model = small_model()
    for name in ("a", "b"):
        model.save_weights(tmp_path / f"{name}.weights.h5")
    path = tmp_path / "w.weights.json"
    path.write_text(content)
    with pytest.raises(FormatError) as caught:
        model.load_weights(path)
    assert caught.value.rule == rule


def test_an_editor_refuses_what_is_not_there(tmp_path):
    model = small_model()
    model.save_weights(tmp_path / "w.weights.h5")
    editor = KerasFileEditor(tmp_path / "w.weights.h5")
    for call in (
        lambda: editor.delete_object("dense_7"),
        lambda: editor.rename_object("layers/dense", "a/b"),
        lambda: editor.add_object("no/dense", {}),
        lambda: editor.add_weights("layers/dense", [1]),
        lambda: editor.delete_weight("layers/dense", "9"),
        lambda: editor.save(tmp_path / "w.keras"),
        lambda: KerasFileEditor(tmp_path / "w.txt"),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
    editor.rename_object("layers/dense", "dense_9")
    editor.save(tmp_path / "new.weights.h5")
    assert "dense_9" in KerasFileEditor(tmp_path / "new.weights.h5").weights_dict["layers"]


def test_a_model_with_a_compile_of_its_own_is_loaded_without_being_compiled(tmp_path):
    @dlrs.saving.register_keras_serializable("test")
    class Own(dlrs.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compile(self, *args, **kwargs):
            super().compile(*args, **kwargs)

    model, x = Own(), np.ones((2, 3), "float32")
    model.compile("sgd", "mse")
    model(x)
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"`compile\(\)` was not called"):
        loaded = dlrs.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded(x), model(x))  # built for the shape of the first call
    assert not loaded.compiled
