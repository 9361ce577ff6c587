"""What a model's step runs, as a table."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlrs import ops
from dlrs.backend import tree
from dlrs.data.iterator_data import valid_batch

_RUNS = 3
# Kernels with less of the time than this share a line.
_LEAST = 0.002
_HEADER = f"{'time':>6}  {'ms':>8}  {'MFLOP':>9}  {'MB':>7}  {'tiles':>5}  {'images':>6}  layer: ops -> result"
_CHAINS = "images: kernels with a number here run one after another over so many images, then over the next ones"


# What ops do that the compiler adds, and that `dlrs.ops` does not have.
_MEANINGS = {
    "again": "a value of the forward pass computed anew, rather than kept, for the backward pass",
    "augment": "a picture's augmentations in one pass",
    "conv_kernel_parts": "gradient by a convolution's kernel, one part for each group of images; later added up",
    "merge_moments": "mean and variance out of the moments of parts",
    "merge_sums": "the sums of parts added up",
    "moments": "sum and sum of squares of each channel, for batch normalization",
    "prepared": "weights in the order in which a kernel reads them, kept until they change",
    "winograd_kernel": "the weights of a convolution, transformed for minimal filtering",
    "window_sum": "sums over windows",
}
_ENDINGS = {
    "_backward_input": "gradient by the input of {}",
    "_backward_kernel": "gradient by the kernel of {}",
    "_backward": "gradient by the input of {}",
    "_gradient": "gradient of {}",
    "_update": "the step of the optimizer {}",
}


def meaning(op: str) -> str | None:
    """What an op of a plan does, in words; None for those that bear a name of `dlrs.ops`.

    >>> meaning("max_pool_backward"), meaning("relu")
    ('gradient by the input of max_pool', None)
    """
    if op in _MEANINGS:
        return _MEANINGS[op]
    if hasattr(ops, op):
        return None
    for ending, text in _ENDINGS.items():
        if op.endswith(ending):
            return text.format(op.removesuffix(ending))
    return None


class Kernel(NamedTuple):
    """One kernel of a plan, as `Program.kernels` gives it, and the seconds it took on all threads together."""

    phase: int
    ops: list[str]
    operands: list[str]
    results: list[str]
    algorithm: str
    tiles: int
    bytes: int
    flops: float
    images: int
    variables: list[int]
    seconds: float

    def line(self, total: float, layers: Mapping[int, str]) -> str:
        """A row of the table. `layers` names the layer that each variable belongs to, by the variable's `id`."""
        of = ", ".join(dict.fromkeys(name for variable, name in layers.items() if variable in self.variables))
        names = _shortened(self.ops)
        algorithm = f" [{self.algorithm}]" if self.algorithm else ""
        figures = (
            f"{self.seconds / total:6.1%}  {self.seconds * 1e3:8.3f}  {self.flops / 1e6:9.2f}  {self.bytes / 1e6:7.2f}"
        )
        result = self.results[0] if self.results else "()"
        return f"{figures}  {self.tiles:5}  {self.images or '':>6}  {of}{': ' * bool(of)}{names}{algorithm} -> {result}"


def _shortened(names: list[str]) -> str:
    """The ops in their order, those of one name in a row counted."""
    parts: list[list[Any]] = []
    for op in names:
        if parts and parts[-1][0] == op:
            parts[-1][1] += 1
        else:
            parts.append([op, 1])
    return " + ".join(name if count == 1 else f"{count} {name}" for name, count in parts)


def measure(program: Any, arrays: list[Any]) -> list[Kernel]:
    """The kernels of a program with the least time of a few runs."""
    program.profile(*arrays)
    times = np.min([program.profile(*arrays) for _ in range(_RUNS)], axis=0)
    return [Kernel._make([*facts, float(seconds)]) for facts, seconds in zip(program.kernels(), times, strict=True)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def table(title: str, kernels: list[Kernel], layers: Mapping[int, str], arena_bytes: int) -> str:
    """The kernels in the order in which they run, with their shares of the time."""
    total = max(sum(kernel.seconds for kernel in kernels), 1e-12)
    phases = len({kernel.phase for kernel in kernels})
    counts = f"{_count(len(kernels), 'kernel')} in {_count(phases, 'phase')}"
    lines = [
        f"{title}: {counts}, {sum(k.flops for k in kernels) / 1e9:.3f} GFLOP, "
        f"{sum(k.bytes for k in kernels) / 1e6:.1f} MB read and written, {arena_bytes / 1e6:.1f} MB for values between",
        f"time: of {total * 1e3:.3f} ms, which all threads together take; FLOP by the ops' definitions",
        *[_CHAINS] * any(kernel.images for kernel in kernels),
        "",
        _HEADER,
    ]
    small = [kernel for kernel in kernels if kernel.seconds < _LEAST * total]
    shown = sorted((k for k in kernels if k.seconds >= _LEAST * total), key=lambda kernel: kernel.phase)
    lines += [kernel.line(total, layers) for kernel in shown]
    if small:
        seconds = sum(kernel.seconds for kernel in small)
        lines.append(
            f"{seconds / total:6.1%}  {seconds * 1e3:8.3f}  {'':33}  {_count(len(small), 'kernel')} below {_LEAST:.1%}"
            + " each" * (len(small) > 1)
        )
    words = {op: text for kernel in shown for op in kernel.ops if (text := meaning(op)) is not None}
    lines += [""] * bool(words) + [f"{op}: {text}" for op, text in sorted(words.items())]
    return "\n".join(lines)


def explain(model: Any, x: Any, y: Any, batch_size: int, print_fn: Callable[[str], Any] | None) -> None:
    """Trace the step for these data, run it a few times, print the table; the model's state is as before."""
    from dlrs.trainers.loops import Loop
    from dlrs.trainers.numerics import snapshot

    if y is not None and x is None:
        raise ValueError("explain: `y` was given without `x`.")
    mode = "predict" if y is None else "train"
    if mode == "train":
        model._require_compiled("explain")
    batch = valid_batch((_made_up(model, batch_size),) if x is None else (x,) if y is None else (x, y))
    step = Loop(model, mode, None, None).step_for(batch)
    if step is None:
        raise ValueError("explain: the model runs eagerly, op by op; there is no plan to explain.")
    restore = snapshot(model) if mode == "train" else lambda: None
    try:
        kernels = measure(step.program, tree.flatten(batch))
    finally:
        restore()
    rows = len(tree.flatten(batch)[0])
    title = f"{'Training step' if mode == 'train' else 'Prediction'} of {model.name!r}, {rows} examples"
    layers = {
        variable.id: variable.path.removeprefix(f"{model.name}/").rpartition("/")[0] for variable in model.weights
    }
    text = table(title, kernels, {key: name for key, name in layers.items() if name}, step.program.arena_bytes)
    (print_fn or functools.partial(print, flush=True))(text)


def _made_up(model: Any, batch_size: int) -> Any:
    """Zeros of the shapes of the model's inputs."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"explain: `batch_size` must be a positive integer, got {batch_size!r}.")
    inputs = getattr(model, "inputs", None)
    if not inputs or any(None in tensor.shape[1:] for tensor in inputs):
        raise ValueError("explain: the model does not say the shape of its inputs. Give `x`.")
    arrays = [np.zeros((batch_size, *tensor.shape[1:]), tensor.dtype) for tensor in inputs]
    return arrays[0] if len(arrays) == 1 else arrays
