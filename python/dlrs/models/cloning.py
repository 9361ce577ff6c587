"""Copies of models."""

from typing import Any

from dlrs.models.model import Model


def clone_model(model: Model) -> Any:
    """A model of the same architecture with new weights of its own.

    >>> from dlrs.layers import Dense, Input
    >>> from dlrs.models import Sequential
    >>> model = Sequential([Input((3,)), Dense(2)])
    >>> clone_model(model).count_params() == model.count_params()
    True
    """
    if not isinstance(model, Model):
        raise ValueError(f"clone_model: `model` must be a Model, got {model!r}.")
    return type(model).from_config(model.get_config())
