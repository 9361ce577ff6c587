"""Train a LeNet on Fashion-MNIST, plot what it learned, save it, and show that it comes back bit for bit.

Run with `make run`, or `python examples/fashion_mnist.py --help` where dlrs is installed. Without Fashion-MNIST (no
file, no network) the handwritten digits that scikit-learn carries are used instead.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import datasets, layers

Array = np.ndarray[Any, Any]
Split = tuple[Array, Array]


def load() -> tuple[str, tuple[str, ...], Split, Split]:
    """The name of the data set, its class names, and its two parts, images of one channel scaled to [0, 1]."""
    classes: tuple[str, ...]
    try:
        name, classes = "Fashion-MNIST", datasets.fashion_mnist.CLASS_NAMES
        train, test = datasets.fashion_mnist.load_data()
    except FileNotFoundError as error:
        print(f"{error}\n\nFalling back to the handwritten digits of scikit-learn: other data, other figures.\n")
        name, classes = "digits", tuple("0123456789")
        train, test = datasets.digits.load_data()
    scale = np.float32(1 / 255)
    return name, classes, (train[0][..., None] * scale, train[1]), (test[0][..., None] * scale, test[1])


def build(image_shape: tuple[int, ...], num_classes: int, steps: int) -> dlrs.Sequential:
    """A LeNet-5 with twice the width of LeCun et al. 1998, rectifiers, max-pooling and dropout."""
    model = dlrs.Sequential(
        [
            dlrs.Input(image_shape),
            layers.Conv2D(12, 5, padding="same", activation="relu", name="edges"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 5 if image_shape[0] > 8 else 3, activation="relu", name="parts"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(120, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(84, activation="relu"),
            layers.Dense(num_classes),
        ],
        name="lenet",
    )
    model.compile(
        optimizer=dlrs.optimizers.Adam(dlrs.optimizers.schedules.CosineDecay(2e-3, steps)),
        loss=dlrs.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def confusion_matrix(y_true: Array, y_pred: Array, num_classes: int) -> Array:
    """Counts: row = true class, column = predicted class."""
    return np.bincount(num_classes * y_true.astype(np.int64) + y_pred, minlength=num_classes**2).reshape(
        num_classes, num_classes
    )


def print_confusion(matrix: Array, classes: tuple[str, ...]) -> None:
    """The matrix as a table, each row with its class's recall."""
    width = max(len(c) for c in classes)
    print(
        f"\nConfusion matrix (rows: true class, columns: predicted)\n{'':{width}}  "
        + "".join(f"{i:6}" for i in range(len(classes)))
    )
    for i, (name, row) in enumerate(zip(classes, matrix, strict=True)):
        print(f"{name:{width}} {i}" + "".join(f"{n:6}" for n in row) + f"   {row[i] / row.sum():6.1%}")


def pyplot() -> Any:
    """matplotlib.pyplot without a window; None if matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        print("\nNo pictures: matplotlib is not installed (pip install 'dlrs[plot]').")
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def plot_curves(plt: Any, history: dict[str, list[float]], title: str, path: Path) -> None:
    """Loss and accuracy over the epochs, training against validation."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, key in zip(axes, ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[key]) + 1)
        axis.plot(epochs, history[key], marker="o", markersize=3, label="training (with dropout)")
        axis.plot(epochs, history[f"val_{key}"], marker="o", markersize=3, label="validation")
        axis.set(xlabel="epoch", ylabel=key)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
    print(f"Learning curves: {path}")


def plot_features(plt: Any, model: dlrs.Sequential, image: Array, title: str, path: Path) -> None:
    """What the first layers have learned: filters of the first, and the maps of both for one image."""
    first: Any = model.get_layer("edges")
    second = model.get_layer("parts")
    filters = first.kernel.numpy()[:, :, 0].transpose(2, 0, 1)
    maps = dlrs.Model(model.inputs, [first.output, second.output]).predict(image[None], verbose=0)
    rows = [("image", image[None, :, :, 0]), ("filters 5x5", filters)]
    rows += [(name, np.asarray(m)[0].transpose(2, 0, 1)[:12]) for name, m in zip(("edges", "parts"), maps, strict=True)]
    figure, axes = plt.subplots(len(rows), 12, figsize=(12, 4.4), layout="constrained")
    for line, (name, pictures) in zip(axes, rows, strict=True):
        limit = np.abs(pictures).max() if name.startswith("filters") else None
        line[0].set_ylabel(name)
        for axis, picture in zip(line, pictures, strict=False):
            axis.imshow(picture, cmap="RdBu" if limit else "gray", vmin=limit and -limit, vmax=limit)
        for number, axis in enumerate(line):
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(number < len(pictures))
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
    print(f"Filters and feature maps: {path}")


def main() -> int:
    """Train, test, plot, save, reload; the exit code is 0 if the reloaded model predicts the same bits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(), help="folder for the pictures and fashion_mnist.dlrs")
    options = parser.parse_args()

    dlrs.utils.set_random_seed(options.seed)
    name, classes, (x_train, y_train), (x_test, y_test) = load()
    print(f"{name}: {len(x_train)} training and {len(x_test)} test images of shape {x_train.shape[1:]}\n")

    held_out = 1 / 12
    batch_size = min(options.batch_size, max(8, len(x_train) // 128))  # the digits are few, and need steps
    steps = options.epochs * int(len(x_train) * (1 - held_out) / batch_size)
    model = build(x_train.shape[1:], len(classes), steps)
    model.summary()

    start = time.perf_counter()
    history = model.fit(
        x_train, y_train, batch_size=batch_size, epochs=options.epochs, validation_split=held_out
    ).history
    seconds = time.perf_counter() - start
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\nTrained in {seconds:.1f} s. Test loss {loss:.4f}, test accuracy {accuracy:.2%}")

    logits = np.asarray(model.predict(x_test, verbose=0))
    print_confusion(confusion_matrix(y_test, logits.argmax(axis=1), len(classes)), classes)
    plt = pyplot()
    if plt is not None:
        plot_curves(plt, history, f"{name}: test accuracy {accuracy:.1%}", options.output / "learning_curves.png")
        label = classes[int(y_test[0])]
        plot_features(plt, model, x_test[0], f"{name}: {label}", options.output / "feature_maps.png")

    path = options.output / "fashion_mnist.dlrs"
    model.save(path)
    reloaded = np.asarray(dlrs.models.load_model(path).predict(x_test, verbose=0))
    same = logits.tobytes() == reloaded.tobytes()
    print(f"Saved model: {path}, reloaded: predictions are {'equal bit for bit' if same else 'DIFFERENT'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
