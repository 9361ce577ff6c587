"""The pages' examples run, each page from its first block to its last."""

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
# It is run where what it says of frozen weights is tested: tests/vision/test_transfer_learning.py.
ELSEWHERE = {"transfer_learning"}


def blocks_of(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


PAGES = {
    str(page.relative_to(DOCS).with_suffix("")): page
    for page in sorted(DOCS.rglob("*.md"))
    if page.parent.name not in ("api", "_build") and blocks_of(page)
}


def test_there_are_pages() -> None:
    assert len(PAGES) > 12 and set(PAGES) > ELSEWHERE


@pytest.mark.parametrize("name", sorted(set(PAGES) - ELSEWHERE))
def test_a_page_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(PAGES[name])
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, f"{name}.md", "exec"), names)
    assert any("assert" in block for block in blocks)
