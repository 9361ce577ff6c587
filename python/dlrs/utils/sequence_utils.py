"""Sequences of unequal length as one array."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrs.backend.ragged import is_ragged

Array = np.ndarray[Any, Any]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Sequences filled up, or cut, to one length.

    Args:
        sequences: lists or arrays; what they hold has one shape.
        maxlen: the length; by default that of the longest.
        dtype: type of the result; `object` for strings.
        padding: "pre" or "post": where short ones are filled up.
        truncating: "pre" or "post": where long ones are cut.
        value: what to fill up with.

    Returns:
        An array of shape (sequences, maxlen, ...).

    Raises:
        ValueError: `sequences` does not hold sequences, their elements differ in shape, an element is no `dtype` or
            beyond what it holds, or an argument is none of these.

    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
    [[0, 1], [3, 4]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if not isinstance(side, str) or side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: `{name}` must be 'pre' or 'post', got {side!r:.60}.")
    rows = _rows(sequences)
    if maxlen is None:
        maxlen = max((len(row) for row in rows), default=0)
    elif isinstance(maxlen, bool) or not hasattr(maxlen, "__index__") or maxlen.__index__() < 0:
        raise ValueError(f"pad_sequences: `maxlen` must be an integer >= 0, got {maxlen!r:.60}.")
    length = int(maxlen)
    kind = _checked_dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"pad_sequences: `dtype` {dtype} is not compatible with `value`'s type: {type(value)}. "
            f"Strings of several lengths need `dtype=object`."
        )
    shape = next((_cells(row, kind, _place(number)).shape[1:] for number, row in enumerate(rows) if len(row)), ())
    filling = _cells(value, kind, "`value`")
    try:
        padded = np.full((len(rows), length, *shape), filling, kind)
    except ValueError as error:
        raise ValueError(f"pad_sequences: `value` of shape {filling.shape} does not fill {shape}: {error}") from None
    for number, row in enumerate(rows):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        if not len(kept):
            continue
        cells = _cells(kept, kind, _place(number))
        if cells.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences: shape of sample {cells.shape[1:]} of sequence at position {number} is different from "
                f"expected shape {shape}."
            )
        start = 0 if padding == "post" else length - len(kept)
        padded[number, start : start + len(kept)] = cells
    return padded


def _checked_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        kind: np.dtype[Any] = np.dtype(dtype)
    except TypeError as error:
        raise ValueError(f"pad_sequences: `dtype` must be a type of NumPy's, got {dtype!r:.60}.") from error
    return kind


def _place(number: int) -> str:
    return f"the sequence at position {number}"


def _cells(values: Any, kind: np.dtype[Any], what: str) -> Array:
    """`values` in the type of the result; ValueError if they do not fit, where NumPy might wrap around or cut off."""
    try:
        given = np.asarray(values, object if kind.kind == "O" else None)
        if kind.kind in "iu" and given.dtype.kind in "iuf" and given.dtype != kind:
            low, above = np.iinfo(kind).min, np.iinfo(kind).max + 1
            outside = ~((given >= low) & (given < above))  # NaN, too
            if outside.any():
                raise OverflowError(f"{given[outside].flat[0]} is not in [{low}, {above})")
        if given.dtype.kind == "c" and kind.kind not in "cO":
            raise TypeError("it holds complex numbers")
        if given.dtype.kind in "US" and given.dtype.kind == kind.kind and given.dtype.itemsize > kind.itemsize:
            raise TypeError("it holds longer text; `dtype=object` takes any")
        return given.astype(kind)
    except (OverflowError, TypeError, ValueError) as error:
        reason: Any = "its elements differ in length" if is_ragged(error) else error
        if isinstance(error, ValueError) and ("invalid literal" in str(error) or "could not convert" in str(error)):
            reason = "it holds text, which `dtype=object` keeps"
        raise ValueError(f"pad_sequences: {what} does not fit `dtype` {kind}: {reason}.") from None


def _rows(sequences: Any) -> Sequence[Any]:
    if not hasattr(sequences, "__len__") or isinstance(sequences, str | bytes | dict):
        raise ValueError(f"pad_sequences: `sequences` must be a list of sequences, got {sequences!r:.60}.")
    for number, row in enumerate(sequences):
        takes_slices = hasattr(row, "__len__") and hasattr(row, "__getitem__") and getattr(row, "ndim", 1) > 0
        if not takes_slices or isinstance(row, str | bytes | dict):
            raise ValueError(
                f"pad_sequences: `sequences` must be a list of iterables. Found non-iterable: {row!r:.60} "
                f"at position {number}."
            )
    return sequences  # type: ignore[no-any-return]
