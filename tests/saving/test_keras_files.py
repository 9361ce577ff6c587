"""Files of Keras are read, and Keras reads those written here: equal predictions, and an equal next step."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dlrs
from dlrs import layers, saving
from saving.architectures import ARCHITECTURES, CHOSEN, TRAINED, compiled, outputs_of, step

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("keras", "jax", "h5py")),
        reason="needs Keras with JAX, and h5py",
    ),
]
TOLERANCE = 1e-5


def keras(task: str, folder: Path) -> None:
    side = Path(__file__).parent / "keras_side.py"
    done = subprocess.run([sys.executable, str(side), task, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def distance(outputs: list[np.ndarray], path: Path) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(outputs, np.load(path).values(), strict=True))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    keras("write", folder)
    return folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dlrs")
    for name in CHOSEN:
        model, inputs = compiled(dlrs, name)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
        np.savez(folder / f"{name}.npz", *inputs)
    keras("read", folder)
    return folder


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", CHOSEN)
def test_models_of_keras_are_read(theirs, name, suffix):
    inputs = list(np.load(theirs / f"{name}.npz").values())
    model = saving.load_model(theirs / f"{name}.{suffix}")
    assert distance(outputs_of(model, inputs), theirs / f"{name}.before.npz") < TOLERANCE
    if name in TRAINED:
        step(model, inputs)
        assert distance(outputs_of(model, inputs), theirs / f"{name}.after.npz") < TOLERANCE
    fresh, _ = ARCHITECTURES[name](dlrs)
    for weights in (theirs / f"{name}.weights.h5", theirs / f"{name}.{suffix}"):
        report = fresh.load_weights(weights)
        assert not (report.missing or report.unexpected or report.mismatched)
        assert distance(outputs_of(fresh, inputs), theirs / f"{name}.before.npz") < TOLERANCE


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", CHOSEN)
def test_keras_reads_what_is_written(ours, name, suffix):
    if not (ours / f"{name}.{suffix}.before.npz").exists():
        pytest.skip("Keras itself does not read its own file of this architecture")
    inputs = list(np.load(ours / f"{name}.npz").values())
    model = saving.load_model(ours / f"{name}.{suffix}")
    assert distance(outputs_of(model, inputs), ours / f"{name}.{suffix}.before.npz") < TOLERANCE
    if name in TRAINED and suffix == "keras":
        step(model, inputs)
        assert distance(outputs_of(model, inputs), ours / f"{name}.{suffix}.after.npz") < TOLERANCE


def test_spectral_normalization_has_the_kernel_too(tmp_path):
    """In files of Keras 3 the wrapper's variables are the kernel, which is the layer's as well, and u."""
    h5py = pytest.importorskip("h5py")
    model = dlrs.Sequential([dlrs.Input((6,)), layers.SpectralNormalization(layers.Dense(3), name="sn")])
    model.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5") as file:
        shapes = {}
        file.visititems(lambda name, node: shapes.update({name: node.shape} if isinstance(node, h5py.Dataset) else {}))
    found = {tuple(name.split("/")[-2:]): shape for name, shape in shapes.items() if "/layer/" not in name}
    assert found == {("vars", "0"): (6, 3), ("vars", "1"): (1, 3)}, shapes
    other = dlrs.Sequential([dlrs.Input((6,)), layers.SpectralNormalization(layers.Dense(3))])
    other.load_weights(tmp_path / "a.weights.h5")
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
