"""Saved models come back bit for bit; damaged files are refused before anything is assigned."""

import json
import zipfile

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops, saving
from dlrs.saving import safetensors

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
Y = np.arange(30) % 3


def sequential():
    return dlrs.Sequential(
        [dlrs.Input((4,)), layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3, seed=4),
         layers.Dense(3)]
    )  # fmt: skip


def functional():
    x = dlrs.Input((4,))
    h = layers.Dense(5, activation="tanh")(x)
    return dlrs.Model(x, layers.Dense(3)(ops.concatenate([h, x * 2.0], axis=-1)))


@saving.register_keras_serializable("tests")
class Custom(dlrs.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units, activation="relu")
        self.head = layers.Dense(3)

    def call(self, inputs):
        return self.head(self.hidden(inputs))


def compiled(model):
    schedule = dlrs.optimizers.schedules.ExponentialDecay(1e-2, 10, 0.5)
    loss = dlrs.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(dlrs.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "make", [sequential, functional, lambda: Custom(6)], ids=["sequential", "functional", "custom"]
)
def test_round_trip(make, tmp_path):
    model = compiled(make())
    path = tmp_path / "model.dlrs"
    model.save(path)
    loaded = dlrs.models.load_model(path)
    assert loaded.name == model.name
    assert loaded.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    for a, b in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()
    if not isinstance(model, Custom):  # whose layers get new names
        loaded.save(tmp_path / "again.dlrs")
        assert (tmp_path / "again.dlrs").read_bytes() == path.read_bytes()
    plain = dlrs.models.load_model(path, compile=False)
    assert not plain.compiled


def test_frozen_layers_stay_frozen(tmp_path):
    model = sequential()
    model.layers[0].trainable = False
    compiled(model).save(tmp_path / "m.dlrs")
    loaded = dlrs.models.load_model(tmp_path / "m.dlrs")
    assert len(loaded.trainable_weights) == len(model.trainable_weights) == 4


def test_weights_alone(tmp_path):
    a, b = sequential(), sequential()
    a.save_weights(tmp_path / "w.safetensors")
    b.load_weights(tmp_path / "w.safetensors")
    assert [w.tobytes() for w in a.get_weights()] == [w.tobytes() for w in b.get_weights()]
    before = [w.tobytes() for w in functional().get_weights()]
    other = functional()
    start = [w.tobytes() for w in other.get_weights()]
    with pytest.raises(ValueError, match="the file has 8 tensors, the model has 4"):
        other.load_weights(tmp_path / "w.safetensors")
    assert [w.tobytes() for w in other.get_weights()] == start
    assert len(before) == 4


def test_unknown_classes_and_custom_objects(tmp_path):
    class Hidden(Custom):
        pass

    model = Hidden(2)
    model(X)
    model.save(tmp_path / "m.dlrs")
    with pytest.raises(ValueError, match=r"Could not locate class 'Hidden'.*custom_objects"):
        dlrs.models.load_model(tmp_path / "m.dlrs")
    loaded = dlrs.models.load_model(tmp_path / "m.dlrs", custom_objects={"Hidden": Hidden})
    assert loaded.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()


def test_refusals(tmp_path):
    model = sequential()
    with pytest.raises(ValueError, match=r"must end in '.dlrs'"):
        model.save(tmp_path / "m.pkl")
    model.save(tmp_path / "m.dlrs")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "m.dlrs", overwrite=False)
    with pytest.raises(FileNotFoundError, match="no file"):
        dlrs.models.load_model(tmp_path / "none.dlrs")
    with pytest.raises(ValueError, match="no weights yet"):
        Custom(3).save(tmp_path / "n.dlrs")
    assert [p.name for p in tmp_path.iterdir()] == ["m.dlrs"]  # nothing half-written is left


def rewritten(path, change, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def change_json(members, name, change):
    content = json.loads(members[f"{name}.json"])
    change(content)
    members[f"{name}.json"] = json.dumps(content).encode()


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (lambda m: m.pop("model.safetensors"), "lacks model.safetensors"),
        (lambda m: m.update({"config.json": b"{"}), r"config\.json: json, text: expected"),
        (lambda m: m.update({"metadata.json": b'{"format_version": 99}'}), "the version of the format is 99"),
        (lambda m: change_json(m, "state", lambda c: c.pop("input_specs")), r"m\.dlrs: .*it must hold `input_specs`"),
        (lambda m: change_json(m, "state", lambda c: c.update(trainable=3)), r"m\.dlrs: .*it must hold"),
        (lambda m: change_json(m, "state", lambda c: c.update(trainable=[])), "`trainable` has 0 entries for 5 layers"),
        (lambda m: change_json(m, "config", lambda c: c.update(config=None)), "the configuration is damaged"),
        (lambda m: m.update({"model.safetensors": m["model.safetensors"][:-4]}), "model.safetensors: safetensors"),
        (lambda m: m.update({"model.safetensors": safetensors.dumps({"a": np.zeros(3)})}), "has 1 tensors"),
    ],
)
def test_damaged_files(change, pattern, tmp_path):
    path = tmp_path / "m.dlrs"
    sequential().save(path)
    rewritten(path, change)
    with pytest.raises(dlrs.errors.FormatError, match=pattern):
        dlrs.models.load_model(path)


def test_truncated_and_compressed_archives(tmp_path):
    path = tmp_path / "m.dlrs"
    model = sequential()
    model.save(path)
    data = path.read_bytes()
    for length in (0, 10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(dlrs.errors.FormatError, match=r"m\.dlrs"):
            dlrs.models.load_model(path)
    path.write_bytes(data)
    rewritten(path, lambda m: None, zipfile.ZIP_DEFLATED)
    assert dlrs.models.load_model(path).predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()


ARRAYS = {"a": np.arange(6, dtype="float32").reshape(2, 3), "b": np.array(True), "c": np.zeros((0, 4), "int64")}


def test_safetensors_round_trip():
    loaded = safetensors.loads(safetensors.dumps(ARRAYS))
    for name, array in ARRAYS.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        np.testing.assert_array_equal(loaded[name], array)


def header(**entry):
    text = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **entry}}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        (2**63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{]",
        header(shape=[3]),
        header(shape=[-2]),
        header(shape=[2**40, 2**40]),
        header(data_offsets=[0, 16]),
        header(data_offsets=[8, 0]),
        header(data_offsets=[-8, 0]),
        header(data_offsets=["0", 8]),
        header(dtype="F33"),
        header(shape=[1], data_offsets=[0, 4]),
    ],
)
def test_safetensors_refuses_what_is_inconsistent(data):
    with pytest.raises(ValueError, match="safetensors"):
        safetensors.loads(data)


def test_truncation_at_every_byte_is_refused():
    data = safetensors.dumps(ARRAYS)
    for length in range(len(data)):
        with pytest.raises(ValueError, match="safetensors"):
            safetensors.loads(data[:length])
