"""Tables of pandas and Polars, and tensors of other libraries, as arrays; none of these libraries is imported."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_ENCODE = "Encode it as numbers first (one-hot columns, codes, or a `layers.StringLookup` of the column)."


def library_of(value: Any) -> str:
    """The package that the class of `value`, or a class that it inherits from, stands in: "pandas", "torch", ...

    >>> library_of(np.zeros(2)), library_of([])
    ('numpy', 'builtins')
    """
    names = [cls.__module__.partition(".")[0] for cls in type(value).__mro__]
    return next((name for name in names if name in ("pandas", "polars", "torch", "tensorflow", "jax")), names[0])


def is_array_like(value: Any) -> bool:
    """Whether `value` is an array, tensor or table of any library, with an axis of examples.

    >>> is_array_like(np.zeros(3)), is_array_like(np.float32(1)), is_array_like([1.0])
    (True, False, False)
    """
    if not hasattr(value, "__array__") and not hasattr(value, "__dlpack__"):
        return False
    return len(getattr(value, "shape", ())) > 0


def foreign_array(value: Any, argument: str) -> Any:
    """A table or tensor of another library as a NumPy array; anything else as it is.

    Raises:
        ValueError: a column of a table holds no numbers, or numbers that are missing, which is named; or a tensor is
            not in the memory of this machine.
    """
    library = library_of(value)
    if library == "pandas":
        return _pandas(value, argument)
    if library == "polars":
        return _polars(value, argument)
    if library == "torch" and hasattr(value, "detach"):
        return _torch(value, argument)
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"`{argument}` cannot be read as an array: {error}") from None
    return value


def _torch(value: Any, argument: str) -> Array:
    value = value.detach()
    if str(value.device) != "cpu":
        raise ValueError(f"`{argument}` is a tensor on the device {value.device}. Move it by `.cpu()` first.")
    if str(value.dtype) == "torch.bfloat16":  # NumPy has no such type
        value = value.float()
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError):  # sparse, conjugated, quantized
        raise ValueError(
            f"`{argument}` is a tensor of layout {value.layout} and type {value.dtype}, which cannot be "
            "shared. Make it dense real numbers first."
        ) from None


def _join(columns: list[Array], argument: str) -> Array:
    if not columns:
        raise ValueError(f"`{argument}` is a table without columns.")
    return np.stack([column.astype(np.result_type(*columns), copy=False) for column in columns], axis=1)


def _pandas(value: Any, argument: str) -> Any:
    if value.ndim == 1:
        return _pandas_column(value, f"`{argument}`") if hasattr(value, "dtype") else value
    columns = [value.iloc[:, place] for place in range(value.shape[1])]
    names = [f"`{argument}`, column {name!r}," for name in value.columns]
    return _join([_pandas_column(*pair) for pair in zip(columns, names, strict=True)], argument)


def _pandas_column(column: Any, what: str) -> Array:
    dtype = column.dtype
    if str(dtype) == "category":
        raise ValueError(f"{what} is categorical. {_ENCODE}")
    kind = getattr(dtype, "kind", "O")
    if kind not in "biuf":
        if kind == "O" and not isinstance(dtype, np.dtype):
            raise ValueError(f"{what} holds {dtype} values; numbers or booleans are expected. {_ENCODE}")
        return _checked_objects(column.to_numpy(), what)
    if kind == "f":
        return np.asarray(column.to_numpy(dtype=_float_type(dtype), na_value=np.nan))
    if column.isna().any():
        raise ValueError(f"{what} has missing values. Fill them, or drop their rows, first.")
    return np.asarray(column.to_numpy(dtype=_plain_type(kind, getattr(dtype, "itemsize", 8))))


def _plain_type(kind: str, itemsize: int) -> np.dtype[Any]:
    return np.dtype(bool) if kind == "b" else np.dtype(f"{kind}{itemsize}")


def _float_type(dtype: Any) -> np.dtype[Any]:
    return np.dtype(f"f{getattr(dtype, 'itemsize', 8)}")


def _checked_objects(values: Array, what: str) -> Array:
    """Python numbers in a column of objects as numbers; anything else is refused."""
    if values.dtype.kind != "O":
        raise ValueError(f"{what} holds {values.dtype} values; numbers or booleans are expected. {_ENCODE}")
    for row, item in enumerate(values):
        if not isinstance(item, bool | int | float | np.number | np.bool_):
            raise ValueError(f"{what} holds {item!r} at row {row}; numbers or booleans are expected. {_ENCODE}")
    return np.array(values.tolist())


def _polars(value: Any, argument: str) -> Any:
    kind = type(value).__name__
    if kind == "LazyFrame":
        raise ValueError(f"`{argument}` is a LazyFrame, which holds no values yet. Call `.collect()` first.")
    if kind == "Series":
        return _polars_column(value, f"`{argument}`")
    if kind != "DataFrame":
        return value
    columns = [_polars_column(column, f"`{argument}`, column {column.name!r},") for column in value.get_columns()]
    return _join(columns, argument)


def _polars_column(column: Any, what: str) -> Array:
    name = str(column.dtype)
    inner = str(getattr(column.dtype, "inner", None) or column.dtype)
    if not inner.startswith(("Int", "UInt", "Float", "Boolean")):
        told = "is categorical" if name.startswith(("Categorical", "Enum")) else f"holds {name} values"
        raise ValueError(f"{what} {told}; numbers or booleans are expected. {_ENCODE}")
    if column.null_count() and not name.startswith("Float"):
        raise ValueError(f"{what} has missing values. Fill them, or drop their rows, first.")
    return np.asarray(column.to_numpy())
