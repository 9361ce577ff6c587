"""Graphs of layers with the layers themselves, so that models can be copied and pickled."""

from typing import Any

from dlrs.backend import KerasTensor, tree
from dlrs.ops.function import Function
from dlrs.ops.node import Node


class _Place:
    """Where a placeholder stands in a graph: the numbers of its node and of the output there."""

    def __init__(self, node: int, output: int) -> None:
        self.node = node
        self.output = output


def graph_state(function: Function) -> dict[str, Any]:
    """The operations and nodes of a graph, with places for placeholders, so that they can be copied or pickled."""
    places: dict[int, _Place] = {}
    nodes: list[dict[str, Any]] = []
    for number, node in enumerate(function._nodes):
        places.update((id(output), _Place(number, position)) for position, output in enumerate(node.outputs))
        args, kwargs = tree.map_structure(lambda leaf: places.get(id(leaf), leaf), (node.args, node.kwargs))
        specs = [(output.shape, output.dtype, output.name) for output in node.outputs]
        nodes.append({"operation": node.operation, "args": args, "kwargs": kwargs, "outputs": specs})
    inputs, outputs = (
        tree.map_structure(lambda x: places[id(x)], nest)
        for nest in (function._inputs_struct, function._outputs_struct)
    )
    return {"name": function.name, "nodes": nodes, "inputs": inputs, "outputs": outputs}


def graph_from_state(state: dict[str, Any]) -> Function:
    """The graph that `graph_state` described."""
    made: list[list[KerasTensor]] = []

    def placed(leaf: Any) -> Any:
        return made[leaf.node][leaf.output] if isinstance(leaf, _Place) else leaf

    for node in state["nodes"]:
        outputs = [KerasTensor(shape, dtype, name=name) for shape, dtype, name in node["outputs"]]
        args, kwargs = tree.map_structure(placed, (node["args"], node["kwargs"]))
        Node(operation=node["operation"], call_args=args, call_kwargs=kwargs, outputs=outputs)
        made.append(outputs)
    inputs, outputs = (tree.map_structure(placed, state[which]) for which in ("inputs", "outputs"))
    return Function(inputs, outputs, name=state["name"])
