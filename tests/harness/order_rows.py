"""Rows of what depends on the order of elements: running sums, sorting, segments, scattering."""

from typing import Any

import numpy as np

from harness.row import APART, FLOATS, NUMBERS, REAL, Array, Case, Domain, Row, Shape, case, ints, refuses
from harness.shapes import LARGE

SEGMENT = Domain(0, 4, dtype="int32")
ZEROS = Domain(values=(0.5, 0.0, -1.5, 0.0, 0.0, 2.0))


def lines() -> list[Case]:
    """Every axis and both directions, also of no elements; lines and columns long enough for several tiles."""
    small = [
        case(s, axis=axis, reverse=r)
        for s, axis in (((7,), 0), ((2, 3, 4), 1), ((2, 3), -1), ((0, 3), 0), ((3, 0), 0), ((3, 1, 70), 0))
        for r in (False, True)
    ]
    return [*small, case(LARGE, axis=0, large=True), case(LARGE, axis=1, reverse=True, large=True)]  # fmt: skip


def running(ufunc: Any) -> Any:
    """`ufunc.accumulate` along an axis in either direction."""

    def reference(x: Array, axis: int, reverse: bool = False) -> Any:
        x = np.flip(x, axis) if reverse else x
        y = ufunc.accumulate(x, axis, x.dtype) if x.size else x
        return np.flip(y, axis) if reverse else y

    return reference


def recurrence(a: Array, b: Array, axis: int, reverse: bool = False) -> Any:
    """y[t] = a[t] y[t-1] + b[t]."""
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    y, last = np.zeros_like(b), np.zeros(b.shape[1:])
    for t in reversed(range(len(b))) if reverse else range(len(b)):
        last = y[t] = a[t] * last + b[t]
    return np.moveaxis(y, 0, axis)


def sorted_and_places(x: Array, axis: int = -1) -> list[Array]:
    """NumPy's stable sort."""
    return [np.sort(x, axis, kind="stable"), np.argsort(x, axis, kind="stable").astype(np.int32)]


def largest(x: Array, k: int) -> list[Array]:
    """The first of a stable sort of the negated elements."""
    places = np.argsort(-x, -1, kind="stable")[..., :k]
    return [np.take_along_axis(x, places, -1), places.astype(np.int32)]


def segments(ufunc: Any, none: Any) -> Any:
    """Rows combined in the row of the result that `indices` names."""

    def reference(x: Array, indices: Array, num_segments: int) -> Any:
        limits = np.iinfo(np.int32) if x.dtype.kind == "i" else None
        start = none if limits is None or none == 0 else (limits.min if none < 0 else limits.max)
        result = np.full((num_segments, *x.shape[1:]), start, x.dtype)
        ufunc.at(result, indices, x)
        return result

    return reference


def segment_cases(empty: bool) -> list[Case]:
    """Vectors and rows, repeated and (if `empty`) absent segments, no rows."""
    full = Domain(values=(1, 0, 2, 3, 0), dtype="int32")
    cases = [
        Case(((5,), (5,)), {"num_segments": 4}, (APART, full)),
        Case(((5, 3), (5,)), {"num_segments": 4}, (APART, full)),
        Case(((3000, 300), (3000,)), {"num_segments": 700}, (REAL, Domain(0, 700, dtype="int32")), large=True),
    ]
    if empty:
        cases += [case((6, 3), (6,), num_segments=5), case((0, 3), (0,), num_segments=2)]
    return cases


def segment_refusals() -> list[Any]:
    """What no reduction by segments takes."""
    return [
        refuses(ValueError, r"\(3, 2\).*\(2,\)", (3, 2), ints(0, 1), num_segments=2),
        refuses(ValueError, "num_segments.*-1", (1,), ints(0), num_segments=-1),
        refuses(TypeError, "float32", (2,), (2,), num_segments=2),
        refuses(IndexError, "2", (2,), ints(0, 2), num_segments=2),
    ]


BAD_LINES = [
    refuses(ValueError, "axis 2", (2, 3), axis=2),
    refuses(ValueError, "axis 0", (), axis=0),
]

PRIMITIVES = [
    Row("cumsum", running(np.add), lines(), dtypes=NUMBERS, ulp=4, floor=4, second=True, refusals=BAD_LINES),
    Row("cumprod", running(np.multiply), [*lines()[:-2], Case(((2, 3),), {"axis": 1}, (ZEROS,)),
                                          Case(((3, 2),), {"axis": 0}, (ZEROS,))],
        (Domain(0.5, 1.4),), dtypes=("float32", "float64"), ulp=80, second=True, refusals=BAD_LINES),
    Row("linear_recurrence", recurrence, [case(*c.shapes, *c.shapes, large=c.large, **c.attributes) for c in lines()],
        (Domain(-0.9, 0.9), REAL), ulp=8, floor=4, second=True, refusals=[
            refuses(ValueError, r"\(2, 3\).*\(3,\)", (2, 3), (3,), axis=0),
        ]),
    Row("sort", sorted_and_places, [
        case((5,)), case((2, 7)), case((3, 4, 2), axis=1), case((4, 3), axis=0), case((0, 3)), case((3, 0)),
        Case(((2, 3),), domains=(Domain(values=(1.0, 0.0, -0.0, 2.0, 1.0, 1.0)),), smooth=False),
        Case(((4,),), domains=(Domain(values=(np.nan, 1.0, np.nan, -np.inf)),), smooth=False, dtypes=FLOATS),
        case(LARGE, large=True),
    ], (APART,), dtypes=(*NUMBERS, "uint8", "bool"), result="places", second=True, refusals=[
        refuses(ValueError, "axis 2", (2, 3), axis=2),
        refuses(ValueError, "rank 0", ()),
    ]),
    Row("top_k", largest, [
        case((5,), k=2), case((2, 7), k=3), case((3, 4), k=4), case((2, 3), k=0), case((0, 3), k=1),
        Case(((2, 3),), {"k": 2}, (Domain(values=(1.0, 0.0, -0.0, 2.0, 1.0, 1.0)),), smooth=False),
        case(LARGE, k=5, large=True),
    ], (APART,), dtypes=NUMBERS, result="places", second=True, refusals=[
        refuses(ValueError, r"k is 4.*\(2, 3\)", (2, 3), k=4),
        refuses(ValueError, "k is -1", (2, 3), k=-1),
        refuses(ValueError, "scalar", (), k=0),
    ]),
    Row("searchsorted", lambda s, v, right: np.searchsorted(s, v, "right" if right else "left"), [
        *(Case(((5,), shape), {"right": right}, (Domain(values=(-4, -1, 0, 0, 3)), Domain()))
          for shape in ((), (4,), (2, 3), (0,)) for right in (False, True)),
        Case(((0,), (3,)), {"right": False}, (Domain(), Domain())),
        Case(((5,), (3,)), {"right": True}, (Domain(values=(-4, -1, 0, 0, np.nan)), Domain(values=(np.nan, 0, 9))),
             dtypes=FLOATS),
        Case(((5,), LARGE), {"right": True}, (Domain(values=(-4, -1, 0, 0, 3)), Domain()), large=True),
    ], dtypes=NUMBERS, result="int32", gradient=(), refusals=[
        refuses(ValueError, r"sorted_sequence.*\(2, 3\)", (2, 3), (3,), right=False),
    ]),
    Row("segment_sum", segments(np.add, 0), segment_cases(True), (REAL, SEGMENT), dtypes=NUMBERS, ulp=4, floor=2,
        second=True, refusals=segment_refusals()),
    Row("segment_max", segments(np.maximum, -np.inf), segment_cases(False), (APART, SEGMENT), dtypes=FLOATS,
        second=True, refusals=segment_refusals()),
    Row("segment_prod", segments(np.multiply, 1), [*segment_cases(True)[:2], case((6, 3), (6,), num_segments=5)],
        (Domain(0.5, 1.4), SEGMENT), dtypes=FLOATS, ulp=8, second=True, refusals=[
            refuses(ValueError, r"\(2,\).*\(3, 2\)", (3, 2), ints(0, 1), num_segments=2),
        ]),
    Row("segment_min", segments(np.minimum, np.inf), segment_cases(False), (APART, SEGMENT), dtypes=FLOATS,
        second=True, refusals=segment_refusals()),
]  # fmt: skip


def placed(indices: Array, values: Array, shape: Shape) -> Any:
    """Values added at indices of a zero array."""
    result = np.zeros(shape, values.dtype)
    np.add.at(result, tuple(np.moveaxis(indices, -1, 0)), values)
    return result


def written(x: Array, indices: Array, updates: Array, reduction: str | None = None) -> Any:
    """`x` with the elements at `indices` replaced by, or combined with, `updates`, one after the other."""
    x = x.copy()
    combine = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
    for place, update in zip(indices.reshape(-1, indices.shape[-1]), updates.reshape(-1), strict=True):
        x[tuple(place)] = update if reduction is None else combine[reduction](x[tuple(place)], update)
    return x


TWICE = Domain(values=[[0, 1], [2, 3], [0, 1], [1, 0], [0, 1]], dtype="int32")
ROW_RANKS = Domain(values=[[0.1, 0.9, 0.4], [0.5, 0.5, 0.5], [np.nan, 0.2, 0.3]])

COMPOSITES = [
    Row("argsort", lambda x, axis=-1: sorted_and_places(x, axis)[1], [case((5,)), case((3, 4), axis=0), case((0,))],
        (APART,), dtypes=NUMBERS, result="int32", gradient=(),
        refusals=[refuses(ValueError, "axis 2", (2, 3), axis=2)]),
    Row("argpartition", lambda x, kth, axis=-1: sorted_and_places(x, axis)[1], [case((5,), kth=2)], (APART,),
        dtypes=NUMBERS, result="int32", gradient=(), refusals=[refuses(ValueError, "kth", (3,), kth=(1, 2))]),
    Row("in_top_k", lambda targets, predictions, k: np.array([[False, True, True], [True, True, False]][k - 1]),
        [Case(((3,), (3, 3)), {"k": k}, (Domain(values=(2, 1, 2), dtype="int32"), ROW_RANKS)) for k in (1,)],
        result="bool", gradient=(), refusals=[
            refuses(ValueError, r"targets.*\(2,\)", ints(0, 1), (3, 4), k=1),
        ]),
    Row("scatter", placed, [case((5, 1), (5,), shape=(4,)), case((3, 1), (3, 2), shape=(4, 2)),
                            Case(((5, 2), (5,)), {"shape": (3, 4)}, (TWICE, REAL))], (SEGMENT, REAL),
        ulp=2, floor=2, refusals=[
            refuses(ValueError, r"\(2,\).*\(3, 1\)", np.zeros((3, 1), np.int32), (2,), shape=(4,)),
            refuses(ValueError, "coordinates", np.zeros((3, 2), np.int32), (3,), shape=(4,)),
        ]),
    Row("scatter_update", written, [
        Case(((3, 4), (2, 2), (2,)), domains=(REAL, Domain(values=[[0, 1], [2, 3]], dtype="int32"), REAL)),
        *(Case(((3, 4), (5, 2), (5,)), {"reduction": r}, (REAL, TWICE, REAL))
          for r in (None, "add", "mul", "max", "min")),
    ], ulp=4, floor=4, refusals=[
        refuses(ValueError, "reduction", (3,), ints(0).reshape(1, 1), (1,), reduction="mean"),
        refuses(ValueError, r"\(2,\).*\(1, 1\)", (3,), ints(0).reshape(1, 1), (2,)),
    ]),
]  # fmt: skip

ROWS = [*PRIMITIVES, *COMPOSITES]
