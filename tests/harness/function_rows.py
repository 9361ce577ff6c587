"""Rows of the mathematical functions without vector kernels, of their composites, and of the bits of integers."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from harness.elementwise_rows import floor_cases
from harness.row import (
    APART,
    APART_TOO,
    INTS,
    NONZERO,
    NUMBERS,
    POSITIVE,
    REAL,
    Array,
    Case,
    Domain,
    Row,
    case,
    refuses,
)
from harness.shapes import BINARY, binary, refuses_shapes, unary

INSIDE = Domain(-0.9, 0.9)
ABOVE_ONE = Domain(1.1, 3.0)
SMALL = [case(shape) for shape in ((), (7,), (0, 2), (3, 5))]
PAIRS = [case(*shapes) for shapes in BINARY]

erfc = np.vectorize(math.erfc, otypes=[np.float64])


def erfinv(x: Array) -> Any:
    """The inverse of erf, from the quantiles of the normal distribution."""
    quantile = NormalDist().inv_cdf
    return np.vectorize(lambda p: quantile((p + 1) / 2) / math.sqrt(2), otypes=[np.float64])(x)


FUNCTIONS = [
    Row("tan", np.tan, unary(edge=False), (INSIDE,), ulp=1, second=True),
    Row("arcsin", np.arcsin, unary(), (INSIDE,), ulp=1, second=True),
    Row("arccos", np.arccos, unary(), (INSIDE,), ulp=1, second=True),
    Row("arctan", np.arctan, unary(), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("sinh", np.sinh, unary(), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("cosh", np.cosh, unary(), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("arcsinh", np.arcsinh, unary(), dtypes=NUMBERS, result="float", ulp=1, ulp64=3, second=True),
    Row("arccosh", np.arccosh, unary(), (ABOVE_ONE,), ulp=1, ulp64=4, second=True),
    Row("arctanh", np.arctanh, unary(), (INSIDE,), ulp=1, ulp64=3, second=True),
    Row("cbrt", np.cbrt, unary(), (POSITIVE,), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("exp2", np.exp2, unary(), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("log2", np.log2, unary(), (POSITIVE,), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("log10", np.log10, unary(), (POSITIVE,), dtypes=NUMBERS, result="float", ulp=1, second=True),
    Row("erfc", erfc, unary(), dtypes=NUMBERS, result="float", ulp=1, ulp64=16, second=True),
    Row("erfinv", erfinv, unary(edge=False), (INSIDE,), ulp=1, ulp64=16, floor=1, second=True),
    Row("i0", np.i0, unary(edge=False), dtypes=NUMBERS, result="float", ulp=1, ulp64=16, second=True),
    Row("fmod", np.fmod, floor_cases(), dtypes=NUMBERS, refusals=[refuses_shapes()]),
    Row("arctan2", np.arctan2, binary(), (REAL, NONZERO), ulp=1, second=True, refusals=[refuses_shapes()]),
    Row("hypot", np.hypot, binary(), (REAL, NONZERO), ulp=1, second=True, refusals=[refuses_shapes()]),
    Row("nextafter", np.nextafter, PAIRS, dtypes=("float64",), gradient=(), refusals=[refuses_shapes()]),
]  # fmt: skip

SHIFT = (REAL, Domain(0, 1))
TOO_FAR = Case(((6,), (6,)), domains=(Domain(values=[5, -5, 5, -5, 1, -1]), Domain(values=[64, 64, 70, 70, 0, 0])))
WHOLE: dict[str, Any] = {
    "dtypes": (*INTS, "uint8"),
    "gradient": (),
    "refusals": [refuses_shapes(), refuses(TypeError, "float32", (2, 3), (3,))],
}

BITS = [
    Row("bitwise_and", np.bitwise_and, binary(edge=()), **WHOLE),
    Row("bitwise_or", np.bitwise_or, binary(edge=()), **WHOLE),
    Row("bitwise_xor", np.bitwise_xor, binary(edge=()), **WHOLE),
    Row("bitwise_not", np.invert, unary(edge=False), dtypes=(*INTS, "bool"), gradient=(),
        refusals=[refuses(TypeError, "float32", (2, 3))]),
    Row("left_shift", np.left_shift, [*PAIRS, TOO_FAR], SHIFT, **{**WHOLE, "dtypes": INTS}),
    Row("right_shift", np.right_shift, [*PAIRS, TOO_FAR], SHIFT, **{**WHOLE, "dtypes": INTS}),
    Row("gcd", np.gcd, PAIRS, **WHOLE),
    Row("lcm", np.lcm, PAIRS, **WHOLE),
]  # fmt: skip

HOLES = Case(
    ((4,), (4,)), domains=(Domain(values=[1, np.nan, 3, np.nan]), Domain(values=[2, 5, np.nan, np.nan])), smooth=False
)
INFINITE = Case(((5,),), domains=(Domain(values=[-np.inf, -1, np.nan, 1, np.inf]),), smooth=False)


def ldexp(x1: Array, x2: Array) -> Any:
    """NumPy's, which takes exponents of int32."""
    return np.ldexp(x1, x2.astype(np.int32))


COMPOSITES = [
    Row("deg2rad", np.deg2rad, SMALL, ulp=1),
    Row("rad2deg", np.rad2deg, SMALL, ulp=1),
    Row("sinc", np.sinc, [*SMALL, Case(((3,),), domains=(Domain(values=[0.0, 0.5, -1.5]),))], ulp=4, floor=2),
    Row("fabs", np.fabs, SMALL, (APART,)),
    Row("isposinf", np.isposinf, [*SMALL, INFINITE], result="bool", gradient=()),
    Row("isneginf", np.isneginf, [*SMALL, INFINITE], result="bool", gradient=()),
    Row("fmax", np.fmax, [*PAIRS, HOLES], (APART, APART_TOO)),
    Row("fmin", np.fmin, [*PAIRS, HOLES], (APART, APART_TOO)),
    Row("heaviside", np.heaviside, [*PAIRS, HOLES], (APART, APART_TOO), gradient=()),
    Row("ldexp", ldexp, PAIRS, (REAL, Domain(-9, 9, dtype="int32"))),
    Row("logaddexp2", np.logaddexp2, PAIRS, ulp=8, floor=1, second=True),
]  # fmt: skip

ROWS = [*FUNCTIONS, *BITS, *COMPOSITES]
