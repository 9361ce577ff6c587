"""`_dlrs.pyi` and the compiled module say the same."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from dlrs import _dlrs

STUB = Path(__file__).parents[2] / "python" / "dlrs" / "_dlrs.pyi"
TREE = ast.parse(STUB.read_text())
FUNCTIONS = {node.name: node for node in TREE.body if isinstance(node, ast.FunctionDef)}
STUB_CLASSES = {node.name: node for node in TREE.body if isinstance(node, ast.ClassDef)}
# Those of the module: without bases that only the stub has.
CLASSES = {name: node for name, node in STUB_CLASSES.items() if not node.decorator_list}


def members(node: ast.ClassDef) -> dict[str, ast.FunctionDef | None]:
    """Methods and properties by name; attributes that are only annotated map to None."""
    found: dict[str, ast.FunctionDef | None] = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in STUB_CLASSES:
            found |= members(STUB_CLASSES[base.id])
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            found[item.name] = item
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            found[item.target.id] = None
    return found


def stub_parameters(node: ast.FunctionDef, *, method: bool) -> list[tuple[str, str]]:
    """Name and default of every parameter; * and ** parameters by their prefix alone."""
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    found = [(arg.arg, ast.unparse(d) if d else "") for arg, d in zip(plain, defaults, strict=True)]
    if method:
        found = found[1:]
    if args.vararg:
        found.append(("*", ""))
    found += [(a.arg, ast.unparse(d) if d else "") for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg:
        found.append(("**", ""))
    return found


def module_parameters(function: Any, *, method: bool) -> list[tuple[str, str]]:
    found = []
    for p in inspect.signature(function).parameters.values():
        if method and p.name in ("self", "cls", "$self"):
            continue
        if p.kind is p.VAR_POSITIONAL:
            found.append(("*", ""))
        elif p.kind is p.VAR_KEYWORD:
            found.append(("**", ""))
        else:
            found.append((p.name, "" if p.default is p.empty else repr(p.default)))
    return found


def is_property(node: ast.FunctionDef | None) -> bool:
    return node is None or any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)


def test_the_stub_was_found() -> None:
    assert len(FUNCTIONS) > 60
    assert {"Tensor", "Variable", "Trace", "Program", "Tape"} <= set(CLASSES)


def test_names_agree() -> None:
    public = {name for name in dir(_dlrs) if not name.startswith("_")}
    assert public == {name for name in {*FUNCTIONS, *CLASSES} if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_agree(name: str) -> None:
    function = getattr(_dlrs, name)
    expected = stub_parameters(FUNCTIONS[name], method=False)
    assert [n for n, _ in module_parameters(function, method=False)] == [n for n, _ in expected]
    for (_, have), (parameter, want) in zip(module_parameters(function, method=False), expected, strict=True):
        # Defaults that have no Python literal are shown as `...`.
        assert have in (want, "Ellipsis"), parameter


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_classes_agree(name: str) -> None:
    cls = getattr(_dlrs, name)
    stub = members(CLASSES[name])
    missing = [member for member in stub if member not in dir(cls)]
    assert not missing
    undeclared = [
        m for m in vars(cls) if not m.startswith("_") and m not in stub and m not in ("T",) and not is_exception(cls)
    ]
    assert not undeclared
    for member, node in stub.items():
        if node is None or is_property(node) or member.startswith("__"):
            continue
        want = [n for n, _ in stub_parameters(node, method=True)]
        assert [n for n, _ in module_parameters(getattr(cls, member), method=True)] == want, member


def is_exception(cls: type) -> bool:
    return issubclass(cls, BaseException)


@pytest.mark.parametrize("name", ["Tensor", "Trace", "Program", "Tape"])
def test_classes_are_frozen(name: str) -> None:
    cls = getattr(_dlrs, name)
    made = {
        "Tensor": lambda: _dlrs.tensor(1.0),
        "Trace": _dlrs.Trace,
        "Tape": _dlrs.Tape,
        "Program": lambda: _dlrs.Trace().finish([_dlrs.tensor(1.0)]),
    }[name]()
    assert type(made) is cls
    if name == "Tensor":
        made.anything = 1  # masks travel on tensors
    else:
        with pytest.raises(AttributeError):
            made.anything = 1
    for member, value in vars(cls).items():
        if inspect.isgetsetdescriptor(value) and not member.startswith("__"):
            with pytest.raises(AttributeError):
                setattr(made, member, None)


def test_tensors_and_programs_are_made_by_functions() -> None:
    for cls in (_dlrs.Tensor, _dlrs.Program):
        with pytest.raises(TypeError):
            cls()
