"""Pipelines: the native call against the layers one by one, for any number of threads and instruction set."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs, layers, ops, random
from dlrs.backend import GradientTape

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (6, 9, 11, 3)).astype("uint8")


def colours() -> list[Any]:
    """Each change of colour that the native call knows."""
    return [
        layers.RandomBrightness(0.3, seed=1),
        layers.RandomContrast(0.4, seed=2),
        layers.RandomSaturation(0.6, (0, 1), seed=3),
        layers.RandomHue(0.5, seed=4),
        layers.RandomGrayscale(0.3, seed=5),
        layers.RandomInvert(0.5, seed=6),
        layers.RandomColorDegeneration(0.6, seed=7),
        layers.RandomPCAColor(0.3, seed=8),
        layers.RandomErasing(0.7, fill_value=(1, 2, 3), seed=9),
        layers.RandomColorJitter((0, 255), 0.2, 0.2, None, 0.3, seed=10),
    ]


def one_by_one(chain: list[Any], images: Any) -> Any:
    for layer in chain:
        images = layer(images, training=True) if "training" in layer._signature.names else layer(images)
    return images.numpy()


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("images", [IMAGES, IMAGES[0], IMAGES.astype("float32")], ids=["bytes", "one", "floats"])
def test_colours_are_those_of_the_layer(number: int, images: Any) -> None:
    with random.seed_scope(1, number):
        wanted = one_by_one([colours()[number]], images)
    with random.seed_scope(1, number):
        layer = colours()[number]
        # Generators are told apart within a scope, but the first of each draws alike.
        found = layers.Pipeline([layer])(images).numpy()
    assert wanted.shape == found.shape
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def geometry() -> list[Any]:
    """Each map alone; flips and crops have whole positions."""
    return [
        layers.RandomFlip(seed=1),
        layers.RandomCrop(5, 7, seed=2),
        layers.RandomCrop(12, 14, seed=2),
        layers.RandomRotation(0.2, seed=3),
        layers.RandomZoom(0.3, 0.2, "nearest", seed=4),
        layers.RandomShear(0.3, 0.2, fill_mode="constant", fill_value=9.0, seed=5),
        layers.RandomTranslation(0.2, 0.3, "wrap", seed=6),
        layers.RandomPerspective(scale=0.3, seed=7),
    ]


@pytest.mark.parametrize("number", range(8))
def test_maps_are_those_of_the_layer(number: int) -> None:
    with random.seed_scope(2, number):
        wanted = one_by_one([geometry()[number]], IMAGES)
    with random.seed_scope(2, number):
        found = layers.Pipeline([geometry()[number]])(IMAGES).numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-2)


def test_maps_become_one() -> None:
    """Whole positions compose exactly; a turn there and back is nothing."""
    chain = [layers.RandomFlip(seed=1), layers.RandomCrop(6, 8, seed=2), layers.RandomFlip("vertical", seed=3)]
    chain += [layers.Rescaling(1 / 255), layers.Normalization(-1, [0.5, 0.4, 0.3], [0.04, 0.09, 0.16])]
    with random.seed_scope(3):
        wanted = one_by_one(chain, IMAGES)
    with random.seed_scope(3):
        found = layers.Pipeline(chain)(IMAGES).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    there = [layers.RandomRotation((0.11, 0.11)), layers.RandomRotation((-0.11, -0.11))]
    np.testing.assert_allclose(layers.Pipeline(there)(IMAGES).numpy(), IMAGES, atol=1e-2)


def test_groups() -> None:
    """What the native call does not know runs by itself, and in its place."""
    chain = [
        layers.Rescaling(0.5),
        layers.RandomBrightness((0.1, 0.1)),
        layers.RandomTranslation((0.0, 0.0), (0.0, 0.0)),
        layers.AutoContrast(),
        layers.RandomInvert((1, 1)),
    ]
    np.testing.assert_allclose(layers.Pipeline(chain)(IMAGES).numpy(), one_by_one(chain, IMAGES), atol=1e-2)
    unchanged = layers.Pipeline(chain)(IMAGES, training=False).numpy()
    np.testing.assert_allclose(unchanged, layers.AutoContrast()(IMAGES * np.float32(0.5)).numpy(), atol=1e-3)


def test_gradients_and_configuration() -> None:
    pipeline = layers.Pipeline([layers.RandomFlip("horizontal", seed=1), layers.RandomInvert((1, 1))])
    x = ops.convert_to_tensor(IMAGES.astype("float32"))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(pipeline(x))
    assert np.unique(np.asarray(tape.gradient(y, [x])[0])).tolist() == [-1.0]
    again = layers.Pipeline.from_config(pipeline.get_config())
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in pipeline.layers]
    with pytest.raises(ValueError, match="layers"):
        layers.Pipeline([3])


PROGRAM = """
import hashlib
import numpy as np
from dlrs import layers, random
x = np.random.default_rng(0).integers(0, 256, (32, 24, 24, 3)).astype("uint8")
chain = [layers.RandomCrop(20, 20), layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.2)]
chain += [layers.RandomColorJitter((0, 255), 0.2, 0.2, 0.6, 0.1), layers.RandomPCAColor(), layers.Rescaling(1 / 255)]
with random.seed_scope(5, 0):
    y = layers.Pipeline(chain)(x).numpy()
with random.seed_scope(5, 0):
    for layer in chain:
        x = layer(x)
print(hashlib.sha256(y.tobytes()).hexdigest(), hashlib.sha256(x.numpy().tobytes()).hexdigest())
"""


# The kernels alone: draws and the cosines of angles are rounded differently where there is no fused multiply-add.
KERNELS = """
import hashlib
import numpy as np
from dlrs import _dlrs
rng = np.random.default_rng(0)
still = np.array([1, 0, 0, 0, 1, 0, 0, 0])
p = np.concatenate([still + rng.normal(0, 0.02, (8, 8)), rng.uniform(0.2, 0.9, (8, 31))], axis=1).astype("float32")
stages = [("matrix", 8, 0.0, 0.0), ("contrast", 20, 0.0, 0.0), ("hue_saturation", 21, 0.0, 255.0)]
stages += [("scale", 25, 0.0, 0.0), ("clip", 0, 5.0, 200.0), ("erase", 31, 0.0, 0.0)]
for channels in (3, 1, 4):
    for x in (rng.integers(0, 256, (8, 40, 37, channels)).astype("uint8"), rng.normal(0, 90, (8, 40, 37, channels))):
        kept = [s for s in stages if channels == 3 or s[0] in ("contrast", "clip", "erase")]
        for reading in (("bilinear", "reflect", 0.0), ("nearest", "constant", 3.0)):
            y = _dlrs.augment(x if x.dtype == "uint8" else x.astype("float32"), p, (33, 50), kept, reading)
            print(hashlib.sha256(y.numpy().tobytes()).hexdigest())
"""


def program(code: str, **environment: str) -> str:
    """What the code prints in a process of its own, with fixed seeds of the generators."""
    code = "import random as python_random; python_random.seed(1)\n" + code
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True, text=True).stdout


def test_the_same_bytes_for_any_number_of_threads() -> None:
    assert len({program(PROGRAM, DLRS_NUM_THREADS=str(n)) for n in (1, 2, 3, 5)}) == 1


def test_the_same_bytes_on_any_instruction_set() -> None:
    found = {program(KERNELS, DLRS_ISA=level) for level in _dlrs.supported_isas()}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: layers.RandomHue(0.1), (2, 4, 4, 4)),
        (lambda: layers.RandomSaturation(0.1), (2, 4, 4, 1)),
        (lambda: layers.RandomPCAColor(), (4, 4, 2)),
        (lambda: layers.RandomFlip(), (4, 4)),
        (lambda: layers.RandomRotation(0.1), (1, 2, 4, 4, 3)),
    ],
)
def test_images_that_do_not_fit(make: Any, shape: tuple[int, ...]) -> None:
    layer = make()
    for call in (layer, layers.Pipeline([layer])):
        with pytest.raises(ValueError, match=r"3 channels|rank 3 or 4"):
            call(np.ones(shape, "uint8"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.RandomRotation("a"),
        lambda: layers.RandomRotation(1.5),
        lambda: layers.RandomRotation([0.1]),
        lambda: layers.RandomZoom(-1.0),
        lambda: layers.RandomShear(-0.1),
        lambda: layers.RandomFlip("diagonal"),
        lambda: layers.RandomCrop(0, 4),
        lambda: layers.RandomCrop(4, 2.5),
        lambda: layers.RandomBrightness(0.1, (3, 3)),
        lambda: layers.RandomErasing(fill_value=(1, 2)),
        lambda: layers.RandomErasing(fill_value=10**400),
        lambda: layers.RandomErasing(fill_value=(0, 0, float("nan"))),
        lambda: layers.RandomGaussianBlur(kernel_size=4),
        lambda: layers.MixUp(0),
        lambda: layers.RandomPCAColor(eigenvalues=(1, 2)),
        lambda: layers.RandomTranslation(0.1, 0.1, "mirrored"),
    ],
)
def test_arguments_out_of_range(make: Any) -> None:
    with pytest.raises(ValueError, match=r"Random|MixUp"):
        make()
