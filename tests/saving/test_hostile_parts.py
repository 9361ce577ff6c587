"""Folders, shards, streams, texts and backups made by hand: refused by their rules, and nothing else is read or made.

What a part could lead to is a file in order, so that reading it would not go unnoticed: it would be accepted.
"""

import io
import json
import os
import shutil
import zipfile

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs h5py")

import dlrs
from dlrs import layers, saving
from dlrs.errors import FormatError
from dlrs.saving import limits, saving_lib
from saving import hostile, hostile_keras

PARTS = ("metadata.json", "config.json", "model.weights.h5")


def made():
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(8, name="dense"), layers.Dense(3, name="last")])
    model.compile("adam", "mse")
    return model


@pytest.fixture
def model():
    return made()


def refused(rule, load, *arguments):
    with pytest.raises(FormatError) as caught:
        load(*arguments)
    assert caught.value.rule == rule, str(caught.value)
    return str(caught.value)


def listing(folder):
    return sorted(
        (str(path.relative_to(folder)), path.lstat().st_size, path.is_symlink()) for path in folder.rglob("*")
    )


# Folders


def _link(folder, name, target):
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)


def _swap(folder, name, make):
    (folder / name).unlink()
    make(folder / name)


def _away(name, to):
    """A part is moved out of the folder, and a link is left in its place."""

    def change(folder):
        shutil.move(folder / name, folder.parent / to)
        (folder / name).symlink_to(folder.parent / to)

    return change


FOLDERS = {
    **{f"without {name}": ("K1", lambda f, name=name: (f / name).unlink()) for name in PARTS},
    **{f"a link to {name} elsewhere": ("G4", _away(name, "elsewhere")) for name in PARTS},
    **{f"a link to a device for {name}": ("G4", lambda f, name=name: _link(f, name, "/dev/zero")) for name in PARTS},
    "a link to itself": ("G4", lambda f: _link(f, "config.json", "config.json")),
    "a link to the folder": ("G4", lambda f: _link(f, "model.weights.h5", ".")),
    "a link above": ("G4", lambda f: _link(f, "model.weights.h5", "../other/model.weights.h5")),
    "a broken link": ("G4", lambda f: _link(f, "metadata.json", "nowhere")),
    "a link besides": ("K1", lambda f: _link(f, "more", "/etc/passwd")),
    "a folder for a part": ("G5", lambda f: _swap(f, "config.json", lambda path: path.mkdir())),
    "a FIFO for a part": ("G5", lambda f: _swap(f, "model.weights.h5", os.mkfifo)),
    "a folder besides": ("K1", lambda f: (f / "assets").mkdir()),
    "a cycle of folders": ("K1", lambda f: _link(f, "again", ".")),
    "code besides": ("K1", lambda f: (f / "model.py").write_text("raise SystemExit")),
    "weights of another kind besides": ("K1", lambda f: (f / "model.weights.npz").write_bytes(b"")),
    "a hidden file besides": ("K1", lambda f: (f / ".hidden").write_bytes(b"")),
    "a name with a newline": ("K1", lambda f: (f / "a\nb").write_bytes(b"")),
    "a name that is not UTF-8": ("K1", lambda f: open(os.fsencode(f) + b"/\xff", "wb").close()),
    "another spelling of a part": ("K1", lambda f: (f / "config.json").rename(f / "Config.json")),
    "an archive for the weights": ("H0", lambda f: _swap(f, "model.weights.h5", _an_archive)),
    "a version of the future": ("K7", lambda f: (f / "metadata.json").write_text('{"keras_version": "4.0"}')),
    "nothing described": ("C1", lambda f: (f / "config.json").write_text("{}")),
    "weights that point elsewhere": ("H1", lambda f: _elsewhere(f / "model.weights.h5")),
}


def _an_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")


def _elsewhere(path):
    """A group that stands in another file, which is in order."""
    h5py = hostile_keras.h5py
    shutil.copy(path, path.parent.parent / "outside.h5")
    with h5py.File(path, "r+") as file:
        del file["layers/dense"]
        file["layers/dense"] = h5py.ExternalLink("../outside.h5", "/layers/dense")


@pytest.mark.parametrize("name", FOLDERS)
def test_folders(model, tmp_path, name):
    rule, change = FOLDERS[name]
    for folder in ("m", "other"):
        saving.save_model(model, tmp_path / folder, zipped=False)
    saving.load_model(tmp_path / "m")
    change(tmp_path / "m")
    before = listing(tmp_path)
    refused(rule, saving.load_model, tmp_path / "m")
    assert listing(tmp_path) == before


def test_a_folder_that_the_caller_names_may_be_a_link(model, tmp_path):
    saving.save_model(model, tmp_path / "m", zipped=False)
    (tmp_path / "link").symlink_to(tmp_path / "m")
    assert saving.load_model(tmp_path / "link").count_params() == model.count_params()


# Shards


def _map(change):
    def changed(folder):
        path = folder / "w.weights.json"
        index = json.loads(path.read_text())
        made = change(index)
        path.write_text(json.dumps(index if made is None else made))

    return changed


def _named(value):
    """The map says of an object that it is in `value`."""
    return _map(lambda index: index["weight_map"].update({"/layers/dense/vars": value}))


def _both_ways(folder):
    """Two names of one file, each for a part of what is in it."""
    os.link(folder / "w_00001.weights.h5", folder / "x.weights.h5")
    _map(lambda index: index["weight_map"].update({"/layers/dense_1/vars": "x.weights.h5"}))(folder)


SHARDS = {
    "no map": ("C1", _map(lambda index: index.pop("weight_map") and None)),
    "a list for the map": ("C1", _map(lambda index: index.update(weight_map=[]))),
    "a number for the map": ("C1", _map(lambda index: index.update(weight_map=3))),
    "an object that is no path": ("C1", _map(lambda index: index["weight_map"].update(x="w_00000.weights.h5"))),
    "the map a list": ("G11", _map(lambda index: [index])),
    "a key twice": ("G12", lambda f: (f / "w.weights.json").write_text('{"weight_map": {}, "weight_map": {}}')),
    "the map a pickle": ("G11", lambda f: (f / "w.weights.json").write_bytes(b"\x80\x04\x95.")),
    "the map nothing": ("G11", lambda f: (f / "w.weights.json").write_bytes(b"")),
    "a path above": ("K1", _named("../outside.weights.h5")),
    "a path below": ("K1", _named("below/w.weights.h5")),
    "an absolute path": ("K1", _named("/etc/outside.weights.h5")),
    "a path of Windows": ("K1", _named("..\\outside.weights.h5")),
    "an address": ("K1", _named("https://example.org/w.weights.h5")),
    "a NUL in the name": ("K1", _named("w\0.weights.h5")),
    "a newline in the name": ("K1", _named("w\n.weights.h5")),
    "no name": ("K1", _named("")),
    "the folder itself": ("K1", _named(".")),
    "the map itself": ("K1", _named("w.weights.json")),
    "a file of another kind": ("K1", _named("/etc/passwd")),
    "a name of 300 characters": ("K1", _named("x" * 300 + ".weights.h5")),
    "a number for a name": ("K1", _named(3)),
    "nothing for a name": ("K1", _named(None)),
    "a dict for a name": ("K1", _named({"a": "w_00000.weights.h5"})),
    "a list in a list": ("K1", _named([["w_00000.weights.h5"]])),
    "a file that is not there": ("K1", _named("w_00009.weights.h5")),
    "a missing shard": ("K1", lambda f: (f / "w_00001.weights.h5").unlink()),
    "a shard that is a link": ("G4", lambda f: _away("w_00000.weights.h5", "outside.weights.h5")(f)),
    "a shard that is a device": ("G4", lambda f: _link(f, "w_00000.weights.h5", "/dev/zero")),
    "a shard that leads to itself": ("G4", lambda f: _link(f, "w_00000.weights.h5", "w_00000.weights.h5")),
    "shards that lead to each other": (
        "G4",
        lambda f: (
            _link(f, "w_00000.weights.h5", "w_00001.weights.h5"), _link(f, "w_00001.weights.h5", "w_00000.weights.h5")
        ),
    ),
    "a shard that is a folder": ("G5", lambda f: _swap(f, "w_00001.weights.h5", lambda path: path.mkdir())),
    "a shard that is a FIFO": ("G5", lambda f: _swap(f, "w_00001.weights.h5", os.mkfifo)),
    "a shard that is no HDF5": ("H0", lambda f: (f / "w_00001.weights.h5").write_bytes(b"no HDF5")),
    "a shard cut in half": ("H0", lambda f: os.truncate(f / "w_00001.weights.h5", 900)),
    "an object said to be elsewhere": ("K1", _named("w_00001.weights.h5")),
    "an object said to be in two": ("K1", _named(["w_00000.weights.h5", "w_00001.weights.h5"])),
    "an object that no file has": (
        "K1",
        _map(lambda index: index["weight_map"].update({"/layers/more/vars": "w_00000.weights.h5"})),
    ),
    "an object left out": ("K1", _map(lambda index: index["weight_map"].pop("/layers/dense_1/vars") and None)),
    "a file under two names": ("K1", _both_ways),
    "shards exchanged": (
        "K1",
        lambda f: (
            (f / "w_00000.weights.h5").rename(f / "x"), (f / "w_00001.weights.h5").rename(f / "w_00000.weights.h5"),
            (f / "x").rename(f / "w_00001.weights.h5"),
        ),
    ),
    "a shard copied over another": (
        "G12",
        lambda f: shutil.copy(f / "w_00000.weights.h5", f / "w_00001.weights.h5"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARDS)
def test_shards(model, tmp_path, name):
    rule, change = SHARDS[name]
    folder = tmp_path / "m"
    folder.mkdir()
    index = folder / "w.weights.json"
    model.save_weights(index, max_shard_size=2e-7)  # 215 bytes
    assert len(list(folder.glob("*.weights.h5"))) > 1
    model.save_weights(tmp_path / "outside.weights.h5")
    before = [w.copy() for w in model.get_weights()]
    model.load_weights(index)
    change(folder)
    files = listing(tmp_path)
    for load in (model.load_weights, lambda path: saving.load_weights(model, path, skip_mismatch=True)):
        refused(rule, load, index)
    assert listing(tmp_path) == files
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_shards_are_no_way_around_the_limit_of_memory(model, tmp_path, monkeypatch):
    index = tmp_path / "w.weights.json"
    model.save_weights(index, max_shard_size=2e-7)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.h5"))
    monkeypatch.setattr(limits, "_SMALL", 0)
    monkeypatch.setattr(limits, "memory_limit", lambda: size - 1)
    refused("G9", model.load_weights, index)


def test_arrays_take_no_more_memory_than_there_is(model, tmp_path, monkeypatch):
    model.save_weights(tmp_path / "w.weights.h5")
    monkeypatch.setattr(limits, "_SMALL", 0)
    monkeypatch.setattr(limits, "memory_limit", lambda: 67 * 4 - 1)
    refused("G9", model.load_weights, tmp_path / "w.weights.h5")
    assert limits.memory_limit() < 1 << 60


# Streams


class Endless(io.RawIOBase):
    def read(self, size=-1):
        return bytes(1 << 20)


def test_streams(monkeypatch):
    for content, rule in ((b"", "G7"), (b"text " * 50, "K3"), (hostile.archive({}), "K1")):
        assert refused(rule, saving.load_model, io.BytesIO(content)).startswith("stream: ")
    with pytest.raises(TypeError, match="binary stream"):
        saving.load_model(io.StringIO("text"))
    monkeypatch.setattr(limits, "memory_limit", lambda: 80 << 20)
    refused("G9", saving.load_model, Endless())


# Archives that expand


def _bomb(model, path, name, size):
    model.save(path)
    members = hostile.members_of(path.read_bytes())
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            if member != name:
                archive.writestr(member, content)
        archive.writestr(name, bytes(size), zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "assets/bomb.bin"])
def test_what_expands_a_hundredfold_is_refused_unread(model, tmp_path, monkeypatch, name):
    path = tmp_path / "m.keras"
    _bomb(model, path, name, 200_000)
    for floor in ("_ZIP_MEMBER_BOMB_FLOOR_BYTES", "_ZIP_EXTRACT_BOMB_FLOOR_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(saving_lib, floor, 150_000)
            for load in (saving.load_model, model.load_weights, saving.KerasFileEditor):
                assert "decompression bomb" in refused("K4", load, path)
    # Below the floors other rules speak.
    with pytest.raises(FormatError) as caught:
        saving.load_model(path)
    assert caught.value.rule != "K4"


def test_a_model_that_was_compressed_is_read(model, tmp_path, monkeypatch):
    model.save(tmp_path / "m.keras")
    members = hostile.members_of((tmp_path / "m.keras").read_bytes())
    (tmp_path / "m.keras").write_bytes(hostile.archive(members, zipfile.ZIP_DEFLATED))
    monkeypatch.setattr(saving_lib, "_ZIP_MEMBER_BOMB_FLOOR_BYTES", 64)
    saving.load_model(tmp_path / "m.keras")


def test_sizes_of_large_archives_are_seen():
    # An entry whose sizes stand in its extra field, and an end record that refers to another.
    put = hostile.struct.pack
    extra = put("<HHQQ", 1, 16, 5 << 30, 1 << 10)
    entry = b"PK\x01\x02" + bytes(16) + put("<IIHHH", 2**32 - 1, 2**32 - 1, 1, len(extra), 0) + bytes(12) + b"a" + extra
    large = b"PK\x06\x06" + bytes(44) + put("<Q", 0) + b"PK\x06\x07" + bytes(16)
    end = b"PK\x05\x06" + bytes(12) + put("<I", 2**32 - 1) + bytes(2)
    assert "5368709120: a decompression bomb" in refused("K4", limits.refuse_bombs, entry + large + end, "m.keras")


# Texts


def test_texts_of_models(tmp_path):
    good = json.loads(made().to_json())
    configs = list(hostile_keras.bad_configs(good))
    assert len(configs) == 24
    for name, rule, config in configs:
        # More than any machine has: there are no tensors beside a text to say how large its model may be.
        text = json.dumps(config).replace("1000000000", "1000000000000")
        message = refused(rule, dlrs.models.model_from_json, text)
        assert message.startswith("model_from_json: "), name
    for _, rule, text in hostile.bad_json():
        refused(rule, dlrs.models.model_from_json, text.decode(errors="surrogateescape"))


def test_a_text_draws_other_weights_each_time():
    text = made().to_json()
    one, other = (dlrs.models.model_from_json(text) for _ in range(2))
    assert np.any(one.get_weights()[0] != other.get_weights()[0])


# Backups


def _fit_state(**changes):
    def change(members):
        fit = json.loads(members["training/fit.json"])
        fit.update(changes)
        members["training/fit.json"] = json.dumps(fit).encode()

    return change


BACKUPS = {
    "no state of the training": lambda members: members.pop("training/fit.json"),
    "no tensors of the training": lambda members: members.pop("training/fit.safetensors"),
    "no metrics": lambda members: members.pop("training/metrics.safetensors"),
    "the epoch a text": _fit_state(epoch="1"),
    "the epoch negative": _fit_state(epoch=-1),
    "the batch a fraction": _fit_state(batch=0.5),
    "the steps a list": _fit_state(steps=[]),
    "the end of training a number": _fit_state(stop_training=1),
    "logs a number": _fit_state(logs=3),
    "logs of two kinds": _fit_state(logs={"dict": [], "tuple": []}),
    "logs of an unknown kind": _fit_state(logs={"eval": "1"}),
    "callbacks a number": _fit_state(callbacks=3),
    "a callback without a class": _fit_state(callbacks=[{"state": {"dict": []}}]),
    "the state of a callback a number": _fit_state(callbacks=[{"class": "EarlyStopping", "state": 3}]),
    "a tensor that is not there": _fit_state(logs={"dict": [["loss", {"array": ["99999", "float32"]}]]}),
    "no random state": _fit_state(random=None),
    "a random state of Python cut short": _fit_state(random={"dict": [["python", {"tuple": [3]}]]}),
    "a random state of numbers": _fit_state(random={"dict": [["python", 1], ["numpy", 2], ["dlrs", 3]]}),
}


@pytest.mark.parametrize("name", BACKUPS)
def test_backups(tmp_path, name):
    x, y = np.zeros((4, 4), "float32"), np.zeros((4, 3), "float32")
    made().fit(x, y, verbose=0, callbacks=[dlrs.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)])
    (path,) = tmp_path.iterdir()
    members = hostile.members_of(path.read_bytes())
    BACKUPS[name](members)
    path.write_bytes(hostile.archive(members))
    before = listing(tmp_path)
    model = made()
    weights, state = model.get_weights(), np.random.get_state()[1].tolist()
    callback = dlrs.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    assert str(path) in refused("C1", lambda: model.fit(x, y, epochs=2, verbose=0, callbacks=[callback]))
    assert listing(tmp_path) == before
    assert np.random.get_state()[1].tolist() == state
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
