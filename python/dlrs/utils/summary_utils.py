"""Tables of models."""

import math
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from dlrs.backend import Variable, tree
from dlrs.backend.checks import check_count, check_flags, check_number, check_type
from dlrs.layers.call_arguments import is_shape, signature_of
from dlrs.layers.layer import Layer
from dlrs.ops.operation import FunctionOperation
from dlrs.utils.io_utils import is_interactive_logging_enabled, print_msg

# Longer lines are a mistake, and take memory without end.
_WIDEST = 10_000


class Column(NamedTuple):
    """A column: what stands above it, how its cells are aligned, and its characters, spaces at its sides included."""

    title: str
    alignment: str
    width: int


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

    Models whose layers form no chain get a column with the tensors that each layer is connected to, as
    `layer[node][tensor]`.

    Args:
        model: the model.
        line_length: characters in a line; by default 88, or 108 with connections, or what the terminal has.
        positions: where the columns end, as shares of the line.
        print_fn: called with the text instead of `print`.
        expand_nested: whether to list the layers of models within the model.
        show_trainable: whether to add a column saying which layers are trained.
        layer_range: names, or regular expressions for them, of the first and last layer to show.

    Raises:
        TypeError: `model` is no model.
        ValueError: the line is too short for the columns, or `layer_range` names no layer.

    >>> from dlrs import Input, Sequential, layers
    >>> print_summary(Sequential([Input((4,)), layers.Dense(3, name="hidden")], name="m"), line_length=46)
    Model: "m"
    ┏━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┓
    ┃ Layer (type)      ┃ Output Shape ┃ Param # ┃
    ┡━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━┩
    │ hidden (Dense)    │ (None, 3)    │      15 │
    └───────────────────┴──────────────┴─────────┘
     Total params: 15 (60.00 B)
     Trainable params: 15 (60.00 B)
     Non-trainable params: 0 (0.00 B)
    """
    text = "\n".join(summary_lines(model, line_length, positions, expand_nested, show_trainable, layer_range))
    if print_fn is not None:
        print_fn(text)
    elif is_interactive_logging_enabled():
        print(text)  # noqa: T201 - what a summary is for
    else:
        print_msg(text)


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
    check_flags("summary", expand_nested=expand_nested, show_trainable=show_trainable)
    graph = None if _is_chain(model) else model._function
    columns = _columns(graph is not None, show_trainable, line_length, positions)
    layers = model.operations if hasattr(model, "_function") else model.layers
    rows = [
        _cells(layer, prefix, graph, show_trainable)
        for layer, prefix in _listed(_in_range(list(layers), layer_range), expand_nested)
    ]
    lines = [f'Model: "{model.name}"', _rule("┏━┳┓", columns)]
    lines += _row("┃", [column.title for column in columns], columns)
    lines.append(_rule("┡━╇┩", columns))
    for index, row in enumerate(rows):
        lines += _row("│", row[: len(columns)], columns)
        lines.append(_rule("├─┼┤" if index < len(rows) - 1 else "└─┴┘", columns))
    return lines + _totals(model)


def _is_chain(model: Any) -> bool:
    """Whether each layer takes the output of the one before it, or the model shows no graph."""
    if not hasattr(model, "_function"):
        return True
    nodes = model._function._nodes
    operations = {id(node.operation) for node in nodes}
    followed = [id(parent) for node in nodes for parent in node.parent_nodes]
    return (
        len(operations) == len(nodes)
        and len(followed) == len(set(followed)) == len(nodes) - 1
        and all(len(node.input_tensors) <= 1 for node in nodes)
    )


def _columns(
    show_connections: bool, show_trainable: bool, line_length: int | None, positions: Sequence[float] | None
) -> list[Column]:
    titles = [("Layer (type)", "<"), ("Output Shape", "<"), ("Param #", ">")]
    longest, ends = 88, [0.45, 0.80, 1.0]
    if show_connections:
        titles.append(("Connected to", "<"))
        longest, ends = 108, [0.3, 0.56, 0.74, 1.0]
    if positions is not None:
        check_type("summary", "positions", positions, list | tuple, "a list of numbers")
        for end in positions:
            check_number("summary", "positions", end)
        ends = list(positions) or ends
    if not all(before < end < math.inf for before, end in zip([0.0, *ends], ends, strict=False)):
        raise ValueError(f"summary: `positions` must be positive and each larger than the last, got {positions}.")
    if show_trainable:
        titles.append(("Trainable", "^"))
        longest, ends = longest + 12, [*(0.9 * end for end in ends), 1.0]
    length = line_length or min(longest, shutil.get_terminal_size((80, 24)).columns - 4)
    borders = [int(end * length) for end in ends]
    widths = [end - start for start, end in zip([0, *borders], borders, strict=False)][: len(titles)]
    if min(widths) < 4 or max(borders) > _WIDEST:
        raise ValueError(
            f"Insufficient console width to print summary: of {length} characters the columns get {widths}, and need 4."
        )
    # The lines between the columns come off all of them alike.
    excess = sum(widths) + len(widths) + 1 - length
    for index in range(len(widths)):
        part = round(excess / (len(widths) - index))
        widths[index], excess = max(widths[index] - part, 3), excess - part
    return [Column(title, align, width) for (title, align), width in zip(titles, widths, strict=False)]


def _in_range(layers: list[Any], layer_range: Sequence[str] | None) -> list[Any]:
    check_type("summary", "layer_range", layer_range, list | tuple, "a list of two names of layers", optional=True)
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"summary: `layer_range` must be a list of two names of layers, got {layer_range!r}.")
    names = [layer.name for layer in layers]
    found = [[i for i, name in enumerate(names) if _names(pattern, name)] for pattern in layer_range]
    if not all(found):
        raise ValueError(f"summary: `layer_range` {layer_range} matches no layer; the layers are {names}.")
    start, stop = min(found[0]), max(found[1])
    if start > stop:
        start, stop = min(found[1]), max(found[0])
    return layers[start : stop + 1]


def _names(pattern: str, name: str) -> bool:
    try:
        return pattern == name or re.match(pattern, name) is not None
    except re.error as error:
        raise ValueError(f"summary: `layer_range` has the bad regular expression {pattern!r}: {error}.") from None


def _listed(layers: Sequence[Any], expand_nested: bool, depth: int = 0) -> Iterator[tuple[Any, str]]:
    for layer in layers:
        yield layer, f"{'   ' * depth}└ " if depth else ""
        if expand_nested and hasattr(layer, "layers"):
            yield from _listed(layer.layers, True, depth + 1)


def _cells(layer: Any, prefix: str, graph: Any, show_trainable: bool) -> list[str]:
    is_layer = isinstance(layer, Layer)
    count = f"{layer.count_params():,}" if is_layer and layer.built else "0 (unbuilt)" if is_layer else "0"
    cells = [f"{prefix}{layer.name} ({_class_name(layer)})", _output_shape(layer), count]
    if graph is not None:
        cells.append(_connections(layer, graph))
    if show_trainable:
        cells.append("-" if not is_layer or not layer.weights else "Y" if layer.trainable else "N")
    return cells


def _connections(layer: Any, graph: Any) -> str:
    own = {id(node) for node in graph._nodes}
    sources = [
        x._keras_history for node in layer._inbound_nodes if id(node) in own for x in node.input_tensors
    ]  # of placeholders
    return ", ".join(f"{op.name}[{node}][{tensor}]" for op, node, tensor in sources) or "-"


def _class_name(layer: Any) -> str:
    """Functions of `ops` by their classes there: GetItem, Multiply."""
    if isinstance(layer, FunctionOperation):
        return "".join(part.capitalize() for part in layer.function.split("_"))
    return type(layer).__name__


def _output_shape(layer: Any) -> str:
    if layer._inbound_nodes:
        return _shape_text([x.shape for x in layer._inbound_nodes[-1].outputs])
    return _shape_text(built_output_shape(layer))


def built_output_shape(layer: Any) -> Any:
    """The shape of the output, or a nest of shapes, for the shapes that a layer was built with; None if not known."""
    shapes = layer.__dict__.get("_build_shapes") or {}
    if not any(shape is not None for shape in shapes.values()):
        shapes = layer.__dict__.get("_called_on") or {}
    wanted = signature_of(type(layer).compute_output_shape).named
    if len(wanted) == 1 and shapes:
        shapes = {wanted[0]: next(iter(shapes.values()))}
    if not layer.built or not shapes:
        return None
    try:
        # Only those it asks for: `build` and `call` may take more.
        return layer.compute_output_shape(**{name: shapes[name] for name in wanted or shapes if name in shapes})
    except Exception:  # of any kind: the user's own method, or `call` that cannot be traced
        return None


def _shape_text(shape: Any) -> str:
    if shape is None:
        return "?"
    if is_shape(shape) and not (isinstance(shape, list) and not shape):
        return str(tuple(shape))
    shapes = tree.map_shape_structure(str, shape)
    leaves = tree.flatten(shapes)
    return str(leaves[0]) if len(leaves) == 1 else str(shapes).replace("'", "")


def _rule(corners: str, columns: Sequence[Column]) -> str:
    return corners[0] + corners[2].join(corners[1] * column.width for column in columns) + corners[3]


def _row(bar: str, cells: Sequence[str], columns: Sequence[Column]) -> list[str]:
    wrapped = [
        textwrap.wrap(cell, column.width - 2, break_on_hyphens=False, break_long_words=False) or [""]
        for cell, column in zip(cells, columns, strict=True)
    ]
    lines = []
    for number in range(max(map(len, wrapped))):
        parts = [_part(parts, number, column) for parts, column in zip(wrapped, columns, strict=True)]
        lines.append(bar + bar.join(parts) + bar)
    return lines


def _part(parts: Sequence[str], number: int, column: Column) -> str:
    """A line of a cell, with spaces at its sides."""
    room = column.width - 2
    text = parts[number] if number < len(parts) else ""
    return f" {text if len(text) <= room else text[: room - 1] + '…':{column.alignment}{room}} "


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
    return [f" {name} params: {count_params(variables):,} ({_size(variables)})" for name, variables in groups]


def count_params(weights: Sequence[Variable]) -> int:
    """The number of elements of all `weights` together.

    >>> count_params([Variable([1.0, 2.0]), Variable(3.0)])
    3
    """
    return sum(math.prod(v.shape) for v in weights)


def _size(variables: Sequence[Variable]) -> str:
    size = float(sum(math.prod(v.shape) * v.value.nbytes // max(v.value.size, 1) for v in variables))
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
