"""Every row of the op table against NumPy, at the instruction set that is pinned, if any."""

import os

import pytest

from dlrs import _dlrs
from harness import TABLE, Row, drivers

CASES = [pytest.param(row, dtype, id=f"{row.name}-{dtype}") for row in TABLE for dtype in row.dtypes]


@pytest.mark.parametrize(("row", "dtype"), CASES)
def test_agrees_with_numpy(row: Row, dtype: str) -> None:
    drivers.agrees_with_numpy(row, dtype)


@pytest.mark.skipif("DLRS_ISA" not in os.environ, reason="no instruction set is pinned")
def test_the_pinned_instruction_set_runs() -> None:
    assert _dlrs.isa() == os.environ["DLRS_ISA"]
