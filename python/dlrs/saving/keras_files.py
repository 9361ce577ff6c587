"""`.keras` and `.weights.h5`, the files of Keras 3 (https://keras.io/guides/serialization_and_saving).

A `.keras` file is a ZIP archive of `metadata.json`, `config.json` and `model.weights.h5`.
"""

import datetime
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlrs import _dlrs
from dlrs.backend import KerasTensor, tree
from dlrs.errors import FormatError, format_error
from dlrs.layers import IntegerLookup, TextVectorization
from dlrs.layers.index_lookup import IndexLookup
from dlrs.saving.archive import write_file
from dlrs.saving.hdf5 import Tree, format_hdf5, parse_hdf5, read_hdf5
from dlrs.saving.keras_config import modern, of_keras
from dlrs.saving.keras_state import KerasState, other_paths, saved_objects, state_to_save
from dlrs.saving.limits import memory_limit, refuse_bombs, refuse_link
from dlrs.saving.saving_lib import (
    _CONFIG_FILENAME,
    _METADATA_FILENAME,
    _VARS_FNAME_H5,
    build_for_specs,
    check_described,
    naming_damage,
    unchanged_randomness,
)
from dlrs.saving.serialization_lib import ObjectSharingScope, deserialize_keras_object, serialize_keras_object

_MEMBERS = (_METADATA_FILENAME, _CONFIG_FILENAME, _VARS_FNAME_H5)
# The terms that a layer has learned from data, one on a line, under the path of the layer.
_VOCABULARY = re.compile(r"assets/((?:[a-z0-9_]{1,200}/){0,32}[a-z0-9_]{1,200})/vocabulary\.txt")
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

    Args:
        path: the file, or a folder of its parts.
        content: what the file holds, if it has been read; `path` is what messages call it then.

    Attributes:
        path: where it was read.
        config: the model in the schema of Keras, without its `compile_config`.
        compile_config: the arguments of `compile`, or None.
        tree: the weights and the optimizer's state.
        vocabularies: the terms that layers have learned, by the paths of the layers.
    """

    def __init__(self, path: str, content: bytes | None = None) -> None:
        self.path = path
        if content is None and os.path.isdir(path) and not path.endswith(".keras"):
            members = self._files_of(path)
        else:
            data = _dlrs.read_file(path) if content is None else content
            refuse_bombs(data, path)
            members = dict(_dlrs.parse_archive(data, path))
            self._check_names(list(members))
        metadata = self._parsed("metadata.json", members)
        version = metadata.get("keras_version")
        if not isinstance(version, str) or not version.startswith("3."):
            message = f"it was written by version {str(version)[:40]!r} of Keras; this library reads 3"
            raise self._error(message, "metadata.json", "K7")
        self.config: dict[str, Any] = modern(self._parsed("config.json", members))
        check_described(self.config, path, "keras")
        self.compile_config = self.config.pop("compile_config", None)
        self.tree: Tree = parse_hdf5(members["model.weights.h5"], path, "model.weights.h5")
        texts = {match[1]: self._terms(match[0], members) for match in map(_VOCABULARY.fullmatch, members) if match}
        # The layer within a `TextVectorization` has the terms of the one it is in.
        self.vocabularies = {place.removesuffix("/_lookup_layer"): terms for place, terms in texts.items()}

    def _files_of(self, folder: str) -> dict[str, bytes]:
        """The members of a model as files of a folder, which must hold nothing else, and no links to elsewhere."""
        self._check_names(sorted(os.listdir(folder)))
        paths = {name: os.path.join(folder, name) for name in _MEMBERS}
        for path in paths.values():
            refuse_link(path, "keras")
        return {name: _dlrs.read_file(path) for name, path in paths.items()}

    def _check_names(self, names: list[str]) -> None:
        missing = [name for name in _MEMBERS if name not in names]
        extra = [name for name in names if name not in _MEMBERS and not _VOCABULARY.fullmatch(name)]
        if missing or extra:
            message = f"it lacks {missing[0]}" if missing else f"{extra[0]!r} is not read: a model has {_MEMBERS}"
            raise self._error(message, "members", "K1")

    def _parsed(self, name: str, members: dict[str, bytes]) -> dict[str, Any]:
        _dlrs.check_json(members[name], self.path, name)
        parsed: dict[str, Any] = json.loads(members[name])
        return parsed

    def _terms(self, name: str, members: dict[str, bytes]) -> list[str]:
        try:
            text = members[name].decode().rstrip("\n")
        except UnicodeDecodeError as error:
            raise self._error("the vocabulary is not UTF-8", name, "C1") from error
        if not text:
            raise self._error("the vocabulary has no terms", name, "C1")
        return text.split("\n")

    def _error(self, message: str, field: str, rule: str) -> FormatError:
        return format_error(message, path=self.path, format="keras", field=field, rule=rule)

    def make_model(self, custom_objects: dict[str, Any] | None = None, compile: bool = True) -> Any:
        """A new model in the state that was saved.

        Raises:
            FormatError: the configuration names what is not known (G2), describes nothing that can be made (C1), or
                does not fit the tensors (G9, G15).
        """
        if self.config["class_name"] == "FeatureSpace":
            import dlrs.utils.feature_space  # noqa: F401 - which is made of layers and of this, and is rarely needed
        with making(self.path, "keras", "config.json", self.tree):
            with ObjectSharingScope():
                model = deserialize_keras_object(self.config, custom_objects)
            check_model(model)
            build_for_shapes(model, self.config.get("build_config"))
            self._set_vocabularies(model)
            if compile and self.compile_config is not None:
                model.compile_from_config(self.compile_config, custom_objects)
                build_optimizer(model, len(self.tree.under("optimizer/vars")))
            self.state().load(model, with_optimizer=compile)
        return model

    def _set_vocabularies(self, model: Any) -> None:
        if not self.vocabularies:
            return
        others = other_paths(model)
        nodes = {place: node for _, node in saved_objects(model) for place in others[id(node)]}
        for place, terms in self.vocabularies.items():
            layer = nodes.get(place)
            if not isinstance(layer, IndexLookup | TextVectorization):
                raise self._error("there is no layer that has a vocabulary", f"assets/{place}"[:200], "G15")
            layer.set_vocabulary([int(term) for term in terms] if isinstance(layer, IntegerLookup) else terms)

    def state(self) -> KerasState:
        """Its weights."""
        return KerasState(self.tree.tensors, self.path, "keras", "model.weights.h5")


def read_weights(path: str) -> KerasState:
    """The weights in a `.weights.h5` file."""
    return KerasState(read_hdf5(path).tensors, path, "hdf5", "weights")


def check_model(model: Any) -> None:
    """TypeError unless a configuration gave a model."""
    if not hasattr(model, "compile_from_config") and not getattr(model, "_is_saved_alone", False):
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
    limit = sum(tensor.array.nbytes for tensor in tree.tensors.values()) + _FREE_BYTES
    with unchanged_randomness(), naming_damage(path, format, field, limit):
        yield


def model_of_json(text: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that a text describes which dlrs or Keras wrote; see `dlrs.models.model_from_json`."""
    path, field = "model_from_json", "json_string"
    _dlrs.check_json(text.encode(errors="surrogatepass"), path, field)
    with naming_damage(path, "json", field, memory_limit()):
        model = deserialize_keras_object(modern(json.loads(text)), custom_objects)
        check_model(model)
    return model
