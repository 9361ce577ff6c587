"""The short examples, as a user runs them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def run(tmp_path: Path, name: str, *options: str) -> str:
    """What an example prints."""
    command = [sys.executable, str(EXAMPLES / name), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_drawn(output: str, path: Path) -> bool:
    """Whether the picture is there; without matplotlib, whether the example says why not."""
    if "matplotlib is not installed" in output:
        return True
    return path.read_bytes().startswith(b"\x89PNG")


def test_residual_against_plain(tmp_path: Path) -> None:
    output = run(tmp_path, "resnet_vs_plain.py", "--depth", "8", "--images", "600", "--epochs", "2")
    assert "ResNet-8" in output
    assert "plain-8" in output
    assert is_drawn(output, tmp_path / "resnet_vs_plain.png")


def test_transfer_learning(tmp_path: Path) -> None:
    options = ("--images", "2000", "--epochs", "1", "--largest", "8", "--repeats", "1")
    output = run(tmp_path, "transfer_learning.py", *options)
    if "needs Fashion-MNIST" in output:
        pytest.skip("Fashion-MNIST is not there")
    assert "second dense layer" in output and "from scratch" in output
    assert is_drawn(output, tmp_path / "transfer_learning.png")


def test_augmentation_gallery(tmp_path: Path) -> None:
    output = run(tmp_path, "augmentation.py")
    differences = dict(re.findall(r"^(\w+) .* differ by +([\d.]+)$", output, re.MULTILINE))
    assert len(differences) == 14 and "RandomFlip" in differences
    assert all(float(difference) > 1 for difference in differences.values()), differences
    assert is_drawn(output, tmp_path / "augmentation.png")


def test_debiasing(tmp_path: Path) -> None:
    output = run(tmp_path, "debiasing.py", "--sentences", "8000")
    found = re.search(r"beside the seeds: (.*)", output)
    assert found and set(found[1].split()) == {"aunt", "uncle", "queen", "king", "daughter", "son"}
    direct = re.search(r"direct bias ([\d.]+) before, ([\d.]+) after", output)
    assert direct and float(direct[1]) > 0.3 and float(direct[2]) < 1e-3
    near = [float(value) for value in re.findall(r"nearer to one of a pair by up to ([\d.]+)", output)]
    assert len(near) == 2 and near[0] > 0.1 and near[1] < 1e-3
    assert is_drawn(output, tmp_path / "debiasing.png")


def run_on_data(tmp_path: Path, name: str, *options: str) -> str:
    """What an example prints; skips, with its words, if it has no data."""
    output = run(tmp_path, name, *options)
    if "Nothing to do" in output:
        pytest.skip(output.strip().splitlines()[0])
    return output


def test_names(tmp_path: Path) -> None:
    output = run_on_data(tmp_path, "names.py", "--names", "600", "--epochs", "3", "--units", "32")
    assert "Perplexity of guessing" in output
    assert output.count("not learned by heart") == 4


def test_novel(tmp_path: Path) -> None:
    output = run_on_data(tmp_path, "novel.py", "--words", "300", "--epochs", "2", "--units", "32", "--begin", "I am")
    assert "counts of pairs of words" in output
    assert output.count("\n  I am") == 3


def test_sentiment(tmp_path: Path) -> None:
    output = run_on_data(tmp_path, "sentiment.py", "--sentences", "1500", "--epochs", "2", "--units", "16")
    assert "Accuracy on 300 sentences" in output
    assert all(f"\n{phrase}" in output for phrase in ("not good", "not bad", "never boring"))
    (tmp_path / "vectors.txt").write_text("good 0.1 0.2 0.3\nfilm 0.1 0.1 0.9\n")
    output = run_on_data(tmp_path, "sentiment.py", "--sentences", "300", "--epochs", "1", "--vectors", "vectors.txt")
    assert "vectors.txt: 2 of" in output


@pytest.mark.parametrize(("name", "option"), [("sentiment.py", "--vectors"), ("g2p.py", "--file")])
def test_a_file_that_is_not_there(tmp_path: Path, name: str, option: str) -> None:
    command = [sys.executable, str(EXAMPLES / name), option, "none.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if done.returncode == 0 and "Nothing to do" in done.stdout:
        pytest.skip(done.stdout)
    assert done.returncode == 2 and f"error: {option}: " in done.stderr and "Traceback" not in done.stderr


def test_captioning(tmp_path: Path) -> None:
    output = run(tmp_path, "captioning.py", "--scenes", "600", "--epochs", "2", "--units", "32", "--test", "50")
    assert "New scenes: " in output
    assert "never shown: " in output
    assert is_drawn(output, tmp_path / "captioning.png")


def test_trigger_word(tmp_path: Path) -> None:
    options = ("--clips", "64", "--epochs", "2", "--units", "16", "--takes", "3")
    output = run_on_data(tmp_path, "trigger_word.py", *options)
    assert "Voices it has not heard: precision" in output
    assert is_drawn(output, tmp_path / "trigger_word.png")
    assert (tmp_path / "trigger_word.wav").stat().st_size == 44 + 2 * 8000 * 5


def test_dates(tmp_path: Path) -> None:
    output = run(tmp_path, "dates.py", "7 June 1912", "--pairs", "1000", "--epochs", "1")
    assert "of 2000 are right in every character" in output
    assert "  7 June 1912  " in output
    assert is_drawn(output, tmp_path / "dates.png")


def test_phonemes(tmp_path: Path) -> None:
    output = run_on_data(tmp_path, "phonemes.py", "knight", "--train", "600", "--epochs", "1", "--units", "32")
    assert "2000 words kept from it: " in output
    assert "  knight  " in output


def test_g2p(tmp_path: Path) -> None:
    output = run_on_data(tmp_path, "g2p.py", "andrew")
    assert output == "andrew  AE1 N D R UW0\n"


def test_boxes(tmp_path: Path) -> None:
    output = run(tmp_path, "boxes.py")
    assert "kept" in output and "mean average precision" in output
    assert is_drawn(output, tmp_path / "boxes.png")
