"""Every way into a file of Keras refuses every bad file by its rule, and nothing has changed afterwards."""

import os
import sys
import tempfile
import time
from collections import Counter

import pytest

pytest.importorskip("h5py", reason="needs h5py")

import dlrs
from dlrs import layers, saving
from dlrs.errors import FormatError
from saving import hostile, hostile_keras, ways
from saving.test_hostile import state_of


def made():
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(8, name="dense"), layers.Dense(3, name="last")])
    model.compile("adam", dlrs.losses.MeanSquaredError())
    model.optimizer.build(model.trainable_weights)
    return model


@pytest.fixture(scope="module")
def model():
    return made()


@pytest.fixture(scope="module")
def corpus(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    model.save_weights(folder / "m.weights.h5")
    return hostile_keras.corpus(*((folder / name).read_bytes() for name in ("m.keras", "m.h5", "m.weights.h5")))


def is_given(way, bad):
    return bad.suffix in way.suffixes and (way.name != "a folder" or ways.is_a_folder(bad.data))


def test_every_way_in_refuses_every_bad_file(model, corpus, tmp_path, monkeypatch):
    assert len(corpus) >= 200
    assert {f"H{number}" for number in range(8)} <= {bad.rule for bad in corpus}
    files, beside, temporary = (tmp_path / name for name in ("files", "beside", "temporary"))
    for folder in (files, beside, temporary):
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    canary = files / hostile_keras.CANARY
    canary.write_bytes(b"never read")
    opened = []
    sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
    every = ways.of_keras(beside)
    before = state_of(model)
    wrong, slowest = [], (0.0, "")
    calls: Counter[str] = Counter()
    for number, bad in enumerate(corpus):
        path = files / f"{number}{bad.suffix}"
        path.write_bytes(bad.data)
        for way in every:
            if not is_given(way, bad):
                continue
            calls[way.name] += 1
            start = time.perf_counter()
            wrong.append(ways.judge(way, bad, model, path))
            slowest = max(slowest, (time.perf_counter() - start, f"{way.name}, {bad.name}"))
        path.unlink()
    wrong = [told for told in wrong if told]
    assert not wrong, f"{len(wrong)} of {calls.total()}\n" + "\n".join(wrong)
    assert {way.name: sum(is_given(way, bad) for bad in corpus) for way in every} == calls
    assert calls.total() > 1500
    assert set().union(*(way.accepts for way in every)) <= {bad.name for bad in corpus}
    assert slowest[0] < 2.0, slowest
    assert state_of(model) == before
    assert [*files.iterdir(), *beside.iterdir(), *temporary.iterdir()] == [canary]
    assert not any(str(path).endswith((hostile_keras.CANARY, hostile.ELSEWHERE)) for path in opened)


def test_good_files_are_accepted_by_every_way_in(model, tmp_path):
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    model.save_weights(tmp_path / "w.weights.h5")
    for way in ways.of_keras(tmp_path):
        for path in (tmp_path / "m.keras", tmp_path / "m.h5", tmp_path / "w.weights.h5"):
            if path.name.endswith(way.suffixes) and (path.name != "w.weights.h5" or ".weights.h5" in way.suffixes):
                way.load(model, path)


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_only_regular_files(model, tmp_path, suffix):
    directory, fifo, link = (tmp_path / f"{name}{suffix}" for name in ("directory", "fifo", "link"))
    directory.mkdir()
    os.mkfifo(fifo)
    link.symlink_to("/dev/zero")
    # Of these the test itself reads the file.
    apart = ("a stream", "a stream in memory", "a folder", "a shard")
    for way in ways.of_keras(tmp_path):
        if suffix not in way.suffixes or way.name in apart:
            continue
        for path in (directory, fifo, link):
            with pytest.raises(FormatError) as caught:
                way.load(model, path)
            assert caught.value.rule == "G5", way.name


def test_a_lambda_is_loaded_if_its_function_is_handed_in(tmp_path):
    def double(x):
        return 2.0 * x

    model = dlrs.Sequential([dlrs.Input((4,)), layers.Lambda(double)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(FormatError, match="double"):
        saving.load_model(tmp_path / "m.keras")
    loaded = saving.load_model(tmp_path / "m.keras", custom_objects={"double": double})
    assert loaded.layers[0].function is double
