"""Steps of training, evaluation and prediction, traced into programs."""

import linecache
import threading
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlrs import _dlrs
from dlrs.backend import tree
from dlrs.backend.structure import structure_version
from dlrs.data import as_given
from dlrs.errors import TracingError

MAX_PROGRAMS = 16
_PACKAGE = str(Path(__file__).parents[1])
_OUTPUT = object()


class Step:
    """One planned step.

    Attributes:
        program: takes the step's arrays in the order of their nest.
        checks: called with the arrays before the program.
        loss_index: which output of the program is the loss, or None.
        metrics: those of the model, set for steps that are run without its loops.
    """

    __slots__ = ("_constants", "_names", "_structure", "checks", "loss_index", "metrics", "program", "single")

    def __init__(self, program: _dlrs.Program, result: Any) -> None:
        self.program = program
        self.checks: Sequence[Callable[[Sequence[Any]], None]] = ()
        self.metrics: Sequence[Any] = ()
        leaves = tree.flatten(result)
        self._constants = [_OUTPUT if is_symbolic(leaf) else leaf for leaf in leaves]
        self._structure = tree.map_structure(lambda leaf: None, result)
        self.single = is_symbolic(result)
        # The usual results, a dict of tensors, are read without rebuilding it: each name with its place in the outputs.
        self._names: list[tuple[str, int]] | None = None
        if isinstance(result, dict) and all(map(is_symbolic, result.values())):
            place = {name: index for index, name in enumerate(sorted(result))}
            self._names = [(name, place[name]) for name in result]
        loss = result.get("loss") if isinstance(result, dict) else result
        symbolic = [leaf for leaf in leaves if is_symbolic(leaf)]
        self.loss_index = next((i for i, leaf in enumerate(symbolic) if leaf is loss), None)

    def pack(self, outputs: Sequence[Any]) -> Any:
        """The outputs of the program, nested as the step returned them."""
        if self.single:
            return outputs[0]
        values = iter(outputs)
        leaves = [next(values) if leaf is _OUTPUT else leaf for leaf in self._constants]
        return tree.pack_sequence_as(self._structure, leaves)

    def logs(self, outputs: Sequence[Any]) -> dict[str, float]:
        """The outputs as plain numbers by name."""
        if self._names is not None:
            return {name: outputs[index].item() for name, index in self._names}
        return as_logs(self.pack(outputs))


class Steps:
    """The programs of one kind of step, one for each signature; the 16 used last are kept.

    Args:
        function: the step in Python: takes a batch, `x`, `(x, y)` or `(x, y, sample_weight)`, and returns a nest of
            tensors.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._steps: OrderedDict[Any, Step] = OrderedDict()
        self._warned = False
        self._lock = threading.RLock()

    def get(self, structure: Any, specs: Sequence[tuple[tuple[int, ...], str]]) -> Step:
        """The step for a nest of arrays with these shapes and types.

        Raises:
            TracingError: the step needs values that are only known when it runs.
        """
        # Several threads may predict with one model.
        with self._lock:
            return self._get(structure, specs)

    def _get(self, structure: Any, specs: Sequence[tuple[tuple[int, ...], str]]) -> Step:
        nest = tree.structure_key(structure)
        key = (nest, tuple(specs), structure_version())
        step = self._steps.get(key)
        if step is not None:
            self._steps.move_to_end(key)
            return step
        step = self._trace(structure, specs)
        if key[2] != structure_version():
            # The first trace made weights or slots. What it wrote was discarded; now everything is there.
            step = self._trace(structure, specs)
        version = structure_version()
        # Versions only grow: what was traced before the last change is never asked for again.
        self._steps = OrderedDict((key, kept) for key, kept in self._steps.items() if key[2] == version)
        self._steps[(nest, tuple(specs), version)] = step
        if len(self._steps) > MAX_PROGRAMS:
            self._steps.popitem(last=False)
            self._warn_of_shapes()
        return step

    def _warn_of_shapes(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"More than {MAX_PROGRAMS} shapes of batches were met, and each is compiled anew, which takes longer "
                "than running it. Pad the batches to a few lengths, or sort them into buckets.",
                stacklevel=2,
            )

    def _trace(self, structure: Any, specs: Sequence[tuple[tuple[int, ...], str]]) -> Step:
        trace = _dlrs.Trace()
        with trace:
            inputs = [trace.input(shape, dtype, f"input_{i}") for i, (shape, dtype) in enumerate(specs)]
            result = self._function(as_given(tree.pack_sequence_as(structure, inputs)))
            result = tree.map_structure(lambda leaf: leaf.value if isinstance(leaf, _dlrs.Variable) else leaf, result)
        outputs = [leaf for leaf in tree.flatten(result) if is_symbolic(leaf)]
        return Step(trace.finish(outputs), result)


def is_symbolic(leaf: Any) -> bool:
    """Whether `leaf` is a tensor of a trace."""
    return isinstance(leaf, _dlrs.Tensor) and leaf.is_symbolic


def as_logs(results: Any) -> dict[str, float]:
    """The results of a step as plain numbers by name, dicts within them joined in.

    >>> as_logs({"loss": np.float32(0.5), "compile_metrics": {"accuracy": 1.0}})
    {'loss': 0.5, 'accuracy': 1.0}
    """
    if not isinstance(results, dict):
        results = {"loss": results}
    logs: dict[str, float] = {}
    for name, value in results.items():
        if isinstance(value, dict):
            logs.update(as_logs(value))
        else:
            logs[name] = value.item() if hasattr(value, "item") else float(value)
    return logs


def tracing_advice(error: TracingError) -> str:
    """A warning that says which line of the user's could not be compiled, and why."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_PACKAGE)]
    where = ""
    if frames:
        last = frames[-1]
        line = (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()
        where = f"{last.filename}, line {last.lineno}, in {last.name}: `{line}`\n"
    return f"This model runs eagerly, which is slower, because it cannot be compiled:\n{where}{error}"


def specs_of(data: Any) -> tuple[list[Any], list[tuple[tuple[int, ...], str]]]:
    """The arrays of a nest, and their shapes and types."""
    leaves = tree.flatten(data)
    return leaves, [(tuple(leaf.shape), np.dtype(leaf.dtype).name) for leaf in leaves]
