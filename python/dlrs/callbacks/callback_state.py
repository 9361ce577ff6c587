"""The state of callbacks as plain data and tensors, and back."""

import inspect
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend import ALLOWED_DTYPES, Tensor, cast
from dlrs.callbacks.callback import Callback

_NOT_STATE = frozenset(("params", "_model"))


class NotPlainError(TypeError):
    """A value that is neither plain data nor an array."""


def capture(callbacks: Sequence[Callback], tensors: dict[str, Any]) -> list[Any]:
    """The state of each callback: its attributes that hold plain data, arrays or tensors, but for its arguments.

    Args:
        callbacks: the callbacks.
        tensors: receives the arrays and tensors, under names that the result refers to.
    """
    return [{"class": _class_name(callback), "state": _state(callback, tensors)} for callback in callbacks]


def restore(callbacks: Sequence[Callback], states: Sequence[Any], tensors: dict[str, Any]) -> None:
    """Give each callback the state that `capture` described for the one of its class and place among those."""
    saved = dict(_numbered([entry["class"] for entry in states], states))
    for name, callback in _numbered([_class_name(callback) for callback in callbacks], callbacks):
        if name in saved:
            values = decode(saved[name]["state"], tensors)
            vars(callback).update({key: value for key, value in values.items() if key not in _arguments(callback)})


def encode(value: Any, tensors: dict[str, Any]) -> Any:
    """`value` as JSON, its arrays and tensors put into `tensors`.

    >>> encode((1, math.inf), {})
    {'tuple': [1, {'float': 'inf'}]}

    Raises:
        NotPlainError: there is something else in it.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list):
        return [encode(item, tensors) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item, tensors) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, tensors), encode(item, tensors)] for key, item in value.items()]}
    is_tensor = isinstance(value, Tensor)
    if is_tensor or (isinstance(value, np.ndarray) and value.dtype.name in ALLOWED_DTYPES):
        name = f"{len(tensors):05d}"
        tensors[name] = value
        return {"tensor" if is_tensor else "array": [name, str(value.dtype)]}
    raise NotPlainError(f"a {type(value).__name__} is not plain data")


def decode(value: Any, tensors: dict[str, Any]) -> Any:
    """The value that `encode` described.

    >>> decode({"tuple": [1, {"float": "inf"}]}, {})
    (1, inf)
    """
    if isinstance(value, list):
        return [decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "float":
        return float(content)
    if kind == "tuple":
        return tuple(decode(item, tensors) for item in content)
    if kind == "dict":
        return {decode(key, tensors): decode(item, tensors) for key, item in content}
    name, dtype = content
    array = tensors[name].numpy()
    return array.copy() if kind == "array" else cast(_dlrs.tensor(array), dtype)


def _state(callback: Callback, tensors: dict[str, Any]) -> Any:
    pairs = []
    arguments = _arguments(callback)
    for name, value in vars(callback).items():
        if name in _NOT_STATE or name in arguments:
            continue
        own: dict[str, Any] = dict(tensors)
        try:
            pairs.append([name, encode(value, own)])
        except NotPlainError:
            continue
        tensors.update(own)
    return {"dict": pairs}


def _arguments(callback: Callback) -> set[str]:
    # A training that is resumed with another `patience`, say, keeps that.
    return set(inspect.signature(type(callback).__init__).parameters)


def _class_name(callback: Callback) -> str:
    return type(callback).__qualname__


def _numbered(names: Sequence[str], items: Sequence[Any]) -> list[tuple[tuple[str, int], Any]]:
    counts: Counter[str] = Counter()
    numbered = []
    for name, item in zip(names, items, strict=True):
        numbered.append(((name, counts[name]), item))
        counts[name] += 1
    return numbered
