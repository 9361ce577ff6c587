"""LSTM and GRU, forward and backward, here and in PyTorch, for a table of sizes.

    python benches/peers/recurrent.py dlrs|torch [lstm gru] [--steps 64] [--threads 2]

prints one line per cell, units and batch with the best of several runs in milliseconds: the training step of one layer
(forward, the sum of the last state as the loss, gradients of inputs and weights) and the forward pass alone.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZES = [(units, batch) for units in (32, 128, 512) for batch in (1, 16, 128)]


def best(run: Callable[[], Any], seconds: float) -> float:
    """The shortest of the runs that fit the time, in milliseconds."""
    run()
    shortest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        shortest = min(shortest, time.perf_counter() - start)
    return 1e3 * shortest


def with_dlrs(cell: str, units: int, batch: int, steps: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The training step and the forward pass as compiled functions."""
    import dlrs
    from dlrs import ops

    gates = 4 if cell == "lstm" else 3
    rng = np.random.default_rng(0)

    def variable(*shape: int) -> Any:
        return dlrs.Variable(rng.uniform(-1, 1, shape).astype("float32") / np.sqrt(units).astype("float32"))

    x = variable(batch, steps, units)
    weights = [variable(units, gates * units), variable(gates * units), variable(units, gates * units)]
    bias = variable(gates * units)
    zero = ops.zeros((batch, units))

    def forward() -> Any:
        z = ops.matmul(x, weights[0]) + weights[1]
        if cell == "lstm":
            return ops.lstm(z, zero, zero, weights[2])[0]
        return ops.gru(z, zero, weights[2], bias)[0]

    def train() -> Any:
        with dlrs.GradientTape() as tape:
            loss = ops.sum(forward())
        return tape.gradient(loss, [x, *weights, *([bias] if cell == "gru" else [])])

    return dlrs.function(train), dlrs.function(forward)


def with_torch(cell: str, units: int, batch: int, steps: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The same with `torch.nn.LSTM` or `GRU`."""
    import torch

    torch.set_num_threads(int(os.environ["DLRS_NUM_THREADS"]))
    layer = (torch.nn.LSTM if cell == "lstm" else torch.nn.GRU)(units, units, batch_first=True)
    x = torch.randn(batch, steps, units, requires_grad=True)

    def train() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x)[0].sum().backward()

    def forward() -> None:
        with torch.no_grad():
            layer(x)

    return train, forward


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=["dlrs", "torch"])
    parser.add_argument("cells", nargs="*", default=["lstm", "gru"])
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--units", type=int)
    parser.add_argument("--seconds", type=float, default=0.4)
    arguments = parser.parse_args()
    os.environ["DLRS_NUM_THREADS"] = str(arguments.threads)
    make = with_dlrs if arguments.library == "dlrs" else with_torch
    for cell in arguments.cells:
        for units, batch in SIZES:
            if arguments.units in (None, units):
                train, forward = make(cell, units, batch, arguments.steps)
                times = best(train, arguments.seconds), best(forward, arguments.seconds)
                print(
                    f"{arguments.library} {cell} {units:4} x {batch:4}: {times[0]:9.3f} ms  {times[1]:9.3f} ms forward"
                )


if __name__ == "__main__":
    main()
