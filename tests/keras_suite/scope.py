"""Which of Keras's tests are out of scope, and why: the frozen list `exclusions.toml`."""

import ast
import fnmatch
import functools
import importlib.metadata
import pathlib
import tomllib
from typing import Any

HERE = pathlib.Path(__file__).parent


@functools.cache
def keras_source() -> pathlib.Path:
    """`keras/src` of the installed wheel."""
    return pathlib.Path(str(importlib.metadata.distribution("keras").locate_file("keras"))) / "src"


@functools.cache
def exclusions() -> tuple[dict[str, Any], ...]:
    """The entries of the list: `reason`, `count`, and `ids` (patterns), `imports` (names of packages), or both
    `parameterized` (tests without the number behind their names) and `numbers` of them."""
    with open(HERE / "exclusions.toml", "rb") as file:
        return tuple(tomllib.load(file)["exclusion"])


@functools.cache
def _importing(file: str, packages: tuple[str, ...]) -> frozenset[str]:
    """`Class::test` for the tests of `file` that import one of `packages` whatever the back end, or use what the file
    imports for all of them from TensorFlow, which is not installed here."""
    found = set()
    body = ast.parse((keras_source() / file).read_text()).body
    shared = {name for statement in body for name in _imported(statement, ("tensorflow",))}
    for cls in body:
        for function in cls.body if isinstance(cls, ast.ClassDef) else ():
            if not isinstance(function, ast.FunctionDef):
                continue
            used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            if used & shared or any(_imported(statement, packages) for statement in function.body):
                found.add(f"{cls.name}::{function.name}")  # type: ignore[attr-defined]
    return frozenset(found)


def _imported(statement: ast.stmt, packages: tuple[str, ...]) -> list[str]:
    """The names that a statement gives to modules of `packages` or to parts of them."""
    if isinstance(statement, ast.Import):
        modules = [(alias.name, alias.asname or alias.name.split(".")[0]) for alias in statement.names]
    elif isinstance(statement, ast.ImportFrom):
        modules = [(f"{statement.module}.{alias.name}", alias.asname or alias.name) for alias in statement.names]
    else:
        return []
    return [name for module, name in modules if module.split(".")[0] in packages]


def _imports(test: str, packages: list[str]) -> bool:
    file, *names = test.split("::")
    # A parameterized test has the name of its function and something after it.
    return len(names) == 2 and any(
        cls == names[0]
        and (names[1] == function or names[1].startswith(function + "_") or names[1].rstrip("0123456789") == function)
        for cls, function in (name.split("::") for name in _importing(file, tuple(packages)))
    )


@functools.cache
def exclusion(test: str) -> str | None:
    """Why `test` is out of scope, or None."""
    for entry in exclusions():
        if any(fnmatch.fnmatchcase(test, pattern) for pattern in entry.get("ids", ())):
            return str(entry["reason"])
        if any(test.removeprefix(name) in map(str, entry["numbers"]) for name in entry.get("parameterized", ())):
            return str(entry["reason"])
        if "imports" in entry and _imports(test, entry["imports"]):
            return str(entry["reason"])
    return None
