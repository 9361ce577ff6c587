"""Learn from few pictures with the features of a network that was trained on others.

A LeNet learns five classes of Fashion-MNIST. It is frozen and cut at three depths; its features of pictures of the five
other classes are computed once and kept on disk, and a new top is trained on 2, 8, 32, ... pictures of each; beside it
the same network, from scratch. What the convolutions found serves the new classes as well as training anew does, in a
fraction of the time; the deeper layers belong to the old classes (Yosinski et al. 2014, arXiv 1411.1792).
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import applications, datasets, layers, vision

Array = np.ndarray[Any, Any]

NEW = (5, 6, 7, 8, 9)  # sandal, shirt, sneaker, bag, ankle boot
# Where the frozen network is cut, counted from its last layer.
DEPTHS = {"convolutions": -4, "first dense layer": -3, "second dense layer": -2}
EPOCHS = 60


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


def on_top_of(layers_below: list[Any]) -> Any:
    """A network with a new last layer."""
    return dlrs.Sequential([*layers_below, layers.Dense(len(NEW))])


def learn_old_classes(x: Array, y: Array, epochs: int) -> Any:
    """A LeNet trained on these pictures."""
    whole = applications.LeNet5(classifier_activation=None)
    compiled(whole, 1e-3).fit(x, y, 64, epochs, verbose=2)
    whole.trainable = False
    return whole


def cut(whole: Any, x: Array, x_test: Array) -> dict[str, tuple[Array, Array]]:
    """The features of pictures at each depth, scaled to what a top learns well from."""
    features = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, place in DEPTHS.items():
            base = dlrs.Model(whole.inputs, whole.layers[place].output)
            both = [
                vision.cached_features(base, pictures, Path(folder) / f"{place}-{part}.safetensors")
                for part, pictures in enumerate((x, x_test))
            ]
            mean, deviation = both[0].mean(axis=0), both[0].std()
            features[name] = ((both[0] - mean) / deviation, (both[1] - mean) / deviation)
    return features


def trained(model: Any, rate: float, data: tuple[Array, Array], test: tuple[Array, Array]) -> tuple[float, float]:
    """Test accuracy after training, and the seconds that the training took."""
    compiled(model, rate)
    start = time.perf_counter()
    model.fit(*data, 32, EPOCHS, verbose=0)
    seconds = time.perf_counter() - start
    return model.evaluate(*test, verbose=0)[1], seconds


def plot(counts: list[int], results: dict[str, Array], path: Path) -> None:
    """Accuracy, mean and spread over the draws, against the number of labelled pictures of a class."""
    try:
        import matplotlib
    except ImportError:
        print("No picture: matplotlib is not installed (pip install 'dlrs[plot]').")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, values in results.items():
        accuracy, spread = values[..., 0].mean(axis=1), values[..., 0].std(axis=1)
        style = "k--" if name == "from scratch" else "o-"
        (line,) = axis.plot(counts, accuracy, style, label=name)
        axis.fill_between(counts, accuracy - spread, accuracy + spread, color=line.get_color(), alpha=0.12)
    axis.set_xscale("log", base=2)
    axis.set(xlabel="labelled pictures of each new class", ylabel="test accuracy", title="A new top on frozen features")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)
    print(f"Picture: {path}")


def report(counts: list[int], results: dict[str, Array]) -> None:
    """Accuracies, and how long a training took."""
    print(f"\n{'features of':>20}" + "".join(f"{f'{n} each':>16}" for n in counts))
    for name, values in results.items():
        cells = "".join(f"{v[:, 0].mean():9.1%} ±{v[:, 0].std():5.1%}" for v in values)
        print(f"{name:>20}{cells}   {values[-1, :, 1].mean():.2f} s a training")


def main() -> int:
    """Train the base, transfer, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=30_000, help="pictures of the old classes to learn from")
    parser.add_argument("--epochs", type=int, default=4, help="over these")
    parser.add_argument("--largest", type=int, default=128, help="most labelled pictures of a new class")
    parser.add_argument("--repeats", type=int, default=5, help="draws of pictures to average over")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("transfer_learning.png"))
    options = parser.parse_args()
    try:
        (x, y), (x_test, y_test) = load()
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs Fashion-MNIST.")
        return 0

    dlrs.utils.set_random_seed(options.seed)
    old, new, held = ~np.isin(y, NEW), np.isin(y, NEW), np.isin(y_test, NEW)
    whole = learn_old_classes(x[old][: options.images], y[old][: options.images], options.epochs)
    x, y, x_test, y_test = x[new], y[new] - NEW[0], x_test[held], y_test[held] - NEW[0]
    features = cut(whole, x, x_test)

    counts = [n for n in (2, 8, 32, 128) if n <= options.largest]
    results: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in (*DEPTHS, "from scratch")}
    for count in counts:
        for runs in results.values():
            runs.append([])
        for repeat in range(options.repeats):
            rng = np.random.default_rng([options.seed, repeat])
            rows = np.concatenate([rng.permutation(np.flatnonzero(y == label))[:count] for label in range(len(NEW))])
            for name, (known, unknown) in features.items():
                top = on_top_of([dlrs.Input(known.shape[1:])])
                results[name][-1].append(trained(top, 1e-2, (known[rows], y[rows]), (unknown, y_test)))
            body = applications.LeNet5(classifier_activation=None)
            scratch = on_top_of([dlrs.Model(body.inputs, body.layers[-2].output)])
            results["from scratch"][-1].append(trained(scratch, 1e-3, (x[rows], y[rows]), (x_test, y_test)))
    arrays = {name: np.array(runs) for name, runs in results.items()}
    report(counts, arrays)
    plot(counts, arrays, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
