"""Where data enters a functional model."""

from collections.abc import Sequence
from typing import Any

from dlrs.backend import KerasTensor, floatx, standardize_dtype, standardize_shape
from dlrs.layers.layer import Layer
from dlrs.ops.node import Node


class InputLayer(Layer):
    """The layer whose output is a placeholder for data. `Input` makes one and returns the placeholder.

    Args:
        shape: shape of one example.
        batch_size: number of examples, if fixed.
        dtype: element type that data is cast to; `floatx()` by default.
        sparse, ragged: not supported; False or None.
        batch_shape: shape with the batch axis, in place of `shape` and `batch_size`.
        input_tensor: placeholder to use.
        optional: whether the data may be None.
        name: name.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if sparse or ragged:
            raise ValueError("Input: sparse and ragged inputs are not supported.")
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        if (shape is None) == (batch_shape is None):
            raise ValueError("Input: give either `shape`, without the batch axis, or `batch_shape`.")
        if shape is not None:
            batch_shape = (batch_size, *standardize_shape(shape))
        self._set_untracked("batch_shape", standardize_shape(batch_shape))
        self.optional = optional
        self._element_type = standardize_dtype(dtype) if dtype is not None else floatx()
        self.built = True
        output = KerasTensor(self.batch_shape, self._element_type, name=self.name)
        Node(operation=self, call_args=(), call_kwargs={}, outputs=output)

    batch_shape: tuple[int | None, ...]

    @property
    def dtype(self) -> str:
        """The element type that data is cast to."""
        return self._element_type

    def call(self) -> None:
        """An input computes nothing: the model gives its placeholder a value."""

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self._element_type,
            "optional": self.optional,
            "name": self.name,
        }


def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A placeholder for the data of a functional model.

    Args:
        shape: shape of one example, without the batch axis; None for open sizes.
        batch_size: number of examples, if fixed.
        dtype: element type that data is cast to; `floatx()` by default.
        sparse, ragged: not supported; False or None.
        batch_shape: shape with the batch axis, in place of `shape` and `batch_size`.
        name: name of the input.
        tensor: placeholder to use.
        optional: whether the data may be None.

    Raises:
        ValueError: neither or both of `shape` and `batch_shape`, or a negative size.

    >>> Input((28, 28)).shape
    (None, 28, 28)
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    return layer._inbound_nodes[0].outputs[0]
