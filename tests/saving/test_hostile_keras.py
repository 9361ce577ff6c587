"""Every way into a file of Keras refuses every bad file by its rule, and nothing has changed afterwards."""

import os
import sys
import time

import pytest

pytest.importorskip("h5py", reason="needs h5py")

import dlrs
from dlrs import layers, saving
from dlrs.errors import FormatError
from saving import hostile_keras
from saving.test_hostile import state_of

WHOLE = {
    "saving.load_model": lambda model, path: saving.load_model(path),
    "models.load_model": lambda model, path: dlrs.models.load_model(str(path), compile=False),
}
WEIGHTS = {
    "saving.load_weights": lambda model, path: saving.load_weights(model, path),
    "Model.load_weights": lambda model, path: model.load_weights(str(path)),
}


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


def ways_into(bad):
    if bad.suffix == ".weights.h5":
        return WEIGHTS
    # What a configuration says, and whether it fits, is the question of those who make a model.
    whole = bad.name.startswith("legacy: ") and ("version" not in bad.name and "names of" not in bad.name)
    if (bad.rule in ("G2", "C1", "G9", "G11", "G12", "G15") and "weights: " not in bad.name) or whole:
        return {"saving.load_model": WHOLE["saving.load_model"]}
    return {**WHOLE, **WEIGHTS}


def test_every_way_in_refuses_every_bad_file(model, corpus, tmp_path):
    assert len(corpus) >= 200
    assert {f"H{number}" for number in range(8)} <= {bad.rule for bad in corpus}
    canary = tmp_path / hostile_keras.CANARY
    canary.write_bytes(b"never read")
    opened = []
    sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
    before = state_of(model)
    wrong, slowest, calls = [], (0.0, ""), 0
    for number, bad in enumerate(corpus):
        path = tmp_path / f"{number}{bad.suffix}"
        path.write_bytes(bad.data)
        for way, load in ways_into(bad).items():
            calls += 1
            start = time.perf_counter()
            try:
                load(model, path)
                wrong.append(f"{way} accepted {bad.name}")
            except FormatError as error:
                if error.rule != bad.rule:
                    wrong.append(f"{way}, {bad.name}: rule {error.rule} instead of {bad.rule}: {str(error)[:300]}")
                if error.path != str(path) or not error.field or not error.format or len(str(error)) > 8000:
                    wrong.append(f"{way}, {bad.name}: path {error.path}, field {error.field}, format {error.format}")
            except Exception as error:
                wrong.append(f"{way}, {bad.name}: {type(error).__name__} instead of {bad.rule}: {str(error)[:300]}")
            slowest = max(slowest, (time.perf_counter() - start, f"{way}, {bad.name}"))
        path.unlink()
    assert not wrong, f"{len(wrong)} of {calls}\n" + "\n".join(wrong)
    assert calls > 400
    assert slowest[0] < 2.0, slowest
    assert state_of(model) == before
    assert [path.name for path in tmp_path.iterdir()] == [hostile_keras.CANARY]
    assert not any(str(path).endswith(hostile_keras.CANARY) for path in opened)


def test_good_files_are_accepted_by_every_way_in(model, tmp_path):
    for name, ways in (("m.keras", {**WHOLE, **WEIGHTS}), ("m.h5", {**WHOLE, **WEIGHTS}), ("w.weights.h5", WEIGHTS)):
        (model.save_weights if name.startswith("w") else model.save)(tmp_path / name)
        for load in ways.values():
            load(model, tmp_path / name)


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_only_regular_files(model, tmp_path, suffix):
    directory, fifo, link = (tmp_path / f"{name}{suffix}" for name in ("directory", "fifo", "link"))
    directory.mkdir()
    os.mkfifo(fifo)
    link.symlink_to("/dev/zero")
    for load in (WEIGHTS if suffix == ".weights.h5" else {**WHOLE, **WEIGHTS}).values():
        for path in (directory, fifo, link):
            with pytest.raises(FormatError) as caught:
                load(model, path)
            assert caught.value.rule == "G5"


def test_a_lambda_is_loaded_if_its_function_is_handed_in(tmp_path):
    def double(x):
        return 2.0 * x

    model = dlrs.Sequential([dlrs.Input((4,)), layers.Lambda(double)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(FormatError, match="double"):
        saving.load_model(tmp_path / "m.keras")
    loaded = saving.load_model(tmp_path / "m.keras", custom_objects={"double": double})
    assert loaded.layers[0].function is double
