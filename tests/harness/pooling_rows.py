"""Rows of pooling."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlrs import ops
from harness.row import APART, Array, Case, Row, case, refuses

Span = Callable[[int, int], tuple[int, int]]


def sliding(shape: Sequence[int], size: Any, strides: Any, padding: str) -> tuple[list[int], list[Span]]:
    """The numbers of windows along each axis, and where each begins and ends."""
    counts: list[int] = []
    spans: list[Span] = []
    sizes = [size] * len(shape) if isinstance(size, int) else size
    steps = sizes if strides is None else [strides] * len(shape) if isinstance(strides, int) else strides
    for n, k, s in zip(shape, sizes, steps, strict=True):
        count = -(-n // s) if padding == "same" else (n - k) // s + 1
        before = max((count - 1) * s + k - n, 0) // 2 if padding == "same" else 0
        counts.append(count)
        spans.append(lambda o, n, k=k, s=s, b=before: (max(o * s - b, 0), min(o * s - b + k, n)))
    return counts, spans


def adaptive(shape: Sequence[int], output_size: Any) -> tuple[list[int], list[Span]]:
    """The same for windows that cover the axes."""
    counts = [output_size] * len(shape) if isinstance(output_size, int) else list(output_size)
    return counts, [lambda o, n, c=c: (o * n // c, -(-(o + 1) * n // c)) for c in counts]


def pooled(reduce: Any, x: Array, windows: Any, data_format: str) -> Any:
    """Each window reduced."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    shape = x.shape[1:-1]
    counts, spans = windows(shape)
    y = np.zeros((x.shape[0], *counts, x.shape[-1]), x.dtype)
    for place in itertools.product(*map(range, counts)):
        edges = [span(o, n) for span, o, n in zip(spans, place, shape, strict=True)]
        part = x[(slice(None), *(slice(*edge) for edge in edges))]
        y[(slice(None), *place)] = reduce(part, axis=tuple(range(1, len(shape) + 1)))
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def sliding_pool(reduce: Any) -> Any:
    """A pooling by sliding windows."""

    def reference(
        x: Array,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str = "channels_last",
    ) -> Any:
        return pooled(reduce, x, lambda shape: sliding(shape, pool_size, strides, padding), data_format)

    return reference


def adaptive_pool(reduce: Any) -> Any:
    """A pooling to a given size."""

    def reference(x: Array, output_size: Any, data_format: str = "channels_last") -> Any:
        return pooled(reduce, x, lambda shape: adaptive(shape, output_size), data_format)

    return reference


FIRST = {"data_format": "channels_first"}


def sliding_cases() -> list[Case]:
    """One to three axes, overlaps, gaps, large windows, many and few channels, no image, several tiles."""
    return [
        case((2, 4, 6, 3), pool_size=2),
        case((2, 5, 5, 17), pool_size=3, strides=2, padding="same"),
        case((1, 6, 5, 2), pool_size=(3, 2), strides=(1, 2)),
        case((2, 3, 7, 6), pool_size=(2, 3), padding="same", **FIRST),
        case((3, 9, 2), pool_size=2, strides=4),
        case((2, 5, 3), pool_size=9, strides=2, padding="same"),
        case((1, 3, 4, 5, 2), pool_size=2, strides=(1, 2, 1), padding="same"),
        case((2, 2, 3, 4, 3), pool_size=(3, 1, 2), **FIRST),
        case((0, 4, 4, 2), pool_size=2),
        case((9, 30, 30, 20), pool_size=3, strides=2, large=True),
    ]


def adaptive_cases() -> list[Case]:
    """Windows of two lengths, of one element, of all."""
    return [
        case((2, 5, 7, 3), output_size=(2, 3)),
        case((1, 4, 3), output_size=3),
        case((2, 3, 5), output_size=7),
        case((2, 3, 4, 5, 2), output_size=2),
        case((2, 3, 4, 5), output_size=(3, 1), **FIRST),
        case((9, 30, 30, 20), output_size=7, large=True),
    ]


REFUSALS = [
    refuses(ValueError, r"zero or negative.*\(2, 3, 3, 1\)", (2, 3, 3, 1), pool_size=4),
    refuses(ValueError, r"\(3, 3\)", (3, 3), pool_size=2),
    refuses(ValueError, "pool_size.*3", (1, 4, 4, 1), pool_size=(2, 2, 3)),
    refuses(ValueError, "strides.*0", (1, 4, 4, 1), pool_size=2, strides=0),
    refuses(ValueError, "padding.*causal", (1, 4, 4, 1), pool_size=2, padding="causal"),
    refuses(ValueError, "data_format|NHWC", (1, 4, 4, 1), pool_size=2, data_format="NHWC"),
]
ADAPTIVE_REFUSALS = [
    refuses(ValueError, "output_size.*0", (1, 4, 4, 1), output_size=0),
    refuses(ValueError, "output_size", (1, 4, 4, 1), output_size=(2, 2, 2)),
    refuses(ValueError, r"\(1, 0, 4, 1\)", (1, 0, 4, 1), output_size=2),
]
INTEGERS = ("float32", "float64", "int32", "int64", "uint8")


def window_sum(x: Array, radius: int) -> Any:
    """Sums over neighbours along the last axis."""
    places = np.arange(x.shape[-1])
    return x @ (np.abs(places[:, None] - places) <= radius)


EXACT: dict[str, Any] = {"domains": (APART,), "dtypes": INTEGERS, "second": True}
ROUNDED: dict[str, Any] = {"domains": (APART,), "ulp": 2, "floor": 0.1, "second": True}

ROWS = [
    Row("max_pool", sliding_pool(np.max), sliding_cases(), call=ops.max_pool, refusals=REFUSALS, **EXACT),
    Row("average_pool", sliding_pool(np.mean), sliding_cases(), call=ops.average_pool, refusals=REFUSALS, **ROUNDED),
    Row("adaptive_max_pool", adaptive_pool(np.max), adaptive_cases(), call=ops.adaptive_max_pool,
        refusals=ADAPTIVE_REFUSALS, **EXACT),
    Row("adaptive_average_pool", adaptive_pool(np.mean), adaptive_cases(), call=ops.adaptive_average_pool,
        refusals=ADAPTIVE_REFUSALS, **ROUNDED),
    Row("window_sum", window_sum, [case((2, 3, 7), radius=2), case((5,), radius=0), case((4, 3), radius=9),
                                   case((0, 4), radius=1), case((9001, 37), radius=2, large=True)],
        ulp=4, floor=1, second=True, refusals=[
            refuses(ValueError, "scalar", (), radius=1), refuses(ValueError, "-1", (3,), radius=-1)]),
]  # fmt: skip
