"""Rows of the ops that move elements: shapes, slices, indices, joining and splitting."""

from typing import Any

import numpy as np

from dlrs import _dlrs, ops
from harness.row import NUMBERS, REAL, Array, Case, Domain, Row, Shape, case, ints, refuses
from harness.shapes import LARGE

EXACT: dict[str, Any] = {"dtypes": (*NUMBERS, "bool", "uint8"), "second": True}
INDEX = Domain(-3, 3, dtype="int32")


def slice_(x: Array, start: Shape, stop: Shape, step: Shape) -> Any:
    """The elements of Python's ranges; a stop of -1 under a negative step means to the very first element."""
    spans = zip(start, stop, step, strict=True)
    return x[(*(slice(a, None if b < 0 else b, s) for a, b, s in spans), ...)]


def joined(*xs: Array, axis: int) -> Any:
    """`np.concatenate` of operands."""
    return np.concatenate(xs, axis)


def slice_cases() -> list[Case]:
    """Steps of both signs, empty ranges, no axes."""
    return [
        case((), start=(), stop=(), step=()),
        case((7,), start=(1,), stop=(6,), step=(2,)),
        case((7,), start=(6,), stop=(-1,), step=(-3,)),
        case((4, 5), start=(1, 4), stop=(4, 0), step=(1, -2)),
        case((4, 5), start=(2, 0), stop=(2, 5), step=(1, 1)),
        case((0, 3), start=(0, 1), stop=(0, 3), step=(1, 1)),
        case((2, 3, 5), start=(0, 0, 1), stop=(2, 3, 5), step=(1, 2, 3)),
        case(LARGE, start=(1, 906), stop=(701, -1), step=(1, -1), large=True),
    ]


def take_cases() -> list[Case]:
    """Every axis, indices of several ranks, negative ones, no indices."""
    return [
        case((3,), (), axis=0),
        case((3, 4), (5,), axis=0),
        case((4, 3), (2, 2), axis=1),
        case((2, 3, 5), (4,), axis=-2),
        case((3, 2), (0,), axis=0),
        case((3, 0), (2,), axis=0),
        Case(((1000, 300), (2500,)), {"axis": 0}, (REAL, Domain(-1000, 1000, dtype="int64")), large=True),
    ]


def lookup_cases() -> list[Case]:
    """Ids of several ranks, no ids, rows of no elements."""
    sizes = [((4, 3), ()), ((4, 3), (5,)), ((4, 3), (2, 3)), ((4, 3), (0,)), ((4, 0), (2,)), ((1000, 300), (50, 50))]
    return [
        Case(shapes, {"owner": "words"}, (REAL, Domain(0, shapes[0][0] - 1, dtype="int64")), large=shapes[0][0] > 4)
        for shapes in sizes
    ]


BLOCKS = [
    ((), ()),
    ((5,), (4,)),
    ((4, 3), (3, 2)),
    ((3, 2, 4), (2, 1, 3)),
    ((3, 1), (2, 0)),
    ((2000, 900), (1999, 899)),
]


def block(x: Array, starts: Array, sizes: Shape) -> Any:
    """The elements from `starts` on."""
    return x[(*(slice(start, start + size) for start, size in zip(starts, sizes, strict=True)), ...)]


def with_block(x: Array, starts: Array, updates: Array) -> Array:
    """`x` with `updates` from `starts` on."""
    x = x.copy()
    block(x, starts, updates.shape)[...] = updates
    return x


PRIMITIVES = [
    Row("reshape", np.reshape, [
        *(case(a, shape=b) for a, b in (((), (1, 1)), ((6,), (2, 3)), ((2, 3, 4), (4, 6)), ((0, 3), (3, 0)),
                                        ((2, 6), (3, -1)), ((1,), ()))),
    ], **EXACT, refusals=[
        refuses(ValueError, r"x of shape \(2, 3\).*\(4,\)", (2, 3), shape=(4,)),
        refuses(ValueError, "-1", (2, 3), shape=(-1, -1)),
        refuses(ValueError, r"shape.*-2", (2, 3), shape=(-2, -3)),
        refuses(ValueError, r"\(2, 3\)", (2, 3), shape=(4, -1)),
    ]),
    Row("transpose", np.transpose, [
        *(case(s) for s in ((), (3,), (2, 3), (0, 3), (2, 3, 5), (1, 7, 1, 2))),
        case((2, 3, 5), axes=(1, 0, 2)), case((2, 3, 5), axes=(0, -1, 1)), case((2, 3, 4, 5), axes=(0, 2, 1, 3)),
        case((33, 65), axes=(1, 0)), case(LARGE, axes=(1, 0), large=True),
        case((7, 90, 11, 95), axes=(0, 2, 3, 1), large=True),
    ], **EXACT, refusals=[
        refuses(ValueError, r"axes.*\(2, 3\)", (2, 3), axes=(0, 0)),
        refuses(ValueError, r"axes.*\(2, 3\)", (2, 3), axes=(0,)),
        refuses(ValueError, "axis 2", (2, 3), axes=(0, 2)),
    ]),
    Row("broadcast_to", np.broadcast_to, [
        *(case(a, shape=b) for a, b in (((), ()), ((), (2, 3)), ((3,), (2, 3)), ((4, 1), (4, 5)), ((1, 3), (0, 3)),
                                        ((2, 1, 3), (2, 4, 3)), ((3,), (3,)))),
        case(LARGE[1:], shape=LARGE, large=True),
    ], **EXACT, refusals=[
        refuses(ValueError, r"x of shape \(3,\).*\(2, 4\)", (3,), shape=(2, 4)),
        refuses(ValueError, r"x of shape \(2, 3\).*\(3,\)", (2, 3), shape=(3,)),
        refuses(ValueError, "-1", (3,), shape=(-1, 3)),
    ]),
    Row("concatenate", joined, [
        case((3,), axis=0), case((3,), (0,), (4,), axis=0), case((2, 3), (2, 1), axis=-1), case((0, 3), (2, 3), axis=0),
        case((2, 3, 4), (2, 5, 4), (2, 1, 4), axis=1), case(LARGE, (701, 93), axis=1, large=True),
    ], call=lambda *xs, axis: _dlrs.concatenate(xs, axis), **EXACT, refusals=[
        refuses(ValueError, r"\(2, 3\).*\(2, 4\)", (2, 3), (2, 4), axis=0),
        refuses(ValueError, r"\(2, 3\).*\(3,\)", (2, 3), (3,), axis=0),
        refuses(ValueError, "axis 1", (3,), (3,), axis=1),
        refuses(ValueError, "scalar|rank 0", (), (), axis=0),
        refuses(ValueError, "at least one", axis=0),
    ]),
    Row("slice", slice_, slice_cases(), **EXACT, refusals=[
        refuses(ValueError, r"\(3,\)", (3,), start=(0,), stop=(4,), step=(1,)),
        refuses(ValueError, "step", (3,), start=(0,), stop=(3,), step=(0,)),
        refuses(ValueError, r"\(2, 3\)", (2, 3), start=(0,), stop=(2,), step=(1,)),
    ]),
    Row("pad", lambda x, widths, value=0.0: np.pad(x, widths, constant_values=value) if x.ndim else x, [
        case((), widths=()), case((3,), widths=((1, 2),)), case((2, 3), widths=((0, 1), (2, 0)), value=2.0),
        case((0, 2), widths=((1, 1), (0, 0))), case(LARGE, widths=((1, 2), (3, 4)), large=True),
    ], dtypes=NUMBERS, second=True, refusals=[
        refuses(ValueError, "-1", (3,), widths=((-1, 0),)),
        refuses(ValueError, r"\(2, 3\)", (2, 3), widths=((1, 1),)),
    ]),
    Row("slice_at", block, [
        Case((x, (len(x),)), {"sizes": sizes}, (REAL, Domain(0, 1, dtype="int64")), large=x[:1] == (2000,))
        for x, sizes in BLOCKS
    ], **EXACT, says="slice", refusals=[
        refuses(ValueError, r"\(3, 2\).*\(2, 3\)", (2, 3), ints(0, 0), sizes=(3, 2)),
        refuses(ValueError, r"start_indices.*\(3,\)", (2, 3), ints(0, 0, 0), sizes=(1, 2)),
        refuses(TypeError, "start_indices|indices", (2, 3), (2,), sizes=(1, 2)),
        refuses(IndexError, "from 2 on.*axis 1 of length 3", (2, 3), ints(0, 2), sizes=(1, 2)),
    ]),
    Row("slice_update", with_block, [
        Case((x, (len(x),), sizes), {}, (REAL, Domain(0, 1, dtype="int64"), REAL), large=x[:1] == (2000,))
        for x, sizes in BLOCKS
    ], **EXACT, refusals=[
        refuses(ValueError, r"\(3, 2\).*\(2, 3\)", (2, 3), ints(0, 0), (3, 2)),
        refuses(IndexError, "from -1 on.*axis 0 of length 2", (2, 3), ints(-1, 0), (1, 2)),
    ]),
    Row("take", lambda x, i, axis: np.take(x, i, axis), take_cases(), (REAL, INDEX), **EXACT, refusals=[
        refuses(IndexError, "3", (3,), ints(0, 3), axis=0),
        refuses(IndexError, "-4", (3,), ints(-4), axis=0),
        refuses(ValueError, "axis 1", (3,), ints(0), axis=1),
        refuses(TypeError, "indices.*float32", (3,), (1,), axis=0),
    ]),
    Row("lookup", lambda x, i, owner: np.take(x, i, 0), lookup_cases(), **EXACT, refusals=[
        refuses(IndexError, r"words, lookup: id 3 at position \(1,\)", (3, 2), ints(0, 3), owner="words"),
        refuses(IndexError, r"words, lookup: id -1 at position \(0,\)", (3, 2), ints(-1), owner="words"),
        refuses(ValueError, "matrix", (3,), ints(0), owner="words"),
        refuses(TypeError, "float32", (3, 2), (1,), owner="words"),
    ]),
]  # fmt: skip


def updated(x: Array, update: Array) -> Any:
    """`x` with `update` at its upper right."""
    x = x.copy()
    x[: update.shape[0], 1 : 1 + update.shape[1]] = update
    return x


COMPOSITES = [
    Row("expand_dims", np.expand_dims, [case((), axis=0), case((2, 3), axis=-1), case((2, 3), axis=(0, 2))],
        refusals=[refuses(ValueError, "axis 4", (2, 3), axis=4)]),
    Row("squeeze", np.squeeze, [case((1,)), case((2, 1, 3, 1)), case((2, 1, 3), axis=1), case((1, 0), axis=(0,))],
        refusals=[refuses(ValueError, r"\(2, 3\)", (2, 3), axis=1)]),
    Row("ravel", np.ravel, [case(s) for s in ((), (3,), (2, 3), (0, 2))]),
    Row("swapaxes", np.swapaxes, [case((2, 3, 4), axis1=0, axis2=-1)],
        refusals=[refuses(ValueError, "axis 2", (2, 3), axis1=0, axis2=2)]),
    Row("moveaxis", np.moveaxis, [case((2, 3, 4), source=(0, 1), destination=(-1, 0)),
                                  case((2, 3), source=0, destination=1)],
        refusals=[refuses(ValueError, "source", (2, 3), source=(0, 1), destination=0)]),
    Row("stack", lambda *xs, axis: np.stack(xs, axis), [case((2, 3), (2, 3), axis=-1), case((), (), axis=0)],
        call=lambda *xs, axis: ops.stack(xs, axis),
        refusals=[refuses(ValueError, r"\(2,\).*\(3,\)", (2,), (3,), axis=0)]),
    Row("hstack", lambda *xs: np.hstack(xs), [case((2, 3), (2, 1)), case((2,), (3,)), case((), ())],
        call=lambda *xs: ops.hstack(xs)),
    Row("vstack", lambda *xs: np.vstack(xs), [case((2, 3), (1, 3)), case((3,), (3,)), case((), ())],
        call=lambda *xs: ops.vstack(xs)),
    Row("append", np.append, [case((2, 3), (4,)), case((2, 3), (1, 3), axis=0)]),
    Row("split", np.split, [case((6, 2), indices_or_sections=3), case((2, 5), indices_or_sections=(1, 3), axis=-1),
                            case((0, 2), indices_or_sections=2)],
        refusals=[refuses(ValueError, "5.*2", (5,), indices_or_sections=2)]),
    Row("unstack", lambda x, axis: [x[:, i] for i in range(x.shape[1])], [case((2, 3, 2), axis=1)],
        refusals=[refuses(ValueError, "num", (2, 3), num=3)]),
    Row("flip", np.flip, [case(()), case((5,)), case((2, 3, 4), axis=(0, -1)), case((0, 3)), case((4, 1), axis=0)]),
    Row("roll", np.roll, [case((2, 3), shift=4), case((2, 3), shift=(1, -2), axis=(0, 1)), case((0, 2), shift=1),
                          case((), shift=2)]),
    Row("repeat", np.repeat, [case((2, 3), repeats=2), case((2, 3), repeats=2, axis=1), case((3,), repeats=(0, 2, 1)),
                              case((), repeats=3)]),
    Row("tile", lambda x, repeats: np.tile(x, repeats), [case((2, 3), repeats=(2, 1, 3)), case((), repeats=2),
                                                         case((0, 2), repeats=(2, 2)), case((2, 3), repeats=2)]),
    Row("take_along_axis", lambda x, i, axis: np.take_along_axis(x, i, axis),
        [case((3, 4), (3, 2), axis=1), case((3, 4), (1, 4), axis=0), case((0, 3), (0, 2), axis=1)], (REAL, INDEX),
        refusals=[refuses(ValueError, "indices", (2, 3), ints(0), axis=0)]),
    Row("get_item", lambda x: x[:, -1, ::2], [case((2, 3, 5)), case((0, 1, 2))],
        call=lambda x: ops.get_item(x, (slice(None), -1, slice(None, None, 2)))),
    Row("slice_update", updated, [case((3, 4), (2, 2)), case((3, 4), (3, 3))],
        call=lambda x, update: ops.slice_update(x, (0, 1), update)),
]  # fmt: skip

ROWS = [*PRIMITIVES, *COMPOSITES]
