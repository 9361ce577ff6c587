"""What a row of the op table says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlrs import _dlrs, ops

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

FLOATS = ("float32", "float64")
INTS = ("int32", "int64")
NUMBERS = FLOATS + INTS


@dataclass(frozen=True)
class Domain:
    """Where operands are drawn from.

    Attributes:
        low, high: Bounds of uniform draws. Integer dtypes get four times the range, truncated.
        gap: Draws keep at least this distance from 0; of integers, 0 becomes 1.
        step: If positive, the draws are instead a permutation of the numbers (k + offset) * step, all different:
            extremes are unique and no draw is an integer or half of one, where an op may have a kink.
        offset: See `step`. Operands with different offsets have no value in common.
        dtype: The dtype of the operand; the one under test if empty.
        values: The operand itself, if given.
    """

    low: float = -2.0
    high: float = 2.0
    gap: float = 0.0
    step: float = 0.0
    offset: float = 0.25
    dtype: str = ""
    values: Sequence[Any] | float | None = None

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: str) -> Array:
        """An operand."""
        kind = np.dtype(self.dtype or dtype)
        if self.values is not None:
            return np.asarray(self.values, kind).reshape(shape)
        if kind == np.bool_:
            return np.asarray(rng.random(shape) < 0.5)
        if self.dtype and kind.kind in "iu":
            return np.asarray(rng.integers(int(self.low), int(self.high), shape)).astype(kind)
        if self.step:
            size = int(np.prod(shape))
            x = (rng.permutation(size).reshape(shape) - size // 2 + self.offset) * self.step
        else:
            x = np.asarray(rng.uniform(self.low, self.high, shape))
            x = np.where(np.abs(x) < self.gap, np.copysign(self.gap, x) + x, x)
        if kind.kind in "iu":
            x = np.trunc(np.abs(x * 4) if kind.kind == "u" else x * 4)
            x = np.where((x == 0) & (self.gap > 0), 1, x)
        return np.asarray(x).astype(kind)


REAL = Domain()
POSITIVE = Domain(0.5, 2.5, gap=0.1)
NONZERO = Domain(gap=0.3)
APART = Domain(step=1 / 16)
APART_TOO = Domain(step=1 / 16, offset=0.75)
UNIT = Domain(0.1, 0.9)
TRUTH = Domain(dtype="bool")


@dataclass(frozen=True)
class Case:
    """Operands of one call.

    Attributes:
        shapes: Of the operands, which are passed by position.
        attributes: Passed by name.
        domains: Of the operands, instead of the row's.
        large: Large enough to be cut into several tiles and shared by threads.
        smooth: Whether gradients exist at the points of its domains.
        dtypes: Dtypes of the row to which the case is limited; all if empty.
    """

    shapes: tuple[Shape, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domains: tuple[Domain, ...] = ()
    large: bool = False
    smooth: bool = True
    dtypes: tuple[str, ...] = ()


def case(*shapes: Shape, large: bool = False, **attributes: Any) -> Case:
    """A case on the row's domains."""
    return Case(shapes, attributes, large=large)


@dataclass(frozen=True)
class Refusal:
    """Arguments that an op must refuse: shapes stand for ones of that shape, anything else for itself."""

    error: type[Exception]
    pattern: str  # beside the name of the op, which the message must always hold
    arguments: tuple[Any, ...]
    attributes: Mapping[str, Any]

    def operands(self) -> list[Any]:
        """The arguments by position."""
        return [np.ones(a, np.float32) if _is_shape(a) else a for a in self.arguments]


def ints(*values: Any) -> Array:
    """Whole numbers as an operand."""
    return np.array(values, np.int32)


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, int) for n in x)


def refuses(error: type[Exception], pattern: str, *arguments: Any, **attributes: Any) -> Refusal:
    """A refusal, in the order in which it is read."""
    return Refusal(error, pattern, arguments, attributes)


@dataclass(frozen=True)
class Row:
    """An op and what it promises.

    Attributes:
        name: Of the op in `dlrs._dlrs`, else in `dlrs.ops`, else in `dlrs.ops.image`.
        reference: The op in NumPy. Floating-point operands come as float64, integers as int64.
        cases: Operands.
        domains: Where each operand is drawn from; the last one serves all further operands.
        call: How to call the op, if not by its name.
        dtypes: Dtypes to test.
        typed: Whether the dtype under test is passed as `dtype`, to the op and to the reference.
        result: Dtype of the results: `"same"` as the dtype under test, `"float"` (the same, or float32 for integers),
            `"reference"` (the reference's), `"places"` (int32 where the reference is, else the same), or a dtype.
        ulp: Largest error in units in the last place of the reference.
        ulp64: The same in float64, if larger: its reference is no more precise than the op.
        floor: Error allowed besides, for results whose terms cancel: multiples of the dtype's epsilon times the square
            root of the number of elements, as rounding errors of random signs add up.
        gradient: Operands to differentiate by; all of the dtype under test if None, none if empty.
        second: Whether gradients of gradients are checked too.
        refusals: What the op must refuse.
        says: The op's name in messages, if another.
    """

    name: str
    reference: Callable[..., Any]
    cases: Sequence[Case]
    domains: tuple[Domain, ...] = (REAL,)
    call: Callable[..., Any] | None = None
    dtypes: tuple[str, ...] = FLOATS
    typed: bool = False
    result: str = "same"
    ulp: float = 0.5
    ulp64: float = 0.0
    floor: float = 0.0
    gradient: tuple[int, ...] | None = None
    second: bool = False
    refusals: Sequence[Refusal] = ()
    says: str = ""

    @property
    def op(self) -> Callable[..., Any]:
        """The function under test."""
        if self.call is not None:
            return self.call
        homes = (_dlrs, ops, ops.image)
        function: Callable[..., Any] = next(getattr(home, self.name) for home in homes if hasattr(home, self.name))
        return function

    def cases_in(self, dtype: str) -> list[Case]:
        """The cases for a dtype; large ones in the main dtype alone."""
        cases = [case for case in self.cases if not case.dtypes or dtype in case.dtypes]
        return [case for case in cases if not case.large or dtype == self.main_dtype]

    def operands(self, case: Case, dtype: str) -> list[Array]:
        """The operands of a case: the same ones at every call."""
        rng = np.random.default_rng([self.cases.index(case), len(self.name)])
        domains = case.domains or self.domains
        return [domains[min(i, len(domains) - 1)].draw(rng, shape, dtype) for i, shape in enumerate(case.shapes)]

    def attributes(self, case: Case, dtype: str) -> dict[str, Any]:
        """The arguments by name."""
        return {**case.attributes, **({"dtype": dtype} if self.typed else {})}

    def sources(self, operands: Sequence[Array], dtype: str) -> tuple[int, ...]:
        """Numbers of the operands to differentiate by."""
        if self.gradient is not None:
            return self.gradient
        return tuple(i for i, x in enumerate(operands) if x.dtype == dtype and x.dtype.kind == "f")

    @property
    def main_dtype(self) -> str:
        """The dtype of large operands: one with vector kernels."""
        return self.dtypes[0]

    def expected(self, case: Case, operands: Sequence[Array], dtype: str) -> list[Array]:
        """The reference's results, uncast."""
        wide = [x.astype({"f": np.float64, "i": np.int64, "u": np.int64}.get(x.dtype.kind, x.dtype)) for x in operands]
        with np.errstate(all="ignore"):
            return leaves(self.reference(*wide, **self.attributes(case, dtype)))

    def bounds(self, operands: Sequence[Array], dtype: str) -> tuple[float, float]:
        """Largest error: units in the last place, and epsilons besides."""
        elements = max((x.size for x in operands), default=1)
        ulp = max(self.ulp, self.ulp64) if dtype == "float64" else self.ulp
        return ulp, self.floor * float(np.sqrt(elements))

    def result_dtype(self, dtype: str, reference: Array) -> str:
        """The dtype of a result."""
        if self.result == "reference":
            return str(np.asarray(reference).dtype)
        if self.result == "places":
            return "int32" if np.asarray(reference).dtype == np.int32 else dtype
        if self.result == "float":
            return dtype if dtype in FLOATS else "float32"
        return dtype if self.result == "same" else self.result


def leaves(results: Any) -> list[Any]:
    """The tensors or arrays of a result, which may be nested in tuples and lists."""
    if isinstance(results, tuple | list):
        return [leaf for result in results for leaf in leaves(result)]
    return [results]
