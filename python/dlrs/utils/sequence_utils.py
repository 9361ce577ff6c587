"""Sequences of unequal length as one array."""

from collections.abc import Sequence
from typing import Any

import numpy as np

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
        ValueError: `sequences` does not hold sequences, their elements differ in shape, or an argument is none of
            these.

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
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"pad_sequences: `dtype` {dtype} is not compatible with `value`'s type: {type(value)}. "
            f"Strings of several lengths need `dtype=object`."
        )
    shape = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    try:
        padded = np.full((len(rows), length, *shape), value, kind)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"pad_sequences: `value` {value!r:.60} does not fit `dtype` {dtype}: {error}") from error
    for number, row in enumerate(rows):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        if not len(kept):
            continue
        cells = np.asarray(kept, kind)
        if cells.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences: shape of sample {cells.shape[1:]} of sequence at position {number} is different from "
                f"expected shape {shape}."
            )
        start = 0 if padding == "post" else length - len(kept)
        padded[number, start : start + len(kept)] = cells
    return padded


def _rows(sequences: Any) -> Sequence[Any]:
    if not hasattr(sequences, "__len__") or isinstance(sequences, str | bytes | dict):
        raise ValueError(f"pad_sequences: `sequences` must be a list of sequences, got {sequences!r:.60}.")
    for number, row in enumerate(sequences):
        if not hasattr(row, "__len__") or (isinstance(row, np.ndarray) and row.ndim == 0):
            raise ValueError(
                f"pad_sequences: `sequences` must be a list of iterables. Found non-iterable: {row!r:.60} "
                f"at position {number}."
            )
    return sequences  # type: ignore[no-any-return]
