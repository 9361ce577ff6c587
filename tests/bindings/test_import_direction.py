"""Arrows point down only: a module of `dlrs` imports from its own storey or from one below."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "python" / "dlrs"

STOREYS = [
    ["_dlrs"],
    ["backend", "ops", "random", "errors", "config", "dtype_policies", "tree"],
    ["initializers", "regularizers", "constraints", "activations", "losses", "metrics"],
    ["layers"],
    [
        "models",
        "optimizers",
        "callbacks",
        "trainers",
        "mixed_precision",
        "saving",
        "data",
        "utils",
        "datasets",
        "preprocessing",
    ],
    ["applications", "audio", "vision", "text", "strategy", "tuning", "visualization", "wrappers"],
]
STOREY = {name: level for level, names in enumerate(STOREYS) for name in names}


def imported_modules(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that is imported, at any depth, but for annotations only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + is_package]
                base = ".".join([*parents, base] if base else parents)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        else:
            yield from imported_modules(node, module, is_package)


def upward_arrows(root: Path) -> tuple[int, list[str]]:
    """The number of arrows between parts of the package, and a line for each one that points up."""
    arrows, wrong = 0, []
    for path in sorted(root.rglob("*.py")):
        parts = list(path.relative_to(root).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        if is_package:
            parts.pop()
        if not parts:
            continue  # dlrs/__init__.py is the front door: it shows every storey
        here = f"{path.relative_to(root)}"
        if parts[0] not in STOREY:
            wrong.append(f"{here}: {parts[0]!r} has no storey")
            continue
        for line, name in imported_modules(ast.parse(path.read_text()), ".".join(["dlrs", *parts]), is_package):
            package, _, rest = name.partition(".")
            if package != "dlrs":
                continue
            target = rest.split(".")[0]
            arrows += 1
            if target not in STOREY:
                wrong.append(f"{here}:{line}: imports {name}, which has no storey")
            elif STOREY[target] > STOREY[parts[0]]:
                wrong.append(f"{here}:{line}: {parts[0]} (storey {STOREY[parts[0]]}) imports {name} ({STOREY[target]})")
    return arrows, wrong


def test_arrows_point_down() -> None:
    arrows, wrong = upward_arrows(ROOT)
    assert arrows > 0, f"found nothing to parse in {ROOT}"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from dlrs import layers", True),
        ("from dlrs.layers import Dense", True),
        ("import dlrs.models.model", True),
        ("import dlrs", True),
        ("from ..layers import Dense", True),
        ("from .. import layers", True),
        ("def f():\n    from dlrs import layers", True),
        ("try:\n    import dlrs.layers\nexcept ImportError:\n    pass", True),
        ("from dlrs.basement import x", True),
        ("from dlrs import ops, random", False),
        ("from ..backend import Tensor", False),
        ("from .loss import Loss", False),
        ("from . import layers", False),  # losses/layers.py, not the layers
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dlrs.layers import Layer", False),
        ("import numpy as np", False),
    ],
)
def test_the_test_sees_arrows(tmp_path: Path, source: str, wrong: bool) -> None:
    (tmp_path / "losses").mkdir()
    (tmp_path / "losses" / "__init__.py").write_text("from .. import ops\n")
    (tmp_path / "losses" / "hinge.py").write_text(source + "\n")
    arrows, found = upward_arrows(tmp_path)
    assert arrows >= 1
    assert bool(found) == wrong, source
