"""Every way into a file refuses every bad file by its rule, quickly, and nothing has changed afterwards."""

import ast
import hashlib
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import dlrs
from dlrs import layers, saving
from dlrs.backend import get_global_attribute
from dlrs.errors import FormatError
from dlrs.random.seed_generator import global_seed_generator
from dlrs.saving.saving_lib import read_saved_model, write_saved_model
from dlrs.vision import cached_features
from saving import hostile, ways

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
Y = np.arange(30) % 3


@saving.register_keras_serializable("tests", "Known")
class Known(layers.Layer):
    pass


def made():
    model = dlrs.Sequential(
        [dlrs.Input((4,)), layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3, seed=4),
         layers.Dense(3)]
    )  # fmt: skip
    model.compile("adam", dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(X, Y, epochs=1, verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    return made()


@pytest.fixture(scope="module")
def corpus(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.dlrs"
    saving.save_model(model, path)
    return hostile.corpus(path.read_bytes())


def state_of(model):
    """A digest of all that loading could change."""
    digest = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables, global_seed_generator().state]:
        digest.update(variable.numpy().tobytes())
    flags = [layer.trainable for layer in model._flatten_layers()]
    rest = (flags, model._shuffle_seed, model._epochs_trained, model.optimizer.built, model.compiled)
    digest.update(repr((rest, random.getstate(), np.random.get_state())).encode())
    digest.update(repr(get_global_attribute("global_seed_generator")).encode())
    return digest.hexdigest()


def test_the_corpus_is_large_and_breaks_every_rule(corpus):
    assert len(corpus) >= 300
    assert len({bad.name.split(": ", 1)[1] for bad in corpus}) >= 120
    rules = {bad.rule for bad in corpus}
    documented = {f"S{i}" for i in range(1, 8)} | {f"K{i}" for i in (1, 2, 3, 4, 5, 7)}
    assert documented | {"G2", "G4", "G7", "G8", "G9", "G10", "G11", "G12", "G14", "G15", "C1"} == rules


def test_every_way_in_refuses_every_bad_file(model, corpus, tmp_path, monkeypatch):
    files, beside, temporary = (tmp_path / name for name in ("files", "beside", "temporary"))
    for folder in (files, beside, temporary):
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    every = ways.of_dlrs(beside)
    before = state_of(model)
    wrong = []
    slowest = (0.0, "")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    calls: Counter[str] = Counter()
    for number, bad in enumerate(corpus):
        path = files / f"{number}{bad.suffix}"
        path.write_bytes(bad.data)
        for way in every:
            if bad.suffix not in way.suffixes:
                continue
            calls[way.name] += 1
            start = time.perf_counter()
            wrong.append(ways.judge(way, bad, model, path))
            if len(bad.data) <= 1 << 20:
                slowest = max(slowest, (time.perf_counter() - start, f"{way.name}, {bad.name}"))
        path.unlink()
    wrong = [told for told in wrong if told]
    assert not wrong, "\n".join(wrong)
    assert {way.name: sum(bad.suffix in way.suffixes for bad in corpus) for way in every} == calls
    assert sum(calls.values()) > 3000
    assert set().union(*(way.accepts for way in every)) <= {bad.name for bad in corpus}
    assert slowest[0] < 1.0, slowest
    # The largest file has 33 MiB, and is read whole.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 160 << 10
    assert state_of(model) == before
    assert not [*files.iterdir(), *beside.iterdir(), *temporary.iterdir()]


def test_good_files_are_accepted_by_every_way_in(model, tmp_path):
    path = tmp_path / "good.dlrs"
    write_saved_model(model, str(path), {"loop": {"epoch": 3}}, {"loop": {"order": np.arange(5)}})
    saving.save_weights(model, path.with_suffix(".safetensors"))
    for way in ways.of_dlrs(tmp_path):
        if way.name != "vision.cached_features":  # which reads what it has written
            way.load(model, path.with_suffix(way.suffixes[-1]))
    for _ in range(2):
        cached_features(model, X[:4], tmp_path / "features.safetensors")
    saved = read_saved_model(str(path))
    assert saved.json == {"loop": {"epoch": 3}}
    np.testing.assert_array_equal(saved.tensors["loop"]["order"].numpy(), np.arange(5))


@pytest.mark.parametrize("suffix", [".dlrs", ".safetensors"])
def test_only_regular_files(model, tmp_path, suffix):
    directory, fifo, link = (tmp_path / f"{name}{suffix}" for name in ("directory", "fifo", "link"))
    directory.mkdir()
    os.mkfifo(fifo)
    link.symlink_to("/dev/zero")
    # Of these the test itself reads the file.
    apart = ("BackupAndRestore", "safetensors.loads", "safetensors.decode")
    for way in ways.of_dlrs(tmp_path):
        if suffix not in way.suffixes or way.name in apart:
            continue
        for path in (directory, fifo, link):
            with pytest.raises(FormatError) as caught:
                way.load(model, path)
            assert caught.value.rule == "G5", way.name
        if way.name != "vision.cached_features":  # which writes it then
            with pytest.raises(FileNotFoundError):
                way.load(model, tmp_path / f"none{suffix}")


def test_more_than_the_memory_is_refused_before_it_is_taken(model, tmp_path):
    path = tmp_path / "huge.safetensors"
    size = 1 << 42
    header = hostile.st({"a": {"dtype": "U8", "shape": [size // 4, 4], "data_offsets": [0, size]}})
    path.write_bytes(header)
    try:
        os.truncate(path, len(header) + size)
    except OSError:
        pytest.skip("the file system holds no file of 4 TiB")
    start = time.perf_counter()
    with pytest.raises(FormatError, match="G9"):
        model.load_weights(path)
    assert time.perf_counter() - start < 1


AUDITED = ("import", "exec", "compile", "marshal", "pickle", "subprocess", "socket", "ctypes", "code", "os")


def test_nothing_is_imported_compiled_or_started(model, corpus, tmp_path):
    """Seen by Python's own audit events (PEP 578)."""
    events = []
    listening = False

    def hook(event, arguments):
        if listening and event.split(".")[0] in AUDITED:
            events.append((event, arguments))

    sys.addaudithook(hook)
    contents = [bad for bad in corpus if bad.name.startswith("contents")]
    for rounds in range(2):  # modules that load lazily do so in the first round
        for number, bad in enumerate(contents):
            path = tmp_path / f"{number}.dlrs"
            path.write_bytes(bad.data)
            listening = rounds == 1
            with pytest.raises(FormatError):
                saving.load_model(path)
            listening = False
    harmless = ("os.listdir", "os.scandir")
    assert [event for event in events if event[0] not in harmless] == []


LOADERS = [
    *Path(saving.__file__).parent.glob("*.py"),
    *(Path(dlrs.backend.__file__).parent / name for name in ("serialization.py", "registration.py", "registry.py")),
    Path(dlrs.models.__file__).parent / "functional_config.py",
]
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__", "import_module", "globals", "locals", "open_code"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "importlib", "ctypes", "runpy", "code", "subprocess", "dill"}


def dynamic_code(source):
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [str(node.module)] if str(node.module).split(".")[0] in FORBIDDEN_MODULES else []
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in FORBIDDEN_NAMES and not (name == "compile" and isinstance(node.func, ast.Attribute)):
                found.append(name)
            if name == "getattr" and not isinstance(node.args[1], ast.Constant):
                found.append("getattr of a name that is not constant")
    return found


def test_no_dynamic_code_in_loaders():
    assert len(LOADERS) > 8
    assert {path.name: found for path in LOADERS if (found := dynamic_code(path.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)",
        "import pickle",
        "from marshal import loads",
        "getattr(a, name)",
        "import importlib",
        "f.import_module(x)",
    ],
)
def test_the_test_sees_dynamic_code(source):
    assert dynamic_code(source)


def test_json_of_models_is_checked_as_that_of_files():
    for name, rule, data in hostile.bad_json():
        with pytest.raises(FormatError) as caught:
            dlrs.models.model_from_json(data.decode(errors="surrogateescape"))
        assert caught.value.rule == rule, name
    with pytest.raises(TypeError, match="`json_string` must be a string"):
        dlrs.models.model_from_json(b"{}")
