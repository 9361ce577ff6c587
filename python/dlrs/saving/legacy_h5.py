"""Models in one HDF5 file, as Keras 1 and 2 wrote them and Keras 3 does for `.h5`: JSON and names in attributes."""

import json
import re
import warnings
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.errors import FormatError, format_error
from dlrs.layers.layer import Layer
from dlrs.saving.archive import write_file
from dlrs.saving.hdf5 import Tree, format_hdf5, read_hdf5
from dlrs.saving.keras_config import modern, of_keras
from dlrs.saving.keras_files import KERAS_VERSION, build_optimizer, check_model, making
from dlrs.saving.legacy_weights import from_keras_1
from dlrs.saving.matching import Assignment, LoadReport
from dlrs.saving.safetensors import StoredTensor
from dlrs.saving.serialization_lib import deserialize_keras_object, serialize_keras_object

_TOP = "top_level_model_weights"
_COMPILE = ("loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution")
# The slots of Keras's optimizers before 2.11, which stand one kind after another.
_CLASSIC = re.compile(r"(^training/|/(m|v|vhat|rms|momentum|accumulator)(_\d+)?:0$)")


class LegacyFile:
    """A checked legacy file: of a model, or of weights alone."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.tree: Tree = read_hdf5(path)
        self.root = "model_weights" if "model_weights" in self.tree.groups else ""
        self.version = self._version()
        # Checked by whoever reads the file, used by `make_model` alone.
        self._config, self._training = self._json("model_config"), self._json("training_config")

    def make_model(self, custom_objects: dict[str, Any] | None = None, compile: bool = True) -> Any:
        """A new model in the state that was saved.

        Raises:
            FormatError: as `KerasFile.make_model`.
        """
        if self._config is None:
            raise self._error("No model config found: it has no model_config", "model_config", "C1")
        config = modern(self._config, self.version)
        training = modern(self._training, self.version) if compile else None
        with making(self.path, "hdf5", "model_config", self.tree):
            model = deserialize_keras_object(config, custom_objects)
            check_model(model)
            if not model.built:
                raise TypeError("its model says nothing about its inputs")
            assignment, _ = self._assignment(model, by_name=False, strict=True)
            if training is not None:
                arguments = {name: training[name] for name in _COMPILE if name in training}
                model.compile_from_config({**arguments, "optimizer": training["optimizer_config"]}, custom_objects)
                names = self.tree.attributes.get("optimizer_weights", {}).get("weight_names", [])
                build_optimizer(model, len(names))
                assignment += self._optimizer_assignment(model)
            assignment.carry_out()
        return model

    def load_weights(self, model: Any, by_name: bool = False, strict: bool = True) -> LoadReport:
        """Give the weights to the layers of `model`, by their order or by their names."""
        assignment, report = self._assignment(model, by_name, strict)
        assignment.carry_out()
        if report.mismatched:
            shown = "; ".join(report.mismatched[:20])
            warnings.warn(f"{self.path}: {len(report.mismatched)} layers could not be loaded: {shown}", stacklevel=4)
        return report

    def _version(self) -> int:
        texts = {**self.tree.attributes.get("", {}), **self.tree.attributes.get(self.root, {})}
        text = texts.get("keras_version", "1")
        if not re.match(r"[123](\.|$)", text):
            raise self._error(f"version {text[:40]!r} of Keras; this library reads 1 to 3", "keras_version", "K7")
        return int(text[0])

    def _error(self, message: str, field: str, rule: str) -> FormatError:
        return format_error(message, path=self.path, format="hdf5", field=field, rule=rule)

    def _json(self, name: str) -> Any:
        """What the text `name` describes; None if there is none."""
        text = self.tree.attributes.get("", {}).get(name)
        if text is None:
            return None
        _dlrs.check_json(text.encode(), self.path, name)
        return json.loads(text)

    def _groups(self) -> list[tuple[str, list[StoredTensor]]]:
        """The layers by name with their tensors, in order."""
        names = self.tree.attributes.get(self.root, {}).get("layer_names")
        if names is None:
            raise self._error("it has no layer_names", self.root or "file", "C1")
        if len(set(names)) != len(names):
            raise self._error("layer_names has a name twice", self.root or "file", "G12")
        return [(name, self._tensors(name)) for name in names]

    def _tensors(self, name: str) -> list[StoredTensor]:
        group = f"{self.root}/{name}" if self.root else name
        if group not in self.tree.groups:
            raise self._error("layer_names has a layer without a group", group[:200], "C1")
        return self._named_tensors(group)

    def _named_tensors(self, group: str) -> list[StoredTensor]:
        names = self.tree.attributes.get(group, {}).get("weight_names", [])
        missing = [name for name in names if f"{group}/{name}" not in self.tree.tensors]
        if missing or len(set(names)) != len(names):
            raise self._error(f"weight_names does not fit the data sets: {str(missing)[:200]}", group, "C1")
        return [self.tree.tensors[f"{group}/{name}"] for name in names]

    def _assignment(self, model: Any, by_name: bool, strict: bool) -> tuple[Assignment, LoadReport]:
        report = LoadReport([], [], [], [], [])
        assignment = Assignment([])
        for layer, name, tensors in self._layers(model, by_name, report):
            variables = _weights(layer)
            if self.version == 1:
                tensors = from_keras_1(layer, tensors)
            problem = _problem(variables, tensors)
            if problem is None:
                assignment.pairs.extend(zip(variables, tensors, strict=True))
                report.loaded.append(name)
            else:
                report.mismatched.append(f"{name} (layer {layer.name!r}): {problem}")
        if strict and (report.mismatched or report.missing):
            wrong = [*report.mismatched, *report.missing]
            message = f"{len(wrong)} layers do not match the model: {'; '.join(wrong[:20])}"
            raise self._error(message, self.root or "weights", "G15")
        return assignment, report

    def _layers(self, model: Any, by_name: bool, report: LoadReport) -> list[tuple[Any, str, list[StoredTensor]]]:
        groups = self._groups()
        pairs: list[tuple[Any, str, list[StoredTensor]]] = []
        if by_name:
            known = {layer.name: layer for layer in model.layers}
            pairs = [(known[name], name, tensors) for name, tensors in groups if name in known]
            report.unexpected.extend(name for name, _ in groups if name not in known)
        else:
            layers = [layer for layer in model.layers if _weights(layer)]
            full = [(name, tensors) for name, tensors in groups if tensors]
            if len(full) != len(layers):
                message = f"Layer count mismatch: the model has {len(layers)} layers with weights, the file {len(full)}"
                raise self._error(message, self.root or "weights", "G15")
            pairs = [(layer, name, tensors) for layer, (name, tensors) in zip(layers, full, strict=True)]
        top = f"{self.root}/{_TOP}" if self.root else _TOP
        if top in self.tree.groups and (tensors := self._named_tensors(top)):
            pairs.append((_Own(model), _TOP, tensors))
        return pairs

    def _optimizer_assignment(self, model: Any) -> Assignment:
        group = "optimizer_weights"
        if group not in self.tree.groups:
            return Assignment([])
        names = self.tree.attributes.get(group, {}).get("weight_names", [])
        if not names:  # saved before it was trained
            return Assignment([])
        tensors = self._named_tensors(group)
        variables = model.optimizer.variables
        if _problem(variables, tensors) is None:
            return Assignment(list(zip(variables, tensors, strict=True)))
        own = [variables[0], *variables[2:]]  # Keras 2 keeps the learning rate in the configuration alone
        if any(_CLASSIC.search(name) for name in names):
            count = len(model.trainable_weights)
            kinds = (len(tensors) - 1) // max(count, 1)
            tensors = tensors[:1] + [tensors[1 + kind * count + at] for at in range(count) for kind in range(kinds)]
        problem = _problem(own, tensors)
        if problem is not None:
            message = f"the state of the optimizer does not fit; `compile=False` leaves it out: {problem}"
            raise self._error(message, group, "G15")
        return Assignment(list(zip(own, tensors, strict=True)))


class _Own:
    """The variables that a model has beside those of its layers, as a layer."""

    def __init__(self, model: Any) -> None:
        self.name = model.name
        self.trainable_weights = Layer._own_weights(model)
        self.non_trainable_weights: list[Any] = []


def _weights(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _problem(variables: list[Any], tensors: list[StoredTensor]) -> str | None:
    if len(variables) != len(tensors):
        return f"Weight count mismatch: {len(tensors)} weights in the file, {len(variables)} in the model"
    for variable, tensor in zip(variables, tensors, strict=True):
        if tuple(variable.shape) != tensor.shape:
            return f"Shape mismatch: {variable.path} has shape {tuple(variable.shape)}, that in the file {tensor.shape}"
    return None


def write_legacy(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write a model to a legacy `.h5` file that Keras 2 and 3 know, at once and durably."""
    config = _legacy_layer(of_keras(serialize_keras_object(model), legacy=True))
    texts: dict[str, Any] = {"keras_version": KERAS_VERSION, "backend": "dlrs"}
    compile_config = of_keras(model.get_compile_config())
    arrays, attributes = _weights_tree(model, "model_weights/")
    try:
        texts["model_config"] = json.dumps(config)
        if include_optimizer and compile_config is not None:
            optimizer = compile_config["optimizer"]
            training = {name: compile_config[name] for name in _COMPILE if name in compile_config}
            training["optimizer_config"] = {key: optimizer[key] for key in ("class_name", "config")}
            texts["training_config"] = json.dumps(training)
            _add(arrays, attributes, "optimizer_weights", model.optimizer.variables if model.optimizer.built else [])
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{path}: the configuration is not plain data: {error}") from None
    write_file(path, [format_hdf5(arrays, {**attributes, "": texts})])


def write_legacy_weights(model: Any, path: str) -> None:
    """Write the weights of a model to a legacy `.h5` file."""
    arrays, attributes = _weights_tree(model, "")
    write_file(path, [format_hdf5(arrays, attributes)])


def _weights_tree(model: Any, prefix: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    arrays: dict[str, Any] = {}
    names = [layer.name for layer in model.layers]
    root = {"layer_names": names, "backend": "dlrs", "keras_version": KERAS_VERSION}
    attributes: dict[str, dict[str, Any]] = {prefix.rstrip("/"): root}
    for layer in model.layers:
        _add(arrays, attributes, f"{prefix}{layer.name}", _weights(layer))
    _add(arrays, attributes, f"{prefix}{_TOP}", Layer._own_weights(model))
    return arrays, attributes


def _add(arrays: dict[str, Any], attributes: dict[str, dict[str, Any]], group: str, variables: list[Any]) -> None:
    names: dict[str, Any] = {}
    for variable in variables:
        name = variable.path
        while name in names:
            name += "_"
        names[name] = np.asarray(variable.numpy())
    arrays.update((f"{group}/{name}", array) for name, array in names.items())
    attributes[group] = {"weight_names": list(names)}


def _legacy_layer(config: dict[str, Any]) -> dict[str, Any]:
    """A layer or model as legacy files describe it: by class alone, the layers of models likewise."""
    kept = {k: v for k, v in config.items() if k not in ("module", "registered_name", "build_config", "compile_config")}
    if kept["class_name"] == "GroupQueryAttention":
        kept["class_name"] = "GroupedQueryAttention"  # the class's own name, where Keras 3 has that of its export
    if config.get("registered_name"):
        kept["class_name"] = config["registered_name"]
    inner = kept["config"]
    if isinstance(inner, dict) and isinstance(inner.get("layers"), list):
        kept["config"] = {**inner, "layers": [_legacy_layer(layer) for layer in inner["layers"]]}
    return kept
