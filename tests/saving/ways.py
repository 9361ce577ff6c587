"""The public ways into a file, and what each of them leaves to others to judge."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import dlrs
from dlrs import saving
from dlrs.applications.frame import assembled
from dlrs.errors import FormatError
from dlrs.saving import saving_lib
from dlrs.saving.safetensors import decode, loads
from dlrs.saving.saving_lib import read_saved_model
from dlrs.vision import cached_features
from saving.hostile import LOOKUPS, Bad, archive, members_of

X = np.zeros((2, 4), "float32")


class Way(NamedTuple):
    """A public function that reads a file.

    `load` takes a model and a path; `suffixes` are the endings of the files it is given; `accepts` names the files of
    the corpus that break no rule which it could judge; `path` is how its errors call the file, if not by its path.
    """

    name: str
    suffixes: tuple[str, ...]
    load: Callable[[Any, Path], Any]
    accepts: frozenset[str] = frozenset()
    path: Callable[[Path], str] = str


# What the configuration says is judged by those who make a model of it. Others take it for plain data, of which nothing
# is made; that it is the text of an object (G11, G12, C1) is asked by all.
OF_DLRS_CONFIGURATIONS = frozenset(
    f"contents: {name}"
    for name in (
        "class of another module", "function of Python", "eval as activation", "a loader as class", "private module",
        "registered name of a built-in", "suffix of a registered name", "a lambda", "the model is a layer",
        "layers a number", "unknown argument", "units a text", "units negative", "a layer of 10^12 units",
        "a layer of 2 GB", "an input of 2^40", "unknown optimizer", "loss of another module", "too few flags",
        *(f"{layer}: terms of another file" for layer in LOOKUPS),
    )
)  # fmt: skip
# `compile=False` leaves optimizer and loss alone.
OF_COMPILING = frozenset(
    f"contents: {name}"
    for name in ("unknown optimizer", "loss of another module", "slot missing", "slot of another shape")
)
# Weights alone are read.
OF_TRAINING_STATE = frozenset(
    f"contents: {name}" for name in ("seed missing", "slot missing", "slot of another shape")
)  # fmt: skip
# `strict=False` says in its report what it has left.
OF_MATCHING = frozenset(
    f"contents: {name}"
    for name in ("weight missing", "weight unexpected", "weight of another shape", "weight of another type")
)
_CONFIGURATIONS = (
    "a Lambda with code", "a Lambda of a Python function", "an activation of code", "a function of os",
    "a class of subprocess", "a class of a file", "a loader", "a download", "a SavedModel", "a module of PyTorch",
    "the switch of safety", "a private module", "a registered name for a built-in", "an unknown argument",
    "a negative size", "a layer of 10^9 units", "layers a number", "a layer for a model",
    *(f"{layer}: terms of another file" for layer in LOOKUPS), "terms of another file, deeper",
)  # fmt: skip
OF_KERAS_CONFIGURATIONS = frozenset(
    [f"{kind}: {name}" for kind in ("keras", "legacy") for name in _CONFIGURATIONS]
    # Of files of weights in the older format, which have no configuration.
    + ["legacy: no configuration", "legacy: nothing"]
    # Whose terms they are.
    + [f"keras: terms of {place}" for place in ("dense", "nowhere", "dense/_lookup_layer")]
)
# Shapes that a model alone can judge.
OF_SHAPES = frozenset(
    f"{kind}: {name}"
    for kind in ("weights", "keras, weights", "legacy, weights")
    for name in ("another shape", "a scalar")
)
# A folder has the members alone, of which nothing is wrong then.
OF_ARCHIVES = frozenset(f"keras: {name}" for name in ("data before", "data after", "bzip2"))


def is_a_folder(data: bytes) -> bool:
    """Whether an archive can be the files of one folder."""
    try:
        return not any("/" in name for name in members_of(data))
    except zipfile.BadZipFile:
        return False


def of_dlrs(folder: Path) -> list[Way]:
    """The ways into `.dlrs` and `.safetensors`. `folder` is for what stands beside them."""
    whole, both = (".dlrs",), (".dlrs", ".safetensors")
    weights = OF_DLRS_CONFIGURATIONS | OF_TRAINING_STATE
    backup = folder / "backups" / "backup-00000001.dlrs"
    return [
        Way("saving.load_model", whole, lambda model, path: saving.load_model(path)),
        Way("models.load_model", whole, lambda model, path: dlrs.models.load_model(str(path))),
        Way(
            "saving_lib.load_model", whole, lambda model, path: saving_lib.load_model(path, compile=False), OF_COMPILING
        ),
        Way("SavedModel.make_model", whole, lambda model, path: read_saved_model(str(path)).make_model()),
        Way(
            "SavedModel.restore",
            whole,
            lambda model, path: read_saved_model(str(path)).restore(model),
            OF_DLRS_CONFIGURATIONS,
        ),
        Way(
            "BackupAndRestore",
            whole,
            lambda model, path: _resume(model, path, backup),
            OF_DLRS_CONFIGURATIONS,
            lambda path: str(backup),
        ),
        Way("saving.load_weights", both, lambda model, path: saving.load_weights(model, path), weights),
        Way("Model.load_weights", both, lambda model, path: model.load_weights(str(path)), weights),
        Way("saving_lib.load_weights_only", both, saving_lib.load_weights_only, weights),
        Way(
            "strict=False",
            both,
            lambda model, path: model.load_weights(path, strict=False),
            weights | OF_MATCHING,
        ),
        Way("applications", both, _application, weights),
        Way("safetensors.loads", (".safetensors",), lambda model, path: loads(path.read_bytes()), path=_in_memory),
        Way("safetensors.decode", (".safetensors",), lambda model, path: decode(path.read_bytes(), str(path))),
        Way("vision.cached_features", (".safetensors",), lambda model, path: cached_features(model, X, path)),
    ]


def of_keras(folder: Path) -> list[Way]:
    """The ways into Keras's files. `folder` is for what stands beside them."""
    keras, whole, every = (".keras",), (".keras", ".h5"), (".keras", ".h5", ".weights.h5")
    shard = folder / "shards" / "w_00000.weights.h5"
    parts = folder / "folder"
    return [
        Way("saving.load_model", whole, lambda model, path: saving.load_model(path)),
        Way("models.load_model", whole, lambda model, path: dlrs.models.load_model(str(path), compile=False)),
        Way("saving_lib.load_model", whole, lambda model, path: saving_lib.load_model(path)),
        Way("a stream", keras, _from_stream, path=lambda path: "stream"),
        Way("a stream in memory", keras, lambda model, path: saving.load_model(io.BytesIO(path.read_bytes())),
            path=lambda path: "stream"),
        Way("a folder", keras, lambda model, path: _from_folder(path, parts), OF_ARCHIVES, lambda path: str(parts)),
        Way("saving.load_weights", every, saving.load_weights, OF_KERAS_CONFIGURATIONS),
        Way("Model.load_weights", every, lambda model, path: model.load_weights(str(path)), OF_KERAS_CONFIGURATIONS),
        Way("saving_lib.load_weights_only", every, saving_lib.load_weights_only, OF_KERAS_CONFIGURATIONS),
        Way("applications", every, _application, OF_KERAS_CONFIGURATIONS),
        Way("a shard", (".weights.h5",), lambda model, path: _from_shard(model, path, shard),
            path=lambda path: str(shard.parent)),
        Way(
            "KerasFileEditor",
            (".keras", ".weights.h5"),
            lambda model, path: saving.KerasFileEditor(path),
            OF_KERAS_CONFIGURATIONS | OF_SHAPES,
        ),
        Way("a copy by KerasFileEditor", (".keras", ".weights.h5"), _edited, OF_KERAS_CONFIGURATIONS,
            lambda path: str(path.parent)),
    ]  # fmt: skip


def _in_memory(path: Path) -> str:
    return "safetensors"


def _application(model: Any, path: Path) -> Any:
    """As `applications.ResNet50(weights=path)` and the others load their weights, on a model of this size."""
    return assembled(model.inputs[0], None, model.outputs[0], None, str(path))


def _resume(model: Any, path: Path, backup: Path) -> None:
    """A file in order is given what a backup has besides, so that all that may be wrong in it is judged."""
    backup.parent.mkdir()
    try:
        content = path.read_bytes()
        try:
            read_saved_model(str(path))
            content = archive({**members_of(content), **_training_parts(model, backup)})
        except FormatError:
            pass
        backup.write_bytes(content)
        _callback(model, backup).on_train_begin()
    finally:
        shutil.rmtree(backup.parent)


def _callback(model: Any, backup: Path) -> Any:
    callback = dlrs.callbacks.BackupAndRestore(backup.parent)
    callback.set_model(model)
    return callback


def _training_parts(model: Any, backup: Path) -> dict[str, bytes]:
    callback = _callback(model, backup)
    callback._batches_seen = 0
    callback._back_up(0, 0, {})
    members = members_of(backup.read_bytes())
    backup.unlink()
    return {name: data for name, data in members.items() if name.startswith("training/")}


def _from_stream(model: Any, path: Path) -> Any:
    with path.open("rb") as stream:
        return saving.load_model(stream)


def _from_folder(path: Path, parts: Path) -> Any:
    """The members of an archive as the files of a folder."""
    parts.mkdir()
    try:
        for name, content in members_of(path.read_bytes()).items():
            (parts / name).write_bytes(content)
        return saving.load_model(parts)
    finally:
        shutil.rmtree(parts)


def _from_shard(model: Any, path: Path, shard: Path) -> Any:
    shard.parent.mkdir()
    try:
        shutil.copy(path, shard)
        places = ("layers/dense", "layers/dense_1", "optimizer")
        weight_map = {f"/{place}/vars": shard.name for place in places}
        index = shard.with_name("w.weights.json")
        index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
        return model.load_weights(index)
    finally:
        shutil.rmtree(shard.parent)


def _edited(model: Any, path: Path) -> Any:
    """What an editor has read and written is loaded by a model."""
    copy = path.with_name("edited.weights.h5")
    try:
        saving.KerasFileEditor(path).save(copy)
        return model.load_weights(copy)
    finally:
        copy.unlink(missing_ok=True)


def judge(way: Way, bad: Bad, model: Any, path: Path) -> str | None:
    """What is wrong with the way's answer to a bad file; None if nothing is."""
    told = f"{way.name}, {bad.name}: "
    try:
        way.load(model, path)
    except FormatError as error:
        if bad.name in way.accepts:
            return f"{told}is said to be accepted, and is refused: {str(error)[:300]}"
        if error.rule != bad.rule:
            return f"{told}rule {error.rule} instead of {bad.rule}: {str(error)[:300]}"
        called = str(error.path)
        if not called.startswith(way.path(path)) or called not in str(error) or not error.field or not error.format:
            return f"{told}path {error.path}, field {error.field}, format {error.format}"
        return f"{told}a text of {len(str(error))} characters" if len(str(error)) > 8000 else None
    except Exception as error:
        return f"{told}{type(error).__name__} instead of {bad.rule}: {str(error)[:300]}"
    return None if bad.name in way.accepts else f"{told}accepted"
