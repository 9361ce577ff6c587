"""Objects as plain data and back, in the schema of Keras: `module`, `class_name`, `config`, `registered_name`.

Names in a configuration are looked up in tables and nowhere else: nothing is imported and no attribute is read.
"""

import inspect
import types
import warnings
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Self

import numpy as np

from dlrs._dlrs import Tensor
from dlrs.backend.dtypes import standardize_dtype
from dlrs.backend.foreign import deserializing
from dlrs.backend.keras_tensor import KerasTensor
from dlrs.backend.registration import CUSTOM_OBJECTS, CustomObjectScope, get_registered_name, get_registered_object
from dlrs.backend.tensors import convert_to_tensor
from dlrs.backend.unknown_arguments import unknown_arguments

PLAIN_TYPES = (str, int, float, bool)

# The classes of dlrs that a configuration may name, by public module and name; functions by kind and name.
_CLASSES: dict[tuple[str, str], type] = {}
_FUNCTIONS: dict[str, dict[str, Any]] = {}
# A function's name alone is written, so where two kinds use one name the first of these is meant.
_KINDS = ("activation", "loss", "metric", "constraint", "initializer", "regularizer")
# Models are known by the names under which Keras writes them.
_PUBLIC_MODULES = {
    ("models", "Functional"): "keras.src.models.functional",
    ("models", "Sequential"): "keras",
    ("models", "Model"): "keras",
    ("backend", "DTypePolicy"): "keras",
    ("ops", "FunctionOperation"): "dlrs.ops",
}


def public_module(cls: type) -> str | None:
    """The module under which configurations know a class of dlrs; None for other classes.

    >>> from dlrs.backend.dtype_policy import DTypePolicy
    >>> public_module(DTypePolicy)
    'keras'
    """
    root, *packages = cls.__module__.split(".")
    if root != "dlrs" or not packages:
        return None
    known = _PUBLIC_MODULES.get((packages[0], cls.__name__))
    if known is not None:
        return known
    return "keras.optimizers.schedules" if packages[:2] == ["optimizers", "schedules"] else f"keras.{packages[0]}"


def register_builtins(entries: Iterable[Any], kind: str = "") -> None:
    """Let configurations name these classes and functions of dlrs."""
    for entry in entries:
        module = public_module(entry) if inspect.isclass(entry) else None
        if module is not None:
            _CLASSES[module, entry.__name__] = entry
        elif not inspect.isclass(entry):
            _FUNCTIONS.setdefault(kind, {}).setdefault(entry.__name__, entry)


def builtin_class(module: Any, name: Any) -> type | None:
    """The class of dlrs that a configuration names; modules of Keras and of dlrs mean the same."""
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    for spelling in (module, f"keras{module.removeprefix('dlrs')}" if module.split(".")[0] == "dlrs" else module):
        cls = _CLASSES.get((spelling, name))
        if cls is not None:
            return cls
    # `keras.Model` is also `keras.models.Model`, `Functional` once stood in another module.
    return _CLASSES.get((_PUBLIC_MODULES.get((module.split(".")[-1], name), ""), name))


def module_of_builtin(name: Any) -> str | None:
    """The module under which a configuration names the class of dlrs called `name`; None if there is none.

    >>> from dlrs import layers
    >>> module_of_builtin("Dense")
    'keras.layers'
    """
    return next((module for module, own in _CLASSES if own == name), None)


def builtin_function(name: str) -> Any:
    """The function of dlrs called `name` among activations, losses, metrics and the like; None if there is none."""
    return next((_FUNCTIONS[kind][name] for kind in _KINDS if name in _FUNCTIONS.get(kind, {})), None)


class LiveConfig(dict[str, Any]):
    """The configuration of an object whose class no table knows, with the class.

    In memory such an object can be made again, in a copy of a layer or a model, say. Written down, the configuration
    holds the class's name alone, which names nothing: a file never decides which code runs.
    """

    cls: type


class SafeModeScope:
    """Taken for compatibility with Keras: configurations hold no code here, so there is nothing to make unsafe.

    Raises:
        ValueError: `safe_mode` is False.
    """

    def __init__(self, safe_mode: bool = True) -> None:
        check_safe_mode(safe_mode)
        self.safe_mode = safe_mode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


def check_safe_mode(safe_mode: Any) -> None:
    """ValueError if `safe_mode` is false."""
    if not safe_mode:
        raise ValueError(
            f"`safe_mode` must be True, got {safe_mode!r}: dlrs never loads code from a file. Hand your functions in "
            f"as `custom_objects`."
        )


class _Sharing:
    """The objects met since an `ObjectSharingScope` was opened."""

    def __init__(self) -> None:
        self.configs: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.written: dict[int, dict[str, Any]] = {}
        self.numbers: dict[int, int] = {}
        self.objects: dict[Any, Any] = {}


_SHARING: ContextVar[_Sharing | None] = ContextVar("object_sharing_scope", default=None)


class ObjectSharingScope:
    """A context in which an object that is written twice is read back as one object."""

    def __enter__(self) -> Self:
        self._token = _SHARING.set(_Sharing())
        return self

    def __exit__(self, *exception: object) -> None:
        _SHARING.reset(self._token)


def _note_written(obj: Any, config: dict[str, Any]) -> None:
    sharing = _SHARING.get()
    if sharing is None:
        return
    if id(obj) not in sharing.configs:
        sharing.configs[id(obj)] = (obj, config)  # the object is kept, so that its id stays its own
        sharing.written[id(config)] = config
        return
    # Numbered in the order of writing: equal models give equal files.
    number = sharing.numbers.setdefault(id(obj), len(sharing.numbers))
    config["shared_object_id"] = sharing.configs[id(obj)][1]["shared_object_id"] = number


def serialize_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    """A dict with `serialize_keras_object` applied to its values."""
    try:
        return {key: serialize_keras_object(value) for key, value in config.items()}
    except RecursionError:
        raise ValueError("A configuration is nested too deeply, or contains itself.") from None


def serialize_keras_object(obj: Any) -> Any:
    """`obj` as plain data, from which `deserialize_keras_object` makes an equal one.

    Takes plain values, lists, tuples and dicts of them, arrays, tensors, slices, functions, and objects with a
    `get_config`. Functions are written by name.

    Raises:
        TypeError: an object has no `get_config`, or it does not return a dict.

    >>> serialize_keras_object([1, slice(None, 2)])[1]["class_name"]
    '__slice__'
    """
    if obj is None or (isinstance(obj, PLAIN_TYPES) and not isinstance(obj, np.generic)):
        return obj
    if isinstance(obj, list | tuple):
        try:
            items = [serialize_keras_object(item) for item in obj]
        except RecursionError:
            raise ValueError("A configuration is nested too deeply, or contains itself.") from None
        return items if isinstance(obj, list) else tuple(items)
    if isinstance(obj, dict):
        sharing = _SHARING.get()
        # What a `get_config` has serialized itself is not copied: a number that it shares may yet be written into it.
        if sharing is not None and id(obj) in sharing.written:
            return obj
        return _live(serialize_dict(obj), obj.cls) if isinstance(obj, LiveConfig) else serialize_dict(obj)
    special = _serialize_value(obj)
    if special is not None:
        return special[0]
    if isinstance(obj, types.FunctionType | types.BuiltinFunctionType):
        return _serialize_function(obj)
    cls = type(obj)
    if not hasattr(obj, "get_config"):
        raise TypeError(
            f"Cannot serialize object {obj!r} of type {cls.__name__}: to be saved, a class must have a `get_config` "
            f"method."
        )
    inner = obj.get_config()
    if not isinstance(inner, dict):
        raise TypeError(f"The `get_config()` method of {obj!r} should return a dict. It returned: {_shown(inner)}")
    module = public_module(cls)
    builtin = module is not None and builtin_class(module, cls.__name__) is cls
    config = {
        "module": module if builtin else None if cls.__module__ == "__main__" else cls.__module__,
        "class_name": cls.__name__,
        "config": serialize_dict(inner),
        "registered_name": None if builtin else get_registered_name(cls),
    }
    build_config = obj.get_build_config() if hasattr(obj, "get_build_config") else None
    if build_config is not None:
        config["build_config"] = serialize_dict(build_config)
    compile_config = obj.get_compile_config() if hasattr(obj, "get_compile_config") else None
    if compile_config is not None:
        config["compile_config"] = serialize_dict(compile_config)
    if not builtin and get_registered_object(config["registered_name"]) is None:
        config = _live(config, cls)
    _note_written(obj, config)
    return config


def _live(config: dict[str, Any], cls: type) -> LiveConfig:
    live = LiveConfig(config)
    live.cls = cls
    return live


def _serialize_value(obj: Any) -> tuple[Any] | None:
    """Arrays, tensors, slices and the like; None for anything else."""
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return (obj.item(),)
    if isinstance(obj, np.ndarray):
        inner: dict[str, Any] = {"value": obj.tolist(), "dtype": standardize_dtype(obj.dtype)}
        return ({"class_name": "__numpy__", "config": inner},)
    if isinstance(obj, Tensor):
        return ({"class_name": "__tensor__", "config": {"value": obj.tolist(), "dtype": obj.dtype}},)
    if isinstance(obj, KerasTensor):
        history = obj._keras_history
        place = None if history is None else [history[0].name, *history[1:]]
        inner = {"shape": list(obj.shape), "dtype": obj.dtype, "keras_history": place}
        return ({"class_name": "__keras_tensor__", "config": inner},)
    if isinstance(obj, bytes):
        return ({"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}},)
    if isinstance(obj, slice):
        inner = serialize_dict({"start": obj.start, "stop": obj.stop, "step": obj.step})
        return ({"class_name": "__slice__", "config": inner},)
    if obj is Ellipsis:
        return ({"class_name": "__ellipsis__", "config": {}},)
    if isinstance(obj, np.dtype) or (isinstance(obj, type) and issubclass(obj, np.generic)):
        return (standardize_dtype(obj),)
    return None


def _serialize_function(function: Any) -> dict[str, Any]:
    name = get_registered_name(function)
    if name == "<lambda>":
        warnings.warn(
            "A `lambda` is saved by its name only. To load it again, hand it in as `custom_objects={'<lambda>': ...}`, "
            "or use a named function that is registered.",
            stacklevel=3,
        )
        return {"class_name": "__lambda__", "config": {"name": name}}
    config = {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    _note_written(function, dict(config))
    return config


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        config: plain data.
        custom_objects: classes and functions that it may name besides those of dlrs and those that are registered; each
            is meant by exactly its key.
        safe_mode: True; taken for compatibility.

    Raises:
        TypeError: a class or function is not known, or `config` does not fit the schema.
        ValueError: a lambda that was not handed in, or `safe_mode=False`.

    >>> deserialize_keras_object({"class_name": "__bytes__", "config": {"value": "ab"}})
    b'ab'
    """
    check_safe_mode(safe_mode)
    if kwargs:
        raise unknown_arguments("deserialize_keras_object", kwargs, ["config", "custom_objects", "safe_mode"])
    if config is None:
        return None
    if isinstance(config, str):
        custom = get_registered_object(config, custom_objects)
        return config if custom is None else custom
    if isinstance(config, PLAIN_TYPES):
        return config
    if isinstance(config, list | tuple):
        return [deserialize_keras_object(item, custom_objects) for item in config]
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: {_shown(config)}")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize_keras_object(value, custom_objects) for key, value in config.items()}
    name = config["class_name"]
    inner = config["config"] if config["config"] is not None else {}
    if isinstance(name, str) and name.startswith("__") and name.endswith("__"):
        return _deserialize_value(name, inner, custom_objects)
    if name == "function":
        if not isinstance(inner, str):
            raise TypeError(f"Expected 'config' to be a non-null str for a function, got {_shown(config)}")
        return _find_function(inner, config, custom_objects)
    if not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict for {name}, got {_shown(config)}")
    return _deserialize_instance(config, inner, custom_objects)


def _deserialize_value(name: str, inner: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    if name == "__lambda__":
        custom = get_registered_object("<lambda>", custom_objects)
        if custom is None:
            raise ValueError(
                "The configuration refers to a Python lambda. To load one from a file would be arbitrary code "
                "execution, which dlrs never does; hand it in as `custom_objects={'<lambda>': function}`."
            )
        return custom
    if name == "__typespec__":
        raise TypeError(
            f"Expected 'config' to be a list or a tuple of plain values; type specs are not read: {_shown(inner)}"
        )
    if not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict for {name}, got {_shown(inner)}.")
    if name == "__keras_tensor__":
        return KerasTensor(inner["shape"], dtype=inner["dtype"])
    if name == "__tensor__":
        return convert_to_tensor(inner["value"], dtype=inner["dtype"])
    if name == "__numpy__":
        return np.array(inner["value"], dtype=standardize_dtype(inner["dtype"]))
    if name == "__bytes__":
        return str(inner["value"]).encode("utf-8")
    if name == "__ellipsis__":
        return Ellipsis
    if name == "__slice__":
        return slice(*(deserialize_keras_object(inner[key], custom_objects) for key in ("start", "stop", "step")))
    raise TypeError(f"Could not parse config: unknown kind of value {name!r}.")


def _deserialize_instance(config: Any, inner: dict[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    sharing = _SHARING.get()
    number = config.get("shared_object_id")
    if sharing is not None and number is not None and number in sharing.objects:
        return sharing.objects[number]
    cls = find_class(config, custom_objects)
    if not inspect.isclass(cls):
        return cls
    from_config = getattr(cls, "from_config", None)
    if from_config is None:
        raise TypeError(
            f"Unable to reconstruct an instance of {config['class_name']!r} because the class is missing a "
            f"`from_config()` method. Its configuration: "
            f"{_shown(config)}"
        )
    with CustomObjectScope(custom_objects), deserializing():
        try:
            instance = from_config(inner)
        except TypeError as error:
            raise TypeError(
                f"{cls.__name__} could not be deserialized properly. Please ensure that components that are Python "
                f"object instances (layers, models, etc.) returned by `get_config()` are explicitly deserialized in "
                f"the model's `from_config()` method.\n\nconfig={_shown(config)}.\n\nException encountered: {error}"
            ) from error
        build_config = config.get("build_config")
        if build_config and not getattr(instance, "built", True) and hasattr(instance, "build_from_config"):
            instance.build_from_config(build_config)
        compile_config = config.get("compile_config")
        if compile_config and hasattr(instance, "compile_from_config"):
            instance.compile_from_config(compile_config)
    if sharing is not None and number is not None:
        sharing.objects[number] = instance
    return instance


def find_class(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    """The class that a configuration names: a custom one by its registered name, else one of dlrs."""
    name = config["class_name"]
    registered = config.get("registered_name", name)
    custom = get_registered_object(registered, custom_objects)
    if custom is not None:
        return custom
    if isinstance(config, LiveConfig):
        return config.cls
    builtin = builtin_class(config.get("module"), name)
    if builtin is None:
        raise TypeError(
            f"Could not locate class {name!r}. Make sure custom classes are decorated with "
            f"`@dlrs.saving.register_keras_serializable()`, or pass them as `custom_objects`. Its configuration: "
            f"{_shown(config)}"
        )
    _check_unregistered(config, str(name), registered)
    return builtin


def _find_function(name: str, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    custom = get_registered_object(name, custom_objects)
    if custom is not None:
        return custom
    builtin = builtin_function(name)
    if builtin is None and ">" not in name:
        # Keras up to 3.6 wrote the name without its package.
        packaged = [obj for key, obj in CUSTOM_OBJECTS.items() if key.rpartition(">")[2] == name]
        builtin = packaged[0] if len(packaged) == 1 else None
    if builtin is None:
        raise TypeError(
            f"Could not locate function {name!r}. Make sure custom functions are decorated with "
            f"`@dlrs.saving.register_keras_serializable()`, or pass them as `custom_objects`. Its configuration: "
            f"{_shown(config)}"
        )
    _check_unregistered(config, name, config.get("registered_name"))
    return builtin


def _check_unregistered(config: Mapping[str, Any], name: str, registered: Any) -> None:
    """Files must not pass one class off as another."""
    if registered and registered not in (name, config.get("class_name")):
        raise ValueError(
            f"`registered_name={registered!r}` was given, but {name!r} resolved to a Keras built-in, which has no "
            f"registered name. The configuration: {_shown(config)}"
        )


def _shown(config: Any) -> str:
    """A configuration as messages show it: files may hold long ones."""
    text = repr(config)
    return text if len(text) <= 500 else f"{text[:500]}..."
