"""Cases for families of ops: 0-d, empty, size 1, odd sizes, broadcasting, and large enough for several threads."""

import numpy as np

from harness.row import FLOATS, Case, Domain, Refusal, Shape, case, refuses

# About 640,000 elements: sums of cheap ops are estimated above 50 µs, below which a plan runs on its caller alone.
LARGE: Shape = (701, 907)

UNARY: tuple[Shape, ...] = ((), (0,), (1,), (7,), (3, 1, 5), (2, 0, 3), (17, 9))
BINARY: tuple[tuple[Shape, Shape], ...] = (
    ((), ()),
    ((3,), ()),
    ((0,), (1,)),
    ((4, 5), (5,)),
    ((4, 1), (1, 5)),
    ((2, 3, 4), (3, 1)),
    ((1, 1), (3,)),
    ((0, 3), (3,)),
    ((17, 9), (17, 9)),
)

EDGES = (-np.inf, -1e30, -90.0, -1.0, -1e-30, -0.0, 0.0, 1e-30, 0.5, 1.0, 1.5, 2.5, 90.0, 1e30, np.inf, np.nan)


def edges(values: tuple[float, ...] = EDGES) -> Case:
    """Infinities, NaN, zeros of both signs, tiny and huge numbers."""
    return Case(((len(values),),), domains=(Domain(values=values),), smooth=False, dtypes=FLOATS)


def unary(*more: Case, large: Shape = LARGE, edge: bool = True) -> list[Case]:
    """Cases of one operand."""
    return [*(case(s) for s in UNARY), case(large, large=True), *([edges()] if edge else []), *more]


def binary(*more: Case, edge: tuple[float, ...] = EDGES) -> list[Case]:
    """Cases of two operands that broadcast."""
    pairs = [(a, b) for a in edge for b in edge]
    first, second = (tuple(pair[i] for pair in pairs) for i in (0, 1))
    shape = (len(pairs),)
    domains = (Domain(values=first), Domain(values=second))
    return [
        *(case(*shapes) for shapes in BINARY),
        *(case(LARGE, other, large=True) for other in (LARGE, LARGE[1:], (LARGE[0], 1))),
        *([Case((shape, shape), domains=domains, smooth=False, dtypes=FLOATS)] if edge else []),
        *more,
    ]


def ternary(*more: Case) -> list[Case]:
    """Cases of three operands that broadcast."""
    small = [((), (), ()), ((3,), (), (3,)), ((4, 1), (5,), (4, 5)), ((2, 3, 4), (3, 1), ()), ((0,), (1,), (1,))]
    return [*(case(*shapes) for shapes in small), case(LARGE, LARGE[1:], LARGE, large=True), *more]


def refuses_shapes(first: str = "x1", second: str = "x2") -> Refusal:
    """Two operands that do not broadcast: the message names both, with their shapes."""
    return refuses(ValueError, rf"{first}.*\(2, 3\).*{second}.*\(4,\)", (2, 3), (4,))
