"""Graphs of operations between placeholders, run on tensors."""

from collections.abc import Callable, Sequence
from typing import Any

from dlrs.backend import KerasTensor, Tensor, tree
from dlrs.ops.node import Node
from dlrs.ops.operation import Operation


class Function(Operation):
    """The computation that leads from `inputs` to `outputs`.

    Args:
        inputs: Placeholder, or a nest of them.
        outputs: Placeholder, or a nest of them, made from `inputs`.
        name: Name.

    Errors: ValueError if there are no inputs or no outputs, if an output depends on a placeholder that is not among the
    inputs, and in a call if the inputs have another number or do not fit the shapes of the placeholders.

    >>> from dlrs import ops
    >>> x = KerasTensor((None, 2))
    >>> f = Function(x, ops.sum(x * 2.0, axis=-1))
    >>> f(ops.convert_to_tensor([[1.0, 2.0]])).tolist()
    [6.0]
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self._inputs_struct = inputs
        self._outputs_struct = outputs
        self._inputs: list[KerasTensor] = tree.flatten(inputs)
        self._outputs: list[KerasTensor] = tree.flatten(outputs)
        for what, tensors in (("inputs", self._inputs), ("outputs", self._outputs)):
            if not tensors:
                raise ValueError(f"{self.name}: `{what}` argument cannot be empty, got {inputs!r} and {outputs!r}.")
            for x in tensors:
                if not isinstance(x, KerasTensor):
                    raise ValueError(f"{self.name}: `{what}` must be placeholders (`Input`), got {x!r}.")
        paths = [".".join(map(str, path)) for path, _ in tree.flatten_with_path(outputs)]
        self._nodes = sorted_nodes(self._inputs, self._outputs, paths)
        self._operations = operations_by_depth(self._nodes, self._outputs)
        # What a run does at each node. Most apply an operation to one value, which needs no search for placeholders.
        self._schedule = [
            (node, _only_argument(node), [id(x) for x in node.outputs]) for node in self._nodes if not node.is_input
        ]

    @property
    def operations(self) -> list[Operation]:
        """The operations, each once, in the order of Keras: the farthest from the outputs first."""
        return list(self._operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The input placeholders."""
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The output placeholders."""
        return self._outputs

    def compute_output_spec(self, inputs: Any) -> Any:
        """Placeholders of the results for placeholders `inputs`."""
        return self._run(inputs, lambda operation: operation.compute_output_spec)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shapes of the results for a shape, or a nest of shapes, of the inputs."""
        specs = tree.map_shape_structure(KerasTensor, input_shape)
        for spec, x in zip(tree.flatten(specs), self._inputs, strict=False):
            spec._dtype = x.dtype
        return tree.map_structure(lambda x: x.shape, self.compute_output_spec(specs))

    def call(self, inputs: Any) -> Any:
        """The results for tensors nested like the input placeholders."""
        return self._run(inputs, lambda operation: operation)

    def _run(self, inputs: Any, operation_fn: Callable[[Operation], Callable[..., Any]]) -> Any:
        leaves = [inputs] if isinstance(inputs, Tensor | KerasTensor) else tree.flatten(inputs)
        if len(leaves) != len(self._inputs):
            raise ValueError(
                f"{self.name} was called with an invalid input structure: it takes {len(self._inputs)} inputs, got"
                f" {len(leaves)}."
            )
        for leaf, expected in zip(leaves, self._inputs, strict=True):
            self._check_shape(leaf, expected)
        values: dict[int, Any] = {id(x): leaf for x, leaf in zip(self._inputs, leaves, strict=True)}
        for node, only, outputs in self._schedule:
            if all(output in values for output in outputs):
                continue
            fn = operation_fn(node.operation)
            if only is not None:
                result = fn(values[only])
            else:
                args, kwargs = node.arguments.fill_in(values)
                result = fn(*args, **kwargs)
            if isinstance(result, Tensor | KerasTensor):
                values[outputs[0]] = result
            else:
                values.update(zip(outputs, tree.flatten(result), strict=True))
        if isinstance(self._outputs_struct, KerasTensor):
            return values[id(self._outputs_struct)]
        return tree.pack_sequence_as(self._outputs_struct, [values[id(x)] for x in self._outputs])

    def _check_shape(self, x: Any, expected: KerasTensor) -> None:
        # Of a fixed batch size another may come, as in Keras; layers that keep a state for each example refuse it.
        shape = getattr(x, "shape", expected.shape)
        fits = len(shape) == len(expected.shape) and all(
            a is None or b is None or a == b for a, b in zip(shape[1:], expected.shape[1:], strict=True)
        )
        if not fits:
            raise ValueError(
                f"{self.name} was passed incompatible inputs: {expected.name!r} has shape {expected.shape}, got a"
                f" tensor of shape {tuple(shape)}."
            )


def _only_argument(node: Node) -> int | None:
    """The identity of the placeholder that is the whole of a node's arguments, or None if there are others."""
    only = node.arguments._single_positional_tensor
    return None if only is None else id(only)


def sorted_nodes(
    inputs: list[KerasTensor], outputs: list[KerasTensor], paths: Sequence[str] | None = None
) -> list[Node]:
    """The nodes between `inputs` and `outputs`, parents first.

    Raises:
        ValueError: the graph is not connected; the message names the output by its path in the nest, one of `paths`.
    """
    given = {id(x) for x in inputs}
    done: dict[int, Node] = {}
    for x in inputs:
        node = _made_by(x)
        if node is not None and node.is_input:
            done[id(node)] = node
    for number, output in enumerate(outputs):
        missing = _search(output, given, done)
        if missing is not None:
            path = paths[number] if paths is not None else str(number)
            raise ValueError(
                f"Output with path `{path}` is not connected to `inputs`: it depends on {missing.name!r} (shape "
                f"{missing.shape}), which is not among them."
            )
    return list(done.values())


def _search(output: KerasTensor, given: set[int], done: dict[int, Node]) -> KerasTensor | None:
    """Put the nodes behind `output` into `done`, parents first; the placeholder that leads to no input, if any."""
    # An explicit stack: models may be deeper than Python's recursion limit.
    stack = [(output, False)]
    while stack:
        x, parents_done = stack.pop()
        node = _made_by(x)
        if id(x) in given or (node is not None and id(node) in done):
            continue
        if node is None or node.is_input:
            return x
        if parents_done:
            done[id(node)] = node
        else:
            stack.append((x, True))
            stack.extend((parent, False) for parent in reversed(node.input_tensors))
    return None


def operations_by_depth(nodes: list[Node], outputs: list[KerasTensor]) -> list[Operation]:
    """The operations of `nodes`, given parents first, by falling depth, as Keras lists them.

    An operation's depth is the greatest of its nodes': the number of operations on the longest way to an output. Equal
    depths go by the order in which a search from the outputs, depth first, meets the operations; inputs that lead
    nowhere come before them, at depth 0.
    """
    in_graph = {id(node) for node in nodes}
    of_node: dict[int, int] = {}
    of_operation: dict[int, int] = {}
    for node in reversed(nodes):
        depth = max(of_node.get(id(node), 0), of_operation.get(id(node.operation), 0))
        of_operation[id(node.operation)] = depth
        for parent in node.parent_nodes:
            of_node[id(parent)] = max(of_node.get(id(parent), 0), depth + 1)
    met: dict[int, int] = {}
    seen: set[int] = set()
    stack = [_made_by(x) for x in reversed(outputs)]
    while stack:
        visited = stack.pop()
        if visited is None or id(visited) in seen or id(visited) not in in_graph:
            continue
        seen.add(id(visited))
        met.setdefault(id(visited.operation), len(met))
        stack.extend(_made_by(x) for x in reversed(visited.input_tensors))
    operations = {id(node.operation): node.operation for node in nodes}
    return [operations[key] for key in sorted(operations, key=lambda key: (-of_operation[key], met.get(key, -1)))]


def _made_by(x: KerasTensor) -> Node | None:
    history = x._keras_history
    return None if history is None else history.operation._inbound_nodes[history.node_index]
