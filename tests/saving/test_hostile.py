"""Every way into a file refuses every bad file by its rule, quickly, and nothing has changed afterwards."""

import ast
import hashlib
import os
import random
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dlrs
from dlrs import layers, saving
from dlrs.backend import get_global_attribute
from dlrs.errors import FormatError
from dlrs.random.seed_generator import global_seed_generator
from dlrs.saving.saving_lib import read_saved_model, write_saved_model
from saving import hostile

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


# The ways into a whole model, and those that read its weights alone.
WHOLE = {
    "saving.load_model": lambda model, path: saving.load_model(path),
    "models.load_model": lambda model, path: dlrs.models.load_model(str(path)),
    "SavedModel.make_model": lambda model, path: read_saved_model(str(path)).make_model(),
}
WEIGHTS = {
    "saving.load_weights": lambda model, path: saving.load_weights(model, path),
    "Model.load_weights": lambda model, path: model.load_weights(str(path)),
    "not strict": lambda model, path: model.load_weights(path, strict=False),
}
RESTORE = {"SavedModel.restore": lambda model, path: read_saved_model(str(path)).restore(model)}


def ways_into(bad):
    if bad.suffix == ".safetensors":
        return WEIGHTS
    if not bad.name.startswith("contents"):
        return {**WHOLE, **WEIGHTS, **RESTORE}
    # What fits a model is the question of those who make or restore one.
    if bad.rule == "K7" or "state with" in bad.name or "epochs" in bad.name or "wrong type" in bad.name:
        return {**WHOLE, **WEIGHTS, **RESTORE}
    if bad.rule == "G15" and "flags" not in bad.name:
        return {**WHOLE, **RESTORE}
    return WHOLE


def test_the_corpus_is_large_and_breaks_every_rule(corpus):
    assert len(corpus) >= 300
    assert len({bad.name.split(": ", 1)[1] for bad in corpus}) >= 120
    rules = {bad.rule for bad in corpus}
    documented = {f"S{i}" for i in range(1, 8)} | {f"K{i}" for i in (1, 2, 3, 4, 5, 7)}
    assert documented | {"G2", "G7", "G8", "G9", "G10", "G11", "G12", "G14", "G15", "C1"} == rules


def test_every_way_in_refuses_every_bad_file(model, corpus, tmp_path):
    before = state_of(model)
    wrong = []
    slowest = (0.0, "")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    calls = 0
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
                    wrong.append(f"{way}, {bad.name}: rule {error.rule} instead of {bad.rule}: {error}")
                if error.path != str(path) or not error.field or not error.format:
                    wrong.append(f"{way}, {bad.name}: path {error.path}, field {error.field}, format {error.format}")
                if str(path) not in str(error) or len(str(error)) > 5000:
                    wrong.append(f"{way}, {bad.name}: unfit text {str(error)[:300]}")
            if len(bad.data) <= 1 << 20:
                slowest = max(slowest, (time.perf_counter() - start, f"{way}, {bad.name}"))
        path.unlink()
    assert not wrong, "\n".join(wrong)
    assert calls > 1500
    assert slowest[0] < 1.0, slowest
    # The largest file has 33 MiB, and is read whole.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 160 << 10
    assert state_of(model) == before
    assert list(tmp_path.iterdir()) == []


def test_good_files_are_accepted_by_every_way_in(model, tmp_path):
    path = tmp_path / "good.dlrs"
    write_saved_model(model, str(path), {"loop": {"epoch": 3}}, {"loop": {"order": np.arange(5)}})
    for load in {**WHOLE, **WEIGHTS, **RESTORE}.values():
        load(model, path)
    saved = read_saved_model(str(path))
    assert saved.json == {"loop": {"epoch": 3}}
    np.testing.assert_array_equal(saved.tensors["loop"]["order"].numpy(), np.arange(5))


@pytest.mark.parametrize("suffix", [".dlrs", ".safetensors"])
def test_only_regular_files(model, tmp_path, suffix):
    directory, fifo, link = (tmp_path / f"{name}{suffix}" for name in ("directory", "fifo", "link"))
    directory.mkdir()
    os.mkfifo(fifo)
    link.symlink_to("/dev/zero")
    ways = WEIGHTS if suffix == ".safetensors" else {**WHOLE, **WEIGHTS, **RESTORE}
    for load in ways.values():
        for path in (directory, fifo, link):
            with pytest.raises(FormatError) as caught:
                load(model, path)
            assert caught.value.rule == "G5"
        with pytest.raises(FileNotFoundError):
            load(model, tmp_path / f"none{suffix}")


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
