"""Images a second: crop, flip, rotation, colours, normalization to float32, beside torchvision and Pillow.

    python benches/peers/augment.py [--peers PYTHON] [--threads 1 2]

Each library runs in a process of its own; `PYTHON` is an interpreter that has torchvision and Pillow. The best call
of a few seconds counts. dlrs and Pillow draw for each image; torchvision for each image, or once for a whole batch.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZES = {32: (40, 128), 224: (256, 16)}  # side of the window → side of the image, batch
SECONDS = 2.0
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
ANGLE = 15.0


def images(side: int, batch: int) -> np.ndarray:
    """Bytes, (batch, side, side, 3)."""
    return np.random.default_rng(0).integers(0, 256, (batch, side, side, 3)).astype("uint8")


def dlrs(window: int, x: np.ndarray) -> Callable[[], object]:
    """A pipeline: one native call."""
    from dlrs import layers

    turn = ANGLE / 360
    pipeline = layers.Pipeline(
        [
            layers.RandomCrop(window, window, seed=1),
            layers.RandomFlip("horizontal", seed=2),
            layers.RandomRotation(turn, seed=3),
            layers.RandomBrightness(0.2, seed=4),
            layers.RandomContrast(0.2, seed=5),
            layers.RandomHue(0.05, seed=6),
            layers.Rescaling(1 / 255),
            layers.Normalization(-1, MEAN, [s * s for s in STD]),
        ]
    )
    return lambda: pipeline(x)


def torchvision_transforms(window: int) -> Any:
    """The same steps; only brightness, contrast and hue are jittered."""
    import torch
    from torchvision.transforms import v2

    return v2.Compose(
        [
            v2.RandomCrop(window),
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(ANGLE, interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(brightness=0.2, contrast=0.2, hue=0.025),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def torchvision(window: int, x: np.ndarray) -> Callable[[], object]:
    """Image by image."""
    import torch

    torch.set_num_threads(int(os.environ["AUGMENT_THREADS"]))
    transform = torchvision_transforms(window)
    batch = list(torch.from_numpy(x).permute(0, 3, 1, 2).contiguous())
    return lambda: torch.stack([transform(image) for image in batch])


def torchvision_batch(window: int, x: np.ndarray) -> Callable[[], object]:
    """One draw for the whole batch."""
    import torch

    torch.set_num_threads(int(os.environ["AUGMENT_THREADS"]))
    transform = torchvision_transforms(window)
    batch = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
    return lambda: transform(batch)


def pillow(window: int, x: np.ndarray) -> Callable[[], object]:
    """Image by image, on one thread."""
    from PIL import Image, ImageEnhance

    rng = np.random.default_rng(1)
    pictures = [Image.fromarray(image) for image in x]
    spare = x.shape[1] - window
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)

    def one(picture: Image.Image) -> np.ndarray:
        top, left = rng.integers(0, spare + 1, 2)
        picture = picture.crop((left, top, left + window, top + window))
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        picture = picture.rotate(rng.uniform(-ANGLE, ANGLE), Image.Resampling.BILINEAR)
        picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.8, 1.2))
        picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(0.8, 1.2))
        hue, saturation, value = picture.convert("HSV").split()
        hue = Image.fromarray((np.asarray(hue).astype("int16") + int(rng.uniform(-6, 7))).astype("uint8"))
        picture = Image.merge("HSV", (hue, saturation, value)).convert("RGB")
        return (np.asarray(picture, "float32") / 255 - mean) / std

    return lambda: np.stack([one(picture) for picture in pictures])


LIBRARIES: dict[str, Callable[[int, np.ndarray], Callable[[], object]]] = {
    "dlrs": dlrs,
    "torchvision": torchvision,
    "torchvision_batch": torchvision_batch,
    "pillow": pillow,
}


def measure(library: str) -> dict[str, float]:
    """Images a second for each size of the window."""
    rates = {}
    for window, (side, batch) in SIZES.items():
        step = LIBRARIES[library](window, images(side, batch))
        step()
        best = float("inf")
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            start = time.perf_counter()
            step()
            best = min(best, time.perf_counter() - start)
        rates[str(window)] = batch / best
    return rates


def main() -> None:
    """Measure one library, or each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=list(LIBRARIES))
    parser.add_argument("--peers", default=sys.executable, help="the interpreter of torchvision and Pillow")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    if arguments.library:
        print(json.dumps(measure(arguments.library)))
        return
    print("| library | threads |" + "".join(f" {window}x{window} |" for window in SIZES))
    print("| --- | ---: |" + " ---: |" * len(SIZES))
    for library in LIBRARIES:
        for threads in arguments.threads if library != "pillow" else [1]:
            number = str(threads)
            environment = {
                **os.environ,
                "DLRS_NUM_THREADS": number,
                "AUGMENT_THREADS": number,
                "OMP_NUM_THREADS": number,
            }
            python = sys.executable if library == "dlrs" else arguments.peers
            command = [python, __file__, "--library", library]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            rates = json.loads(done.stdout.splitlines()[-1])
            print(f"| {library} | {threads} |" + "".join(f" {rates[str(w)]:,.0f} |" for w in SIZES), flush=True)


if __name__ == "__main__":
    main()
