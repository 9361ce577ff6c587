"""The op table: one row for each op, and the drivers that hold every row to the same promises.

A new op is one `Row` in the file of its family. `TABLE` joins the families; `tests/ops/test_table_*.py` run the
drivers over it.
"""

from harness.row import Case, Domain, Refusal, Row
from harness.table import TABLE

__all__ = ["TABLE", "Case", "Domain", "Refusal", "Row"]
