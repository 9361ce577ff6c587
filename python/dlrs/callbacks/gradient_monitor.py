"""The norms of the gradients of every layer in the course of a training."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from dlrs import ops
from dlrs.backend import Variable
from dlrs.backend.checks import check_number
from dlrs.backend.structure import bump_structure
from dlrs.callbacks.callback import Logs
from dlrs.callbacks.periodic_callback import PeriodicCallback

Array = np.ndarray[Any, Any]
Verdict = Literal["healthy", "vanishing", "zero", "exploding", "not finite"]


class GradientMonitor(PeriodicCallback):
    """Records the L2 norm of the gradient of every layer during `fit`, says which vanish or explode, and draws them.

    The norms are further results of the compiled step, so the weights are the same to the last bit with and without a
    monitor. They are those before clipping and, with loss scaling, of the loss that was not scaled. A `train_step` of
    one's own is recorded as well, if it calls `self.optimizer.apply`. A layer counts with all of its trainable weights;
    layers made of layers, such as `Bidirectional`, are taken apart.

    Args:
        every: number of steps from one that is recorded to the next, or `"epoch"` for the last step of every epoch.
        vanishing: a layer vanishes whose median norm is less than this share of the greatest of any layer.
        exploding: a layer explodes whose norm once exceeds this multiple of the norm of its weights at the beginning,
            or of 1 if those are smaller: a step of size 1 would leave nothing of them.

    Attributes:
        steps: numbers, from 1, of the steps recorded in the last `fit`, shape (records,).
        history: norms by layer, each of shape (records,), the layers in the order of the model.
        global_norm: norms of all gradients together, shape (records,).

    Raises:
        ValueError: `every` is neither, or a limit is not a positive number.

    >>> from dlrs import Sequential, layers
    >>> model = Sequential([layers.Input((2,)), layers.Dense(3, "tanh", name="hidden"), layers.Dense(1, name="out")])
    >>> model.compile("sgd", "mse")
    >>> monitor = GradientMonitor()
    >>> x = np.ones((8, 2), "float32")
    >>> history = model.fit(x, x[:, :1], batch_size=2, verbose=0, callbacks=[monitor])
    >>> monitor.steps.tolist(), list(monitor.history), monitor.history["out"].shape
    ([1, 2, 3, 4], ['hidden', 'out'], (4,))
    """

    def __init__(self, every: int | Literal["epoch"] = 1, vanishing: float = 1e-3, exploding: float = 100.0) -> None:
        if every != "epoch" and (isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1):
            raise ValueError(f"GradientMonitor: `every` must be 'epoch' or a number of steps from 1 on, got {every!r}.")
        super().__init__(every)
        check_number("GradientMonitor", "vanishing", vanishing, above=0)
        check_number("GradientMonitor", "exploding", exploding, above=0)
        self.every = every
        self.vanishing = vanishing
        self.exploding = exploding
        self._watched: Any = None
        self._forget()

    def _forget(self) -> None:
        self._batches_seen = 0
        self._steps_done = 0
        self._labels: list[str] = []
        self._steps: list[int] = []
        self._rows: list[list[float]] = []
        self._weight_norms: list[float] = []
        # Keyed by the variables themselves: their ids would be taken for plain data that may be saved.
        self._layer_of: dict[Variable, int] = {}
        self._norms: Variable | None = None

    # What was recorded

    @property
    def steps(self) -> Array:
        """Numbers of the recorded steps."""
        return np.array(self._steps, np.int64)

    @property
    def history(self) -> dict[str, Array]:
        """Norms by layer."""
        rows = self._table()
        return {label: rows[:, number] for number, label in enumerate(self._labels)}

    @property
    def global_norm(self) -> Array:
        """Norms of all gradients together."""
        return self._table()[:, -1]

    def _table(self) -> Array:
        return np.array(self._rows, np.float32).reshape(len(self._rows), len(self._labels) + 1)

    # Recording

    def on_train_begin(self, logs: Logs = None) -> None:
        self._forget()
        self._watched = self.model.optimizer
        self._watched._watch(self._observe)
        if self.model.trainable_weights:
            self._find_layers()
            self._weigh()

    def on_train_batches_end(self, count: int, batch: int, logs: Logs = None) -> None:
        self._steps_done += count
        super().on_train_batches_end(count, batch, logs)

    def on_period_end(self, batch: int, logs: Logs) -> None:
        self._record()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.every == "epoch":
            self._record()

    def on_train_end(self, logs: Logs = None) -> None:
        self._release()

    def on_interrupt(self) -> None:
        """Stop watching when training is broken off; what was recorded stays."""
        self._release()

    def _release(self) -> None:
        if self._watched is not None:
            self._watched._unwatch(self._observe)
            self._watched = None

    def _find_layers(self) -> None:
        weights = {id(variable) for variable in self.model.trainable_weights}
        found = [(label, [v for v in own if id(v) in weights]) for label, own in _weights_by_layer(self.model)]
        found = [(label, own) for label, own in found if own]
        self._labels = _unique([label for label, _ in found])
        self._layer_of = {v: number for number, (_, own) in enumerate(found) for v in own}
        self._norms = Variable(np.zeros(len(found) + 1, np.float32), trainable=False, name="gradient_norms")

    def _weigh(self) -> None:
        squares = np.zeros(len(self._labels))
        for variable, number in self._layer_of.items():
            squares[number] += np.sum(np.square(variable.numpy(), dtype=np.float64))
        self._weight_norms = np.sqrt(squares).tolist()

    def _observe(self, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        """Compute the norms, as part of the step that the optimizer is called in."""
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if not v.overwrite_with_gradient]
        if self._norms is None:
            self._find_layers()
            bump_structure()  # a step that is being traced has made the weights: it is traced again
        pairs = [(g, v) for g, v in pairs if v in self._layer_of]
        if self._norms is None or not pairs:
            return
        zero = ops.zeros((), "float32")
        squares: list[Any] = [zero] * len(self._labels)
        for gradient, variable in pairs:
            square = ops.sum(ops.square(ops.cast(gradient, "float32")))
            number = self._layer_of[variable]
            squares[number] = square if squares[number] is zero else squares[number] + square
        by_layer = ops.stack(squares)
        norms = ops.sqrt(ops.append(by_layer, ops.sum(by_layer, keepdims=True)))
        scale = self._watched.scale_loss(1.0)
        norms = norms if isinstance(scale, float) and scale == 1.0 else norms / scale
        if any(square is zero for square in squares):  # a layer that this update leaves out keeps its norm
            present = np.array([square is not zero for square in squares] + [True])
            norms = ops.where(present, norms, self._norms.value)
        self._norms.assign(norms)

    def _record(self) -> None:
        if self._norms is not None:
            if not self._weight_norms:  # the first step made the weights
                self._weigh()
            self._steps.append(self._steps_done)
            self._rows.append(self._norms.numpy().tolist())

    # Judging

    def verdicts(self) -> dict[str, Verdict]:
        """For every layer whether its gradients are healthy.

        `"not finite"`: a norm was NaN or infinite; `"exploding"` and `"vanishing"`: beyond the limits of this monitor;
        `"zero"`: half of the norms or more were 0, as behind units that are dead.

        Raises:
            ValueError: nothing has been recorded.
        """
        self._check_recorded("verdicts")
        history = self.history
        typical = {label: _median(norms) for label, norms in history.items()}
        greatest = max(typical.values())
        weights = dict(zip(self._labels, self._weight_norms, strict=True))
        return {
            label: _verdict(norms, self.vanishing * greatest, self.exploding * max(weights[label], 1.0))
            for label, norms in history.items()
        }

    def report(self) -> str:
        """`verdicts` in words, a line for every layer that is not healthy, and what usually helps.

        Raises:
            ValueError: nothing has been recorded.
        """
        verdicts = self.verdicts()
        history = self.history
        typical = {label: _median(norms) for label, norms in history.items()}
        strongest = max(typical, key=lambda label: typical[label])
        lines = [
            f"Gradients of {len(verdicts)} layers in {len(self._rows)} of {self._steps_done} steps; the median of the "
            f"global norm is {_median(self.global_norm):.3g}."
        ]
        for label, verdict in verdicts.items():
            norms = history[label]
            if verdict == "not finite":
                first = self._steps[int(np.flatnonzero(~np.isfinite(norms))[0])]
                lines.append(f"{label}: not finite, first at step {first}.")
            elif verdict == "exploding":
                peak = int(np.argmax(norms))
                lines.append(f"{label}: explodes, {norms[peak]:.3g} at step {self._steps[peak]}.")
            elif verdict == "zero":
                lines.append(f"{label}: zero; nothing reaches it.")
            elif verdict == "vanishing":
                share = typical[label] / typical[strongest]
                lines.append(f"{label}: vanishes, {typical[label]:.3g}, {share:.1g} of that of {strongest}.")
        found = set(verdicts.values())
        if found & {"exploding", "not finite"}:
            lines.append("Scale inputs and targets, initialize by He or Glorot, lower the learning rate, or clip.")
        if found & {"vanishing", "zero"}:
            lines.append("Use ReLU, LSTM or GRU, normalization or residual connections, initialized by He or Glorot.")
        if found == {"healthy"}:
            lines.append("All are healthy.")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the norms of the layers over the steps, on a logarithmic scale, into a picture file.

        Layers run from dark, next to the inputs, to light, next to the outputs; steps whose norm is not finite or 0 are
        left out. Of more than 20 layers some are named.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: nothing has been recorded.
        """
        self._check_recorded("plot")
        try:
            from matplotlib import colormaps
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("GradientMonitor.plot needs matplotlib: pip install 'dlrs[plot]'.") from error
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.add_subplot()
        marker = "." if len(self._rows) <= 50 else ""
        colors = colormaps["viridis"](np.linspace(0, 0.9, len(self._labels)))
        named = set(self._labels[:: -(-len(self._labels) // 20)])
        for (label, norms), color in zip(self.history.items(), colors, strict=True):
            name = label if label in named else None
            axes.plot(self.steps, _drawable(norms), color=color, marker=marker, linewidth=1, label=name)
        axes.plot(self.steps, _drawable(self.global_norm), "--", color="0.4", linewidth=1, label="all layers")
        axes.set(xlabel="step", ylabel="norm of the gradient", yscale="log")
        axes.grid(alpha=0.3)
        figure.legend(loc="outside right upper", fontsize="small")
        figure.savefig(os.fspath(path), dpi=120)

    def _check_recorded(self, method: str) -> None:
        if not self._rows:
            raise ValueError(f"GradientMonitor.{method}: nothing has been recorded; give the monitor to `fit`.")


def _weights_by_layer(model: Any) -> Iterator[tuple[str, list[Any]]]:
    """The weights of each layer of a model, under its name behind those of the layers that it is part of."""
    seen = {id(model)}
    if own := model._own_weights():
        yield model.name, own
    for child in model._child_layers():
        for path, own in _parts(child, seen):
            yield "/".join((child.name, *path)), own


def _parts(layer: Any, seen: set[int]) -> list[tuple[tuple[str, ...], list[Any]]]:
    """The weights of a layer and of those within. One alone within, such as a cell, goes by the name of the whole."""
    if id(layer) in seen:
        return []
    seen.add(id(layer))
    own = layer._own_weights()
    parts: list[tuple[tuple[str, ...], list[Any]]] = [((), own)] if own else []
    for child in layer._child_layers():
        parts += [((child.name, *path), weights) for path, weights in _parts(child, seen)]
    return [((), parts[0][1])] if len(parts) == 1 else parts


def _unique(labels: Sequence[str]) -> list[str]:
    """The labels, those that occur again with a number behind them."""
    made: list[str] = []
    for label in labels:
        name, count = label, 1
        while name in made:
            name, count = f"{label}_{count}", count + 1
        made.append(name)
    return made


def _median(norms: Array) -> float:
    finite = norms[np.isfinite(norms)]
    return float(np.median(finite)) if finite.size else 0.0


def _verdict(norms: Array, least: float, most: float) -> Verdict:
    if not np.isfinite(norms).all():
        return "not finite"
    if norms.max() > most:
        return "exploding"
    typical = _median(norms)
    if typical == 0:
        return "zero"
    return "vanishing" if typical < least else "healthy"


def _drawable(norms: Array) -> Array:
    return np.where(np.isfinite(norms) & (norms > 0), norms, np.nan)
