"""Deep learning on a CPU: Keras's vocabulary in front, Rust SIMD kernels below.

>>> import dlrs as keras
>>> keras.ops.relu([-1.0, 2.0]).tolist()
[0.0, 2.0]

Submodules load when they are first used, so that `import dlrs` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlrs import (
        activations,
        applications,
        audio,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        dtype_policies,
        errors,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        preprocessing,
        random,
        regularizers,
        saving,
        strategy,
        text,
        tree,
        utils,
        vision,
        visualization,
        wrappers,
    )
    from dlrs.backend import (
        DTypePolicy,
        GradientTape,
        KerasTensor,
        RematScope,
        StatelessScope,
        SymbolicScope,
        Tensor,
        Variable,
        device,
        function,
        grad,
        name_scope,
        remat,
        value_and_grad,
    )
    from dlrs.initializers import Initializer
    from dlrs.layers import Input, InputSpec, Layer
    from dlrs.losses import Loss
    from dlrs.metrics import Metric
    from dlrs.models import Model, Sequential
    from dlrs.ops import Operation
    from dlrs.ops.function import Function
    from dlrs.optimizers import Optimizer
    from dlrs.regularizers import Regularizer

_SUBMODULES = frozenset(
    (
        "activations", "applications", "audio", "backend", "callbacks", "config", "constraints", "data", "datasets",
        "dtype_policies", "errors", "initializers", "layers", "losses", "metrics", "mixed_precision", "models", "ops",
        "optimizers", "preprocessing", "random", "regularizers", "saving", "strategy", "text", "tree", "utils",
        "vision", "visualization", "wrappers",
    )
)  # fmt: skip

_HOMES = {
    "DTypePolicy": "backend",
    "Function": "ops",
    "GradientTape": "backend",
    "KerasTensor": "backend",
    "RematScope": "backend",
    "Tensor": "backend",
    "Variable": "backend",
    "device": "backend",
    "function": "backend",
    "grad": "backend",
    "name_scope": "backend",
    "remat": "backend",
    "value_and_grad": "backend",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Operation": "ops",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "StatelessScope": "backend",
    "SymbolicScope": "backend",
}

__all__ = [
    "DTypePolicy",
    "Function",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "SymbolicScope",
    "Tensor",
    "Variable",
    "activations",
    "applications",
    "audio",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "device",
    "dtype_policies",
    "errors",
    "function",
    "grad",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "strategy",
    "text",
    "tree",
    "utils",
    "value_and_grad",
    "version",
    "vision",
    "visualization",
    "wrappers",
]


def version() -> str:
    """The version of dlrs, as `__version__`.

    >>> version().count(".")
    2
    """
    return str(__getattr__("__version__"))


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"dlrs.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"dlrs.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name == "__version__":
        # Reading an installed package's metadata takes as long as everything else here, so it waits.
        return importlib.import_module("importlib.metadata").version("dlrs")
    raise AttributeError(f"module 'dlrs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
