"""Milliseconds of CTC loss and gradient, beside PyTorch; how far gradients are off.

    python benches/peers/ctc.py [--peers PYTHON] [--threads 1 2] [--rounds 5]

Each measurement has a process of its own, the libraries take turns, and the median round counts; in a round the best
call of half a second. Logits are normal, lengths full. PyTorch's figure has its `log_softmax`, which is within dlrs's.
Errors are the largest differences from PyTorch's gradient in double precision.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SECONDS = 0.5
#: Steps, examples, classes, labels: characters, word pieces, syllables, a small exercise, long speech, words.
SIZES = (
    (500, 32, 29, 100),
    (200, 32, 500, 30),
    (500, 64, 100, 80),
    (100, 16, 29, 20),
    (1000, 16, 29, 200),
    (150, 16, 5000, 30),
)

Call = Callable[[], tuple[np.ndarray, np.ndarray]]


def drawn(steps: int, batch: int, classes: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits (batch, steps, classes) and labels (batch, labels)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, steps, classes)).astype("float32"), rng.integers(1, classes, (batch, labels))


def dlrs(logits: np.ndarray, target: np.ndarray) -> Call:
    """A compiled function of the losses and the gradient of their sum."""
    import dlrs as library
    from dlrs import ops

    batch, labels = target.shape
    lengths = np.full(batch, labels, "int32"), np.full(batch, logits.shape[1], "int32")
    gradient = library.function(
        library.value_and_grad(lambda x: ops.sum(ops.ctc_loss(target.astype("int32"), x, *lengths)))
    )
    x = ops.convert_to_tensor(logits)

    def call() -> tuple[np.ndarray, np.ndarray]:
        loss, slopes = gradient(x)
        return loss, slopes

    return call


def torch(logits: np.ndarray, target: np.ndarray) -> Call:
    """Its own CPU kernel, after its `log_softmax`."""
    import torch as library

    library.set_num_threads(int(os.environ.get("CTC_THREADS", "1")))
    batch, labels = target.shape
    x = library.tensor(logits.transpose(1, 0, 2).copy(), requires_grad=True)
    said = library.tensor(target)
    steps, lengths = library.full((batch,), logits.shape[1]), library.full((batch,), labels)

    def call() -> tuple[np.ndarray, np.ndarray]:
        x.grad = None
        scores = library.log_softmax(x, -1)
        loss = library.nn.functional.ctc_loss(scores, said, steps, lengths, reduction="sum")
        loss.backward()
        return loss.detach(), x.grad

    return call


LIBRARIES: dict[str, Callable[[np.ndarray, np.ndarray], Call]] = {"dlrs": dlrs, "torch": torch}


def measure(library: str, size: tuple[int, ...], keep: str) -> float:
    """Milliseconds of the best call. The file `keep` gets the gradient, and PyTorch's in double precision."""
    logits, target = drawn(*size)
    call = LIBRARIES[library](logits, target)
    slopes: dict[str, Any] = {"single": np.asarray(call()[1])}
    if library == "torch":
        slopes["double"] = np.asarray(torch(logits.astype("float64"), target)()[1])
        slopes = {name: of_steps.transpose(1, 0, 2) for name, of_steps in slopes.items()}
    np.savez(keep, **slopes)
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def in_process(peers: str, library: str, size: tuple[int, ...], threads: int, keep: str) -> float:
    """The measurement of one library in a process of its own."""
    number = str(threads)
    environment = {**os.environ, "DLRS_NUM_THREADS": number, "CTC_THREADS": number, "OMP_NUM_THREADS": number}
    command = [sys.executable if library == "dlrs" else peers, __file__, "--library", library, "--keep", keep]
    command += ["--size", *map(str, size)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def row(arguments: argparse.Namespace, size: tuple[int, ...], threads: int, folder: str) -> str:
    """A row of the table."""
    rounds: dict[str, list[float]] = {name: [] for name in LIBRARIES}
    for _ in range(arguments.rounds):
        for name in LIBRARIES:
            rounds[name].append(in_process(arguments.peers, name, size, threads, f"{folder}/{name}.npz"))
    ours, theirs = (statistics.median(rounds[name]) for name in ("dlrs", "torch"))
    slopes: dict[str, Any] = {name: np.load(f"{folder}/{name}.npz") for name in LIBRARIES}
    off = {name: np.abs(slopes[name]["single"] - slopes["torch"]["double"]).max() for name in LIBRARIES}
    sizes = " | ".join(f"{n:,}" for n in size)
    errors = f"{off['dlrs']:.0e} | {off['torch']:.0e}"
    return f"| {sizes} | {threads} | {ours:.3g} | {theirs:.3g} | {theirs / ours:.1f} | {errors} |"


def main() -> None:
    """Measure one library, or each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=list(LIBRARIES))
    parser.add_argument("--size", type=int, nargs=4)
    parser.add_argument("--keep")
    parser.add_argument("--peers", default=sys.executable, help="the interpreter of PyTorch")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.library:
        print(json.dumps(measure(arguments.library, tuple(arguments.size), arguments.keep)))
        return
    print("| steps | examples | classes | labels | threads | dlrs | PyTorch | ratio | error, dlrs | error, PyTorch |")
    print("| ---: " * 10 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for threads in arguments.threads:
            for size in SIZES:
                print(row(arguments, size, threads, folder), flush=True)


if __name__ == "__main__":
    main()
