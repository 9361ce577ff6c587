"""What stands in a `.dlrs` file, and how a model is made from it or brought to its state.

* `metadata.json`: the version of the format.
* `config.json`: the model and the arguments of `compile`, in the schema of Keras.
* `state.json`: what built the model, which layers are trained, the numbers that decide the order of rows.
* `model.safetensors`, `optimizer.safetensors`, `state.safetensors`: weights, slots, states of seed generators.
* `training/<name>.json`, `training/<name>.safetensors`: parts that a caller adds.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, Variable, get_global_attribute, tree
from dlrs.backend.budget import VariableBudget
from dlrs.backend.foreign import ForeignPathError
from dlrs.errors import ConfigError, FormatError, format_error
from dlrs.saving.archive import read_archive, write_archive
from dlrs.saving.matching import Assignment, match
from dlrs.saving.safetensors import StoredTensor, stored
from dlrs.saving.serialization_lib import ObjectSharingScope, deserialize_keras_object, serialize_keras_object
from dlrs.saving.structure import named_states, named_weights, numbered

FORMAT_VERSION = 2
# Variables that a model has besides those of the file: metrics, mostly.
_FREE_BYTES = 16 << 20

Tensors = dict[str, StoredTensor]


class SavedModel:
    """The parts of a `.dlrs` file, each of them checked.

    Attributes:
        path: where it was read.
        config: the model in the schema of Keras, without its `compile_config`.
        compile_config: the arguments of `compile`, or None.
        state: what `state.json` holds.
        weights, optimizer, seeds: tensors by name; `optimizer` is None if there was none.
        json: the further parts `training/<name>.json`, by name.
        tensors: the further parts `training/<name>.safetensors`, by name; each tensor has `numpy()`.
    """

    def __init__(self, path: str, parts: Mapping[str, Any]) -> None:
        self.path = path
        _check_version(path, parts["metadata.json"])
        self.config: dict[str, Any] = dict(parts["config.json"])
        check_described(self.config, path, "dlrs")
        self.compile_config = self.config.pop("compile_config", None)
        self.state: dict[str, Any] = _checked_state(path, parts["state.json"])
        self.weights: Tensors = parts["model.safetensors"]
        self.seeds: Tensors = parts["state.safetensors"]
        self.optimizer: Tensors | None = parts.get("optimizer.safetensors")
        extra = {tuple(name[9:].rsplit(".", 1)): part for name, part in parts.items() if name.startswith("training/")}
        self.json: dict[str, Any] = {name: part for (name, kind), part in extra.items() if kind == "json"}
        self.tensors: dict[str, Tensors] = {name: part for (name, kind), part in extra.items() if kind != "json"}

    def make_model(self, custom_objects: dict[str, Any] | None = None, compile: bool = True) -> Any:
        """A new model in the state that was saved.

        Raises:
            FormatError: the configuration names what is not known (G2), describes nothing that can be made (C1), or
                does not fit the tensors (G9, G15).
        """
        stored_bytes = sum(
            t.array.nbytes for part in (self.weights, self.seeds, self.optimizer or {}) for t in part.values()
        )
        limit = stored_bytes + _FREE_BYTES
        with unchanged_randomness(), naming_damage(self.path, "dlrs", "config.json", limit):
            with ObjectSharingScope():
                model = deserialize_keras_object(self.config, custom_objects)
            if not hasattr(model, "compile_from_config"):
                raise TypeError(f"it describes a {type(model).__name__}, not a model")
            _build(model, self.state["input_specs"])
            self._set_trainable(model)
            if compile and self.compile_config is not None:
                model.compile_from_config(self.compile_config, custom_objects)
                if self.optimizer is not None:
                    model.optimizer.build(model.trainable_weights)
            assignment = self._assignment(model, with_optimizer=compile and self.compile_config is not None)
            assignment.carry_out()
            self._set_trainer(model)
        return model

    def build(self, model: Any) -> None:
        """Make the weights of `model`, if it has none yet, for the inputs of the saved one."""
        _build(model, self.state["input_specs"])

    def restore(self, model: Any) -> None:
        """Bring `model`, built as the saved one, to the state that was saved; optimizer and seed generators, too.

        Raises:
            FormatError: a tensor does not fit (G15). The model has not changed then.
        """
        optimizer = model.__dict__.get("optimizer")
        if self.optimizer is not None and optimizer is not None and not optimizer.built:
            # Its slots are matched on a copy first: a failure leaves the optimizer without slots, as it was.
            copy = type(optimizer).from_config(optimizer.get_config())
            copy.build(model.trainable_weights)
            match(numbered(copy.variables), self.optimizer, self.path, "optimizer.safetensors")
            self._assignment(model, with_optimizer=False)
            optimizer.build(model.trainable_weights)
        assignment = self._assignment(model, with_optimizer=optimizer is not None)
        assignment.carry_out()
        self._set_trainer(model)

    def _assignment(self, model: Any, with_optimizer: bool) -> Assignment:
        assignment = match(named_weights(model), self.weights, self.path, "model.safetensors")
        assignment += match(named_states(model), self.seeds, self.path, "state.safetensors")
        if with_optimizer and self.optimizer is not None:
            slots: dict[str, Variable] = numbered(model.optimizer.variables)
            assignment += match(slots, self.optimizer, self.path, "optimizer.safetensors")
        return assignment

    def _set_trainable(self, model: Any) -> None:
        layers = list(model._flatten_layers(include_self=False))
        flags = self.state["trainable"]
        if len(layers) != len(flags):
            message = f"`trainable` has {len(flags)} entries for {len(layers)} layers"
            raise format_error(message, path=self.path, format="dlrs", field="state.json", rule="G15")
        for layer, trainable in zip(layers, flags, strict=True):
            object.__setattr__(layer, "_trainable", trainable)

    def _set_trainer(self, model: Any) -> None:
        model._shuffle_seed = self.state["shuffle_seed"]
        model._epochs_trained = self.state["epochs_trained"]


@contextmanager
def naming_damage(path: str, format: str, field: str, limit: int) -> Iterator[None]:
    """While a configuration is made to objects: variables of at most `limit` bytes (G9), and errors that name the file.

    Whatever constructors raise becomes a FormatError: of names that are not known (G2), of paths (G4), or of anything
    else (C1).
    """

    def refuse(message: str, rule: str = "G9") -> FormatError:
        return format_error(message, path=path, format=format, field=field, rule=rule)

    try:
        with VariableBudget(limit, refuse):
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
        rule = "G4" if isinstance(cause, ForeignPathError) else "G2" if unknown else "C1"
        refusal = refuse(message, rule)
        raise (ConfigError(refusal) if isinstance(cause, TypeError) else refusal) from error


def read_saved_model(path: str) -> SavedModel:
    """The checked parts of the `.dlrs` file `path`; see `SavedModel`."""
    return SavedModel(path, read_archive(path))


def write_saved_model(
    model: Any,
    path: str,
    json_parts: Mapping[str, Any] | None = None,
    tensor_parts: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write `model` to the `.dlrs` file `path`, at once and durably.

    Args:
        model: a built model.
        path: the file.
        json_parts: further plain data, dicts by name (letters, digits, underscores).
        tensor_parts: further tensors, variables or arrays: dicts by name.

    Raises:
        ValueError: the model is not built.
        TypeError: a configuration is not plain data.
        OSError: from the operating system; `path` is as it was.
    """
    if not model.built:
        raise ValueError(f"Model {model.name!r} has no weights yet. Call it, `build` it or train it before saving.")
    with ObjectSharingScope():
        config = serialize_keras_object(model)
    optimizer = model.__dict__.get("optimizer")
    parts: dict[str, Any] = {
        "metadata.json": {"format": "dlrs", "format_version": FORMAT_VERSION},
        "config.json": config,
        "state.json": {
            "input_specs": _input_specs(model),
            "trainable": [layer.trainable for layer in model._flatten_layers(include_self=False)],
            "shuffle_seed": model._shuffle_seed,
            "epochs_trained": model._epochs_trained,
        },
        "model.safetensors": _stored(named_weights(model)),
        "state.safetensors": _stored(named_states(model)),
    }
    if optimizer is not None and optimizer.built:
        parts["optimizer.safetensors"] = _stored(numbered(optimizer.variables))
    for name, part in (json_parts or {}).items():
        parts[f"training/{name}.json"] = part
    for name, tensors in (tensor_parts or {}).items():
        parts[f"training/{name}.safetensors"] = _stored(tensors)
    write_archive(path, parts)


def _stored(tensors: Mapping[str, Any]) -> Tensors:
    return {name: stored(tensor) for name, tensor in tensors.items()}


def _check_version(path: str, metadata: Any) -> None:
    version = metadata.get("format_version")
    if type(version) is not int or not FORMAT_VERSION <= version <= FORMAT_VERSION:
        message = f"the version of the format is {version!r}; this library reads {FORMAT_VERSION} to {FORMAT_VERSION}"
        raise format_error(message, path=path, format="dlrs", field="metadata.json", rule="K7")


def check_described(config: Mapping[str, Any], path: str, format: str) -> None:
    """FormatError unless a configuration is that of an object, which is all that is asked of one that is not built."""
    if not isinstance(config.get("class_name"), str) or not isinstance(config.get("config"), dict):
        message = "the configuration is damaged: an object has a `class_name` and a `config`"
        raise format_error(message, path=path, format=format, field="config.json", rule="C1")


def _checked_state(path: str, state: Any) -> dict[str, Any]:
    seed, epochs, trainable = state.get("shuffle_seed"), state.get("epochs_trained"), state.get("trainable")
    fits = (
        set(state) == {"input_specs", "trainable", "shuffle_seed", "epochs_trained"}
        and (seed is None or type(seed) is int)
        and (type(epochs) is int and epochs >= 0)
        and isinstance(trainable, list)
        and all(type(flag) is bool for flag in trainable)
    )
    if not fits:
        message = "it must hold `input_specs`, `trainable`, `shuffle_seed` and `epochs_trained`, each of its type"
        raise format_error(message, path=path, format="dlrs", field="state.json", rule="C1")
    return dict(state)


@contextmanager
def unchanged_randomness() -> Iterator[None]:
    """Making a model draws seeds and first weights, which loading then replaces: as if nothing had been drawn."""
    python = random.getstate()
    generator = get_global_attribute("global_seed_generator")
    state = None if generator is None else generator.state.value
    try:
        yield
    finally:
        random.setstate(python)
        if generator is not None:
            generator.state.assign(state)


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
        build_for_specs(model, _decode_specs(specs))


def build_for_specs(model: Any, specs: Any) -> None:
    """Call a model for placeholders of these shapes and types."""
    model._output_spec(specs, tree.map_structure(_zeros, specs))


def _zeros(spec: KerasTensor) -> np.ndarray[Any, Any]:
    return np.zeros([1 if size is None else size for size in spec.shape], spec.dtype)


# The members of a `.keras` file, under Keras's names.
_METADATA_FILENAME, _CONFIG_FILENAME, _VARS_FNAME_H5 = "metadata.json", "config.json", "model.weights.h5"
# A member that expands more than so many times is refused if it, or all members together, have more bytes than this.
_ZIP_MEMBER_MAX_EXPANSION = 100
_ZIP_MEMBER_BOMB_FLOOR_BYTES = 1 << 28
_ZIP_EXTRACT_BOMB_FLOOR_BYTES = 1 << 28


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """As `dlrs.saving.load_model`."""
    from dlrs.saving import saving_api

    return saving_api.load_model(filepath, custom_objects, compile, safe_mode)


def save_model(model: Any, filepath: Any, zipped: bool | None = None) -> None:
    """As `dlrs.saving.save_model`."""
    from dlrs.saving import saving_api

    saving_api.save_model(model, filepath, zipped=zipped)


def save_weights_only(model: Any, filepath: Any, max_shard_size: Any = None, objects_to_skip: Any = None) -> None:
    """As `dlrs.saving.save_weights`."""
    from dlrs.saving import saving_api

    saving_api.save_weights(model, filepath, max_shard_size=max_shard_size, objects_to_skip=objects_to_skip)


def load_weights_only(model: Any, filepath: Any, skip_mismatch: bool = False, objects_to_skip: Any = None) -> None:
    """As `dlrs.saving.load_weights`."""
    from dlrs.saving import saving_api

    saving_api.load_weights(model, filepath, skip_mismatch=skip_mismatch, objects_to_skip=objects_to_skip)
