"""Several cells as one."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from dlrs import ops
from dlrs.backend import tree
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.layer import Layer


class StackedRNNCells(Layer):
    """Cells on top of each other: each takes the output of the one before, at every step.

    Args:
        cells: cells: layers, or objects, with `call(inputs, states)` and `state_size`.
        **kwargs: `name`, `dtype`.

    Its state is the list of theirs.

    Raises:
        ValueError: one of them is no cell.

    >>> import numpy as np
    >>> from dlrs.layers import LSTMCell, RNN
    >>> RNN(StackedRNNCells([LSTMCell(4), LSTMCell(3)]))(np.ones((2, 5, 1), "float32")).shape
    (2, 3)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not cells:
            raise ValueError("StackedRNNCells: `cells` must have a cell at least.")
        for cell in cells:
            if not hasattr(cell, "call"):
                raise ValueError(f"All cells must have a `call` method. Received cell without a `call` method: {cell}")
            if not hasattr(cell, "state_size"):
                raise ValueError(
                    f"All cells must have a `state_size` attribute. Received cell without a `state_size`: {cell}"
                )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the cells' states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The features of the last cell's output."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The first state of each cell."""
        return [initial_state_of(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (tree.flatten(input_shape)[0], output_size_of(cell))

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> Any:
        if not isinstance(states, list | tuple) or len(states) != len(self.cells):
            found = len(states) if isinstance(states, list | tuple) else type(states).__name__
            raise ValueError(
                f"Layer {self.name!r}: the state before a step must be a list of those of its {len(self.cells)} cells, "
                f"got {found}. `get_initial_state(batch_size)` gives the first."
            )
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            given = list(state) if tree.is_nested(state) else [state]
            inputs, new = (cell if callable(cell) else cell.call)(inputs, given, **kwargs)
            new = list(new) if tree.is_nested(new) else [new]
            after.append(new if tree.is_nested(state) else new[0])
        return inputs, after

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """The object that `get_config` describes."""
        cells = [deserialize_keras_object(cell, custom_objects=custom_objects) for cell in config["cells"]]
        return cls(cells, **{name: value for name, value in config.items() if name != "cells"})


def output_size_of(cell: Any) -> int:
    """The features of a cell's output: its own word for it, or the first part of its state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if isinstance(cell.state_size, list | tuple) else cell.state_size
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
        raise ValueError(f"A cell's `output_size` must be an integer, got {size!r} of {type(cell).__name__}.")
    return int(size)


def initial_state_of(cell: Any, batch_size: Any, dtype: str) -> Any:
    """A cell's first state: its own, or zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        return own(batch_size=batch_size)
    sizes = cell.state_size
    if not isinstance(sizes, list | tuple):
        return ops.zeros((batch_size, sizes), dtype=dtype)
    return [ops.zeros((batch_size, size), dtype=dtype) for size in sizes]
