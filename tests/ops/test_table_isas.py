"""The op table against NumPy at every instruction set of this machine, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlrs import _dlrs

LEVELS = ("portable", "avx2", "avx512")
VALUES = Path(__file__).with_name("test_table_values.py")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif("DLRS_ISA" in os.environ, reason="an instruction set is pinned already")
@pytest.mark.parametrize("level", LEVELS)
def test_agrees_with_numpy_at(level: str) -> None:
    if level not in _dlrs.supported_isas():
        pytest.skip(f"this machine has no {level}, only {', '.join(_dlrs.supported_isas())}")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(VALUES)]
    run = subprocess.run(command, env={**os.environ, "DLRS_ISA": level}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]
