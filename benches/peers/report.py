"""The race's result as a page of Markdown, with the roofline that says what binds each figure."""

import itertools
import statistics
from dataclasses import dataclass
from typing import Any

from protocol import GEMM_SHAPES, INFERENCES, LAYERS, SEQUENCE_INFERENCES, SEQUENCES, STEPS, gemm_name, inference_name

FLOAT = 4
ADAM_BYTES = 28  # reads w, m, v and the gradient, writes w, m, v: seven floats a parameter
TITLES = {
    "mlp128": "784-512-256-10, batch 128: one training step, ms",
    "mlp32": "784-512-256-10, batch 32: one training step, ms",
    "mlp128 epoch": "the same at batch 128 in an epoch of shuffled batches, ms a step",
    "mlp128 tape": "the same at batch 128, loop written by the user with GradientTape, ms",
    "one row": "64-64-10, one row, `predict_on_batch` (PyTorch: module call), µs",
    "add": "eager `add` of two tensors of 16 values, µs",
    "tiny step": "4-1 network, batch 1: `train_on_batch`, µs",
    "tiny epoch": "4-1 network, batch 1: `fit`, µs a step",
}
CONVOLUTIONAL = {name: f"{name}, batch {rows}: one training step, ms" for name, rows in STEPS.items()} | {
    inference_name(name, rows): f"{name}, batch {rows}: `predict_on_batch` (others: a call), ms"
    for name, rows in INFERENCES
}
SEQUENTIAL = {name: f"{name}, batch {rows}: one training step, ms" for name, rows in SEQUENCES.items()} | {
    inference_name(name, rows): f"{name}, batch {rows}: `predict_on_batch` (others: a call), ms"
    for name, rows in SEQUENCE_INFERENCES
}
TITLES |= CONVOLUTIONAL | SEQUENTIAL
IN_MICROSECONDS = {"one row", "add", "tiny step", "tiny epoch"}


@dataclass
class Work:
    """What a workload has to do at the least: arithmetic, and bytes moved between memory (or a cache) and cores."""

    flops: float
    bytes: float


def step_work(batch: int) -> Work:
    """Three GEMMs a layer (two for the first, whose input needs no gradient), and Adam over all parameters."""
    pairs = list(itertools.pairwise(LAYERS))
    products = sum(i * o for i, o in pairs)
    parameters = products + sum(LAYERS[1:])
    return Work(2 * batch * (3 * products - LAYERS[0] * LAYERS[1]), ADAM_BYTES * parameters)


def gemm_work(m: int, k: int, n: int) -> Work:
    """One multiply-add per element of the m × k × n box; each matrix is touched once."""
    return Work(2 * m * k * n, FLOAT * (m * k + k * n + m * n))


def convolution(size: int, kernel: int, fan_in: int, fan_out: int) -> int:
    """Multiply-adds of a convolution whose result is size × size, for one picture."""
    return (size * kernel) ** 2 * fan_in * fan_out


def residual_products(blocks: int = 3) -> list[int]:
    """The products of `convnets.resnet20`, the first layer's first."""
    products = [convolution(32, 3, 3, 16)]
    for size, fan_in, width in ((32, 16, 16), (16, 16, 32), (8, 32, 64)):
        products += [convolution(size, 3, fan_in, width)] + [convolution(size, 3, width, width)] * (2 * blocks - 1)
        products += [convolution(size, 1, fan_in, width)] if fan_in != width else []
    return [*products, 64 * 10]


PRODUCTS = {
    "lenet": [convolution(28, 5, 1, 6), convolution(10, 5, 6, 16), 400 * 120, 120 * 84, 84 * 10],
    "resnet20": residual_products(),
    "vgg-small": [
        *(convolution(32, 3, 3, 64), convolution(32, 3, 64, 64), convolution(16, 3, 64, 128)),
        *(convolution(16, 3, 128, 128), convolution(8, 3, 128, 256), convolution(8, 3, 256, 256)),
        *(4096 * 256, 256 * 10),
    ],
    "resnet50": [3_857_973_248],
    # The embedding multiplies nothing; then inputs, state and output of 64 steps.
    "charlstm": [0, 64 * 64 * 1024, 64 * 256 * 1024, 64 * 256 * 64],
    "trigger": [1375 * 15 * 101 * 196, 1375 * (196 + 128) * 384, 1375 * (128 + 128) * 384, 1375 * 128],
    # Both directions of the encoder, then attention, decoder and output of 10 steps.
    "nmt": [2 * 30 * 37 * 128, 2 * 30 * 32 * 128, 10 * 30 * (128 * 10 + 10 + 64), 10 * (2 * 64 * 256 + 64 * 11)],
}
PARAMETERS = {"lenet": 61_706, "resnet20": 272_474, "vgg-small": 2_197_706, "resnet50": 25_583_592}
PARAMETERS |= {"charlstm": 349_248, "trigger": 522_425, "nmt": 52_960}


def network_step_work(name: str, rows: int) -> Work:
    """Forward and both gradients, without the inputs' own; Adam over all parameters."""
    products = PRODUCTS[name]
    return Work(2 * rows * (3 * sum(products) - products[0]), ADAM_BYTES * PARAMETERS[name])


def inference_work(name: str, rows: int) -> Work:
    """One forward pass; each weight is read once."""
    return Work(2 * rows * sum(PRODUCTS[name]), FLOAT * PARAMETERS[name])


WORK = {"mlp128": step_work(128), "mlp128 epoch": step_work(128), "mlp32": step_work(32)} | {
    gemm_name(shape): gemm_work(*shape) for shape in GEMM_SHAPES
}
WORK |= {name: network_step_work(name, rows) for name, rows in (STEPS | SEQUENCES).items()}
WORK |= {inference_name(*case): inference_work(*case) for case in INFERENCES + SEQUENCE_INFERENCES}


def median(entry: dict[str, Any] | None) -> float | None:
    """The figure of one library, ms; None if it has none."""
    return statistics.median(entry["ms"]) if entry and entry.get("ms") else None


def ratio(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """How many times faster we are: the median of the rounds' ratios."""
    return float(statistics.median(t / o for o, t in zip(ours["ms"], theirs["ms"], strict=True)))


def best_peer(entries: dict[str, Any]) -> str | None:
    """The fastest library that is not dlrs."""
    figures = {name: median(e) for name, e in entries.items() if name != "dlrs"}
    return min((n for n, v in figures.items() if v is not None), key=lambda n: figures[n] or 0.0, default=None)


def binds(name: str, milliseconds: float, peaks: dict[str, float], threads: int, caches: dict[str, int]) -> str:
    """The floor that the figure stands on, and how near it is."""
    work = WORK.get(name)
    if work is None or not peaks:
        return ""
    arithmetic = work.flops / (peaks["fma_gflops"] * threads * 1e9) * 1e3
    level = next((label for label, size in caches.items() if label != "L1" and work.bytes <= size), "DRAM")
    share = f"{arithmetic / milliseconds:.0%} of FMA peak"
    copying = work.bytes / (peaks["copy_gbs"] * 1e9) * 1e3
    if copying > arithmetic:
        return f"{level}: {work.bytes / milliseconds / 1e6:.0f} GB/s ({share})"
    return f"FLOPs: {share}; data in {level}"


def table(rows: list[list[str]]) -> list[str]:
    """A Markdown table; the first row is its head."""
    head, *body = rows
    lines = [head, ["---"] + ["---:"] * (len(head) - 2) + ["---"], *body]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def compare(result: dict[str, Any], threads: str, names: list[str], gflops: bool) -> list[str]:
    """One row a workload, one column a library, the ratio to the best peer, and what binds."""
    section = result["threads"][threads]
    present = [w for w in names if any(median(e) for e in section["workloads"].get(w, {}).values())]
    libraries = list(dict.fromkeys(n for w in present for n, e in section["workloads"][w].items() if median(e)))
    if not present or not libraries:
        return []
    rows = [["", *libraries, "against PyTorch", "against the best", "what binds dlrs"]]
    for workload in present:
        entries = section["workloads"][workload]
        figures = {n: median(entries.get(n)) for n in libraries}
        unit = 1e3 if workload in IN_MICROSECONDS else 1.0
        if gflops:
            shown = {n: f"{WORK[workload].flops / v / 1e6:.1f}" if v else "-" for n, v in figures.items()}
        else:
            shown = {n: f"{v * unit:.3g}" if v else "-" for n, v in figures.items()}
        peer, ours = best_peer(entries), figures.get("dlrs")
        against = f"{ratio(entries['dlrs'], entries[peer]):.2f}× {peer}" if peer and ours else "-"
        torch = f"{ratio(entries['dlrs'], entries['PyTorch']):.2f}×" if figures.get("PyTorch") and ours else "-"
        bound = binds(workload, ours, section["peaks"], int(threads), result["machine"]["caches"]) if ours else ""
        title = workload.removeprefix("gemm ").replace("x", "×") if gflops else TITLES[workload]
        rows.append([title, *(shown[n] for n in libraries), torch, against, bound])
    return table(rows)


def failures(result: dict[str, Any]) -> list[str]:
    """What did not run, and why: a figure that is missing is not hidden."""
    lines = [f"- {name}: {why}" for name, why in result["absent"].items()]
    for threads, section in result["threads"].items():
        for workload, entries in section["workloads"].items():
            lines += [f"- {n}, {workload}, {threads} threads: {e['error']}" for n, e in entries.items() if "error" in e]
    return lines


def markdown(result: dict[str, Any]) -> str:
    """The whole page."""
    machine = result["machine"]
    caches = ", ".join(f"{level} {size // 1024} KiB" for level, size in machine["caches"].items())
    versions = {part: v for parts in result["versions"].values() for part, v in parts.items() if part != "isa"}
    isa = result["versions"].get("dlrs", {}).get("isa", "?")
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench-peers`. Each library runs in its own process, on the same cores, in alternation.",
        f"A figure is the median of {result['rounds']} rounds, a ratio the median of their ratios: above 1, dlrs is",
        "faster. Absolute times do not carry over to another machine. The raw figures are in `benchmarks.json`.",
        "",
        f"Machine: {machine.get('processor', '?')}, {machine['cores']} cores ({caches}), instruction set used: {isa}.",
        f"Load before the race: {result['load']:.1f}.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]
    for threads, section in result["threads"].items():
        lines += ["", f"## {threads} thread{'s' if threads != '1' else ''}"]
        if section["peaks"]:
            fma, copy = section["peaks"]["fma_gflops"], section["peaks"]["copy_gbs"]
            lines += ["", f"In the same run: FMA peak {fma:.0f} GFLOP/s a core, copy {copy:.1f} GB/s."]
        for title, names, gflops in (
            ("Training, calls", [name for name in TITLES if name not in CONVOLUTIONAL | SEQUENTIAL], False),
            ("Convolutional networks", list(CONVOLUTIONAL), False),
            ("Sequence models", list(SEQUENTIAL), False),
            ("Matrix product m×k×n, f32, GFLOP/s", [gemm_name(s) for s in GEMM_SHAPES], True),
        ):
            rows = compare(result, threads, names, gflops)
            if rows:
                lines += ["", f"**{title}**", "", *rows]
        if section.get("step_memory"):
            lines += ["", "Most memory of resnet20 training steps above the process's size after import, MB:", ""]
            lines += [f"- {name}: {megabytes:.0f}" for name, megabytes in section["step_memory"].items()]
    if result["import_seconds"]:
        lines += ["", "## `import`, seconds beyond `import numpy`", ""]
        lines += [f"- {name}: {seconds:.3f}" for name, seconds in result["import_seconds"].items()]
    missing = failures(result)
    if missing:
        lines += ["", "## What did not run", "", *missing]
    return "\n".join(lines) + "\n"
