"""Graphs of layers as plain data and back."""

from typing import Any

import numpy as np

from dlrs.backend import KerasTensor, tree
from dlrs.ops.function import Function
from dlrs.ops.node import Node
from dlrs.ops.operation import Operation

_TENSOR, _ARRAY = "tensor", "array"


def graph_config(function: Function) -> dict[str, Any]:
    """The operations of a graph, its nodes in an order in which they can run, and its inputs and outputs.

    A placeholder is written as `{"class_name": "tensor", "config": [node, output]}`, by the numbers of its node and of
    the output there.
    """
    from dlrs.saving.serialization_lib import serialize_keras_object

    where: dict[int, tuple[int, int]] = {}
    nodes: list[dict[str, Any]] = []
    for number, node in enumerate(function._nodes):
        for position, output in enumerate(node.outputs):
            where[id(output)] = (number, position)
        entry: dict[str, Any] = {"operation": node.operation.name}
        if not node.is_input:
            entry["args"] = [_encode(arg, where) for arg in node.args]
            entry["kwargs"] = {name: _encode(arg, where) for name, arg in node.kwargs.items()}
        nodes.append(entry)
    return {
        "layers": [serialize_keras_object(operation) for operation in function.operations],
        "nodes": nodes,
        "inputs": _encode(function._inputs_struct, where),
        "outputs": _encode(function._outputs_struct, where),
    }


def graph_from_config(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """The placeholders `(inputs, outputs)` of the graph that `graph_config` described."""
    from dlrs.saving.serialization_lib import deserialize_keras_object

    operations: dict[str, Operation] = {}
    for description in config["layers"]:
        operation = deserialize_keras_object(description, custom_objects)
        operations[operation.name] = operation
    outputs: list[list[KerasTensor]] = []
    for number, entry in enumerate(config["nodes"]):
        operation = operations.get(entry["operation"])
        if operation is None:
            raise ValueError(
                f"Node {number} of the model uses the operation {entry['operation']!r}, which is not listed."
            )
        if "args" in entry:
            args = [_decode(arg, outputs) for arg in entry["args"]]
            kwargs = {name: _decode(arg, outputs) for name, arg in entry["kwargs"].items()}
            outputs.append(tree.flatten(operation(*args, **kwargs)))
        else:
            outputs.append(operation._inbound_nodes[0].outputs)
    return _decode(config["inputs"], outputs), _decode(config["outputs"], outputs)


def _encode(value: Any, where: dict[int, tuple[int, int]]) -> Any:
    if isinstance(value, KerasTensor):
        return {"class_name": _TENSOR, "config": list(where[id(value)])}
    if isinstance(value, dict):
        return {"class_name": "dict", "config": {key: _encode(item, where) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return {"class_name": type(value).__name__, "config": [_encode(item, where) for item in value]}
    if isinstance(value, bool | int | float | str | type(None)):
        return value
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        return {"class_name": _ARRAY, "config": {"dtype": array.dtype.name, "values": array.tolist()}}
    raise TypeError(f"An argument of type {type(value).__name__} of a layer cannot be saved: {value!r}.")


def _decode(value: Any, outputs: list[list[KerasTensor]]) -> Any:
    if not isinstance(value, dict):
        return value
    kind, content = value["class_name"], value["config"]
    if kind == _TENSOR:
        node, position = content
        if not 0 <= node < len(outputs) or not 0 <= position < len(outputs[node]):
            raise ValueError(f"The model's graph refers to output {position} of node {node}, which is not before it.")
        return outputs[node][position]
    if kind == "dict":
        return {key: _decode(item, outputs) for key, item in content.items()}
    if kind in ("list", "tuple"):
        items = [_decode(item, outputs) for item in content]
        return items if kind == "list" else tuple(items)
    if kind == _ARRAY:
        return np.asarray(content["values"], dtype=content["dtype"])
    raise ValueError(f"Unknown kind of argument {kind!r} in the model's graph.")


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
