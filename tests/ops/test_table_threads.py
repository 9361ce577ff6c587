"""Large operands of the op table's rows give the same bits at any thread count."""

import pytest

from harness import TABLE, Row, drivers

LARGE = [row for row in TABLE if any(case.large for case in row.cases)]


@pytest.mark.parametrize("row", LARGE, ids=lambda row: row.name)
def test_same_bits_at_any_thread_count(row: Row) -> None:
    drivers.same_at_any_thread_count(row)


@pytest.mark.parametrize("row", LARGE, ids=lambda row: row.name)
def test_large_operands_are_shared_by_threads(row: Row) -> None:
    drivers.is_shared_by_threads(row)
