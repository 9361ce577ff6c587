"""Find the edges of a photograph with filters made by hand: vertical, horizontal, diagonal, Sobel, Scharr.

A filter whose entries sum to zero answers nothing where the picture is even, and much where it changes in the filter's
direction. The columns of the vertical filter are 1, 0 and -1. Sobel and Scharr give the middle row more weight, so that
the strength of an edge, the root of the sum of the squared answers across and down, depends less on its direction.
"""

import sys
from pathlib import Path

import numpy as np

from dlrs import ops
from dlrs.layers import Conv2D, Rescaling

VERTICAL = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]]) / 3
SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4
SCHARR = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
DIAGONAL = np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2]]) / 4

FILTERS = {
    "vertical": VERTICAL,
    "horizontal": VERTICAL.T,
    "Sobel, vertical": SOBEL,
    "Sobel, horizontal": SOBEL.T,
    "Scharr, vertical": SCHARR,
    "Scharr, horizontal": SCHARR.T,
    "45°": DIAGONAL,
    "135°": DIAGONAL[:, ::-1],
}


def photograph() -> tuple[np.ndarray, str] | None:
    """Bytes (height, width, 3) of a picture that an installed package brings, and the package's name."""
    try:
        from skimage import data

        return data.camera()[..., None].repeat(3, -1), "scikit-image"
    except ImportError:
        pass
    try:
        from sklearn.datasets import load_sample_image

        return load_sample_image("china.jpg"), "scikit-learn"
    except ImportError:
        pass
    try:
        from matplotlib import cbook, pyplot

        return pyplot.imread(cbook.get_sample_data("grace_hopper.jpg")), "matplotlib"
    except ImportError:
        return None


def grey(image: np.ndarray) -> np.ndarray:
    """Brightness in [0, 1], shape (1, height, width, 1), by the weights of ITU-R BT.601."""
    weights = np.array([0.299, 0.587, 0.114], "float32").reshape(3, 1)
    return ops.matmul(Rescaling(1 / 255)(image[None]), weights).numpy()


def bank() -> Conv2D:
    """A convolution whose filters are those above; `same` padding keeps the size of the picture."""
    layer = Conv2D(len(FILTERS), 3, padding="same", use_bias=False, name="edges")
    layer.build((None, None, None, 1))
    layer.set_weights([np.stack(list(FILTERS.values()), -1)[:, :, None, :]])
    return layer


def main(path: Path) -> int:
    """Print which filter answers how strongly, and draw the answers; the exit code is 0."""
    found = photograph()
    if found is None:
        print("No photograph: install scikit-image, scikit-learn or matplotlib.")
        return 0
    image, package = found
    answers = bank()(grey(image))[0, 1:-1, 1:-1]  # at the border the zeros around the picture are an edge, too
    across, down = (answers[..., list(FILTERS).index(f"Scharr, {way}")] for way in ("vertical", "horizontal"))
    strength = ops.sqrt(across * across + down * down).numpy()
    print(f"A photograph of {image.shape[1]} by {image.shape[0]} pixels, from {package}")
    print(f"{'filter':>20} {'mean answer':>12} {'largest':>8}")
    for name, answer in zip(FILTERS, np.moveaxis(np.abs(answers.numpy()), -1, 0), strict=True):
        print(f"{name:>20} {answer.mean():12.4f} {answer.max():8.3f}")
    print(f"{'strength (Scharr)':>20} {strength.mean():12.4f} {strength.max():8.3f}")
    return draw(image, answers.numpy(), strength, path)


def draw(image: np.ndarray, answers: np.ndarray, strength: np.ndarray, path: Path) -> int:
    """One picture: the photograph, each filter with its answer, the strength."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError:
        print("No picture: matplotlib is not installed (pip install 'dlrs[plot]').")
        return 0
    figure, axes = plt.subplots(2, 5, figsize=(18, 5.4), layout="constrained")
    panels = dict(zip(FILTERS, np.moveaxis(answers, -1, 0), strict=True))
    order = ["", *list(FILTERS)[0::2], "strength", *list(FILTERS)[1::2]]
    for axis, name in zip(axes.ravel(), order, strict=True):
        axis.set_axis_off()
        axis.set_title(name or "photograph")
        if name in panels:
            axis.imshow(panels[name], cmap="RdBu", vmin=-0.5, vmax=0.5)
            corner = axis.inset_axes((0.01, 0.74, 0.14, 0.24))
            corner.imshow(FILTERS[name], cmap="RdBu", vmin=-0.7, vmax=0.7)
            corner.set(xticks=[], yticks=[])
        else:
            axis.imshow(strength if name else image, cmap="gray_r" if name else None, vmax=0.6 if name else None)
    figure.savefig(path, dpi=110)
    print(f"Picture: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "edges.png")))
