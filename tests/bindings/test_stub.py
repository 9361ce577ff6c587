"""`_dlrs.pyi` and the compiled module say the same."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from dlrs import _dlrs

# The list that the module itself keeps; the stub's names are compared one by one.
ALLOWED = "dlrs._dlrs.__all__\n"


def test_stubtest(tmp_path: Path) -> None:
    """mypy's comparison: names, parameters, defaults, what is final."""
    pytest.importorskip("mypy.stubtest", reason="mypy is not installed")
    allowed = tmp_path / "allowed.txt"
    allowed.write_text(ALLOWED)
    command = [sys.executable, "-m", "mypy.stubtest", "dlrs._dlrs", "--concise"]
    command += ["--allowlist", str(allowed), "--ignore-unused-allowlist"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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
