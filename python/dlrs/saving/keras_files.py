"""`.keras` and `.weights.h5`, the files of Keras 3 (https://keras.io/guides/serialization_and_saving).

A `.keras` file is a ZIP archive of `metadata.json`, `config.json` and `model.weights.h5`.
"""

import datetime
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlrs import _dlrs
from dlrs.backend import KerasTensor, tree
from dlrs.backend.budget import VariableBudget
from dlrs.errors import ConfigError, FormatError, format_error
from dlrs.saving.archive import write_file
from dlrs.saving.hdf5 import Tree, format_hdf5, parse_hdf5, read_hdf5
from dlrs.saving.keras_config import modern, of_keras
from dlrs.saving.keras_state import KerasState, state_to_save
from dlrs.saving.saving_lib import (
    _CONFIG_FILENAME,
    _METADATA_FILENAME,
    _VARS_FNAME_H5,
    build_for_specs,
    unchanged_randomness,
)
from dlrs.saving.serialization_lib import ObjectSharingScope, deserialize_keras_object, serialize_keras_object

_MEMBERS = (_METADATA_FILENAME, _CONFIG_FILENAME, _VARS_FNAME_H5)
_FREE_BYTES = 16 << 20
# The version of Keras whose schema is written.
KERAS_VERSION = "3.15.1"
# What `compile` takes here and not there.
_OWN_ARGUMENTS = ("check_numerics",)


def write_keras(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write a model to the `.keras` file `path`, at once and durably."""
    parts = _parts(model, path, include_optimizer)
    file = _dlrs.ArchiveFile(path)
    try:
        for name, content in zip(_MEMBERS, parts, strict=True):
            file.begin(name, len(content))
            file.write(content)
            file.end()
        file.commit()
    finally:
        file.discard()


def write_keras_folder(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write the same parts as files of the folder `path`, which is made if it is not there."""
    parts = _parts(model, path, include_optimizer)
    os.makedirs(path, exist_ok=True)
    for name, content in zip(_MEMBERS, parts, strict=True):
        write_file(os.path.join(path, name), [content])


def _parts(model: Any, path: str, include_optimizer: bool) -> list[bytes]:
    """The contents of the members."""
    with ObjectSharingScope():
        config = serialize_keras_object(model)
    compile_config = config.get("compile_config")
    if compile_config is not None:
        config["compile_config"] = {k: v for k, v in compile_config.items() if k not in _OWN_ARGUMENTS}
    metadata = {"keras_version": KERAS_VERSION, "date_saved": f"{datetime.datetime.now():%Y-%m-%d@%H:%M:%S}"}
    state = format_hdf5(*state_to_save(model, include_optimizer))
    return [_json(metadata, path), _json(of_keras(config), path), state]


def _json(part: Any, path: str) -> bytes:
    try:
        return json.dumps(part).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{path}: the configuration is not plain data: {error}") from None


def write_weights(model: Any, path: str, skip: Any = ()) -> None:
    """Write the weights of a model to the `.weights.h5` file `path`, at once and durably."""
    write_file(path, [format_hdf5(*state_to_save(model, skip=skip))])


class KerasFile:
    """The parts of a `.keras` file, each of them checked.

    Attributes:
        path: where it was read.
        config: the model in the schema of Keras, without its `compile_config`.
        compile_config: the arguments of `compile`, or None.
        tree: the weights and the optimizer's state.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        is_folder = os.path.isdir(path) and not path.endswith(".keras")
        members = _files_of(path) if is_folder else dict(_dlrs.read_archive(path))
        missing = [name for name in _MEMBERS if name not in members]
        extra = [name for name in members if name not in _MEMBERS]
        if missing or extra:
            message = f"it lacks {missing[0]}" if missing else f"{extra[0]!r} is not read: a model has {_MEMBERS}"
            raise self._error(message, "members", "K1")
        metadata = self._parsed("metadata.json", members)
        version = metadata.get("keras_version")
        if not isinstance(version, str) or not version.startswith("3."):
            message = f"it was written by version {str(version)[:40]!r} of Keras; this library reads 3"
            raise self._error(message, "metadata.json", "K7")
        self.config: dict[str, Any] = modern(self._parsed("config.json", members))
        self.compile_config = self.config.pop("compile_config", None)
        self.tree: Tree = parse_hdf5(members["model.weights.h5"], path, "model.weights.h5")

    def _parsed(self, name: str, members: dict[str, bytes]) -> dict[str, Any]:
        _dlrs.check_json(members[name], self.path, name)
        parsed: dict[str, Any] = json.loads(members[name])
        return parsed

    def _error(self, message: str, field: str, rule: str) -> FormatError:
        return format_error(message, path=self.path, format="keras", field=field, rule=rule)

    def make_model(self, custom_objects: dict[str, Any] | None = None, compile: bool = True) -> Any:
        """A new model in the state that was saved.

        Raises:
            FormatError: the configuration names what is not known (G2), describes nothing that can be made (C1), or
                does not fit the tensors (G9, G15).
        """
        with making(self.path, "keras", "config.json", self.tree):
            with ObjectSharingScope():
                model = deserialize_keras_object(self.config, custom_objects)
            check_model(model)
            build_for_shapes(model, self.config.get("build_config"))
            if compile and self.compile_config is not None:
                model.compile_from_config(self.compile_config, custom_objects)
                build_optimizer(model, len(self.tree.under("optimizer/vars")))
            self.state().load(model, with_optimizer=compile)
        return model

    def state(self) -> KerasState:
        """Its weights."""
        return KerasState(self.tree.tensors, self.path, "keras", "model.weights.h5")


def _files_of(folder: str) -> dict[str, bytes]:
    """The members of a model as files of a folder. Others are named, and not read."""
    names = os.listdir(folder)
    return {name: _dlrs.read_file(os.path.join(folder, name)) if name in _MEMBERS else b"" for name in names}


def read_weights(path: str) -> KerasState:
    """The weights in a `.weights.h5` file."""
    return KerasState(read_hdf5(path).tensors, path, "hdf5", "weights")


def check_model(model: Any) -> None:
    """TypeError unless a configuration gave a model."""
    if not hasattr(model, "compile_from_config"):
        raise TypeError(f"it describes a {type(model).__name__}, not a model")


def build_for_shapes(model: Any, config: Any) -> None:
    """Make the weights of a model whose class makes them when it is called, for the shapes that a file names."""
    if not isinstance(config, dict) or all(layer.built for layer in model._flatten_layers()):
        return
    shapes = config.get("input_shape")
    if shapes is None and isinstance(config.get("shapes_dict"), dict) and len(config["shapes_dict"]) == 1:
        shapes = next(iter(config["shapes_dict"].values()))
    if shapes is not None:
        build_for_specs(model, tree.map_shape_structure(lambda shape: KerasTensor(shape, "float32"), shapes))


def build_optimizer(model: Any, saved: int) -> None:
    """Make the slots of the optimizer, if `saved` variables are more than it has without: a model may be saved that was
    compiled and never trained.
    """
    optimizer = model.__dict__.get("optimizer")
    if optimizer is not None and model.built and not optimizer.built and saved > len(optimizer.variables):
        optimizer.build(model.trainable_weights)


@contextmanager
def making(path: str, format: str, field: str, tree: Tree) -> Iterator[None]:
    """While a model is made of a file: random state stays as it was, memory is bounded, errors name the file."""

    def refuse(message: str, rule: str = "G9") -> FormatError:
        return format_error(message, path=path, format=format, field=field, rule=rule)

    budget = VariableBudget(sum(tensor.array.nbytes for tensor in tree.tensors.values()) + _FREE_BYTES, refuse)
    try:
        with unchanged_randomness(), budget:
            yield
    except (FormatError, MemoryError, OSError):
        raise
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        text = f"{type(cause).__name__}: {str(cause)[:1000]}"
        unknown = any(hint in text for hint in ("Could not locate", "arbitrary code", "built-in", "Unknown"))
        message = f"the configuration is damaged or needs `custom_objects`: {text}"
        if cause is not error and "explicitly deserialized" in str(error):
            message += ". Objects that a `get_config` returns are explicitly deserialized in `from_config`"
        refusal = refuse(message, "G2" if unknown else "C1")
        raise (ConfigError(refusal) if isinstance(cause, TypeError) else refusal) from error
