"""The table: a good call of every public callable."""

import importlib
import inspect
from functools import partial
from typing import Any

import dlrs
from bad_inputs.data_calls import of_data
from bad_inputs.estimator_calls import of_estimators
from bad_inputs.function_calls import BY_NAME, MODULES, X, given
from bad_inputs.good import Good, call
from bad_inputs.object_calls import of_objects

PUBLIC = (
    "activations", "audio", "backend", "callbacks", "config", "constraints", "data", "dtype_policies", "errors",
    "initializers", "layers", "losses", "metrics", "models", "ops", "ops.numpy", "ops.nn", "ops.linalg", "optimizers",
    "optimizers.schedules", "random", "regularizers", "saving", "strategy", "text", "text.debias", "tree", "utils",
    "utils.bounding_boxes", "vision", "vision.boxes", "visualization", "wrappers",
)  # fmt: skip

NO_CALL = {
    "backend.Tensor": "cannot be constructed",
    "backend.clear_session": "throws away the state of the process; its one argument is a flag",
    "callbacks.Callback": "is called by its heirs",
    "version": "has no arguments, and asks the installed package",
    "data.Dataset": "a base class without arguments",
    "optimizers.schedules.LearningRateSchedule": "an abstract base",
    "errors.ConcurrentUseError": "an exception",
    "errors.ConfigError": "an exception",
    "errors.FormatError": "an exception",
    "errors.InternalError": "an exception",
    "errors.NonFiniteError": "an exception",
    "errors.TracingError": "an exception",
    "ops.Operation": "a base class without arguments",
}


def exported(module: Any) -> list[str]:
    """Public names of a module."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return list(getattr(module, "__all__", own))


def public() -> dict[Any, str]:
    """Every public callable and the first of its names."""
    found: dict[Any, str] = {}
    for home in PUBLIC:
        module = importlib.import_module(f"dlrs.{home}")
        for name in sorted(exported(module)):
            value = getattr(module, name)
            if callable(value):
                # Of several names, the one of its definition.
                own = getattr(value, "__name__", name)
                found.setdefault(value, f"{home}.{own if vars(module).get(own) is value else name}")
    for name in dlrs.__all__:
        value = getattr(dlrs, name)
        if callable(value):
            found.setdefault(value, name)
    return found


def of_function(home: str, name: str, function: Any) -> Good:
    """The call of a function by the tables of arguments."""
    arguments = MODULES.get(home, {}).get(name)
    if arguments is None:
        parameters = inspect.signature(function).parameters.values()
        first = [p for p in parameters if p.kind is p.VAR_POSITIONAL]
        needed = {
            p.name: BY_NAME.get(p.name, X)
            for p in parameters
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        }
        arguments = given(*(BY_NAME.get(p.name, X) for p in first), **needed)
    args, kwargs = arguments
    return Good(f"{home}.{name}", partial(call, function, *args, **kwargs))


def table() -> list[Good]:
    """Every good call, ordered by name."""
    rows = {good.name: good for good in (*of_objects(), *of_data(), *of_estimators())}
    for function, path in public().items():
        home, _, name = path.rpartition(".")
        if path not in rows and path not in NO_CALL:
            rows[path] = of_function(home, name, function)
    return [rows[name] for name in sorted(rows)]
