"""A residual network against its plain twin of the same depth: the same layers with and without shortcuts.

He et al. 2016 (arXiv 1512.03385, figure 6): a shortcut makes the identity easy to learn, so that depth does not hurt
training. Pictures are Fashion-MNIST's, padded to 32x32 and shifted and mirrored at random; deeper nets (`--depth 56`)
show the gap better and take longer.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import applications, datasets, layers

Array = np.ndarray[Any, Any]


def load(images: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """So many training pictures (bytes, 32x32x1) with labels, and a fifth as many for validation."""
    try:
        (x, y), _ = datasets.fashion_mnist.load_data()
    except FileNotFoundError as error:
        print(f"{error}\n\nFalling back to the handwritten digits of scikit-learn.\n")
        (x, y), _ = datasets.digits.load_data()
        x = np.repeat(np.repeat((x * (255 / x.max())).astype(np.uint8), 3, 1), 3, 2)
    images = min(images, len(x) * 5 // 6)
    border = [(32 - n) // 2 for n in x.shape[1:3]]
    x = np.pad(
        x[: images + images // 5], [(0, 0), *((b, 32 - n - b) for b, n in zip(border, x.shape[1:3], strict=True))]
    )
    x, y = x[..., None], y[: len(x)]
    return (x[:images], y[:images]), (x[images:], y[images:])


def pipeline(x: Array, y: Array, seed: int, workers: int) -> dlrs.data.Dataset:
    """Shuffled batches of 128, shifted by up to four pixels and mirrored beside the training."""
    augment = layers.Pipeline([layers.RandomTranslation(0.125, 0.125, "constant"), layers.RandomFlip("horizontal")])
    data = dlrs.data.Dataset.from_tensor_slices((x, y)).shuffle(seed=seed).batch(128)
    return data.map(lambda images, labels: (augment(images, training=True), labels), workers, seed=seed).prefetch()


def train(depth: int, residual: bool, options: argparse.Namespace) -> dict[str, list[float]]:
    """The history of one network."""
    dlrs.utils.set_random_seed(options.seed)
    (x, y), validation = load(options.images)
    inputs = dlrs.Input(x.shape[1:])
    network = applications.ResNetCIFAR(depth, "B", residual, input_shape=x.shape[1:], classifier_activation=None)
    model = dlrs.Model(inputs, network(layers.Rescaling(1 / 127.5, -1.0)(inputs)))
    steps = options.epochs * -(-len(x) // 128)
    schedule = dlrs.optimizers.schedules.CosineDecay(0.1, steps, warmup_target=0.1, warmup_steps=0)
    model.compile(
        dlrs.optimizers.SGD(schedule, momentum=0.9, nesterov=True),
        dlrs.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    start = time.perf_counter()
    data = pipeline(x, y, options.seed, options.workers)
    history = model.fit(data, epochs=options.epochs, validation_data=validation, verbose=2).history
    print(f"{network.name}: {time.perf_counter() - start:.0f} s\n")
    return history


def plot(histories: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Training error as lines, validation error as dots."""
    try:
        import matplotlib
    except ImportError:
        print("No picture: matplotlib is not installed (pip install 'dlrs[plot]').")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for (name, history), color in zip(histories.items(), ("tab:blue", "tab:red"), strict=True):
        epochs = range(1, len(history["accuracy"]) + 1)
        axis.plot(epochs, 100 - 100 * np.array(history["accuracy"]), color=color, label=f"{name}, training")
        axis.plot(epochs, 100 - 100 * np.array(history["val_accuracy"]), "o:", color=color, label=f"{name}, validation")
    axis.set(xlabel="epoch", ylabel="error (%)", ylim=(0, None), title="The same depth with and without shortcuts")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)
    print(f"Picture: {path}")


def main() -> int:
    """Train both, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=20, help="6n + 2")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1, help="threads that augment; the result is the same for any")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("resnet_vs_plain.png"))
    options = parser.parse_args()
    names = {f"ResNet-{options.depth}": True, f"plain-{options.depth}": False}
    histories = {name: train(options.depth, residual, options) for name, residual in names.items()}
    for name, history in histories.items():
        print(
            f"{name:10} training accuracy {history['accuracy'][-1]:.2%}, validation {history['val_accuracy'][-1]:.2%}"
        )
    plot(histories, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
