"""Tables of models."""

import math
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from dlrs.backend import Variable
from dlrs.backend.checks import check_count, check_type

# Longer lines are a mistake, and take memory without end.
_WIDEST = 10_000
_WIDTHS = (0.45, 0.30, 0.25)


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the layers of a model, the shapes of their outputs and their numbers of parameters.

    Args:
        model: the model.
        line_length: characters in a line.
        positions: where the columns end, as shares of the line.
        print_fn: called with the text instead of `print`.
        expand_nested: whether to list the layers of models within the model.
        show_trainable: whether to add a column saying which layers are trained.
        layer_range: names of the first and last layer to show.
    """
    text = "\n".join(summary_lines(model, line_length, positions, expand_nested, show_trainable, layer_range))
    if print_fn is None:
        print(text)  # noqa: T201 - what a summary is for
    else:
        print_fn(text)


def summary_lines(
    model: Any,
    line_length: int | None,
    positions: Sequence[float] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Sequence[str] | None,
) -> list[str]:
    """The lines that `print_summary` prints."""
    if not hasattr(model, "layers"):
        raise TypeError(f"print_summary: `model` must be a model, got {type(model).__name__}.")
    check_count("summary", "line_length", line_length, 1, optional=True)
    if line_length is not None and line_length > _WIDEST:
        raise ValueError(f"summary: `line_length` must be at most {_WIDEST}, got {line_length}.")
    header = ["Layer (type)", "Output Shape", "Param #"] + (["Trainable"] if show_trainable else [])
    shares = list(_WIDTHS) + ([0.15] if show_trainable else [])
    if positions is not None:
        ends = [float(p) for p in positions]
        shares = [b - a for a, b in zip([0.0, *ends], ends, strict=False)]
        if not shares or not all(0 < share < float("inf") for share in shares):
            raise ValueError(f"summary: `positions` must be positive and each larger than the last, got {positions}.")
    total = line_length or min(shutil.get_terminal_size((80, 24)).columns, 80 if not show_trainable else 96)
    room = total - len(header) - 1
    widths = [max(int(room * share / sum(shares)), 10) for share in shares[: len(header)]]
    lines = [
        f'Model: "{model.name}"',
        _rule("┏━┳┓", widths),
        _row("┃", header, widths),
        _rule("┡━╇┩", widths),
    ]
    rows = [_layer_row(layer, depth, show_trainable) for layer, depth in _listed(model, expand_nested, layer_range)]
    for index, row in enumerate(rows):
        lines.append(_row("│", row, widths))
        lines.append(_rule("├─┼┤" if index < len(rows) - 1 else "└─┴┘", widths))
    return lines + _totals(model)


def _listed(model: Any, expand_nested: bool, layer_range: Sequence[str] | None) -> list[tuple[Any, int]]:
    layers = list(model.layers)
    check_type("summary", "layer_range", layer_range, list | tuple, "a list of two names of layers", optional=True)
    if layer_range is not None:
        names = [layer.name for layer in layers]
        unknown = [name for name in layer_range if name not in names]
        if unknown:
            raise ValueError(f"summary: `layer_range` names {unknown}; the layers are {names}.")
        layers = layers[names.index(layer_range[0]) : names.index(layer_range[-1]) + 1]
    listed: list[tuple[Any, int]] = []
    for layer in layers:
        listed.append((layer, 0))
        if expand_nested and hasattr(layer, "layers"):
            listed += [(inner, depth + 1) for inner, depth in _listed(layer, True, None)]
    return listed


def _layer_row(layer: Any, depth: int, show_trainable: bool) -> list[str]:
    cells = [f"{'   ' * depth}{layer.name} ({type(layer).__name__})", _output_shape(layer)]
    cells.append(f"{layer.count_params():,}" if layer.built else "0 (unbuilt)")
    if show_trainable:
        cells.append("Y" if layer.trainable else "N")
    return cells


def _output_shape(layer: Any) -> str:
    nodes = layer._inbound_nodes
    if not nodes:
        return "?"
    shapes = [str(output.shape) for output in nodes[-1].outputs]
    return ", ".join(shapes)


def _rule(corners: str, widths: Sequence[int]) -> str:
    return corners[0] + corners[2].join(corners[1] * width for width in widths) + corners[3]


def _row(bar: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        room = width - 2
        text = cell if len(cell) <= room else cell[: room - 1] + "…"
        parts.append(f" {text:>{room}} " if index == 2 else f" {text:<{room}} ")
    return bar + bar.join(parts) + bar


def _totals(model: Any) -> list[str]:
    trainable = {id(v) for v in model.trainable_weights}
    groups: list[tuple[str, list[Variable]]] = [
        ("Total", model.weights),
        ("Trainable", [v for v in model.weights if id(v) in trainable]),
        ("Non-trainable", [v for v in model.weights if id(v) not in trainable]),
    ]
    optimizer = model.__dict__.get("optimizer")
    if optimizer is not None and optimizer.built:
        groups[0] = ("Total", [*model.weights, *optimizer.variables])
        groups.append(("Optimizer", optimizer.variables))
    return [f" {name} params: {_count(variables):,} ({_size(variables)})" for name, variables in groups]


def _count(variables: Sequence[Variable]) -> int:
    return sum(math.prod(v.shape) for v in variables)


def _size(variables: Sequence[Variable]) -> str:
    size = float(sum(math.prod(v.shape) * v.value.nbytes // max(v.value.size, 1) for v in variables))
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
