"""The base of layers that prepare data, and the batches they are adapted to."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import KerasTensor, Tensor, Variable, result_type, tree
from dlrs.backend.ragged import explained
from dlrs.layers.layer import Layer

ARRAYS = (np.ndarray, Tensor, Variable)


class DataLayer(Layer):
    """A layer of one input without trained weights, which may also be called on lists of numbers.

    It computes in float32 at least, whatever the compute type: raw data may be larger than half precision reaches.
    """

    _allow_non_tensor_positional_args = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})

    def _convert_input(self, value: Any) -> Any:
        if isinstance(value, list | tuple) and not _holds_tensors(value):
            try:
                value = np.asarray(value)
            except ValueError as error:
                raise explained(error, value, f"Layer {self.name!r}: ") from None
        return super()._convert_input(value)

    @property
    def _working_dtype(self) -> str:
        return result_type(self.compute_dtype, "float32")

    def _working(self, inputs: Any) -> Any:
        return ops.cast(inputs, self._working_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)


def _holds_tensors(value: Any) -> bool:
    return tree.any_leaf(lambda leaf: isinstance(leaf, (*ARRAYS, KerasTensor)), value)


def batches_of(data: Any, layer: str, steps: int | None = None) -> Iterator[Any]:
    """The inputs to adapt to: `data` itself if it is an array, else what it holds, without targets and weights.

    Args:
        data: an array, a sequence with `__len__` and `__getitem__`, or an iterable, of batches or of tuples that
            begin with one.
        layer: the name of the layer, for messages.
        steps: how many batches to take at most.

    Raises:
        TypeError: `data` is none of these.
        ValueError: it holds no batches.
    """
    if isinstance(data, ARRAYS):
        yield data
        return
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, str | bytes | dict):
        batches: Iterator[Any] = (data[i] for i in range(len(data)))
    elif hasattr(data, "__iter__") and not isinstance(data, str | bytes | dict):
        batches = iter(data)
    else:
        raise TypeError(
            f"{layer}: unsupported data type: {type(data).__name__}. `adapt` takes an array, a tensor or an iterable "
            f"of batches, such as a list of arrays or a generator."
        )
    none = True
    for batch in islice(batches, steps):
        none = False
        yield batch[0] if isinstance(batch, tuple) else batch
    if none:
        raise ValueError(
            f"{layer}: adapt() received an empty iterable (no batches). It takes at least one batch, "
            f"such as `layer.adapt([x])`."
        )
