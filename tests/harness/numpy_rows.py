"""Rows of the ops that NumPy's users expect beside those of learning: statistics, NaN left out, cuts and turns."""

from typing import Any

import numpy as np

from dlrs import ops
from harness.row import APART, APART_TOO, FLOATS, NUMBERS, POSITIVE, REAL, Array, Case, Domain, Row, case, refuses

HOLES = Domain(values=(1.5, np.nan, -0.25, 2.75, np.nan, 0.5, -1.25, np.nan, 3.25, np.nan, -2.5, 0.75))
GONE = Domain(values=(np.nan,) * 6 + (1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
WHOLE = Domain(-3, 3, dtype="int32")
EDGES = Domain(values=(-1.5, -0.5, 0.3, 1.2))
NO_GRADIENT: dict[str, Any] = {"gradient": ()}


def holed(**attributes: Any) -> list[Case]:
    """With some elements missing, with whole rows missing, with none missing."""
    return [
        Case(((3, 4),), attributes, (HOLES,), dtypes=FLOATS),
        Case(((4, 3),), attributes, (GONE,), smooth=False, dtypes=FLOATS),
        Case(((3, 4),), attributes, (APART,)),
    ]


def quantiles(*qs: Any) -> list[Case]:
    """Every method, axes, numbers and vectors."""
    whole = [Case(((3, 4),), {"q": q, "axis": axis}, (APART,)) for q in qs for axis in (None, 0, -1)]
    methods = ("lower", "higher", "midpoint", "nearest")
    return [*whole, *(Case(((7,),), {"q": qs[0], "method": method}, (APART,)) for method in methods),
            Case(((2, 3, 4),), {"q": qs[0], "axis": (0, 2), "keepdims": True}, (APART,))]  # fmt: skip


def nan_arg(reference: Any) -> Any:
    """`reference`, with -1 for slices of NaN only."""

    def function(x: Array, axis: int | None = None) -> Any:
        gone = np.isnan(x).all(axis)
        filled = np.where(np.expand_dims(gone, axis) if axis is not None else gone, 0.0, x)
        return np.where(gone, -1, reference(filled, axis)).astype(np.int32)

    return function


def line(start: Array, stop: Array, **attributes: Any) -> Any:
    """`np.linspace`, which returns NumPy's own types."""
    return np.linspace(start, stop, **attributes)


STATISTICS = [
    Row("ptp", np.ptp, [case((7,)), case((3, 4), axis=1), case((2, 3, 4), axis=(0, 2), keepdims=True)], (APART,),
        dtypes=NUMBERS),
    Row("median", np.median, [case((7,)), case((3, 4), axis=1), case((2, 3, 4), axis=(0, 2), keepdims=True)], (APART,),
        ulp=4, refusals=[refuses(ValueError, r"\(0,\)", (0,), )], says="quantile"),
    Row("quantile", np.quantile, quantiles(0.3, [0.0, 0.45, 1.0]), (APART,), ulp=16, floor=4, refusals=[
        refuses(ValueError, "q.*2", (3,), 2.0), refuses(ValueError, "method.*linear", (3,), 0.5, method="middle")]),
    Row("percentile", np.percentile, quantiles(30.0, [0.0, 45.0, 100.0]), (APART,), ulp=16, floor=4, says="quantile"),
    Row("nanquantile", np.nanquantile, [*quantiles(0.3, [0.0, 0.45, 1.0]), *holed(q=0.4, axis=1)], ulp=16, floor=4),
    Row("nanpercentile", np.nanpercentile, [*quantiles(30.0), *holed(q=40.0, axis=1)], ulp=16, floor=4),
    Row("nanmedian", np.nanmedian, [*holed(), *holed(axis=1)], ulp=4),
    Row("corrcoef", np.corrcoef, [case((2, 5)), case((4, 9))], ulp=64, floor=16,
        refusals=[refuses(ValueError, r"\(2, 2, 2\)", (2, 2, 2))]),
    Row("correlate", np.correlate, [
        *(case((a,), (b,), mode=mode) for a, b in ((5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 1))
          for mode in ("valid", "same", "full")),
    ], ulp=16, floor=4, refusals=[refuses(ValueError, "mode", (3,), (2,), mode="half"),
                                  refuses(ValueError, r"\(2, 2\)", (2, 2), (2,))]),
    Row("trapezoid", np.trapezoid if hasattr(np, "trapezoid") else np.trapz, [
        case((7,)), case((3, 4), axis=0), case((3, 4), dx=0.5), case((2, 0)), case((3, 1))], ulp=16, floor=4),
    Row("digitize", np.digitize, [case((7,), (4,)), case((2, 3), (4,)), case((), (4,))], (REAL, EDGES),
        result="int32", **NO_GRADIENT, refusals=[refuses(ValueError, r"bins.*\(2, 2\)", (3,), (2, 2))]),
    Row("isin", np.isin, [case((7,), (4,)), case((2, 3), (2, 2)), case((3,), (0,)), case((3,), (2,), invert=True)],
        (WHOLE, WHOLE), dtypes=NUMBERS, result="bool", **NO_GRADIENT),
]  # fmt: skip

NAN = [
    Row("nansum", np.nansum, [*holed(), *holed(axis=1), *holed(axis=0, keepdims=True)], dtypes=NUMBERS, ulp=8, floor=4,
        result="same"),
    Row("nanprod", np.nanprod, [*holed(), *holed(axis=1)], ulp=32, floor=4),
    Row("nanmax", np.nanmax, [*holed(), *holed(axis=1)], dtypes=NUMBERS),
    Row("nanmin", np.nanmin, [*holed(), *holed(axis=1)], dtypes=NUMBERS),
    Row("nanmean", np.nanmean, [*holed(), *holed(axis=1)], ulp=8, floor=4),
    Row("nanvar", np.nanvar, [*holed(), *holed(axis=1)], ulp=32, floor=4),
    Row("nanstd", np.nanstd, [Case(((3, 4),), {}, (HOLES,)), Case(((3, 4),), {"axis": 1}, (APART,))], ulp=32, floor=4),
    Row("nanargmax", nan_arg(np.nanargmax), [*holed(), *holed(axis=1)], result="int32", **NO_GRADIENT),
    Row("nanargmin", nan_arg(np.nanargmin), [*holed(), *holed(axis=1)], result="int32", **NO_GRADIENT),
    Row("nancumsum", np.nancumsum, [*holed(), *holed(axis=1)], ulp=8, floor=4),
    Row("nancumprod", np.nancumprod, [*holed(), *holed(axis=1)], ulp=32, floor=4),
]  # fmt: skip

ARRANGEMENTS = [
    Row("array_split", np.array_split, [
        case((7,), indices_or_sections=3), case((2, 5), indices_or_sections=(1, 3), axis=1),
        case((2,), indices_or_sections=3)],
        refusals=[refuses(ValueError, "0", (5,), indices_or_sections=0)]),
    Row("hsplit", np.hsplit, [case((6,), indices_or_sections=2), case((2, 4), indices_or_sections=(1,))],
        refusals=[refuses(ValueError, r"\(\)", (), indices_or_sections=1)]),
    Row("vsplit", np.vsplit, [case((6, 2), indices_or_sections=2)],
        refusals=[refuses(ValueError, r"\(4,\)", (4,), indices_or_sections=1)]),
    Row("dsplit", np.dsplit, [case((1, 2, 6), indices_or_sections=2)],
        refusals=[refuses(ValueError, r"\(4, 4\)", (4, 4), indices_or_sections=1)]),
    Row("dstack", lambda *xs: np.dstack(xs), [case((3,), (3,)), case((2, 3), (2, 3)), case((2, 3, 1), (2, 3, 4))],
        call=lambda *xs: ops.dstack(xs)),
    Row("fliplr", np.fliplr, [case((2, 3)), case((2, 0))], refusals=[refuses(ValueError, r"\(3,\)", (3,))]),
    Row("flipud", np.flipud, [case((3,)), case((2, 3))], refusals=[refuses(ValueError, r"\(\)", ())]),
    Row("rot90", np.rot90, [case((2, 3), k=k) for k in (-1, 0, 1, 2, 3, 5)] + [case((2, 3, 4), axes=(2, 0))],
        refusals=[refuses(ValueError, r"\(3,\)", (3,)), refuses(ValueError, "axes", (2, 2), axes=(0, 0))]),
    Row("rearrange", lambda x: x.reshape(2, 3, 4).transpose(1, 0, 2), [case((6, 4))],
        call=lambda x: ops.rearrange(x, "(a b) c -> b a c", a=2)),
    Row("diff", np.diff, [
        case((7,)), case((3, 4), axis=0), case((5,), n=2), case((2,), n=3), case((0,)), case((3,), n=0),
    ], dtypes=NUMBERS, ulp=4, floor=4, refusals=[refuses(ValueError, "n.*-1", (3,), n=-1)]),
    Row("select", lambda a, b: np.select([a > 0, b > 0], [a, b], 0.5), [case((7,), (7,)), case((2, 3), (2, 3))],
        (APART, APART_TOO), call=lambda a, b: ops.select([ops.greater(a, 0), ops.greater(b, 0)], [a, b], 0.5)),
    Row("unravel_index", lambda i: np.stack(np.unravel_index(i, (3, 4))), [case((5,)), case((2, 2)), case(())],
        (Domain(0, 12, dtype="int32"),), dtypes=("int32",), **NO_GRADIENT,
        call=lambda i: ops.stack(ops.unravel_index(i, (3, 4)))),
    Row("linspace", line, [
        case((), (), num=5), case((3,), (), num=4, axis=1), case((2,), (3, 2), num=3, endpoint=False),
        case((), (), num=1), case((2,), (2,), num=0)], ulp=16, floor=4,
        refusals=[refuses(ValueError, "num.*-1", (), (), num=-1)]),
    Row("logspace", np.logspace, [case((), (), num=5), case((3,), (3,), num=4, axis=1, base=2.0)], ulp=64, floor=4),
    Row("geomspace", np.geomspace, [case((), (), num=5), case((3,), (3,), num=4, axis=1),
                                    Case(((), ()), {"num": 3}, (Domain(values=-2.0), Domain(values=-8.0)))],
        (POSITIVE,), ulp=64, floor=4),
]  # fmt: skip

PROPERTIES = [
    Row("allclose", np.allclose, [case((3,), (3,)), case((0,), (0,))], (REAL,), result="bool", **NO_GRADIENT),
    Row("copy", np.copy, [case(()), case((2, 3)), case((0,))], dtypes=(*NUMBERS, "bool")),
    Row("real", np.real, [case(()), case((2, 3)), case((0,))], dtypes=NUMBERS),
    Row("imag", np.imag, [case(()), case((2, 3)), case((0,))], dtypes=NUMBERS, **NO_GRADIENT),
    Row("conjugate", np.conjugate, [case(()), case((2, 3)), case((0,))], dtypes=NUMBERS),
    Row("conj", np.conj, [case(()), case((2, 3)), case((0,))], dtypes=NUMBERS),
    Row("isreal", np.isreal, [case(()), case((2, 3)), case((0,))], dtypes=NUMBERS, result="bool", **NO_GRADIENT),
    Row("angle", np.angle, [case(()), case((2, 3)), case((0,))], dtypes=NUMBERS, result="float", **NO_GRADIENT),
    Row("ndim", np.ndim, [case(()), case((2, 3))], result="int32", **NO_GRADIENT),
    Row("size", np.size, [case(()), case((2, 3)), case((0, 3))], result="int32", **NO_GRADIENT),
    Row("vectorize", lambda a, b: a * b, [case((3,), (3,)), case((2, 3), ()), case((2, 1), (3,))],
        call=lambda a, b: ops.vectorize(lambda x, y: x * y)(a, b)),
]  # fmt: skip

ROWS = [*STATISTICS, *NAN, *ARRANGEMENTS, *PROPERTIES]
