"""Models as estimators of scikit-learn; needs scikit-learn (the `sklearn` extra) when one is made."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlrs.wrappers.sklearn_classifier import SKLearnClassifier
    from dlrs.wrappers.sklearn_regressor import SKLearnRegressor
    from dlrs.wrappers.sklearn_transformer import SKLearnTransformer

# scikit-learn takes a second to import.
_HOMES = {
    "SKLearnClassifier": "sklearn_classifier",
    "SKLearnRegressor": "sklearn_regressor",
    "SKLearnTransformer": "sklearn_transformer",
}

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dlrs.wrappers' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"dlrs.wrappers.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "sklearn":
            raise
        raise ImportError(f"wrappers.{name} needs scikit-learn: pip install 'dlrs[sklearn]'") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
