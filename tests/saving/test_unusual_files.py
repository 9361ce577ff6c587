"""Files of unusual models, both ways between Keras and dlrs: equal predictions, and equal losses of the next epochs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dlrs
from saving.unusual_side import CHOSEN, NOT_IN_H5, read, write

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("keras", "jax", "h5py")),
        reason="needs Keras with JAX, and h5py",
    ),
]
TOLERANCE = 1e-5


def keras(task: str, folder: Path) -> dict[str, list[float]]:
    tests = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(tests / "saving/unusual_side.py"), task, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "done.json").read_text())


@pytest.mark.parametrize("writer", ["keras", "dlrs"])
def test_files_both_ways(tmp_path, writer):
    if writer == "keras":
        keras("write", tmp_path)
        found = read(dlrs, tmp_path)
    else:
        write(dlrs, tmp_path)
        found = keras("read", tmp_path)
        assert read(dlrs, tmp_path).keys() >= {f"{name}.keras" for name in CHOSEN}
    assert len(found) >= 3 * len(CHOSEN)
    assert {name: distances for name, distances in found.items() if max(distances) >= TOLERANCE} == {}


@pytest.mark.parametrize("name", set(NOT_IN_H5) & set(CHOSEN))
def test_what_the_older_format_does_not_hold_is_refused(tmp_path, name):
    write(dlrs, tmp_path)
    if name == "operations":  # which Keras does not read, and dlrs does
        dlrs.models.load_model(tmp_path / f"{name}.h5")
        return
    with pytest.raises(dlrs.errors.FormatError):
        dlrs.models.load_model(tmp_path / f"{name}.h5")
