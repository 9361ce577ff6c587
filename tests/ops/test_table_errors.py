"""What rows of the op table refuse: the type of the error, and a text that names the op and the argument."""

import numpy as np
import pytest

from harness import TABLE, Row, drivers

REFUSING = [row for row in TABLE if row.refusals]
OF_TENSORS = [row for row in TABLE if row.cases[0].shapes]


@pytest.mark.parametrize("row", REFUSING, ids=lambda row: row.name)
def test_refusals(row: Row) -> None:
    drivers.refuses_wrong_arguments(row)


@pytest.mark.parametrize("row", OF_TENSORS, ids=lambda row: row.name)
@pytest.mark.parametrize("wrong", [np.array(["a"]), np.array([object()]), np.array([1j])], ids=lambda x: x.dtype.name)
def test_only_numbers_are_tensors(row: Row, wrong: np.ndarray) -> None:
    case, dtype = row.cases[0], row.dtypes[0]
    with pytest.raises(TypeError, match=str(wrong.dtype)):
        row.op(wrong, *row.operands(case, dtype)[1:], **row.attributes(case, dtype))
