"""`.dlrs` files: a zip archive of a configuration in JSON and arrays in safetensors."""

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, Variable, tree
from dlrs.saving import safetensors
from dlrs.saving.serialization_lib import ObjectSharingScope, deserialize_keras_object, serialize_keras_object

Array = np.ndarray[Any, Any]

_FORMAT = 1
_CONFIG, _WEIGHTS, _OPTIMIZER, _SEEDS = (
    "config.json",
    "weights.safetensors",
    "optimizer.safetensors",
    "seeds.safetensors",
)
# The date that zip gives to files of unknown date: equal models give equal files.
_DATE = (1980, 1, 1, 0, 0, 0)


def save_model(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save a model to `filepath`, which ends in `.dlrs`: written aside first, then put in place at once.

    Raises:
        ValueError: the model is not built, or the ending is another.
        FileExistsError: the file exists and `overwrite` is False.
        TypeError: a layer's `get_config` gives values that are not plain.
    """
    path = _checked_path(filepath, ".dlrs", overwrite)
    if not model.built:
        raise ValueError(f"Model {model.name!r} has no weights yet. Call it, `build` it or train it before saving.")
    optimizer = model.__dict__.get("optimizer")
    with ObjectSharingScope():
        description = serialize_keras_object(model)
    compile_config = description.pop("compile_config", None)
    config = {
        "format": _FORMAT,
        "model": description,
        "input_specs": _input_specs(model),
        "compile": compile_config,
        "trainer": {"shuffle_seed": model._shuffle_seed, "epochs_trained": model._epochs_trained},
        "trainable": [layer.trainable for layer in model._flatten_layers(include_self=False)],
    }
    try:
        text = json.dumps(config, indent=1)
    except TypeError as error:
        raise TypeError(f"Model {model.name!r} cannot be saved: its configuration is not plain data: {error}") from None
    members = {
        _CONFIG: text.encode(),
        _WEIGHTS: safetensors.dumps(_numbered(model.weights)),
        _SEEDS: safetensors.dumps(_numbered(model._seed_states())),
    }
    if optimizer is not None and optimizer.built:
        members[_OPTIMIZER] = safetensors.dumps(_numbered(optimizer.variables))
    _write_archive(path, members)


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model saved in `filepath`.

    Args:
        filepath: a file that `save_model` wrote.
        custom_objects: your own classes and functions, by the name in the file.
        compile: whether to compile the model as it was, with the state of the optimizer.
        safe_mode: taken for compatibility; files hold no code.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, of another format, or names an unknown class.
    """
    path = Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model file {str(path)!r}.")
    members = _read_archive(path)
    try:
        config = json.loads(members[_CONFIG])
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: the configuration is not JSON: {error}") from None
    if not isinstance(config, dict) or config.get("format") != _FORMAT:
        found = config.get("format") if isinstance(config, dict) else None
        raise ValueError(f"{path}: the format is {found!r}; this version reads {_FORMAT}.")
    try:
        return _from_members(path, config, members, custom_objects, compile)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"{path}: the configuration is damaged: {type(error).__name__}: {error}") from error


def _from_members(path: Path, config: Any, members: dict[str, bytes], custom_objects: Any, compile: bool) -> Any:
    with ObjectSharingScope():
        model = deserialize_keras_object(config["model"], custom_objects)
    _build(model, config["input_specs"])
    for layer, trainable in zip(model._flatten_layers(include_self=False), config["trainable"], strict=False):
        object.__setattr__(layer, "_trainable", bool(trainable))
    with_optimizer = compile and config["compile"] is not None
    if with_optimizer:
        model.compile_from_config(config["compile"], custom_objects)
        if _OPTIMIZER in members:
            model.optimizer.build(model.trainable_weights)
    pairs = _matched(model.weights, members[_WEIGHTS], f"{path}: weights")
    pairs += _matched(model._seed_states(), members[_SEEDS], f"{path}: seeds")
    if with_optimizer and _OPTIMIZER in members:
        pairs += _matched(model.optimizer.variables, members[_OPTIMIZER], f"{path}: optimizer")
    for variable, array in pairs:
        variable.assign(array)
    model._shuffle_seed = config["trainer"]["shuffle_seed"]
    model._epochs_trained = config["trainer"]["epochs_trained"]
    return model


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save the weights of a model to a `.safetensors` file."""
    path = _checked_path(filepath, ".safetensors", overwrite)
    _write(path, safetensors.dumps(_numbered(model.weights)))


def load_weights(model: Any, filepath: Any) -> None:
    """Assign the weights saved by `save_weights` or `save_model`: all of them, or none if one does not fit."""
    path = Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights {str(path)!r}.")
    data = _read_archive(path)[_WEIGHTS] if path.suffix == ".dlrs" else path.read_bytes()
    for variable, array in _matched(model.weights, data, str(path)):
        variable.assign(array)


def _numbered(variables: Sequence[Variable]) -> dict[str, Array]:
    return {f"{index:05d}.{variable.path}": variable.numpy() for index, variable in enumerate(variables)}


def _matched(variables: Sequence[Variable], data: bytes, what: str) -> list[tuple[Variable, Array]]:
    """Variables with the arrays of a file; ValueError unless number, shapes and types agree."""
    try:
        arrays = safetensors.loads(data)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    if len(arrays) != len(variables):
        raise ValueError(f"{what}: the file has {len(arrays)} arrays, the model has {len(variables)}.")
    pairs = list(zip(variables, (arrays[name] for name in sorted(arrays)), strict=True))
    for (variable, array), name in zip(pairs, sorted(arrays), strict=True):
        if array.shape != variable.shape or array.dtype.name != variable.dtype:
            raise ValueError(
                f"{what}: the array {name!r} is {array.dtype.name} {array.shape}, the variable {variable.path!r} is "
                f"{variable.dtype} {variable.shape}."
            )
    return pairs


def _input_specs(model: Any) -> Any:
    """Shapes and types of the inputs that built the model, for models whose graph is not in the configuration."""
    specs = model.__dict__.get("_input_specs")
    return None if specs is None else _encode_specs(specs)


def _encode_specs(specs: Any) -> Any:
    if isinstance(specs, KerasTensor):
        return {"shape": list(specs.shape), "dtype": specs.dtype}
    if isinstance(specs, dict):
        return {"dict": {key: _encode_specs(value) for key, value in specs.items()}}
    return [_encode_specs(value) for value in specs]


def _decode_specs(specs: Any) -> Any:
    if isinstance(specs, list):
        return [_decode_specs(value) for value in specs]
    if "dict" in specs:
        return {key: _decode_specs(value) for key, value in specs["dict"].items()}
    return KerasTensor(specs["shape"], specs["dtype"])


def _build(model: Any, specs: Any) -> None:
    """Make the weights of a model whose class makes them when it is called."""
    if specs is not None and any(not layer.built for layer in model._flatten_layers()):
        decoded = _decode_specs(specs)
        model._output_spec(decoded, tree.map_structure(_zeros, decoded))


def _zeros(spec: KerasTensor) -> Array:
    return np.zeros([1 if size is None else size for size in spec.shape], spec.dtype)


def _checked_path(filepath: Any, suffix: str, overwrite: bool) -> Path:
    path = Path(filepath)
    if path.suffix != suffix:
        raise ValueError(f"`filepath` must end in {suffix!r}, got {str(path)!r}.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"The file {str(path)!r} exists. Pass `overwrite=True` to replace it.")
    return path


def _write(path: Path, data: bytes) -> None:
    """Write a file aside and put it in place at once, so that a reader never sees half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        # mkstemp allows the owner alone; a saved model is an ordinary file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write_archive(path: Path, members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    _write(path, buffer.getvalue())


def _read_archive(path: Path) -> dict[str, bytes]:
    """The members of an archive. Compressed ones are refused, so that none is larger than the file."""
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.compress_type != zipfile.ZIP_STORED or info.file_size > path.stat().st_size:
                    raise ValueError(f"{path}: the member {info.filename!r} is compressed, which `save` never does.")
                members[info.filename] = archive.read(info)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ValueError(f"{path} is damaged or not a saved model: {error}") from None
    missing = [name for name in (_CONFIG, _WEIGHTS, _SEEDS) if name not in members]
    if missing:
        raise ValueError(f"{path} is not a saved model: it lacks {missing}.")
    return members
