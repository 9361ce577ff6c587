"""Running Keras's test files, and the committed lists that their outcome is compared with."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from scope import keras_source

HERE = pathlib.Path(__file__).parent
RATCHET = HERE / "ratchet"

# The directories of `keras/src` that judge dlrs so far.
AREAS = (
    "activations",
    "applications/imagenet_utils_test.py",
    "callbacks",
    "constraints",
    "initializers",
    "layers/activations",
    "layers/attention",
    "layers/convolutional",
    "layers/core",
    "layers/merging",
    "layers/normalization",
    "layers/pooling",
    "layers/preprocessing/category_encoding_test.py",
    "layers/preprocessing/discretization_test.py",
    "layers/preprocessing/feature_space_test.py",
    "layers/preprocessing/hashed_crossing_test.py",
    "layers/preprocessing/hashing_test.py",
    "layers/preprocessing/image_preprocessing",
    "layers/preprocessing/integer_lookup_test.py",
    "layers/preprocessing/mel_spectrogram_test.py",
    "layers/preprocessing/normalization_test.py",
    "layers/preprocessing/pipeline_test.py",
    "layers/preprocessing/rescaling_test.py",
    "layers/preprocessing/stft_spectrogram_test.py",
    "layers/preprocessing/string_lookup_test.py",
    "layers/preprocessing/text_vectorization_test.py",
    "layers/regularization",
    "layers/reshaping",
    "layers/rnn",
    "losses",
    "metrics",
    "models",
    "ops/core_test.py",
    "ops/image_test.py",
    "ops/linalg_test.py",
    "ops/math_test.py",
    "ops/nn_test.py",
    "ops/numpy_test.py",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "trainers",
    "utils",
    "wrappers",
)


@dataclass
class Outcome:
    """What became of the tests of one area: id → "passed", "failed" or "skipped", why, and what was left out."""

    outcomes: dict[str, str]
    reasons: dict[str, str]
    excluded: dict[str, str]
    output: str = ""

    @property
    def not_passed(self) -> list[str]:
        """The ids in scope that did not pass; a skip is one of them."""
        return sorted(test for test, outcome in self.outcomes.items() if outcome != "passed")


def run(paths: Sequence[str], extra: Sequence[str] = (), timeout: float | None = None) -> Outcome:
    """Run the tests under `paths` (relative to `keras/src`) against the dlrs that is installed here."""
    source = keras_source()
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        dlrs = importlib.util.find_spec("dlrs")
        assert dlrs is not None and dlrs.origin is not None
        environment = os.environ | {
            "SUITE_REPORT": report,
            "PYTHONPATH": os.pathsep.join((str(HERE), str(pathlib.Path(dlrs.origin).parent.parent))),
            "PYTHONHASHSEED": "0",  # Keras makes ids from sets
        }
        command = [sys.executable, "-m", "pytest", "-p", "shim", "-p", "report", "-p", "no:cacheprovider", "-q"]
        command += ["--tb", "native"]  # pytest's own style parses the whole test file for every failure
        command += ["-c", os.devnull, "--rootdir", str(source), *(str(source / path) for path in paths), *extra]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        text = done.stdout + done.stderr
        if not os.path.exists(report):
            raise RuntimeError(f"pytest ended with {done.returncode} and no report:\n{text[-4000:]}")
        with open(report) as file:
            content = json.load(file)
    return Outcome(content["outcomes"], content["reasons"], content["excluded"], text)


def ratchet_file(area: str) -> pathlib.Path:
    """Where the list of `area` stands."""
    return RATCHET / (area.removesuffix("_test.py").replace("/", "_") + ".txt")


def write_ratchet(area: str, outcome: Outcome) -> None:
    """Commit to what `outcome` shows: the number of tests, and those in scope that do not pass."""
    RATCHET.mkdir(exist_ok=True)
    scope, failing = len(outcome.outcomes), outcome.not_passed
    header = [
        f"# keras/src/{area}: {scope - len(failing)} of {scope} ids in scope pass.",
        f"in_scope {scope}",
        f"excluded {len(outcome.excluded)}",
    ]
    ratchet_file(area).write_text("\n".join([*header, *failing]) + "\n")


def read_ratchet(area: str) -> tuple[int, int, set[str]]:
    """Numbers of tests in and out of scope, and the ids that are known not to pass."""
    lines = [line for line in ratchet_file(area).read_text().splitlines() if not line.startswith("#")]
    counts = dict(line.split() for line in lines[:2])
    return int(counts["in_scope"]), int(counts["excluded"]), set(lines[2:])
