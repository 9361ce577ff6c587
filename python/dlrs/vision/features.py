"""Features of a frozen network, computed once and kept in a file."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from dlrs import _dlrs, ops
from dlrs.models import Model
from dlrs.saving.archive import write_file
from dlrs.saving.safetensors import decode, encode, stored

Array = np.ndarray[Any, Any]


def cached_features(model: Any, x: Any, path: Any, batch_size: int = 32, overwrite: bool = False) -> Array:
    """`model.predict(x)`, from a file if it is there, else computed and written to it.

    For transfer learning: a frozen base sees every picture once, and a new head is trained on its features many times.
    The file holds a key, made from the model's architecture, its weights and all of `x`, and a checksum of the
    features; it is used only if both agree.

    Args:
        model: a built model with one output; its weights must not change as long as the features are used.
        x: an array or tensor of inputs.
        path: the file, which ends in `.safetensors`.
        batch_size: rows of a batch where features are computed.
        overwrite: whether features of another model or other data, or a damaged file, are computed and written anew
            instead of refused.

    Raises:
        ValueError: the file is stale: its features belong to another model, other weights or other data; or damaged;
            or the path has another ending, or the model is not built.
        FormatError: the file is no safetensors file, cut off, or no regular file.
        OSError: the file cannot be read or written.

    >>> import tempfile
    >>> from dlrs import Input, Sequential, layers
    >>> base = Sequential([Input((4,)), layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     first = cached_features(base, np.ones((3, 4)), directory + "/features.safetensors")
    ...     again = cached_features(base, np.ones((3, 4)), directory + "/features.safetensors")
    >>> bool((first == again).all())
    True
    """
    file = _file(path)
    if not isinstance(model, Model) or not model.built:
        raise ValueError("cached_features: `model` must be a model that is built.")
    values = np.ascontiguousarray(ops.convert_to_numpy(x))
    key = _key(model, values)
    if file.exists() and not overwrite:
        return _read(file, key)
    if file.exists():
        try:
            return _read(file, key)
        except ValueError:
            pass
    features = np.ascontiguousarray(ops.convert_to_numpy(model.predict(values, batch_size=batch_size, verbose=0)))
    tensors = {"features": features, "key": key, "checksum": _digest(features)}
    write_file(str(file), encode({name: stored(array) for name, array in tensors.items()}))
    return features


def _file(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path).endswith(".safetensors"):
        raise ValueError(f"cached_features: `path` must end in .safetensors. Received: path={path!r}")
    return Path(path)


def _read(file: Path, key: Array) -> Array:
    tensors = {name: tensor.numpy() for name, tensor in decode(_dlrs.read_file(str(file)), str(file)).items()}
    if set(tensors) != {"features", "key", "checksum"}:
        raise ValueError(f"cached_features: {file} holds no features but {sorted(tensors)}.")
    features = tensors["features"]
    if not np.array_equal(tensors["checksum"], _digest(features)):
        raise ValueError(
            f"cached_features: {file} is damaged: the features do not agree with their checksum. Remove it, or give "
            "`overwrite=True`."
        )
    if not np.array_equal(tensors["key"], key):
        raise ValueError(
            f"cached_features: {file} is stale: its features belong to another model, other weights or other data. "
            "Remove it, or give `overwrite=True`."
        )
    return features.copy()


def _key(model: Any, x: Array) -> Array:
    """32 bytes that differ if the model, a weight or the data differ."""
    text = json.dumps(_architecture(model), sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode())
    for weight in model.weights:
        _add(digest, ops.convert_to_numpy(weight))
    _add(digest, x)
    return np.frombuffer(digest.digest(), "uint8")


def _architecture(model: Any) -> Any:
    """The configuration without names, which differ from one process to the next; the class of a model without one."""
    try:
        config = model.get_config()
    except NotImplementedError:
        config = None
    return [type(model).__name__, _nameless(config)]


def _nameless(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _nameless(value) for key, value in config.items() if key != "name"}
    return [_nameless(item) for item in config] if isinstance(config, list | tuple) else config


def _add(digest: Any, array: Array) -> None:
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view("uint8").data)


def _digest(array: Array) -> Array:
    digest = hashlib.sha256()
    _add(digest, array)
    return np.frombuffer(digest.digest(), "uint8")
