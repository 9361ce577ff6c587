"""The page on transfer learning runs, and does what it says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "transfer_learning.md"


def test_the_page_runs_and_freezes_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    blocks = [block for block in blocks if "keras." not in block]
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    exec(blocks[0].partition("model.fit")[0], names)
    model, base = names["model"], names["base"]
    assert [w.path.split("/")[-1] for w in model.trainable_variables] == ["kernel", "bias"]
    frozen = base.get_weights()
    exec("model.fit" + blocks[0].partition("model.fit")[2], names)
    for before, after in zip(frozen, base.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    exec(blocks[1], names)
    expected = names["top"].predict(names["features"], verbose=0)
    prepared = names["prepared"]
    np.testing.assert_allclose(names["whole"].predict(prepared, verbose=0), expected, rtol=1e-4, atol=1e-6)
    exec(blocks[2], names)
    changed = [not np.array_equal(a, b) for a, b in zip(frozen, base.get_weights(), strict=True)]
    kinds = {w.path for w, moved in zip(base.weights, changed, strict=True) if moved}
    assert kinds
    assert all(path.endswith("kernel") for path in kinds)
