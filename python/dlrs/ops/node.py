"""The record of one operation applied to placeholders."""

from typing import TYPE_CHECKING, Any, NamedTuple

from dlrs.backend import KerasTensor, tree
from dlrs.ops.symbolic_arguments import SymbolicArguments

if TYPE_CHECKING:
    from dlrs.ops.operation import Operation


class KerasHistory(NamedTuple):
    """Where a placeholder came from: the operation, which of its nodes, which of that node's outputs.

    >>> from dlrs import Input, layers
    >>> y = layers.Dense(2, name="last")(Input((3,)))
    >>> y._keras_history.operation.name, y._keras_history.node_index, y._keras_history.tensor_index
    ('last', 0, 0)
    """

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

    Errors: ValueError if a leaf of `outputs` is not a placeholder.

    >>> from dlrs import Input, layers
    >>> dense = layers.Dense(2, name="shared")
    >>> first, second = dense(Input((3,))), dense(Input((3,)))
    >>> dense._inbound_nodes
    [<Node operation=shared>, <Node operation=shared>]
    >>> dense._inbound_nodes[1].output_tensors[0] is second, len(dense._inbound_nodes[1].parent_nodes)
    (True, 1)
    """

    def __init__(
        self,
        operation: "Operation",
        call_args: tuple[Any, ...] = (),
        call_kwargs: dict[str, Any] | None = None,
        outputs: Any = None,
    ) -> None:
        if not hasattr(operation, "_inbound_nodes"):
            raise TypeError(f"Node: `operation` must be an Operation, got {type(operation).__name__}.")
        self.operation = operation
        self.arguments = SymbolicArguments(*call_args, **(call_kwargs or {}))
        leaves = [] if outputs is None else tree.flatten(outputs)
        for leaf in leaves:
            if not isinstance(leaf, KerasTensor):
                raise ValueError(
                    f"All operation outputs must be tensors. {operation.name} returned a value of type"
                    f" {type(leaf).__name__}."
                )
        self.outputs: list[KerasTensor] = leaves
        node_index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)
        for tensor_index, x in enumerate(self.outputs):
            x._keras_history = KerasHistory(operation, node_index, tensor_index)

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return self.arguments.args

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        return self.arguments.kwargs

    @property
    def input_tensors(self) -> list[KerasTensor]:
        """The placeholders among the arguments."""
        return self.arguments.keras_tensors

    @property
    def output_tensors(self) -> list[KerasTensor]:
        """The placeholders that came out."""
        return self.outputs

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

    def __repr__(self) -> str:
        return f"<Node operation={self.operation.name}>"
