"""Rows of the reductions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlrs import ops
from harness.row import APART, NUMBERS, POSITIVE, REAL, TRUTH, Array, Case, Domain, Row, case, refuses

# Cheap per element, so larger than other ops' large operands.
LARGE = (1200, 1103)

Function = Callable[..., Any]


def over(f: Function) -> Function:
    """NumPy's reduction with the argument names of the core."""
    return lambda x, axes=None, keepdims=False: f(x, axis=None if axes is None else tuple(axes), keepdims=keepdims)


def reductions(*more: Case, empty: bool = True) -> list[Case]:
    """All axes, first, inner, last, several, none; with keepdims; of nothing; long enough to be cut into parts."""
    return [
        case(()),
        case((1,)),
        case((7,), axes=(0,)),
        case((17, 9)),
        case((17, 9), axes=(0,)),
        case((17, 9), axes=(-1,), keepdims=True),
        case((2, 3, 5), axes=(1,)),
        case((2, 3, 5), axes=(0, 2)),
        case((2, 3, 5), axes=(2, 0), keepdims=True),
        case((2, 3), axes=()),
        case((3, 0), axes=(0,)),
        *([case((0,)), case((3, 0), axes=(1,)), case((0, 2), keepdims=True)] if empty else []),
        case(LARGE, large=True),
        case(LARGE, axes=(0,), large=True),
        case(LARGE, axes=(1,), large=True),
        case((127, 91, 103), axes=(0, 2), large=True),
        *more,
    ]


BAD_AXES = (
    refuses(ValueError, r"axis 2", (2, 3), axes=(2,)),
    refuses(ValueError, r"axis -3", (2, 3), axes=(-3,)),
    refuses(ValueError, r"duplicate axis", (2, 3), axes=(0, -2)),
)
BAD_AXIS = (refuses(ValueError, r"axis 2", (2, 3), axis=2), refuses(ValueError, r"axis -3", (2, 3), axis=-3))
EMPTY = refuses(ValueError, r"\(0, 3\).*no elements", (0, 3), axes=(0,))
EMPTY_AXIS = refuses(ValueError, r"\(0, 3\).*no elements", (0, 3), axis=0)

# Factors of products of a million numbers, which would overflow farther from 1. So near to it, rounding is biased: the
# low half of each product is lost with the same sign.
NEAR_ONE = Domain(0.9999, 1.0001)


def products() -> list[Case]:
    """As `reductions`, on factors near 1 where there are many."""
    return [Case(c.shapes, c.attributes, (NEAR_ONE,), True) if c.large else c for c in reductions()]


def zeros() -> list[Case]:
    """One and two zeros among the factors: the gradient is the product of the others, or 0."""
    values = [[0.0, 2.0, 3.0], [0.0, 5.0, 0.0], [1.5, 2.0, -3.0]]
    return [Case(((3, 3),), {"axes": (1,)}, (Domain(values=values),))]


def positions() -> list[Case]:
    """Positions along an axis and in all elements; the first of several."""
    ties = Case(((2, 4),), {"axis": 1}, (Domain(values=[[1, 3, 3, 0], [2, 2, 2, 2]]),))
    return [
        case(()),
        case((7,)),
        case((5, 3), axis=0),
        case((5, 3), axis=-1, keepdims=True),
        case((2, 3, 5), axis=1),
        case((2, 3, 5)),
        case((2, 3), keepdims=True),
        case((0, 3), axis=1),
        ties,
        case(LARGE, axis=0, large=True),
        case(LARGE, axis=1, large=True),
    ]


TRUTHS: dict[str, Any] = {"domains": (TRUTH,), "dtypes": ("bool",), "gradient": (), "refusals": BAD_AXES}
POSITIONS: dict[str, Any] = {
    "domains": (APART,),
    "dtypes": NUMBERS,
    "result": "int32",
    "gradient": (),
    "refusals": [*BAD_AXIS, EMPTY_AXIS],
}


def mean(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean; of nothing, NaN without a warning."""
    count = np.ones(x.shape).sum(axis=axis, keepdims=keepdims)
    return np.sum(x, axis=axis, keepdims=keepdims) / count


def column_moments(x: Array) -> list[Any]:
    """Mean and variance over all axes but the last; of nothing, NaN without a warning."""
    axes = tuple(range(x.ndim - 1))
    centre = mean(x, axes)
    return [centre, mean(np.square(x - centre), axes)]


def column_cases() -> list[Case]:
    """One chunk of rows, several images in chunks of their own, fractions of images."""
    shapes = [(4, 3), (2, 3, 2, 3), (3, 1)]
    return [case(shape) for shape in shapes] + [case(LARGE, large=True), case((12, 64, 40, 24), large=True)]


PRIMITIVES = [
    Row("sum", over(np.sum), reductions(), dtypes=NUMBERS, ulp=16, floor=8, second=True, refusals=BAD_AXES),
    Row("mean", over(mean), reductions(), dtypes=NUMBERS, result="float", ulp=16, floor=4, second=True,
        refusals=BAD_AXES),
    Row("column_moments", column_moments, column_cases(), says="moments", result="float", ulp=16, floor=4, second=True,
        refusals=[refuses(ValueError, "at least two axes", (3,))]),
    Row("prod", over(np.prod), [*products(), *zeros()], (POSITIVE,), dtypes=("float32", "float64", "int64"), ulp=16,
        floor=100, refusals=BAD_AXES),
    Row("max", over(np.max), reductions(empty=False), (APART,), dtypes=NUMBERS, refusals=[*BAD_AXES, EMPTY]),
    Row("min", over(np.min), reductions(empty=False), (APART,), dtypes=NUMBERS, refusals=[*BAD_AXES, EMPTY]),
    Row("any", over(np.any), reductions(), **TRUTHS),
    Row("all", over(np.all), reductions(), **TRUTHS),
    Row("argmax", np.argmax, positions(), **POSITIONS),
    Row("argmin", np.argmin, positions(), **POSITIONS),
]  # fmt: skip


def axes_cases() -> list[Case]:
    """`axis` of several kinds, as Keras spells it."""
    return [case((7,)), case((3, 4), axis=0), case((2, 3, 4), axis=(0, -1), keepdims=True), case((2, 3, 4), axis=1)]


def logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """The logarithm of a sum of exponentials."""
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def moments(x: Array, axes: Any, keepdims: bool = False) -> list[Any]:
    """Mean and variance."""
    return [np.mean(x, axis=axes, keepdims=keepdims), np.var(x, axis=axes, keepdims=keepdims)]


COMPOSITES = [
    Row("var", np.var, axes_cases(), ulp=16, floor=4, second=True),
    Row("std", np.std, axes_cases(), ulp=16, floor=4),
    Row("moments", moments, [case((3, 4), axes=0), case((2, 3, 4), axes=(0, 1), keepdims=True)], ulp=16, floor=4),
    Row("logsumexp", logsumexp, axes_cases(), ulp=16, floor=4, second=True),
    Row("average", lambda x, w, axis=None: np.average(x, axis, w), [case((7,), (7,)), case((3, 4), (3,), axis=0)],
        (REAL, POSITIVE), ulp=32, floor=8,
        call=lambda x, w, axis=None: ops.average(x, axis, w)),
    Row("count_nonzero", np.count_nonzero, [case((7,)), case((3, 4), axis=1)], (Domain(-1, 1),),
        dtypes=("float32", "float64", "int32"), result="int32", gradient=()),
]  # fmt: skip

ROWS = [*PRIMITIVES, *COMPOSITES]
