"""Saving and loading by path."""

import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlrs import _dlrs
from dlrs.backend.serialization import check_safe_mode
from dlrs.saving.archive import write_file
from dlrs.saving.keras_files import KerasFile, read_weights, write_keras, write_keras_folder, write_weights
from dlrs.saving.keras_state import KerasState
from dlrs.saving.legacy_h5 import LegacyFile, write_legacy, write_legacy_weights
from dlrs.saving.limits import read_stream
from dlrs.saving.matching import LoadReport, compare, match, note_non_finite
from dlrs.saving.safetensors import StoredTensor, decode, encode, stored
from dlrs.saving.saving_lib import read_saved_model, write_saved_model
from dlrs.saving.sharded import read_sharded, write_sharded
from dlrs.saving.structure import named_weights


class MissingFileError(FileNotFoundError, ValueError):
    """There is no file to load: a `FileNotFoundError`, and, as Keras raises it, a `ValueError`."""


_LEGACY = (".h5", ".hdf5")
_WEIGHTS = ".weights.h5"
_FILES = (".keras", ".dlrs", *_LEGACY)


def save_model(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Save a model to `filepath`: written aside, brought to the disk, then put in place at once.

    The ending says the format: `.dlrs`; `.keras`, which Keras 3 reads; `.h5` or `.hdf5`, the older format of Keras.
    Those of Keras need the extra `h5`. A symbolic link is replaced by the file; what it points to stays.

    Args:
        model: a built model.
        filepath: the file; or an open binary stream, which a `.keras` file is written to.
        overwrite: whether a file may be replaced.
        include_optimizer: whether the state of the optimizer is written, too (formats of Keras; True if not given).
        zipped: False to write the parts of a `.keras` file as files of the folder `filepath`.

    Raises:
        ValueError: the model is not built, or the ending is another.
        FileExistsError: the file exists and `overwrite` is False.
        TypeError: a layer's `get_config` gives values that are not plain.
        OSError: the disk is full or the like; an older file is as it was.

    >>> import tempfile
    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((2,)), layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_model(model, directory + "/m.dlrs")
    ...     load_model(directory + "/m.dlrs").count_params()
    3
    """
    include_optimizer = bool(kwargs.pop("include_optimizer", True))
    zipped = kwargs.pop("zipped", None)
    _check_keywords(kwargs)
    _check_model(model)
    if zipped is False:
        _save_to_folder(model, filepath, overwrite, include_optimizer)
        return
    if hasattr(filepath, "write"):
        _save_to_stream(model, filepath, include_optimizer)
        return
    path = _target(filepath, (".dlrs", ".keras", *_LEGACY), overwrite)
    if getattr(model, "_is_saved_alone", False) and not path.endswith(".keras"):
        raise ValueError(
            f"save_model: a {type(model).__name__} is saved to a path that ends in '.keras', got {path!r}."
        )
    if path.endswith(".dlrs"):
        write_saved_model(model, path)
        return
    if not model.built and not path.endswith(".keras"):
        raise ValueError(f"Model {model.name!r} has no weights yet. Call it, `build` it or train it before saving.")
    write = write_keras if path.endswith(".keras") else write_legacy
    write(model, path, include_optimizer)


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model saved in `filepath`.

    Everything in the file is checked before anything is made. The global random state is afterwards as it was.

    Args:
        filepath: a file that `save_model` wrote (`.dlrs`), or Keras (`.keras`, `.h5`, `.hdf5`, of version 1 to 3); or
            an open binary stream with a `.keras` file, or a folder of its parts.
        custom_objects: your own classes and functions, by the name in the file.
        compile: whether to compile the model as it was, with the state of the optimizer.
        safe_mode: True; taken for compatibility: files hold no code.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is damaged or hostile, of another format, or names an unknown class. It is a `ValueError`
            with the attributes `path`, `format`, `field`, `offset` and `rule`.
        ValueError: the ending is another, or `safe_mode=False`.
        ImportError: a file of Keras needs the extra `h5`.

    >>> import tempfile
    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((2,)), layers.Dense(1)], name="line")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_model(model, directory + "/m.dlrs")
    ...     load_model(directory + "/m.dlrs").name
    'line'
    """
    check_safe_mode(safe_mode)
    _check_custom_objects(custom_objects)
    objects = None if custom_objects is None else dict(custom_objects)
    if hasattr(filepath, "read"):
        return _load_from_stream(filepath, objects, compile)
    if _is_folder(filepath):
        return KerasFile(os.fspath(filepath)).make_model(objects, compile)
    path = _origin(filepath, (".dlrs", ".keras", *_LEGACY))
    if path.endswith(_LEGACY):
        return LegacyFile(path).make_model(objects, compile)
    if path.endswith(".keras"):
        return KerasFile(path).make_model(objects, compile)
    return read_saved_model(path).make_model(objects, compile)


def _save_to_folder(model: Any, filepath: Any, overwrite: bool, include_optimizer: bool) -> None:
    path = _plain_path(filepath)
    if Path(path).suffix in _FILES:
        raise ValueError(
            f"save_model: the name of a folder (`zipped=False`) should not end in {Path(path).suffix!r}, got {path!r}."
        )
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"The folder {path!r} exists. Pass `overwrite=True` to replace what is in it.")
    write_keras_folder(model, path, include_optimizer)


def _is_folder(filepath: Any) -> bool:
    """Whether this is a folder of the parts of a model, whose name is not that of a file."""
    return isinstance(filepath, str | os.PathLike) and Path(filepath).suffix not in _FILES and os.path.isdir(filepath)


def _save_to_stream(model: Any, stream: Any, include_optimizer: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stream.keras")
        write_keras(model, path, include_optimizer)
        stream.write(Path(path).read_bytes())


def _load_from_stream(stream: Any, custom_objects: dict[str, Any] | None, compile: bool) -> Any:
    return KerasFile("stream", read_stream(stream, "stream")).make_model(custom_objects, compile)


def save_weights(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Save the weights of a model, put in place at once as by `save_model`.

    The ending says the format: `.safetensors`; `.weights.h5`, which Keras 3 reads; `.h5` or `.hdf5`, for Keras 2.

    Args:
        model: a built model.
        filepath: the file.
        overwrite: whether a file may be replaced.
        max_shard_size: gigabytes of a file at most: weights go to several `.weights.h5` files beside `filepath`, which
            says what is where and ends in `.json`.
        objects_to_skip: layers, or their names, to leave out (`.weights.h5` and shards).

    Raises:
        ValueError: the model is not built, or the ending is another.
        FileExistsError: the file exists and `overwrite` is False.
        OSError: the disk is full or the like; an older file is as it was.

    >>> import os, tempfile
    >>> from dlrs import Input, Sequential, layers
    >>> model = Sequential([Input((2,)), layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_weights(model, directory + "/w.safetensors")
    ...     os.listdir(directory)
    ['w.safetensors']
    """
    skip, shards = kwargs.pop("objects_to_skip", None) or (), kwargs.pop("max_shard_size", None)
    _check_keywords(kwargs)
    _check_model(model)
    if shards is not None and not _plain_path(filepath).endswith(".json"):
        filepath = Path(filepath).with_suffix(".json")
        warnings.warn(f"save_weights: weights in shards have a map that ends in `.json`: {filepath}", stacklevel=2)
    path = _target(filepath, (".safetensors", *_LEGACY) if shards is None else (".json",), overwrite)
    if skip and not path.endswith((_WEIGHTS, ".json")):
        raise ValueError(f"Invalid keyword arguments: `objects_to_skip` is for `.weights.h5` files, got {path!r}.")
    if not model.built:
        raise ValueError(
            f"You are saving a model that has not yet been built. Model {model.name!r} has no weights yet."
        )
    if shards is not None:
        write_sharded(model, path, shards, skip)
        return
    if path.endswith(_WEIGHTS):
        write_weights(model, path, skip)
        return
    if path.endswith(_LEGACY):
        write_legacy_weights(model, path)
        return
    weights = {name: stored(variable) for name, variable in named_weights(model).items()}
    write_file(path, encode(weights, path))


def load_weights(
    model: Any, filepath: Any, strict: bool = True, check_finite: str = "count", **kwargs: Any
) -> LoadReport:
    """Assign the weights saved by `save_weights` or `save_model`: all of them, or none if one does not fit.

    Args:
        model: a built model.
        filepath: a `.safetensors` or `.dlrs` file, or one of Keras: `.weights.h5`, `.keras`, `.h5`, `.hdf5`, or the
            `.json` of weights in shards.
        strict: whether every weight of the file and of the model must have its like, of the same shape and type. If
            not, those that have are assigned, and the report says what became of the others.
        check_finite: `"count"` lists tensors with NaN or infinities in the report, `"error"` refuses them, `"off"` does
            not look (files of dlrs).
        skip_mismatch: the opposite of `strict`, as Keras calls it.
        objects_to_skip: layers, or their names, to leave as they are (`.weights.h5` and shards).
        by_name: whether layers are found by their names instead of their order (older `.h5` files).

    Returns:
        A `LoadReport` with the names that were `loaded`, `missing`, `unexpected`, `mismatched` and `non_finite`.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is damaged or hostile, or, if `strict`, a weight does not fit (rule G15), or a
            value is not finite and `check_finite="error"` (G17).
        ValueError: the ending is another, or the model is not built.

    >>> import tempfile
    >>> from dlrs import Input, Sequential, layers
    >>> one, other = (Sequential([Input((2,)), layers.Dense(1)]) for _ in range(2))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_weights(one, directory + "/w.safetensors")
    ...     report = load_weights(other, directory + "/w.safetensors")
    >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
    True
    """
    strict = strict and not kwargs.pop("skip_mismatch", False)
    skip, by_name = kwargs.pop("objects_to_skip", None), bool(kwargs.pop("by_name", False))
    _check_keywords(kwargs)
    if check_finite not in ("count", "error", "off"):
        raise ValueError(f"`check_finite` must be 'count', 'error' or 'off', got {check_finite!r}.")
    _check_model(model)
    path = _origin(filepath, (".safetensors", ".dlrs", ".keras", ".json", *_LEGACY))
    legacy = path.endswith(_LEGACY) and not path.endswith(_WEIGHTS)
    if by_name and not legacy:
        raise ValueError(
            f"Invalid keyword arguments: `by_name=True` only supports loading legacy '.h5' or '.hdf5' files. Received: "
            f"{path!r}."
        )
    if skip is not None and not path.endswith((_WEIGHTS, ".json")):
        raise ValueError(
            f"Invalid keyword arguments: `objects_to_skip` only supports loading '.weights.h5' files. Received: "
            f"{path!r}."
        )
    if not model.built:
        raise ValueError(
            f"You are loading weights into a model that has not yet been built. Call model {model.name!r}, or `build` "
            f"it."
        )
    if legacy:
        return LegacyFile(path).load_weights(model, by_name, strict)
    if path.endswith((".keras", ".json", _WEIGHTS)):
        state = _state_of(path)
        return state.load(model, with_optimizer=False, strict=strict, skip=skip or ())
    tensors = _weights_of(path)
    variables = named_weights(model)
    if strict:
        match(variables, tensors, path, "weights")
    assignment, report = compare(variables, tensors)
    note_non_finite(report, tensors, check_finite, path)
    assignment.carry_out()
    return report


def _state_of(path: str) -> KerasState:
    if path.endswith(".keras"):
        return KerasFile(path).state()
    return read_sharded(path) if path.endswith(".json") else read_weights(path)


def _weights_of(path: str) -> dict[str, StoredTensor]:
    if path.endswith(".dlrs"):
        return read_saved_model(path).weights
    return decode(_dlrs.read_file(path), path)


def _check_model(model: Any) -> None:
    if isinstance(model, type) or not hasattr(model, "built"):
        raise TypeError(f"`model` must be a model, got {type(model).__name__}.")


def _check_keywords(kwargs: Mapping[str, Any]) -> None:
    if "save_format" in kwargs:
        raise ValueError("The `save_format` argument is deprecated: the ending of `filepath` says the format.")
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {sorted(kwargs)}. Invalid keyword arguments.")


def _check_custom_objects(custom_objects: Any) -> None:
    if custom_objects is not None and not isinstance(custom_objects, Mapping):
        raise TypeError(f"`custom_objects` must be a dict of classes and functions by name, got {custom_objects!r}.")


def _plain_path(filepath: Any) -> str:
    try:
        path = os.fspath(filepath)
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        raise TypeError(f"`filepath` must be a path, a string or a `pathlib.Path`, got {filepath!r}.")
    return path


def _target(filepath: Any, suffixes: tuple[str, ...], overwrite: bool) -> str:
    path = _plain_path(filepath)
    if Path(path).suffix not in suffixes:
        known = " or ".join(map(repr, suffixes))
        raise ValueError(f"Invalid filepath extension for saving: `filepath` must end in {known}, got {path!r}.")
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"The file {path!r} exists. Pass `overwrite=True` to replace it.")
    return path


def _origin(filepath: Any, suffixes: tuple[str, ...]) -> str:
    path = _plain_path(filepath)
    if Path(path).suffix not in suffixes:
        raise ValueError(f"File format not supported: `filepath` must end in {' or '.join(suffixes)}, got {path!r}.")
    if not os.path.lexists(path):
        raise MissingFileError(
            f"File not found: there is no file {path!r}. Please ensure the file is an accessible {Path(path).suffix} "
            f"file."
        )
    return path
