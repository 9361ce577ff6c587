"""How results are compared: with a reference within a bound, and with each other to the last bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.row import Array


def assert_within(got: Array, expected: Any, ulp: float, floor: float, what: str) -> None:
    """`got` within `ulp` units in the last place, plus `floor` epsilons, of `expected`, which is at least as precise.

    Infinities and NaN must be met exactly, and so must integers and truth values.
    """
    expected = np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, NumPy's is {expected.shape}"
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected, err_msg=what)
        return
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = expected.astype(got.dtype)
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(got[~finite], rounded[~finite], err_msg=f"{what}: where not finite")
        info = np.finfo(got.dtype)
        error = np.abs(got[finite].astype(np.float64) - expected[finite].astype(np.float64))
        bound = ulp * np.spacing(np.abs(rounded[finite])).astype(np.float64) + floor * float(info.eps)
    if not np.all(error <= bound):
        worst = int(np.argmax(np.where(np.isnan(error), np.inf, error - bound)))
        raise AssertionError(
            f"{what}: {got[finite].ravel()[worst]!r}, NumPy has {expected[finite].ravel()[worst]!r}:"
            f" error {error.ravel()[worst]:.3g}, bound {bound.ravel()[worst]:.3g}"
        )


def assert_same_bytes(first: Sequence[Array | None], second: Sequence[Array | None], what: str) -> None:
    """Equal dtypes, shapes and bits."""
    assert len(first) == len(second), what
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if a is None or b is None:
            assert a is b, f"{what}: result {i} is missing on one side"
            continue
        assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{what}: result {i}"
        if a.tobytes() != b.tobytes():
            with np.errstate(invalid="ignore"):
                places = np.flatnonzero((a != b) & ~(np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a != b)
            pairs = [(a.ravel()[p], b.ravel()[p]) for p in places[:3]]
            raise AssertionError(f"{what}: result {i} differs at {len(places)} of {a.size} places, first {pairs}")
