"""Graphs of layers as plain data and back, in the schema of Keras."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import EllipsisType
from typing import Any

from dlrs.backend import KerasTensor, tree
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers import deserialize as deserialize_layer
from dlrs.ops.function import Function
from dlrs.ops.node import Node
from dlrs.ops.operation import Operation

_TENSOR = "__keras_tensor__"
# Where a placeholder comes from: the name of its operation, which of its nodes, which output there.
Reference = tuple[str, int, int]


def graph_config(function: Function) -> dict[str, Any]:
    """The layers of a graph with the calls they stand in (`inbound_nodes`), and its inputs and outputs."""
    references: dict[int, Reference] = {}
    nodes: dict[int, list[Node]] = {id(operation): [] for operation in function.operations}
    for node in function._nodes:
        of_operation = nodes[id(node.operation)]
        for position, output in enumerate(node.outputs):
            references[id(output)] = (node.operation.name, len(of_operation), position)
        of_operation.append(node)
    layers = []
    for operation in function.operations:
        calls = [_call_config(node, references) for node in nodes[id(operation)] if not node.is_input]
        description = serialize_keras_object(operation)
        # Not copied: should the layer be met again, inside another, the number that they share is written here, too.
        description.update(name=operation.name, inbound_nodes=calls)
        layers.append(description)

    operations = {operation.name: operation for operation in function.operations}

    def reference(x: KerasTensor) -> list[Any]:
        name, number, position = references[id(x)]
        return [name, number + _first_call(operations[name]), position]

    return {
        "layers": layers,
        "input_layers": tree.map_structure(reference, function._inputs_struct),
        "output_layers": tree.map_structure(reference, function._outputs_struct),
    }


def _first_call(operation: Operation) -> int:
    """The number that a model's inputs and outputs refer to the first call by.

    Keras counts the graph of a functional model itself there as number 0, and not where calls refer to each other.
    """
    return int(getattr(operation, "is_functional", False))


def is_graph_config(config: Any) -> bool:
    """Whether a configuration is that of a functional model."""
    return isinstance(config, dict) and {"layers", "input_layers", "output_layers"} <= set(config)


def _call_config(node: Node, references: dict[int, Reference]) -> dict[str, Any]:
    def encode(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        inner = {"shape": list(leaf.shape), "dtype": leaf.dtype, "keras_history": list(references[id(leaf)])}
        return {"class_name": _TENSOR, "config": inner}

    args, kwargs = tree.map_structure(encode, (node.args, dict(node.kwargs)))
    return {"args": serialize_keras_object(list(args)), "kwargs": serialize_keras_object(kwargs)}


def graph_from_config(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """The placeholders `(inputs, outputs)` of the graph that `graph_config` described.

    Raises:
        ValueError: a call refers to a layer that is not listed, or calls refer to each other in a loop.
    """
    made: dict[tuple[str, int], list[KerasTensor]] = {}
    calls: list[tuple[Operation, int, Any]] = []
    first: dict[str, int] = {}
    names = [entry["name"] for entry in config["layers"]]
    for entry in config["layers"]:
        operation = _operation(entry, custom_objects)
        first[entry["name"]] = _first_call(operation)
        if operation._inbound_nodes and not entry["inbound_nodes"]:
            made[entry["name"], 0] = operation._inbound_nodes[0].outputs
        calls.extend((operation, number, call) for number, call in enumerate(entry["inbound_nodes"]))
    for operation, number, call in _in_order(calls, set(names), made):
        args, kwargs = _arguments(call, made, custom_objects)
        made[operation.name, number] = tree.flatten(operation(*args, **kwargs))

    def end(reference: Any) -> KerasTensor:
        name, number, position = reference
        return _found(made, (name, number - first.get(name, 0), position))

    inputs, outputs = (_map_references(end, config[f"{which}_layers"]) for which in ("input", "output"))
    return inputs, outputs


def _in_order(
    calls: list[tuple[Operation, int, Any]], names: set[str], made: Mapping[tuple[str, int], Any]
) -> Iterator[tuple[Operation, int, Any]]:
    """The calls, each after those that it refers to and after its operation's own one before.

    In linear time, whatever the order they are listed in (Kahn 1962, "Topological sorting of large networks").
    """
    waiting: dict[tuple[str, int], list[int]] = {}
    missing: list[int] = []
    for position, (operation, number, call) in enumerate(calls):
        needed = {(name, node) for name, node, _ in _references(call)}
        unknown = sorted(name for name, _ in needed if name not in names)
        if unknown:
            raise ValueError(f"The model's configuration is invalid. Missing node: {unknown[0]}.")
        if number > 0:
            needed.add((operation.name, number - 1))
        needed = {node for node in needed if node not in made}
        missing.append(len(needed))
        for node in needed:
            waiting.setdefault(node, []).append(position)
    ready = deque(position for position, count in enumerate(missing) if count == 0)
    while ready:
        operation, number, call = calls[ready.popleft()]
        yield operation, number, call
        for position in waiting.pop((operation.name, number), ()):
            missing[position] -= 1
            if missing[position] == 0:
                ready.append(position)
    if any(missing):
        stuck = sorted({calls[position][0].name for position, count in enumerate(missing) if count})
        raise ValueError(
            f"The model's configuration is invalid: the calls of {stuck[:20]} wait for each other in a loop."
        )


def _operation(entry: dict[str, Any], custom_objects: dict[str, Any] | None) -> Operation:
    description = {key: value for key, value in entry.items() if key not in ("name", "inbound_nodes")}
    if description.get("module") is None and description.get("registered_name") is None:
        inner = dict(description["config"])
        if "batch_input_shape" in inner:  # as older versions of Keras wrote it
            inner["batch_shape"] = inner.pop("batch_input_shape")
        made: Operation = deserialize_layer({**description, "config": inner}, custom_objects)
        return made
    operation: Operation = deserialize_keras_object(description, custom_objects)
    return operation


def _references(call: Any) -> list[Reference]:
    """The placeholders that a call refers to."""
    if isinstance(call, dict) and call.get("class_name") == _TENSOR:
        name, node, output = call["config"]["keras_history"]
        return [(name, node, output)]
    if isinstance(call, list | tuple) and len(call) == 4 and isinstance(call[0], str) and isinstance(call[3], dict):
        return [(call[0], call[1], call[2])]  # as older versions of Keras wrote it
    children = call.values() if isinstance(call, dict) else call if isinstance(call, list | tuple) else ()
    return [reference for child in children for reference in _references(child)]


def _arguments(call: Any, made: Any, custom_objects: dict[str, Any] | None) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call, with placeholders in their places."""
    if isinstance(call, list | tuple):
        tensors = [_found(made, reference) for reference in _references(call)]
        return [tensors[0] if len(tensors) == 1 else tensors], {}

    def decode(value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == _TENSOR:
            return _found(made, value["config"]["keras_history"])
        if isinstance(value, dict) and "class_name" not in value:
            return {key: decode(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            items = [decode(item) for item in value]
            # JSON knows no tuples, but an index with slices is one.
            return tuple(items) if any(isinstance(item, slice | EllipsisType) for item in items) else type(value)(items)
        return deserialize_keras_object(value, custom_objects)

    return [decode(value) for value in call["args"]], {key: decode(value) for key, value in call["kwargs"].items()}


def _found(made: dict[tuple[str, int], list[KerasTensor]], reference: Any) -> KerasTensor:
    name, node, output = reference
    outputs = made.get((name, node), [])
    if not 0 <= output < len(outputs):
        raise ValueError(
            f"The model's configuration refers to output {output} of call {node} of {name!r}: there is none."
        )
    found: KerasTensor = outputs[output]
    return found


def _map_references(fn: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 3 and isinstance(value[0], str):
        return fn(value)
    if isinstance(value, dict):
        return {key: _map_references(fn, item) for key, item in value.items()}
    return type(value)(_map_references(fn, item) for item in value)
