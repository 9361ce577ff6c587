"""The layer that runs a cell over the steps of a sequence."""

from types import NoneType
from typing import Any

import numpy as np

from dlrs import ops
from dlrs.backend import Variable, name_scope, tree
from dlrs.backend.ragged import explained
from dlrs.backend.serialization import deserialize_keras_object, serialize_keras_object
from dlrs.layers.call_arguments import TENSORS, is_shape
from dlrs.layers.layer import Layer
from dlrs.layers.recurrent.cell import DropoutRNNCell, GatedCell, same_sizes
from dlrs.layers.recurrent.sequence_spec import SequenceSpec, StepsSpec
from dlrs.layers.recurrent.stacked_rnn_cells import StackedRNNCells, initial_state_of, output_size_of

Shape = tuple[int | None, ...]


class RNN(Layer):
    """Runs a cell over the time steps of its inputs, with the state of a step as the next one's first.

    Args:
        cell: a layer or object with `call(inputs, states)`, which returns the output and the next states, and with
            `state_size`, an integer or several; with `output_size` if the output is not of the first's size. A list of
            cells is a stack of them. `get_initial_state(batch_size)` gives another first state than zeros.
        return_sequences: whether to return the outputs of all steps, instead of the last one's.
        return_state: whether to return the last state as well.
        go_backwards: whether to begin with the last step; outputs are in the order in which they are computed.
        stateful: whether the last state of a batch is the first of the next, sample by sample; the batch's size is
            fixed then. `reset_state()` begins anew.
        unroll: whether the steps become separate ops of a compiled program, rather than one loop.
        zero_output_for_mask: whether a masked step's output is zeros, instead of the output before it.
        **kwargs: `name`, `dtype`.

    Call arguments: `sequences` (batch, time, features); `initial_state`, a list of tensors; `mask` (batch, time), False
    for steps that leave the state as it is and have no part in gradients; `training`.

    Returns (batch, output size), with `return_sequences` (batch, time, output size), with `return_state` a tuple of
    this and the states.

    Raises:
        ValueError: a cell without `state_size`, inputs of another rank, or without steps, a state of another shape, or
            another batch size in a stateful layer.

    >>> import numpy as np
    >>> from dlrs.layers import SimpleRNNCell
    >>> RNN(SimpleRNNCell(3), return_sequences=True)(np.ones((2, 5, 4), "float32")).shape
    (2, 5, 3)
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell, dtype=kwargs.get("dtype"))
        if isinstance(cell, RNN):
            kind = type(cell).__name__
            raise ValueError(f"`cell` must be what computes one step, such as LSTMCell; {kind} is a layer of its own.")
        if not hasattr(cell, "call"):
            raise ValueError(f"Argument `cell` should have a `call` method. Received: cell={cell}")
        sizes = getattr(cell, "state_size", None)
        if sizes is None:
            raise ValueError(f"`cell` must have an attribute `state_size`, which {type(cell).__name__} has not.")
        if not _are_sizes(sizes):
            raise ValueError(
                "state_size must be an integer, or a list/tuple of integers (one for each state tensor). Received: "
                f"{sizes!r}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        first = cell.cells[0] if isinstance(cell, StackedRNNCells) else cell
        self.input_spec = SequenceSpec() if isinstance(first, GatedCell) else StepsSpec()
        self.states: Any = None
        self.single_state = not isinstance(sizes, list | tuple)
        self.state_size = tree.map_structure(int, [sizes] if self.single_state else list(sizes))

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        self._check_shape(sequences_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if isinstance(self.input_spec, SequenceSpec):
            self.input_spec = SequenceSpec(sequences_shape[-1])
        if self.stateful and self.states is None:
            if sequences_shape[0] is None:
                raise ValueError(
                    f"Layer {self.name!r}: a stateful layer needs a batch size that is known, got the shape "
                    f"{tuple(sequences_shape)}. Give it to the model by `Input(batch_shape=...)`."
                )
            self._make_states(sequences_shape[0])

    def _make_states(self, batch_size: int) -> None:
        with name_scope(self.name, self):
            self.states = tree.map_structure(
                lambda value: Variable(value, trainable=False, dtype=self.variable_dtype, name="rnn_state"),
                self.get_initial_state(batch_size),
            )

    def _own_passing_states(self) -> list[Variable]:
        states = self.__dict__.get("states")
        return [*super()._own_passing_states(), *(tree.flatten(states) if states is not None else ())]

    def get_initial_state(self, batch_size: int | None) -> list[Any]:
        """The first state of a batch: the cell's own, or zeros."""
        state = initial_state_of(self.cell, batch_size, self.compute_dtype)
        states = list(state) if tree.is_nested(state) else [state]
        if len(states) != len(self.state_size) or not all(isinstance(part, TENSORS) for part in tree.flatten(states)):
            raise ValueError(
                f"Layer {self.name!r}: `{type(self.cell).__name__}.get_initial_state` must return a tensor for each of "
                f"`state_size`, {self.state_size}, got {[_shape_of(part) for part in tree.flatten(states)]}."
            )
        return states

    def reset_state(self) -> None:
        """Let the next batch of a stateful layer begin with zeros."""
        for state in tree.flatten(self.states) if self.states is not None else ():
            state.assign(ops.zeros_like(state.value))

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        if not isinstance(sequences, TENSORS):
            raise ValueError(f"Layer {self.name!r}: sequences must be one tensor, got {type(sequences).__name__}.")
        self._check_shape(sequences.shape)
        given = initial_state is not None or self.stateful
        states = self._first_states(sequences, initial_state)
        mask = self._checked_mask(mask, sequences)
        last, outputs, states = self.inner_loop(sequences, states, mask, training, given)
        for cell in self._cells(self.cell):
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()
        if self.stateful:
            for variable, value in zip(tree.flatten(self.states), tree.flatten(states), strict=True):
                variable.assign(value)
        output = ops.cast(outputs if self.return_sequences else last, self.compute_dtype)
        if not self.return_state:
            return output
        return (output, *tree.map_structure(lambda x: ops.cast(x, self.compute_dtype), states))

    def _first_states(self, sequences: Any, initial_state: Any) -> list[Any]:
        """The state that the first step sees; ValueError if it does not fit."""
        batch = sequences.shape[0]
        if initial_state is None:
            if not self.stateful:
                return self.get_initial_state(batch)
            initial_state = tree.map_structure(lambda state: state.value, self.states)
        states = list(initial_state) if tree.is_nested(initial_state) else [initial_state]
        expected = tree.flatten(self.get_initial_state(batch))
        found = tree.flatten(states)
        if not all(isinstance(x, TENSORS) for x in found):
            raise ValueError(f"Layer {self.name!r}: `initial_state` must be made of tensors, got {initial_state!r}.")
        shapes = [tuple(x.shape) for x in found]
        if self.stateful and shapes and len(shapes[0]) > 0 and shapes[0][0] != batch:
            raise ValueError(
                f"Layer {self.name!r}: if an RNN is stateful, the batch size of the input sequences must be the same "
                f"as the batch size of its state, {shapes[0][0]}; it is {batch}. Make another layer, or a model with "
                "another batch size and the same weights."
            )
        if shapes != [tuple(x.shape) for x in expected]:
            raise ValueError(
                f"Layer {self.name!r}: `initial_state` must have the shapes {[tuple(x.shape) for x in expected]}, got "
                f"{shapes}."
            )
        cast = iter([ops.cast(x, self.compute_dtype) for x in found])
        return list(tree.map_structure(lambda _: next(cast), states))

    def _checked_mask(self, mask: Any, sequences: Any) -> Any:
        if isinstance(mask, list | tuple) and mask and not isinstance(mask[0], (*TENSORS, NoneType)):
            mask = _truth_values(mask, self.name)
        mask = next((one for one in tree.flatten(mask) if one is not None), None) if tree.is_nested(mask) else mask
        if mask is None:
            return None
        mask = ops.cast(mask, "bool")
        if tuple(mask.shape) == (*sequences.shape[:2], 1):
            mask = ops.squeeze(mask, -1)
        if tuple(mask.shape) != tuple(sequences.shape[:2]):
            raise ValueError(
                f"Layer {self.name!r}: `mask` must have the shape (batch, time) = {tuple(sequences.shape[:2])}, got "
                f"{tuple(mask.shape)}."
            )
        return mask

    def inner_loop(
        self, sequences: Any, initial_state: list[Any], mask: Any, training: bool = False, given: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        """The last output, all outputs, the last state; `given`: the first state may be other than zeros."""
        self._draw_masks(self.cell, sequences[:, 0], initial_state, training)
        if mask is not None:  # what stands in masked steps, NaN perhaps, has no part in gradients
            seen = ops.reshape(mask, (*mask.shape, *(1,) * (sequences.ndim - 2)))
            sequences = ops.where(seen, sequences, ops.zeros_like(sequences))
        steps = ops.swapaxes(sequences, 0, 1)
        masks = None if mask is None else ops.swapaxes(mask, 0, 1)
        if self.go_backwards:
            steps, masks = ops.flip(steps, 0), None if masks is None else ops.flip(masks, 0)
        output = ops.zeros((sequences.shape[0], output_size_of(self.cell)), dtype=self.compute_dtype)
        xs = (steps,) if masks is None else (steps, masks)
        carry, outputs = self._run((initial_state, output), xs)
        return carry[1], ops.swapaxes(outputs, 0, 1) if self.return_sequences else carry[1], carry[0]

    def _run(self, carry: Any, xs: tuple[Any, ...]) -> tuple[Any, Any]:
        """All steps: one after the other, or as a loop."""
        length = xs[0].shape[0]
        if not self.unroll and length > 1:
            return ops.scan(self._step, carry, xs)
        outputs = []
        for i in range(length):
            carry, output = self._step(carry, tuple(x[i] for x in xs))
            outputs.append(output)
        return carry, ops.stack(outputs) if self.return_sequences else None

    def _step(self, carry: tuple[list[Any], Any], xs: tuple[Any, ...]) -> tuple[Any, Any]:
        """One step; where the mask is False, state and output stay."""
        states, before = carry
        output, new = self._checked_step((self.cell if callable(self.cell) else self.cell.call)(xs[0], states), carry)
        new = tree.map_structure(lambda n, o: ops.cast(n, o.dtype), new, states)  # cells may have types of their own
        output = ops.cast(output, self.compute_dtype)
        if len(xs) == 2:
            seen = ops.expand_dims(xs[1], -1)
            new = tree.map_structure(lambda n, o: ops.where(_like(seen, n), n, o), new, states)
            output = ops.where(
                _like(seen, output), output, ops.zeros_like(before) if self.zero_output_for_mask else before
            )
        return (new, output), output if self.return_sequences else None

    def _checked_step(self, result: Any, carry: tuple[list[Any], Any]) -> tuple[Any, list[Any]]:
        """The output and the state of a step; ValueError if their shapes are not those of the step before."""
        kind, (states, before) = type(self.cell).__name__, carry
        if not isinstance(result, list | tuple) or len(result) != 2:
            found = f"{len(result)} values" if isinstance(result, list | tuple) else type(result).__name__
            raise ValueError(
                f"Layer {self.name!r}: `{kind}.call` must return the output and the next states, got {found}."
            )
        output, new = result[0], list(result[1]) if tree.is_nested(result[1]) else [result[1]]
        if (found := _shape_of(output)) != tuple(before.shape):
            raise ValueError(
                f"Layer {self.name!r}: the output of {kind} must have the shape {tuple(before.shape)}, as its "
                f"`output_size`, or the first of its `state_size`, says; a step returned {found}."
            )
        expected, shapes = ([_shape_of(part) for part in tree.flatten(one)] for one in (states, new))
        if shapes != expected:
            raise ValueError(
                f"Layer {self.name!r}: a step of {kind} must leave the shapes of the states as they are, {expected}; "
                f"it returned {shapes}."
            )
        return output, new

    def _draw_masks(self, cell: Any, step: Any, states: Any, training: bool) -> None:
        """Draw the masks of dropout before the loop, so that all steps have the same."""
        if isinstance(cell, StackedRNNCells):
            for one, state in zip(cell.cells, states, strict=True):
                self._draw_masks(one, step, state if tree.is_nested(state) else [state], training)
                step = ops.zeros((step.shape[0], output_size_of(one)), dtype=self.compute_dtype)
        elif isinstance(cell, DropoutRNNCell) and training:
            cell.get_dropout_mask(step)
            cell.get_recurrent_dropout_mask(states[0])

    def _cells(self, cell: Any) -> list[DropoutRNNCell]:
        """The cells that may hold masks of dropout."""
        if isinstance(cell, StackedRNNCells):
            return [inner for one in cell.cells for inner in self._cells(one)]
        return [cell] if isinstance(cell, DropoutRNNCell) else []

    def _check_shape(self, shape: Any) -> None:
        if len(shape) < 3:
            raise ValueError(
                f"Layer {self.name!r}: sequences must have the shape (batch, time, features), got {tuple(shape)}. "
                "Lists of different lengths become one array by `utils.pad_sequences`."
            )
        if shape[1] == 0:
            raise ValueError(f"Layer {self.name!r}: sequences must have steps, got the shape {tuple(shape)}.")

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, length = sequences_shape[:2]
        if initial_state_shape is not None:
            self._check_state_shapes(batch, initial_state_shape)
        size = output_size_of(self.cell)
        output: Shape = (batch, length, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        states = [[(batch, part) for part in one] if tree.is_nested(one) else (batch, one) for one in self.state_size]
        return (output, *states)

    def _check_state_shapes(self, batch: Any, given: Any) -> None:
        """ValueError unless the shapes of an initial state, of a known number of axes each, are those of the cell's."""
        if getattr(self.cell, "get_initial_state", None) is not None and not isinstance(self.cell, GatedCell):
            return  # its states may have axes of their own
        found = [tuple(given)] if is_shape(given) else list(given)
        expected = [(batch, size) for size in self.state_size]
        if len(found) != len(expected) or not all(map(same_sizes, found, expected)):
            raise ValueError(f"Layer {self.name!r}: `initial_state` must have the shapes {expected}, got {found}.")

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        flat = tree.flatten(mask)
        output = flat[0] if flat and self.return_sequences else None
        return [output, *[None] * len(self.state_size)] if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._loop_config(), "cell": serialize_keras_object(self.cell)}

    def _loop_config(self) -> dict[str, Any]:
        return {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects), **config)


def _like(seen: Any, x: Any) -> Any:
    """The mask of a step (batch, 1) with as many axes as `x`."""
    return ops.reshape(seen, (seen.shape[0], *(1,) * (x.ndim - 1)))


def _truth_values(mask: Any, layer: str) -> Any:
    """A mask in plain lists as an array."""
    try:
        return np.asarray(mask, bool)
    except ValueError as error:
        raise explained(error, mask, f"Layer {layer!r}: `mask`: ") from None


def _shape_of(x: Any) -> Any:
    """The shape of a tensor, or the type of what is none."""
    return tuple(x.shape) if isinstance(x, TENSORS) else type(x).__name__


def _are_sizes(sizes: Any) -> bool:
    """Whether `sizes` are integers from 0, one or some, with those of cells on top of each other as lists in a list."""
    if isinstance(sizes, list | tuple):
        return len(sizes) > 0 and all(map(_are_sizes, sizes))
    return isinstance(sizes, int | np.integer) and not isinstance(sizes, bool) and int(sizes) >= 0
