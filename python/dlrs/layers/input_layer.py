"""Where data enters a functional model."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from dlrs.backend import KerasTensor, standardize_dtype, standardize_shape
from dlrs.layers.layer import Layer
from dlrs.ops.node import Node


class InputLayer(Layer):
    """The layer whose output is a placeholder for data. `Input` makes one and returns the placeholder.

    Args:
        shape: shape of one example.
        batch_size: number of examples, if fixed.
        dtype: element type that data is cast to; `floatx()` by default. "string" is for layers that run on the host:
            a model with such an input is called on arrays of strings, and not trained.
        sparse, ragged: not supported; False or None.
        batch_shape: shape with the batch axis, in place of `shape` and `batch_size`.
        input_tensor: placeholder to use.
        optional: whether the data may be None.
        name: name.

    >>> InputLayer((3,), name="x").batch_shape
    (None, 3)
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
        if "input_shape" in kwargs:
            warnings.warn("Argument `input_shape` is deprecated. Use `shape` instead.", stacklevel=2)
            shape = kwargs.pop("input_shape")
        super().__init__(name=name, **kwargs)
        for argument, value in (("sparse", sparse), ("ragged", ragged)):
            if value:
                raise ValueError(f"Input: `{argument}=True` is not supported.")
        if input_tensor is not None:
            _check_input_tensor(input_tensor, shape, batch_size, dtype, batch_shape)
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
        self.sparse = self.ragged = False
        self._set_untracked("batch_shape", standardize_shape(batch_shape))
        self.optional = optional
        self._element_type: str = "string" if isinstance(dtype, str) and dtype == "string" else standardize_dtype(dtype)
        self.built = True
        if input_tensor is None:
            input_tensor = KerasTensor(self.batch_shape, self._element_type, name=self.name)
        Node(operation=self, call_args=(), call_kwargs={}, outputs=input_tensor)

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
            "sparse": self.sparse,
            "ragged": self.ragged,
            "optional": self.optional,
            "name": self.name,
        }


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> Any:
    if shape is not None and batch_shape is not None:
        raise ValueError("Input: you cannot pass both `shape` and `batch_shape`; the latter has the batch axis.")
    if batch_size is not None and batch_shape is not None:
        raise ValueError("Input: you cannot pass both `batch_size` and `batch_shape`.")
    if shape is None and batch_shape is None:
        raise ValueError("Input: pass a `shape` argument. It has no batch axis; `batch_shape` has.")
    return batch_shape if shape is None else (batch_size, *standardize_shape(shape))


def _check_input_tensor(tensor: Any, shape: Any, batch_size: Any, dtype: Any, batch_shape: Any) -> None:
    """ValueError if `tensor` is not a placeholder, or another argument contradicts it."""
    if not isinstance(tensor, KerasTensor):
        raise ValueError(f"Input: Argument `input_tensor` must be a KerasTensor, got {tensor!r}.")
    given: dict[str, tuple[Any, Any, Callable[[Any], Any]]] = {
        "shape": (shape, tensor.shape[1:], standardize_shape),
        "batch_size": (batch_size, tensor.shape[0] if tensor.shape else None, int),
        "dtype": (dtype, tensor.dtype, standardize_dtype),
        "batch_shape": (batch_shape, tensor.shape, standardize_shape),
    }
    for name, (value, of_tensor, standard) in given.items():
        if value is not None and standard(value) != of_tensor:
            raise ValueError(
                f"Input: you cannot provide an incompatible `{name}` {value!r} together with a tensor whose {name} is "
                f"{of_tensor!r}."
            )


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
        dtype: element type that data is cast to; `floatx()` by default. "string" is for layers that run on the host:
            a model with such an input is called on arrays of strings, and not trained.
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
