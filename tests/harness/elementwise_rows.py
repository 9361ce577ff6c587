"""Rows of the elementwise ops."""

import math
from typing import Any

import numpy as np

from dlrs import ops
from harness.row import (
    APART,
    APART_TOO,
    FLOATS,
    INTS,
    NONZERO,
    NUMBERS,
    POSITIVE,
    REAL,
    TRUTH,
    Array,
    Case,
    Domain,
    Row,
    case,
    refuses,
)
from harness.shapes import BINARY, LARGE, binary, refuses_shapes, ternary, unary

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x: Array) -> Any:
    """1 / (1 + exp(-x)), from the exponential that does not overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def softplus(x: Array) -> Any:
    """log(1 + exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def relu(x: Array) -> Any:
    """max(x, 0), NaN staying NaN."""
    return np.maximum(x, 0)


UNARY_ROWS = [
    Row("negative", np.negative, unary(), dtypes=NUMBERS, second=True),
    Row("absolute", np.abs, unary(), (APART,), dtypes=NUMBERS),
    Row("sign", np.sign, unary(), (APART,), dtypes=NUMBERS),
    Row("square", np.square, unary(), dtypes=NUMBERS, second=True),
    Row("relu", relu, unary(), (APART,), dtypes=NUMBERS),
    Row("floor", np.floor, unary(), (APART,), dtypes=NUMBERS, result="float"),
    Row("ceil", np.ceil, unary(), (APART,), dtypes=NUMBERS, result="float"),
    Row("trunc", np.trunc, unary(), (APART,), dtypes=NUMBERS),
    Row("round", np.round, unary(), (APART,), dtypes=NUMBERS),
    Row("isfinite", np.isfinite, unary(), dtypes=NUMBERS, result="bool", gradient=()),
    Row("isinf", np.isinf, unary(), dtypes=NUMBERS, result="bool", gradient=()),
    Row("signbit", np.signbit, unary(), dtypes=NUMBERS, result="bool", gradient=()),
    Row("isnan", np.isnan, unary(), dtypes=NUMBERS, result="bool", gradient=()),
    Row("exp", np.exp, unary(), dtypes=NUMBERS, result="float", ulp=2, second=True),
    Row("expm1", np.expm1, unary(), dtypes=NUMBERS, result="float", ulp=3, second=True),
    Row("log", np.log, unary(), (POSITIVE,), dtypes=NUMBERS, result="float", ulp=2, second=True),
    Row("log1p", np.log1p, unary(), (POSITIVE,), dtypes=NUMBERS, result="float", ulp=3, second=True),
    Row("sqrt", np.sqrt, unary(), (POSITIVE,), dtypes=NUMBERS, result="float", second=True),
    Row("rsqrt", lambda x: 1 / np.sqrt(x), unary(), (POSITIVE,), dtypes=NUMBERS, result="float", ulp=2, second=True),
    Row("reciprocal", lambda x: 1 / x, unary(), (NONZERO,), dtypes=NUMBERS, result="float", second=True),
    Row("tanh", np.tanh, unary(), dtypes=NUMBERS, result="float", ulp=3, second=True),
    Row("sigmoid", sigmoid, unary(), dtypes=NUMBERS, result="float", ulp=3, second=True),
    Row("erf", erf, unary(), dtypes=NUMBERS, result="float", ulp=3, ulp64=16, second=True),
    Row("softplus", softplus, unary(), dtypes=NUMBERS, result="float", ulp=3, second=True),
    Row("sin", np.sin, unary(edge=False), dtypes=NUMBERS, result="float", ulp=2, second=True),
    Row("cos", np.cos, unary(edge=False), dtypes=NUMBERS, result="float", ulp=2, second=True),
    Row("logical_not", np.logical_not, unary(), (TRUTH,), dtypes=("bool",), gradient=()),
    Row("stop_gradient", lambda x: x, unary(), dtypes=NUMBERS, gradient=()),
    Row("tensor", lambda x: x, [c for c in unary() if not c.large], dtypes=(*NUMBERS, "bool", "uint8"), gradient=()),
]  # fmt: skip

DIVIDEND = (REAL, NONZERO)
DIFFERENT = (APART, APART_TOO)
ORDERED: dict[str, Any] = {"domains": DIFFERENT, "dtypes": (*NUMBERS, "bool", "uint8"), "refusals": [refuses_shapes()]}
COMPARED: dict[str, Any] = dict(**ORDERED, result="bool", gradient=())
LOGICAL: dict[str, Any] = {"domains": (TRUTH,), "dtypes": ("bool",), "gradient": (), "refusals": [refuses_shapes()]}


def floor_cases() -> list[Case]:
    """Operands whose exact quotient is at some distance from an integer, so that its floor is that of any precision."""
    x = tuple(k / 8 + 1 / 16 for k in range(-40, 41))
    y = tuple((0.75, -1.5, 2.5)[k % 3] for k in range(81))
    return [
        Case(((81,), (81,)), domains=(Domain(values=x), Domain(values=y)), dtypes=FLOATS),
        Case(((), ()), domains=(Domain(values=5.0), Domain(values=1.75)), dtypes=FLOATS),
        Case((LARGE, ()), domains=(APART, Domain(values=0.75)), large=True, dtypes=FLOATS),
        *(Case(shapes, domains=(Domain(-9, 9), NONZERO), dtypes=INTS) for shapes in BINARY),
        case((0, 3), (3,)),
    ]


def power_edges() -> list[Case]:
    """Zero and negative bases with whole exponents, where the gradient by the exponent does not exist."""
    pairs = [(a, float(b)) for a in (-2.0, -0.5, 0.0, 1.5) for b in (0, 1, 2, 3) if a or b]
    domains = tuple(Domain(values=[pair[i] for pair in pairs]) for i in (0, 1))
    return [Case(((len(pairs),),) * 2, domains=domains, smooth=False)]


BINARY_ROWS = [
    Row("add", np.add, binary(), dtypes=NUMBERS, second=True, refusals=[refuses_shapes()]),
    Row("subtract", np.subtract, binary(), dtypes=NUMBERS, second=True, refusals=[refuses_shapes()]),
    Row("multiply", np.multiply, binary(), dtypes=NUMBERS, second=True, refusals=[refuses_shapes()]),
    Row("divide", np.divide, binary(), DIVIDEND, dtypes=NUMBERS, result="float", second=True,
        refusals=[refuses_shapes()]),
    Row("floor_divide", np.floor_divide, floor_cases(), dtypes=NUMBERS, refusals=[refuses_shapes()]),
    Row("mod", np.mod, floor_cases(), dtypes=NUMBERS, refusals=[refuses_shapes()]),
    Row("power", np.power, binary(*power_edges(), edge=()), (POSITIVE, REAL), ulp=3, second=True,
        refusals=[refuses_shapes()]),
    Row("maximum", np.maximum, binary(), **ORDERED),
    Row("minimum", np.minimum, binary(), **ORDERED),
    Row("less", np.less, binary(), **COMPARED),
    Row("less_equal", np.less_equal, binary(), **COMPARED),
    Row("greater", np.greater, binary(), **COMPARED),
    Row("greater_equal", np.greater_equal, binary(), **COMPARED),
    Row("equal", np.equal, binary(), **COMPARED),
    Row("not_equal", np.not_equal, binary(), **COMPARED),
    Row("logical_and", np.logical_and, binary(edge=()), **LOGICAL),
    Row("logical_or", np.logical_or, binary(edge=()), **LOGICAL),
]  # fmt: skip


def cast(x: Array, dtype: str) -> Any:
    """NumPy's cast, which truncates floats towards 0."""
    return x.astype(dtype)


def cast_cases() -> list[Case]:
    """To every dtype; to a narrower one the gradient is rounded, so only float64 is differentiated."""
    rough = [Case(((3, 5),), {"dtype": dtype}, smooth=False) for dtype in ("float32", *INTS, "bool")]
    exact = [case(shape, dtype="float64") for shape in ((), (0, 2), (3, 5))]
    return [*rough, *exact, case(LARGE, dtype="float64", large=True)]


OTHER_ROWS = [
    Row("where", np.where, ternary(), (TRUTH, REAL), dtypes=(*NUMBERS, "bool", "uint8"), second=True, refusals=[
        refuses(ValueError, r"x1.*\(2, 3\).*x2.*\(4,\)", True, (2, 3), (4,)),
        refuses(ValueError, r"condition.*\(2, 3\)", np.ones((2, 3), bool), (4,), (4,)),
    ]),
    Row("cast", cast, cast_cases(), dtypes=(*NUMBERS, "bool", "uint8"), result="reference", says="dtype", refusals=[
        refuses(ValueError, "float31.*float32", (2,), dtype="float31"),
    ]),
]  # fmt: skip


def isclose(x1: Array, x2: Array) -> Any:
    """NumPy's closeness."""
    return np.isclose(x1, x2)


SMALL = [case(shape) for shape in ((), (7,), (0, 2), (3, 5))]
PAIRS = [case(*shapes) for shapes in BINARY]
FAR = Domain(values=[-np.inf, np.nan, np.inf, -300.0, 0.5, 255.5, 300.0])

COMPOSITES = [
    Row("nan_to_num", lambda x: np.nan_to_num(x, posinf=9.0, neginf=-9.0),
        [Case(((7,),), domains=(FAR,), smooth=False)],
        call=lambda x: ops.nan_to_num(x, 0.0, 9.0, -9.0), gradient=()),
    Row("clip", lambda x: np.clip(x, -0.5, 0.5), SMALL, (APART,), call=lambda x: ops.clip(x, -0.5, 0.5)),
    Row("divide_no_nan", lambda a, b: np.where(b == 0, 0, a / np.where(b == 0, 1, b)), [
        *PAIRS, Case(((3,), (3,)), domains=(REAL, Domain(values=[0.0, 2.0, -1.0])), smooth=False)], (REAL, NONZERO)),
    Row("logical_xor", np.logical_xor, PAIRS, (TRUTH,), dtypes=("bool",), gradient=()),
    Row("logaddexp", np.logaddexp, PAIRS, ulp=8, floor=1, second=True),
    Row("isclose", isclose, [*PAIRS, Case(((4,), (4,)), domains=(
        Domain(values=[1.0, 1.0, np.inf, np.nan]), Domain(values=[1.000001, 1.1, np.inf, np.nan])))],
        result="bool", gradient=()),
]  # fmt: skip

ROWS = [*UNARY_ROWS, *BINARY_ROWS, *OTHER_ROWS, *COMPOSITES]
