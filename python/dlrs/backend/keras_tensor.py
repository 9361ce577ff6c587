"""Placeholders of functional models: a shape that may hold None, a type, and the operation they came from."""

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from dlrs.backend.dtypes import standardize_dtype
from dlrs.backend.global_state import auto_name

if TYPE_CHECKING:
    from dlrs.ops.node import KerasHistory


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """`shape` as a tuple of non-negative integers and None; anything else is a ValueError.

    >>> standardize_shape([None, 3])
    (None, 3)
    """
    if isinstance(shape, int):
        raise ValueError(f"A shape is a tuple, got the integer {shape}. Write `({shape},)`.")
    try:
        dims = tuple(shape)
    except TypeError:
        raise ValueError(f"A shape is a tuple of integers and None, got {shape!r}.") from None
    result: list[int | None] = []
    for dim in dims:
        if dim is None:
            result.append(None)
            continue
        try:
            size = dim.__index__()
        except (AttributeError, TypeError):
            raise ValueError(f"A shape holds integers and None, got {dim!r} in {dims}.") from None
        if size < 0:
            raise ValueError(f"A shape cannot hold the negative size {size}: {dims}.")
        result.append(size)
    return tuple(result)


def _forward(name: str, reflected: bool = False) -> Callable[..., Any]:
    """An operator that applies `dlrs.ops.<name>`."""

    def operator(self: Any, *args: Any) -> Any:
        # Looked up when used: the operators of a placeholder are the ops, and the ops know placeholders.
        op = getattr(importlib.import_module("dlrs.ops"), name)
        return op(args[0], self) if reflected else op(self, *args)

    return operator


class KerasTensor:
    """A value that a functional model will have: its shape, with None where the size is open, and its type.

    Args:
        shape: Tuple of integers and None.
        dtype: Element type; "string" for an array of strings, which only layers that run on the host take.
        name: Name, made up if None.

    Operators and `dlrs.ops` applied to it give further placeholders and remember how they were made.

    >>> x = KerasTensor((None, 3), name="x")
    >>> x.shape, x.dtype, x.ndim
    ((None, 3), 'float32', 2)
    """

    # NumPy arrays leave `array + placeholder` to the placeholder.
    __array_ufunc__ = None

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if sparse or ragged:
            raise ValueError("KerasTensor: sparse and ragged tensors are not supported.")
        self._shape = standardize_shape(shape)
        # Tensors hold no strings: a placeholder may stand for an array of them, which layers on the host take.
        self._dtype = "string" if isinstance(dtype, str) and dtype == "string" else standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.record_history = record_history
        self._keras_history: KerasHistory | None = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Sizes of the axes; None where open."""
        return self._shape

    @property
    def dtype(self) -> str:
        """Element type."""
        return self._dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._shape)

    @property
    def sparse(self) -> bool:
        """False: there are no sparse tensors."""
        return False

    @property
    def ragged(self) -> bool:
        """False: there are no ragged tensors."""
        return False

    @property
    def is_symbolic(self) -> bool:
        """True: a placeholder has no values."""
        return True

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The transpose."""
        return _forward("transpose")(self)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self._shape}, dtype={self._dtype}, name={self.name}>"

    def _no_value(self, what: str) -> NoReturn:
        raise TypeError(
            f"The placeholder {self.name!r} (shape {self._shape}) has no values, so {what} is not possible. Use"
            " `dlrs.ops` to compute with it, or move the code into the `call` of a layer."
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self._no_value("a NumPy array of it")

    def __bool__(self) -> NoReturn:
        self._no_value("a truth value")

    def __float__(self) -> NoReturn:
        self._no_value("a Python float")

    def __int__(self) -> NoReturn:
        self._no_value("a Python integer")

    def __index__(self) -> NoReturn:
        self._no_value("an index")

    def __iter__(self) -> NoReturn:
        self._no_value("iteration")

    def __len__(self) -> int:
        if not self._shape or self._shape[0] is None:
            self._no_value("its length")
        return self._shape[0]

    __hash__ = object.__hash__
    __getitem__ = _forward("get_item")
    reshape = _forward("reshape")
    squeeze = _forward("squeeze")
    __add__ = _forward("add")
    __radd__ = _forward("add", reflected=True)
    __sub__ = _forward("subtract")
    __rsub__ = _forward("subtract", reflected=True)
    __mul__ = _forward("multiply")
    __rmul__ = _forward("multiply", reflected=True)
    __truediv__ = _forward("divide")
    __rtruediv__ = _forward("divide", reflected=True)
    __floordiv__ = _forward("floor_divide")
    __rfloordiv__ = _forward("floor_divide", reflected=True)
    __mod__ = _forward("mod")
    __rmod__ = _forward("mod", reflected=True)
    __pow__ = _forward("power")
    __rpow__ = _forward("power", reflected=True)
    __matmul__ = _forward("matmul")
    __rmatmul__ = _forward("matmul", reflected=True)
    __neg__ = _forward("negative")
    __abs__ = _forward("absolute")
    __invert__ = _forward("logical_not")
    __and__ = _forward("logical_and")
    __rand__ = _forward("logical_and", reflected=True)
    __or__ = _forward("logical_or")
    __ror__ = _forward("logical_or", reflected=True)
    __xor__ = _forward("logical_xor")
    __rxor__ = _forward("logical_xor", reflected=True)
    __lt__ = _forward("less")
    __le__ = _forward("less_equal")
    __gt__ = _forward("greater")
    __ge__ = _forward("greater_equal")

    def __eq__(self, other: object) -> Any:
        # A placeholder is found in a list, and in a nest compared with another, by being itself.
        return True if self is other else _forward("equal")(self, other)

    __ne__ = _forward("not_equal")


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a placeholder of a functional model.

    >>> is_keras_tensor(KerasTensor((2, 3))), is_keras_tensor([1.0])
    (True, False)
    """
    return isinstance(x, KerasTensor)


def any_symbolic_tensors(args: Any = None, kwargs: Any = None) -> bool:
    """Whether a placeholder of a functional model is among the arguments, at any depth of lists, tuples and dicts.

    >>> any_symbolic_tensors((1, [KerasTensor((2,))]), {})
    True
    """
    try:
        for value in (args or ()) if isinstance(args, list | tuple) else (args,):
            if isinstance(value, KerasTensor):
                return True
            if isinstance(value, list | tuple | dict) and any_symbolic_tensors(
                tuple(value.values()) if isinstance(value, dict) else value
            ):
                return True
        return isinstance(kwargs, dict) and any_symbolic_tensors(tuple(kwargs.values()))
    except RecursionError:
        raise ValueError("An argument is nested too deeply, or contains itself.") from None
