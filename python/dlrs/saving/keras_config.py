"""Configurations that Keras wrote, of whatever version, in the schema and with the arguments that dlrs knows.

Keras 3 names classes with their modules; Keras 2 and the legacy format of Keras 3 by class alone; Keras 1 has other
names for many arguments. All of them become one schema, which one reader takes (`serialization_lib`).
"""

from collections.abc import Mapping
from typing import Any

from dlrs.backend.serialization import module_of_builtin
from dlrs.saving.keras_ops import to_functions, to_operations

# Arguments that dlrs has no use for, where they have the value that turns them off.
_IDLE: dict[str, tuple[Any, ...]] = {
    "quantization_config": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
    "gptq_unpacked_column_size": (None,),
    "renorm": (False,),
    "renorm_clipping": (None, {}),
    "renorm_momentum": (0.99,),
    "virtual_batch_size": (None,),
    "fused": (None, True, False),
    "time_major": (False,),
    "implementation": (0, 1, 2),
    "ragged": (False,),
    "jit_compile": (True, False),
    "is_legacy_optimizer": (True, False),
}
# Arguments that Keras does not know, with the values that mean the same as none.
_OWN = {"dampening": 0.0, "rms_scaling": False, "mel_scale": "htk"}
_KEEP = {"InputLayer": ("ragged",)}
# What Keras 2 called an argument, by class; "" is any class.
_RENAMED_2 = {"": {"batch_input_shape": "batch_shape"}, "optimizer": {"lr": "learning_rate"}}
_RENAMED_1 = {
    "": {
        "init": "kernel_initializer",
        "inner_init": "recurrent_initializer",
        "inner_activation": "recurrent_activation",
        "W_regularizer": "kernel_regularizer",
        "U_regularizer": "recurrent_regularizer",
        "b_regularizer": "bias_regularizer",
        "W_constraint": "kernel_constraint",
        "b_constraint": "bias_constraint",
        "border_mode": "padding",
        "subsample": "strides",
        "dropout_W": "dropout",
        "dropout_U": "recurrent_dropout",
        "dim_ordering": "data_format",
        "bias": "use_bias",
        "p": "rate",
    },
    "Dense": {"output_dim": "units"},
    "LSTM": {"output_dim": "units"},
    "GRU": {"output_dim": "units"},
    "SimpleRNN": {"output_dim": "units"},
    "Embedding": {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer"},
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
}
_DROPPED_1 = {
    "": ("input_dim", "input_dtype", "input_length", "consume_less", "activity_regularizer", "create_input_layer"),
    "Embedding": ("input_dtype", "input_length", "W_constraint", "dropout", "activity_regularizer"),
    "BatchNormalization": ("mode", "input_dtype"),
}
_CLASSES_1 = {"Convolution2D": "Conv2D", "Convolution1D": "Conv1D", "Deconvolution2D": "Conv2DTranspose"}
# Names of classes that are others here.
_ALIASES = {"Model": "Functional", "Policy": "DTypePolicy", "GroupQueryAttention": "GroupedQueryAttention"}
_OPTIMIZERS = {"SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "AdamW", "Lion"}


def modern(config: Any, version: int = 3) -> Any:
    """A configuration of Keras 1, 2 or 3 as dlrs reads it.

    >>> modern({"class_name": "Dense", "config": {"output_dim": 3, "init": "zero"}}, 1)["config"]
    {'units': 3, 'kernel_initializer': 'zeros'}
    """
    if isinstance(config, list):
        return [modern(item, version) for item in config]
    if not isinstance(config, dict):
        return config
    if not isinstance(config.get("class_name"), str) or "config" not in config:
        return {key: modern(value, version) for key, value in config.items()}
    config = to_functions(config)
    name = _CLASSES_1.get(config["class_name"], config["class_name"]) if version == 1 else config["class_name"]
    result = {**config, "class_name": name}
    if "module" not in config and not str(name).startswith("__") and name != "function":
        _name_module(result)
    elif name == "GroupQueryAttention" and _of_keras(result):
        result["class_name"] = _ALIASES[name]
    inner = config["config"]
    if name == "Sequential" and isinstance(inner, list):  # before Keras 2.3
        inner = {"layers": inner}
    if isinstance(inner, dict) and _of_keras(result):
        inner = _arguments(result["class_name"], inner, version)
    result["config"] = modern(inner, version)
    for key in ("compile_config", "build_config"):
        if key in result:
            result[key] = modern(result[key], version)
    return result


def of_keras(config: Any, legacy: bool = False) -> Any:
    """A configuration of dlrs with the names that Keras looks classes up by.

    The older format has no modules, without which Keras takes an operation for the layer of that name: of those files
    it reads none with functions in a graph, and they are left as they are.
    """
    if isinstance(config, list | tuple):
        return [of_keras(item, legacy) for item in config]
    if not isinstance(config, dict):
        return config
    entry = config if legacy else to_operations(config)
    renamed = {key: of_keras(value, legacy) for key, value in entry.items()}
    inner = renamed.get("config")
    if isinstance(inner, dict) and _of_keras(config):
        dropped = ("trainable",) if str(config.get("class_name")).startswith("SpatialDropout") else ()
        kept = {k: v for k, v in inner.items() if k not in dropped and (k not in _OWN or _OWN[k] != v)}
        renamed["config"] = _with_terms(kept)
    if config.get("class_name") == "GroupedQueryAttention" and config.get("module") == "keras.layers":
        renamed["class_name"] = "GroupQueryAttention"
    return renamed


def _with_terms(inner: dict[str, Any]) -> dict[str, Any]:
    """The terms that a layer has learned as those that it was given: Keras writes them to a file of their own."""
    terms, weights = inner.pop("learned_terms", None), inner.pop("learned_weights", None)
    if terms is not None:
        inner["vocabulary"] = terms
        inner["idf_weights"] = None if weights is None else weights[len(weights) - len(terms) :]
    return inner


def _of_keras(config: Mapping[str, Any]) -> bool:
    module = config.get("module")
    return isinstance(module, str) and module.split(".")[0] == "keras"


def _name_module(config: dict[str, Any]) -> None:
    name = _ALIASES.get(config["class_name"], config["class_name"])
    module = module_of_builtin(name)
    if module is not None:
        config.update(class_name=name, module=module)
        config.setdefault("registered_name", None)
    else:
        config.update(module=None, registered_name=config["class_name"])


def _arguments(name: str, inner: dict[str, Any], version: int) -> dict[str, Any]:
    kept = {k: v for k, v in inner.items() if k in _KEEP.get(name, ()) or k not in _IDLE or v not in _IDLE[k]}
    if version == 1:
        kept = _of_keras_1(name, kept)
    if version < 3:
        kept = _of_keras_2(name, kept)
    if name == "Sequential":
        kept["layers"] = _with_input(kept.get("layers", []))
    elif name != "InputLayer" and "batch_shape" in kept and "layers" not in kept:
        del kept["batch_shape"]  # stands in the `InputLayer`
    return kept


def _of_keras_2(name: str, inner: dict[str, Any]) -> dict[str, Any]:
    names = {**_RENAMED_2[""], **(_RENAMED_2["optimizer"] if name in _OPTIMIZERS else {})}
    renamed = {names.get(key, key): value for key, value in inner.items()}
    if name == "BatchNormalization" and isinstance(renamed.get("axis"), list) and len(renamed["axis"]) == 1:
        renamed["axis"] = renamed["axis"][0]
    if name in _OPTIMIZERS:
        renamed = {k: v for k, v in renamed.items() if k != "decay" or v}
    if name.endswith(("Zeros", "Ones", "Constant", "Uniform", "Normal", "Orthogonal", "VarianceScaling", "Identity")):
        renamed.pop("dtype", None)
    return renamed


def _of_keras_1(name: str, inner: dict[str, Any]) -> dict[str, Any]:
    inner = dict(inner)
    if "nb_filter" in inner:
        inner["filters"] = inner.pop("nb_filter")
        rows, columns = inner.pop("nb_row", None), inner.pop("nb_col", None)
        inner["kernel_size"] = inner.pop("filter_length", None) if rows is None else [rows, columns]
        if "subsample_length" in inner:
            inner["strides"] = inner.pop("subsample_length")
    dropped = _DROPPED_1.get(name, _DROPPED_1[""])
    names = {**_RENAMED_1[""], **_RENAMED_1.get(name, {})}
    renamed = {names.get(key, key): value for key, value in inner.items() if key not in dropped}
    spellings = {"zero": "zeros", "one": "ones", "normal": "random_normal", "uniform": "random_uniform"}
    spellings |= {"tf": "channels_last", "th": "channels_first"}
    for key, value in renamed.items():
        if key.endswith("initializer") or key == "data_format":
            renamed[key] = spellings.get(value, value) if isinstance(value, str) else value
    if name == "GRU":
        renamed.setdefault("reset_after", False)
    return renamed


def _with_input(layers: Any) -> Any:
    """The layers of a `Sequential` with an `InputLayer` first, if the first layer says what its input is."""
    if not isinstance(layers, list) or not layers or not isinstance(layers[0], dict):
        return layers
    inner = layers[0].get("config")
    if not isinstance(inner, dict):
        return layers
    shape = inner.get("batch_input_shape")
    if shape is None or layers[0].get("class_name") == "InputLayer":
        return layers
    entry: dict[str, Any] = {"class_name": "InputLayer", "config": {"batch_shape": shape, "name": "input"}}
    if isinstance(inner.get("dtype"), str):
        entry["config"]["dtype"] = inner["dtype"]
    return [entry, *layers]
