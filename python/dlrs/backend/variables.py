"""State: weights, optimizer slots, statistics, counters."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend.budget import spend
from dlrs.backend.dtypes import is_float_dtype, itemsize, standardize_dtype
from dlrs.backend.global_state import auto_name, current_path
from dlrs.backend.keras_tensor import KerasTensor, standardize_shape
from dlrs.backend.structure import bump_structure
from dlrs.backend.tensors import convert_to_tensor

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


class Variable(_dlrs.Variable):
    """A named array that programs read and write.

    Args:
        initializer: The initial value (array, tensor, number, nested list), or a callable given `shape` and `dtype`.
        shape: Shape of the variable. Needed with a callable; must agree with the value otherwise.
        dtype: Element type; that of the value if None, `config.floatx()` with a callable.
        trainable: Whether optimizers may change it.
        autocast: Whether layers under a mixed policy may read it in their compute type.
        aggregation: How replicas are joined: `"none"`, `"mean"`, `"sum"` or `"only_first_replica"`.
        synchronization: Taken for compatibility; there is one replica.
        name: Name, without `/`; made up if None.

    Errors: ValueError if the shape is missing, negative, open (None) or not that of the value.

    >>> v = Variable([[1.0, 2.0]], name="kernel")
    >>> v.shape, v.dtype, v.path
    ((1, 2), 'float32', 'kernel')
    """

    def __new__(
        cls,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
    ) -> Self:
        """Allocate the buffer and fill it."""
        made = super().__new__(cls, _initial_value(initializer, shape, dtype))
        _LIVE[id(made)] = made
        return made

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
    ) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name or not name):
            raise ValueError(f"Variable: `name` must be a non-empty string without '/', got {name!r}.")
        if aggregation not in _AGGREGATIONS:
            raise ValueError(f"Variable: `aggregation` must be one of {_AGGREGATIONS}, got {aggregation!r}.")
        self.name = name or auto_name(type(self).__name__)
        self._trainable = bool(trainable)
        self.autocast = bool(autocast) and is_float_dtype(self.dtype)
        self.aggregation = aggregation or "none"
        self.synchronization = synchronization
        scope = current_path()
        self.path = f"{scope}/{self.name}" if scope else self.name
        self.regularizer: Callable[[Tensor], Tensor] | None = None
        self.constraint: Callable[[Tensor], Tensor] | None = None
        self.overwrite_with_gradient = False

    @property
    def trainable(self) -> bool:
        """Whether optimizers may change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if bool(value) != self._trainable:
            self._trainable = bool(value)
            bump_structure()

    def assign_add(self, value: Any) -> Tensor:
        """Add `value` in place; returns the new value.

        >>> Variable([1.0, 2.0]).assign_add(1.0).tolist()
        [2.0, 3.0]
        """
        return self.assign(_dlrs.add(self, value))

    def assign_sub(self, value: Any) -> Tensor:
        """Subtract `value` in place; returns the new value."""
        return self.assign(_dlrs.subtract(self, value))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.numpy()), {**self.__dict__, "trainable": self.trainable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        contents = "" if _dlrs.is_tracing() else f", value={np.array2string(self.numpy(), threshold=20)}"
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}{contents}>"


def live_variables() -> list[Variable]:
    """All variables that something still holds."""
    return list(_LIVE.values())


# By identity, for variables compare by their elements.
_LIVE: "weakref.WeakValueDictionary[int, Variable]" = weakref.WeakValueDictionary()


def _restored(cls: type[Variable], value: np.ndarray[Any, Any]) -> Variable:
    """A variable that was pickled or copied; its attributes follow, so that its name is not made up anew."""
    return cls.__new__(cls, value)


def _initial_value(initializer: Any, shape: Sequence[int] | None, dtype: Any) -> Tensor:
    if callable(initializer) and not isinstance(initializer, Tensor | _dlrs.Variable):
        if shape is None:
            raise ValueError("Variable: `shape` is needed when `initializer` is a callable.")
        dims, name = _concrete(shape), standardize_dtype(dtype)
        spend(dims, itemsize(name))
        return convert_to_tensor(initializer(dims, dtype=name), dtype=dtype)
    if isinstance(initializer, str | KerasTensor) or initializer is None:
        raise ValueError(
            f"Variable: `initializer` must be an array, a number or a callable, got {initializer!r}."
            + (f" Pass `dlrs.initializers.get({initializer!r})`." if isinstance(initializer, str) else "")
        )
    value = convert_to_tensor(initializer, dtype=dtype)
    if shape is not None and _concrete(shape) != value.shape:
        raise ValueError(f"Variable: `shape` is {tuple(shape)}, but the initial value has shape {value.shape}.")
    return value


def _concrete(shape: Sequence[int]) -> tuple[int, ...]:
    dims = standardize_shape(shape)
    known = tuple(dim for dim in dims if dim is not None)
    if len(known) != len(dims):
        raise ValueError(f"Variable: `shape` must be fully known, got {dims}.")
    return known


class AutocastScope:
    """A block in which floating variables with `autocast` are read as `dtype`; None for their own types.

    >>> variable = Variable([1.0], dtype="float32")
    >>> with AutocastScope("float16"):
    ...     variable.value.dtype
    'float16'
    """

    def __init__(self, dtype: Any) -> None:
        if dtype is not None:
            dtype = standardize_dtype(dtype)
            if not is_float_dtype(dtype):
                raise ValueError(
                    f"`AutocastScope` can only be used with a floating-point dtype. Received: dtype={dtype}"
                )
        self.dtype: str | None = dtype
        self._before: list[str | None] = []

    def __enter__(self) -> Self:
        self._before.append(_dlrs.set_autocast(self.dtype))
        return self

    def __exit__(self, *exception: Any) -> None:
        _dlrs.set_autocast(self._before.pop())
