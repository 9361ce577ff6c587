"""Looking into files of weights and changing what is in them."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlrs.saving.archive import write_file
from dlrs.saving.hdf5 import Tree, format_hdf5, read_hdf5
from dlrs.saving.keras_files import KerasFile
from dlrs.saving.keras_state import state_to_save
from dlrs.utils.io_utils import print_msg

Nest = dict[str, Any]


class KerasFileEditor:
    """The weights in a `.keras` or `.weights.h5` file, to be listed, compared with a model, changed and saved anew.

    It serves when a model's code has changed since its weights were saved. The file itself stays as it is.

    An editor makes no model. Archive, texts and weights are checked by the rules of `load_weights`; of the
    configuration, that it is the text of an object (G11, G12, C1), but not whether its classes are known and its
    arguments fit: the file may be of code that is no longer there. Nor are shapes, which a model alone can judge
    (`compare`). `save` writes weights only.

    Args:
        filepath: the file, regular, not a folder or stream.

    Attributes:
        config: the configuration in a `.keras` file as plain data, of which nothing is made; None for weights alone.
        weights_dict: what the file holds: objects, nested by their paths, and in each its arrays by their names.

    Errors: ValueError for another ending or a name that there is not; FormatError, which is one, for a bad file.

    >>> import tempfile
    >>> import numpy as np
    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((2,)), layers.Dense(3), layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save_weights(folder + "/old.weights.h5")
    ...     editor = KerasFileEditor(folder + "/old.weights.h5")
    >>> editor.delete_object("layers/dense_1")
    >>> editor.compare(model)["status"]
    Running comparison
    In the reference model, missing from the saved file: layers/dense_1 with ['0', '1']
    Found 1 error: the saved file is not compatible with the reference model
    'error'
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = os.fspath(filepath)
        if self.filepath.endswith(".keras"):
            file = KerasFile(self.filepath)
            self.config: Nest | None = file.config
            tree = file.tree
        elif self.filepath.endswith(".weights.h5"):
            self.config, tree = None, read_hdf5(self.filepath)
        else:
            raise ValueError(f"KerasFileEditor: expected a `.keras` or `.weights.h5` file, got {filepath!r}.")
        self.weights_dict = _nested(tree)

    def summary(self) -> None:
        """Print what the file holds."""
        print_msg(f"Keras model file {self.filepath!r}" if self.config else f"Keras weights file {self.filepath!r}")
        for line in _lines(self.weights_dict, 1):
            print_msg(line)

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Print where the file differs from what `reference_model` would save.

        Returns `{"status", "error_count", "match_count"}`; the status is `"success"` or `"error"`.
        """
        print_msg("Running comparison")
        reference: Nest = {}
        for path, array in state_to_save(reference_model)[0].items():
            _put(reference, _own_path(path), array)
        errors, matches = _compare(self.weights_dict, reference, "")
        if errors:
            plural = "s" if errors > 1 else ""
            print_msg(f"Found {errors} error{plural}: the saved file is not compatible with the reference model")
        else:
            print_msg(f"The saved file is compatible with the reference model: {matches} weights match")
        return {"status": "error" if errors else "success", "error_count": errors, "match_count": matches}

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object (its name, or its path) another name."""
        if "/" in new_name:
            raise ValueError(f"rename_object: `new_name` is a name and no path, got {new_name!r}.")
        parent, name = self._find(object_name)
        parent[new_name] = parent.pop(name)

    def delete_object(self, object_name: str) -> None:
        """Leave an object out, with all within it."""
        parent, name = self._find(object_name)
        del parent[name]

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Add an object under its whole path, with arrays by name: "0", "1", ..."""
        *parents, name = object_path.split("/")
        parent: Any = self.weights_dict
        for part in parents:
            parent = parent.get(part)
            if not isinstance(parent, dict):
                raise ValueError(f"add_object: there is no path {'/'.join(parents)!r} in the file.")
        parent[name] = _arrays("add_object", weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Leave an array of an object out."""
        parent, name = self._find(object_name)
        if weight_name not in parent[name]:
            raise ValueError(
                f"delete_weight: {object_name!r} has no weight {weight_name!r}; it has {list(parent[name])}."
            )
        del parent[name][weight_name]

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Add arrays by name to an object."""
        parent, name = self._find(object_name)
        parent[name].update(_arrays("add_weights", weights))

    def save(self, filepath: Any) -> None:
        """Write what is held now to a `.weights.h5` file, at once and durably."""
        path = os.fspath(filepath)
        if not path.endswith(".weights.h5"):
            raise ValueError(f"KerasFileEditor.save: expected a path that ends in `.weights.h5`, got {filepath!r}.")
        write_file(path, [format_hdf5(dict(_flat(self.weights_dict, "")), {})])

    def resave_weights(self, filepath: Any) -> None:
        """`save` under its other name."""
        self.save(filepath)

    def _find(self, name: str) -> tuple[Nest, str]:
        """Where an object stands: what it is in, and its name there."""
        parents, _, last = name.rpartition("/")
        every = [(path, nest) for path, nest in _objects(self.weights_dict, "") if isinstance(nest.get(last), dict)]
        found = [nest for path, nest in every if not parents or path == parents]
        if not found:
            raise ValueError(f"KerasFileEditor: there is no object {name!r}; `summary()` lists all.")
        if len(found) > 1:
            raise ValueError(f"KerasFileEditor: {name!r} is the name of {len(found)} objects; give a whole path.")
        return found[0], last


def _arrays(method: str, weights: Any) -> Nest:
    if not isinstance(weights, dict):
        raise ValueError(f"{method}: `weights` must be a dict of arrays by name, got {type(weights).__name__}.")
    return {str(name): np.asarray(value) for name, value in weights.items()}


def _own_path(path: str) -> str:
    """`layers/dense/0` for `layers/dense/vars/0`."""
    *parents, last = path.split("/")
    return "/".join([*parents[:-1], last] if parents[-1:] == ["vars"] else [*parents, last])


def _nested(tree: Tree) -> Nest:
    nest: Nest = {}
    for path, tensor in tree.tensors.items():
        _put(nest, _own_path(path), tensor.numpy())
    return nest


def _put(nest: Nest, path: str, value: Any) -> None:
    *parents, name = path.split("/")
    for part in parents:
        nest = nest.setdefault(part, {})
    nest[name] = value


def _objects(nest: Nest, path: str) -> Iterator[tuple[str, Nest]]:
    yield path, nest
    for name, inner in nest.items():
        if isinstance(inner, dict):
            yield from _objects(inner, f"{path}/{name}" if path else name)


def _flat(nest: Nest, path: str) -> Iterator[tuple[str, Any]]:
    for name, value in nest.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}/{name}" if path else name)
        else:
            yield (f"{path}/vars/{name}" if path else f"vars/{name}"), value


def _lines(nest: Nest, depth: int) -> Iterator[str]:
    for name, value in nest.items():
        if isinstance(value, dict):
            yield f"{'  ' * depth}{name}"
            yield from _lines(value, depth + 1)
        else:
            yield f"{'  ' * depth}{name}: shape={tuple(value.shape)}, dtype={value.dtype}"


def _compare(saved: Nest, reference: Nest, path: str) -> tuple[int, int]:
    """Differences, each told, and arrays that are alike."""
    errors = matches = 0
    prefix = f"{path}/" if path else ""
    for name, value in reference.items():
        other = saved.get(name)
        if other is None or isinstance(value, dict) != isinstance(other, dict):
            errors += 1
            print_msg(f"In the reference model, missing from the saved file: {_told(prefix + name, value)}")
        elif isinstance(value, dict):
            more = _compare(other, value, prefix + name)
            errors, matches = errors + more[0], matches + more[1]
        elif tuple(other.shape) != tuple(value.shape):
            errors += 1
            print_msg(f"Shapes of {prefix}{name}: {tuple(value.shape)} in the model, {tuple(other.shape)} in the file")
        else:
            matches += 1
    for name, value in saved.items():
        if name not in reference:
            errors += 1
            print_msg(f"In the saved file, missing from the reference model: {_told(prefix + name, value)}")
    return errors, matches


def _told(path: str, value: Any) -> str:
    return f"{path} with {list(value)}" if isinstance(value, dict) else path
