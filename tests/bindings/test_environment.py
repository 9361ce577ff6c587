"""Settings in the environment: what they do, and what a wrong one says."""

import os
import subprocess
import sys

import pytest


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_settings_are_obeyed() -> None:
    code = "from dlrs import _dlrs; print(_dlrs.isa(), _dlrs.num_threads())"
    assert _python(code, DLRS_ISA="portable", DLRS_NUM_THREADS="3").stdout.split() == ["portable", "3"]


def test_the_algorithm_of_convolutions() -> None:
    code = "import dlrs; print(dlrs.config.conv_algo())"
    assert _python(code, DLRS_CONV_ALGO="direct").stdout.split() == ["direct"]
    assert _python(code, DLRS_CONV_ALGO="auto").stdout.split() == ["auto"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DLRS_ISA", "avx9", r"this machine supports portable"),
        ("DLRS_NUM_THREADS", "two", r"expected a number from 1"),
        ("DLRS_NUM_THREADS", "0", r"expected a number from 1"),
        ("DLRS_CONV_ALGO", "fft", 'expected "auto" or "direct"'),
    ],
)
def test_a_setting_that_means_nothing_is_refused_at_import(name: str, value: str, expected: str) -> None:
    result = _python("import dlrs._dlrs", **{name: value})
    assert result.returncode != 0
    assert "ValueError" in result.stderr
    assert name in result.stderr
    assert expected in result.stderr
