"""Gradients of the op table's rows against central differences."""

import pytest

import dlrs
from dlrs import _dlrs
from harness import TABLE, Row, drivers

DIFFERENTIABLE = [row for row in TABLE if "float64" in row.dtypes and row.gradient != ()]


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.name)
def test_gradients(row: Row) -> None:
    drivers.differentiates(row)


@pytest.mark.parametrize("row", [row for row in DIFFERENTIABLE if row.second], ids=lambda row: row.name)
def test_second_gradients(row: Row) -> None:
    drivers.differentiates_twice(row)


def test_no_gradient_passes_stop_gradient() -> None:
    x = _dlrs.tensor([1.0, 2.0])
    with dlrs.GradientTape() as tape:
        tape.watch(x)
        y = _dlrs.multiply(_dlrs.stop_gradient(x), 2.0)
    assert tape.gradient(y, x) is None
