"""The main job from end to end, as a user runs it, with fewer epochs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "fashion_mnist.py"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("run")
    command = [sys.executable, str(EXAMPLE), "--epochs", "3", "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, folder


def test_reaches_its_accuracy(finished: tuple[str, Path]) -> None:
    output, _ = finished
    match = re.search(r"test accuracy ([\d.]+)%", output)
    assert match, output
    assert float(match[1]) >= (85.0 if output.startswith("Fashion-MNIST") else 80.0)


def test_shows_summary_progress_and_confusion(finished: tuple[str, Path]) -> None:
    output, _ = finished
    for text in ("Total params", "Epoch 3/3", "val_accuracy", "Confusion matrix", "equal bit for bit"):
        assert text in output


def test_writes_curves_and_model(finished: tuple[str, Path]) -> None:
    _, folder = finished
    assert (folder / "learning_curves.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "feature_maps.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "fashion_mnist.dlrs").stat().st_size > 10_000
