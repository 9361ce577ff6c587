"""A gallery of the augmentation layers on a photograph: the picture, and four draws of each layer."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import layers, ops

Array = np.ndarray[Any, Any]

SIZE = 160

GALLERY: dict[str, Any] = {
    "RandomFlip": lambda: layers.RandomFlip("horizontal"),
    "RandomTranslation": lambda: layers.RandomTranslation(0.25, 0.25),
    "RandomCrop": lambda: layers.RandomCrop(SIZE // 2, SIZE // 2),
    "RandomRotation": lambda: layers.RandomRotation(0.125),
    "RandomZoom": lambda: layers.RandomZoom((-0.5, 0.3)),
    "RandomShear": lambda: layers.RandomShear(0.3, 0.3),
    "RandomPerspective": lambda: layers.RandomPerspective((1.0, 1.0), 0.7),
    "RandomElasticTransform": lambda: layers.RandomElasticTransform((1.0, 1.0), (0.5, 1.0)),
    "RandomBrightness": lambda: layers.RandomBrightness(0.4),
    "RandomContrast": lambda: layers.RandomContrast(0.8),
    "RandomSaturation": lambda: layers.RandomSaturation((0.1, 0.7)),
    "RandomHue": lambda: layers.RandomHue(0.5),
    "RandomPCAColor": lambda: layers.RandomPCAColor(0.5),
    "RandomErasing": lambda: layers.RandomErasing((1.0, 1.0), scale=(0.05, 0.2)),
}


def photograph() -> tuple[str, Array]:
    """A photograph of a cat from scikit-image, of a flower from scikit-learn, or one made up: bytes, SIZE by SIZE."""
    try:
        from skimage import data

        name, picture = "chelsea (scikit-image)", data.chelsea()
    except ImportError:
        try:
            from sklearn.datasets import load_sample_image

            name, picture = "flower (scikit-learn)", load_sample_image("flower.jpg")
        except ImportError:
            rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
            waves = np.stack([np.sin(20 * rows * columns), np.cos(9 * rows), np.sin(7 * columns)], -1)
            name, picture = "made up", (127.5 * (1 + waves)).astype(np.uint8)
    side = min(picture.shape[:2])
    top, left = ((n - side) // 2 for n in picture.shape[:2])
    square = picture[top : top + side, left : left + side].astype(np.float32)
    resized = ops.image.resize(square, (SIZE, SIZE), antialias=True).numpy()
    return name, resized.clip(0, 255).astype(np.uint8)


def plot(name: str, picture: Array, draws: dict[str, Array], path: Path) -> None:
    """Two layers a row, four draws each, beside the picture itself."""
    try:
        import matplotlib
    except ImportError:
        print("No picture: matplotlib is not installed (pip install 'dlrs[plot]').")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = -(-len(draws) // 2)
    figure, axes = pyplot.subplots(rows, 9, figsize=(13, 1.55 * rows), layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (layer, pictures) in enumerate(draws.items()):
        row, first = number // 2, 5 * (number % 2)
        for axis, drawn in zip(axes[row][first : first + 4], pictures, strict=True):
            axis.imshow(drawn)
        axes[row][first].set_title(layer, loc="left", fontsize=9)
    axes[0][4].imshow(picture)
    axes[0][4].set_title(name, fontsize=7)
    figure.savefig(path, dpi=110)
    print(f"Gallery: {path}")


def main() -> int:
    """Draw four times from each layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, nargs="?", default=Path("augmentation.png"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    name, picture = photograph()
    dlrs.utils.set_random_seed(options.seed)
    four = np.stack([picture] * 4)
    draws = {}
    for layer, make in GALLERY.items():
        drawn = np.asarray(make()(four, training=True))
        draws[layer] = drawn.clip(0, 255).astype(np.uint8)
        difference = np.abs(drawn[1:] - drawn[:-1]).mean()
        print(f"{layer:22} {drawn.shape[1]:4} x {drawn.shape[2]:<4} pixels of two draws differ by {difference:5.1f}")
    plot(name, picture, draws, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
