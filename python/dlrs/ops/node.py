"""The record of one operation applied to placeholders."""

from typing import TYPE_CHECKING, Any, NamedTuple

from dlrs.backend import KerasTensor, tree

if TYPE_CHECKING:
    from dlrs.ops.operation import Operation


class KerasHistory(NamedTuple):
    """Where a placeholder came from: the operation, which of its nodes, which of that node's outputs."""

    operation: "Operation"
    node_index: int
    tensor_index: int


class Node:
    """One application of an operation: its arguments, with placeholders in them, and the placeholders it gave.

    Args:
        operation: The operation.
        call_args: Its positional arguments.
        call_kwargs: Its keyword arguments.
        outputs: What it returned, a nest of placeholders.

    Making a node adds it to the operation and writes the history of the outputs.
    """

    def __init__(
        self,
        operation: "Operation",
        call_args: tuple[Any, ...] = (),
        call_kwargs: dict[str, Any] | None = None,
        outputs: Any = None,
    ) -> None:
        self.operation = operation
        self.args = tuple(call_args)
        self.kwargs = dict(call_kwargs or {})
        leaves = tree.flatten((self.args, self.kwargs))
        self.input_tensors: list[KerasTensor] = [leaf for leaf in leaves if isinstance(leaf, KerasTensor)]
        self.outputs: list[KerasTensor] = [leaf for leaf in tree.flatten(outputs) if isinstance(leaf, KerasTensor)]
        node_index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)
        for tensor_index, x in enumerate(self.outputs):
            x._keras_history = KerasHistory(operation, node_index, tensor_index)

    @property
    def is_input(self) -> bool:
        """Whether this node is where a model's input enters."""
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list["Node"]:
        """The nodes that gave the inputs, each once."""
        parents: dict[int, Node] = {}
        for x in self.input_tensors:
            if x._keras_history is not None:
                node = x._keras_history.operation._inbound_nodes[x._keras_history.node_index]
                parents.setdefault(id(node), node)
        return list(parents.values())

    def arguments(self, values: dict[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call's arguments with each placeholder replaced by `values[id(placeholder)]`."""

        def fill(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        args, kwargs = tree.map_structure(fill, (self.args, self.kwargs))
        return args, kwargs

    def __repr__(self) -> str:
        return f"<Node operation={self.operation.name}>"
