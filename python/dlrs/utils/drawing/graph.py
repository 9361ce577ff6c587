"""A model as boxes, groups of boxes and arrows, whatever they will be drawn with."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dlrs.layers.layer import Layer
from dlrs.models import Functional, Sequential
from dlrs.utils.summary_utils import built_output_shape


class Cell(NamedTuple):
    """A fact about a layer; `tone` is "plain", "good" or "bad"."""

    label: str
    value: str
    tone: str = "plain"


@dataclass
class Box:
    """A layer. `family` is "input", "weights" or "other"."""

    key: str
    name: str
    kind: str
    family: str
    rows: list[list[Cell]]
    show_name: bool = True

    @property
    def title(self) -> str:
        """What stands in bold."""
        return self.name if self.show_name else self.kind


@dataclass
class Group:
    """A model within a model, or the whole."""

    key: str
    name: str
    members: "list[Box | Group]" = field(default_factory=list)

    def boxes(self) -> Iterator[Box]:
        """The boxes here and in the groups within."""
        for member in self.members:
            if isinstance(member, Box):
                yield member
            else:
                yield from member.boxes()


@dataclass
class Graph:
    """Boxes in groups, and arrows between boxes by their keys, each once."""

    root: Group
    edges: list[tuple[str, str]] = field(default_factory=list)


class Facts(NamedTuple):
    """What to show of each layer."""

    names: bool = True
    shapes: bool = False
    dtypes: bool = False
    activations: bool = False
    trainable: bool = False


def model_graph(model: Any, facts: Facts, expand_nested: bool = False) -> Graph:
    """The graph of a built model: of its layers, or one box for a model whose `call` is Python code.

    Args:
        model: the model.
        facts: what to show of each layer.
        expand_nested: whether models within become groups.
    """
    graph = Graph(Group(_key(model), model.name))
    _Builder(graph, facts, expand_nested).add(model, graph.root)
    return graph


class _Builder:
    def __init__(self, graph: Graph, facts: Facts, expand_nested: bool) -> None:
        self.graph = graph
        self.facts = facts
        self.expand_nested = expand_nested
        self.placed: set[str] = set()

    def add(self, model: Any, group: Group) -> None:
        """Put the layers of `model` into `group`."""
        layers: Sequence[Any]
        nodes: Sequence[Any] | None
        if isinstance(model, Functional):
            layers, nodes = model.operations, model._function._nodes
        elif isinstance(model, Sequential) and model.layers:
            layers, nodes = model.layers, None
        else:
            self.add_box(model, [], group)
            return
        for layer in layers:
            if self.is_expanded(layer):
                if _key(layer) not in self.placed:
                    self.placed.add(_key(layer))
                    inner = Group(_key(layer), layer.name)
                    group.members.append(inner)
                    self.add(layer, inner)
            else:
                own = layer._inbound_nodes[-1:] if nodes is None else [n for n in nodes if n.operation is layer]
                self.add_box(layer, own, group)
        if nodes is None:
            for before, after in itertools.pairwise(layers):
                self.link(self.source(before, 0), self.target(after, 0))
        else:
            self.link_nodes(nodes)

    def link_nodes(self, nodes: Sequence[Any]) -> None:
        for node in nodes:
            for index, x in enumerate(node.input_tensors):
                operation, _, output = x._keras_history
                self.link(self.source(operation, output), self.target(node.operation, index))

    def link(self, source: Any, target: Any) -> None:
        edge = (_key(source), _key(target))
        if edge not in self.graph.edges:
            self.graph.edges.append(edge)

    def is_expanded(self, layer: Any) -> bool:
        is_graph = isinstance(layer, Functional) or (isinstance(layer, Sequential) and bool(layer.layers))
        return self.expand_nested and is_graph

    def source(self, layer: Any, output: int) -> Any:
        """The layer from which output `output` of `layer` comes."""
        while self.is_expanded(layer):
            if isinstance(layer, Functional):
                history: Any = layer.outputs[output]._keras_history
                layer, output = history.operation, history.tensor_index
            else:
                layer = layer.layers[-1]
        return layer

    def target(self, layer: Any, argument: int) -> Any:
        """The layer to which input `argument` of `layer` goes."""
        while self.is_expanded(layer):
            if isinstance(layer, Functional):
                history: Any = layer.inputs[argument]._keras_history
                layer = history.operation
            else:
                layer, argument = layer.layers[0], 0
        return layer

    def add_box(self, layer: Any, nodes: Sequence[Any], group: Group) -> None:
        if _key(layer) in self.placed:
            return
        self.placed.add(_key(layer))
        kind = type(layer).__name__
        weights = layer.weights if isinstance(layer, Layer) else []
        family = "input" if kind == "InputLayer" else "weights" if weights else "other"
        rows = [row for row in (self.activation(layer), self.facts_of(layer, nodes, weights)) if row]
        group.members.append(Box(_key(layer), layer.name, kind, family, rows, self.facts.names))

    def activation(self, layer: Any) -> list[Cell]:
        function = getattr(layer, "activation", None)
        if not self.facts.activations or function is None:
            return []
        return [Cell("activation", str(getattr(function, "name", None) or getattr(function, "__name__", function)))]

    def facts_of(self, layer: Any, nodes: Sequence[Any], weights: Sequence[Any]) -> list[Cell]:
        cells = []
        if self.facts.shapes:
            if type(layer).__name__ != "InputLayer":
                cells.append(Cell("input shape", _each([node.input_tensors for node in nodes], "shape")))
            shapes = _each([node.outputs for node in nodes], "shape")
            known = built_output_shape(layer) if shapes == "?" and isinstance(layer, Layer) else None
            cells.append(Cell("output shape", shapes if known is None else str(known)))
        if self.facts.dtypes:
            cells.append(Cell("output dtype", _each([node.outputs for node in nodes], "dtype")))
        if self.facts.trainable and weights:
            cells.append(Cell("", "Trainable", "good") if layer.trainable else Cell("", "Non-trainable", "bad"))
        return cells


def _key(layer: Any) -> str:
    return str(id(layer))


def _each(tensors: Sequence[Sequence[Any]], attribute: str) -> str:
    """The shapes or types of the tensors of a node; of several nodes of a shared layer if they differ."""
    texts = []
    for group in tensors:
        values = [str(getattr(x, attribute)) for x in group]
        texts.append(values[0] if len(values) == 1 else f"[{', '.join(values)}]")
    return "; ".join(dict.fromkeys(texts)) or "?"
