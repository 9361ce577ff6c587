"""The short examples, as a user runs them."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_ewma(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "ewma.py"), str(tmp_path / "ewma.png")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0.98     50" in done.stdout
    assert f"Plot: {tmp_path / 'ewma.png'}" in done.stdout or "matplotlib is not installed" in done.stdout


def test_edges(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "edges.py"), str(tmp_path / "edges.png")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    if "No photograph" not in done.stdout:
        assert all(name in done.stdout for name in ("vertical", "Sobel, horizontal", "45°", "strength (Scharr)"))
        assert (tmp_path / "edges.png").exists() or "matplotlib is not installed" in done.stdout
