"""Rows of the op table eagerly, recorded and compiled: the same bits."""

import pytest

from harness import TABLE, Row, drivers


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_same_bits_in_every_mode(row: Row) -> None:
    drivers.same_in_every_mode(row)
