"""What the workers share: the workloads' data, the stopwatch, and the conversation with the driver.

A worker is one process with one library, alive for the whole race, so that rounds can alternate between libraries. It
reads `{"workload": NAME, "seconds": S}` on standard input, a line each, and answers on standard output with
`{"ms": MEDIAN, "best_ms": LEAST}` per step, or with `{"error": TEXT}`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Step = Callable[[], object]
Array = np.ndarray[Any, Any]

CLASSES = 10
PICTURES = {"lenet": (28, 28, 1), "resnet20": (32, 32, 3), "vgg-small": (32, 32, 3), "resnet50": (224, 224, 3)}
STEPS = {"lenet": 64, "resnet20": 128, "vgg-small": 64}  # rows of a training step
INFERENCES = [("lenet", 1), ("lenet", 64), ("resnet20", 1), ("resnet20", 128), ("resnet50", 1), ("resnet50", 8)]
CHARACTERS = 64  # of the language model's alphabet, and in its windows
CLIP = (5511, 101)  # frames of a spectrogram of ten seconds, and their frequencies
DATE_IN, DATE_OUT = (30, 37), (10, 11)  # characters of a date, and of their alphabet
SEQUENCES = {"charlstm": 64, "trigger": 16, "nmt": 64}  # rows of a training step
SEQUENCE_INFERENCES = [("charlstm", 1), ("charlstm", 64)]
LAYERS = (784, 512, 256, CLASSES)
EPOCH_STEPS = 64
BLOCKS = 5
WARM_UP_STEPS = 5
GEMM_SHAPES = [
    (1024, 1024, 1024),
    (2048, 2048, 2048),
    (64, 784, 128),
    (256, 784, 128),
    (128, 512, 512),
    (32, 256, 1024),
    (1, 1024, 1024),
]


def gemm_name(shape: tuple[int, int, int]) -> str:
    """`gemm 64x784x128` for m, k, n."""
    return "gemm " + "x".join(map(str, shape))


def inference_name(network: str, rows: int) -> str:
    """`predict lenet 64`."""
    return f"predict {network} {rows}"


def pictures(network: str, rows: int) -> tuple[Array, Array]:
    """A batch for a convolutional network, channels last, and its labels."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((rows, *PICTURES[network])).astype(np.float32)
    return x, rng.integers(0, CLASSES, rows).astype(np.int32)


def sequences(network: str, rows: int) -> tuple[list[Array], Array]:
    """The inputs of a sequence model, features last, and its labels at every step."""
    rng = np.random.default_rng(3)
    if network == "charlstm":
        ids = rng.integers(0, CHARACTERS, (2, rows, CHARACTERS)).astype(np.int32)
        return [ids[0]], ids[1]
    if network == "trigger":
        clips = rng.standard_normal((rows, *CLIP)).astype(np.float32)
        return [clips], rng.integers(0, 2, (rows, (CLIP[0] - 15) // 4 + 1, 1)).astype(np.float32)
    dates = np.eye(DATE_IN[1], dtype=np.float32)[rng.integers(0, DATE_IN[1], (rows, DATE_IN[0]))]
    labels = rng.integers(0, DATE_OUT[1], (rows, DATE_OUT[0])).astype(np.int32)
    return [dates, *np.zeros((2, rows, 64), np.float32)], labels


def images(rows: int) -> tuple[Array, Array]:
    """`rows` made-up images of 784 values, and their labels."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, LAYERS[0])).astype(np.float32), rng.integers(0, CLASSES, rows).astype(np.int32)


def features(*shape: int) -> Array:
    """Standard normal values."""
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def resident(peak: bool) -> float:
    """The process's size in MB: now, or the greatest since it was last reset."""
    label = "VmHWM" if peak else "VmRSS"
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(label))
    return int(line.split()[1]) / 1024


def step_memory(make: Callable[[], Step]) -> dict[str, float]:
    """The most that a few steps need above the process's size before, which is after imports, in MB."""
    before = resident(peak=False)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here: proc(5)
    step = make()
    for _ in range(WARM_UP_STEPS):
        step()
    return {"mb": resident(peak=True) - before}


class Workload:
    """One thing to time: `make` builds it when it is first asked for and returns a step; a step counts as `steps`."""

    def __init__(self, make: Callable[[], Step], steps: int = 1) -> None:
        self.make, self.steps = make, steps
        self.step: Step | None = None

    def measure(self, seconds: float) -> dict[str, float]:
        """Time blocks of steps for about `seconds` in all."""
        if self.step is None:
            self.step = self.make()
            for _ in range(WARM_UP_STEPS):
                self.step()
        step = self.step
        start = time.perf_counter()
        step()
        repeats = max(1, int(seconds / BLOCKS / (time.perf_counter() - start)))
        blocks = []
        for _ in range(BLOCKS):
            start = time.perf_counter()
            for _ in range(repeats):
                step()
            blocks.append((time.perf_counter() - start) / (repeats * self.steps) * 1e3)
        return {"ms": float(np.median(blocks)), "best_ms": min(blocks)}


def serve(
    versions: Mapping[str, str], workloads: Mapping[str, Workload], extra: Mapping[str, Callable[[], Any]]
) -> None:
    """Answer requests until standard input ends; `extra` are questions that are answered, not timed."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints from now on must not end up among the answers
    answers.write(json.dumps({"versions": dict(versions)}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        name = request["workload"]
        try:
            if name in extra:
                answer = extra[name]()
            elif name in workloads:
                answer = workloads[name].measure(request["seconds"])
            else:
                answer = {"absent": True}
        except Exception as error:  # a workload that fails costs its own figure only
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps(answer) + "\n")
