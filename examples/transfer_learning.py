"""Learn from few pictures with the features of a network that was trained on others.

A LeNet learns eight classes of Fashion-MNIST. Its layers are frozen, its features of pictures of the two other classes
computed once and kept on disk, and a new top is trained on 4, 16, 64, ... pictures; beside it the same network, from
scratch. The picture shows test accuracy against the number of labelled pictures.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import applications, datasets, layers, vision

Array = np.ndarray[Any, Any]

NEW = (4, 6)  # coat and shirt, which are hard to tell apart


def load() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Fashion-MNIST, scaled to [0, 1]."""
    (x, y), (x_test, y_test) = datasets.fashion_mnist.load_data()
    scale = np.float32(1 / 255)
    return (x[..., None] * scale, y.astype(np.int32)), (x_test[..., None] * scale, y_test.astype(np.int32))


def compiled(model: Any, rate: float) -> Any:
    """`model`, ready to train."""
    model.compile(
        dlrs.optimizers.Adam(rate),
        dlrs.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def body() -> Any:
    """A LeNet without its last layer: 84 features."""
    whole = applications.LeNet5(classifier_activation=None)
    return dlrs.Model(whole.inputs, whole.layers[-2].output, name="features")


def top(features: int) -> Any:
    """A new last layer."""
    return compiled(dlrs.Sequential([dlrs.Input((features,)), layers.Dense(2)]), 1e-2)


def plot(counts: list[int], transferred: list[float], scratch: list[float], path: Path) -> None:
    """Accuracy against the number of labelled pictures."""
    try:
        import matplotlib
    except ImportError:
        print("No picture: matplotlib is not installed (pip install 'dlrs[plot]').")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    axis.semilogx(counts, transferred, "o-", base=2, label="frozen features of eight other classes, new top")
    axis.semilogx(counts, scratch, "s--", base=2, label="the same network from scratch")
    axis.set(xlabel="labelled pictures", ylabel="test accuracy", title="Coat or shirt?")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)
    print(f"Picture: {path}")


def main() -> int:
    """Train the base, transfer, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=48_000, help="pictures of the eight classes to learn from")
    parser.add_argument("--epochs", type=int, default=5, help="over these")
    parser.add_argument("--largest", type=int, default=1024, help="most labelled pictures of the new classes")
    parser.add_argument("--repeats", type=int, default=3, help="trainings to average over")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("transfer_learning.png"))
    options = parser.parse_args()
    try:
        (x, y), (x_test, y_test) = load()
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs Fashion-MNIST.")
        return 0

    dlrs.utils.set_random_seed(options.seed)
    old = ~np.isin(y, NEW)
    base = body()
    learned = compiled(dlrs.Sequential([base, layers.Dense(10)]), 1e-3)
    learned.fit(x[old][: options.images], y[old][: options.images], 64, options.epochs, verbose=2)
    base.trainable = False

    new, held_out = np.isin(y, NEW), np.isin(y_test, NEW)
    x_new, y_new = x[new], (y[new] == NEW[1]).astype(np.int32)
    x_held, y_held = x_test[held_out], (y_test[held_out] == NEW[1]).astype(np.int32)
    with tempfile.TemporaryDirectory() as folder:
        features = vision.cached_features(base, x_new, Path(folder) / "train.safetensors")
        features_held = vision.cached_features(base, x_held, Path(folder) / "test.safetensors")

    counts = [n for n in (4, 16, 64, 256, 1024, 4096) if n <= options.largest]
    transferred, scratch = [], []
    print(f"\n{'pictures':>8}  {'transferred':>11}  {'from scratch':>12}")
    for count in counts:
        accuracies = []
        for repeat in range(options.repeats):
            rows = np.random.default_rng([options.seed, repeat]).permutation(len(x_new))[:count]
            few = top(features.shape[1])
            few.fit(features[rows], y_new[rows], min(count, 32), 60, verbose=0)
            whole = compiled(dlrs.Sequential([body(), layers.Dense(2)]), 1e-3)
            whole.fit(x_new[rows], y_new[rows], min(count, 32), 60 if count <= 256 else 20, verbose=0)
            pairs = ((few, features_held), (whole, x_held))
            accuracies.append([model.evaluate(data, y_held, verbose=0)[1] for model, data in pairs])
        mean = np.mean(accuracies, axis=0)
        transferred.append(float(mean[0]))
        scratch.append(float(mean[1]))
        print(f"{count:8}  {mean[0]:11.1%}  {mean[1]:12.1%}")
    plot(counts, transferred, scratch, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
