"""What it costs to train from a `data.Dataset` rather than from arrays: the best of several epochs, in milliseconds.

`python benches/data_overhead.py [mlp|lenet] [--examples 4000] [--batch 32] [--epochs 5]`; set DLRS_NUM_THREADS. The
arrays hold float32; the datasets hold bytes, which `map` makes floats of, so that its work is part of what they cost.
"""

import argparse
import time
from typing import Any

import numpy as np

import dlrs
from dlrs import layers
from dlrs.data import Dataset

SCALE = np.float32(255)


def mlp() -> Any:
    dense = [layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
    return dlrs.Sequential([dlrs.Input((28, 28, 1)), layers.Flatten(), *dense])


def lenet() -> Any:
    convolutions = [
        layers.Conv2D(6, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 5, activation="relu"),
        layers.MaxPooling2D(),
    ]
    dense = [layers.Dense(120, "relu"), layers.Dense(84, "relu"), layers.Dense(10, "softmax")]
    return dlrs.Sequential([dlrs.Input((28, 28, 1)), *convolutions, layers.Flatten(), *dense])


def scaled(image: Any, label: Any) -> Any:
    return image / SCALE, label


def feeds(examples: int, batch: int) -> dict[str, dict[str, Any]]:
    """Arguments of `fit` by the name of what feeds it."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (examples, 28, 28, 1), np.uint8), rng.integers(0, 10, examples)
    floats = images / SCALE
    pairs = Dataset.from_tensor_slices((images, labels)).shuffle(seed=1)
    return {
        "arrays": {"x": floats, "y": labels, "batch_size": batch},
        "shuffle, batch": {"x": Dataset.from_tensor_slices((floats, labels)).shuffle(seed=1).batch(batch)},
        "shuffle, batch, map": {"x": pairs.batch(batch).map(scaled)},
        "shuffle, batch, map, prefetch": {"x": pairs.batch(batch).map(scaled).prefetch()},
        "shuffle, map, batch": {"x": pairs.map(scaled).batch(batch)},
        "shuffle, map by 2 workers, batch": {"x": pairs.map(scaled, 2).batch(batch)},
    }


def best_epoch(network: Any, feed: dict[str, Any], epochs: int) -> float:
    dlrs.utils.set_random_seed(1)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy")
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        model.fit(**feed, verbose=0)
        seconds.append(time.perf_counter() - start)
    return 1e3 * min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", choices=("mlp", "lenet"), default="lenet")
    for name, default in (("examples", 4000), ("batch", 32), ("epochs", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    base = 0.0
    for name, feed in feeds(arguments.examples, arguments.batch).items():
        took = best_epoch(globals()[arguments.network], feed, arguments.epochs)
        base = base or took
        print(f"{arguments.network:6} {name:34} {took:8.1f} ms {100 * (took / base - 1):+6.1f} %", flush=True)


if __name__ == "__main__":
    main()
