"""Layers of one built-in cell, which one op computes over all steps where it can."""

from typing import Any

from dlrs import _dlrs, activations, ops, regularizers
from dlrs.layers.recurrent.cell import GatedCell, cell_config
from dlrs.layers.recurrent.rnn import RNN


class SingleCellRNN(RNN):
    """An RNN that makes its own cell, and shows the cell's arguments as its own.

    A subclass says whether an op computes all steps at once, and calls it.
    """

    cell: GatedCell

    def __init__(self, cell: GatedCell, activity_regularizer: Any = None, **kwargs: Any) -> None:
        super().__init__(cell, activity_regularizer=activity_regularizer, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # Arguments of the cell, and only those: anything else is a mistake in a name.
        cell = self.__dict__.get("cell")
        if name in _OF_CELL and cell is not None and name in cell.__dict__:
            return cell.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def inner_loop(
        self, sequences: Any, initial_state: list[Any], mask: Any, training: bool = False, given: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        if not self._is_one_op():
            return super().inner_loop(sequences, initial_state, mask, training, given)
        self._draw_masks(self.cell, sequences[:, :1], initial_state, training)
        z = self._of_inputs(sequences, mask, training)
        outputs, states = self._all_steps(z, initial_state, mask)
        last = states[0]
        if mask is not None:
            outputs, last = self._masked(outputs, last, mask, given)
        if self.return_sequences and self.go_backwards:
            outputs = ops.flip(outputs, 1)
        return last, outputs, states

    def _of_inputs(self, sequences: Any, mask: Any, training: bool) -> Any:
        """What the inputs add to the gates of all steps. Masked ones are neither read nor computed."""
        cell, bias = self.cell, self._bias_of_inputs()
        dropped = cell.get_dropout_mask(sequences) if training and cell.dropout > 0 else None
        if mask is not None and not isinstance(dropped, list):
            x = sequences if dropped is None else ops.multiply(sequences, dropped)
            return _dlrs.masked_matmul(x, cell.kernel, bias, mask)
        z = cell._of_inputs(sequences, training)
        z = z if bias is None else ops.add(z, bias)
        return z if mask is None else ops.where(ops.expand_dims(mask, -1), z, ops.zeros_like(z))

    def _bias_of_inputs(self) -> Any:
        """What is added to the product of the inputs, or None."""
        return self.cell.bias

    def _masked(self, outputs: Any, last: Any, mask: Any, given: bool) -> tuple[Any, Any]:
        """Outputs of masked steps: zeros, or those before; zeros where there is none before."""
        if self.zero_output_for_mask:
            seen = mask
        elif given:  # the op repeats the first state
            ordered = ops.flip(mask, 1) if self.go_backwards else mask
            seen = ops.greater(ops.cumsum(ops.cast(ordered, "int32"), axis=1), 0)
            seen = ops.flip(seen, 1) if self.go_backwards else seen
        else:
            return outputs, last
        outputs = ops.where(ops.expand_dims(seen, -1), outputs, ops.zeros_like(outputs))
        return outputs, outputs[:, 0 if self.go_backwards else -1]

    def _is_one_op(self) -> bool:
        """Whether the op computes what the cell does."""
        return self.cell.recurrent_dropout == 0 and self.cell.dropout_mask_count is None

    def _all_steps(self, z: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        """The outputs of all steps in the order of the inputs, and the last states."""
        raise self._lacks("_all_steps")

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **cell_config(self.cell)}
        del config["cell"]
        return {**config, "activity_regularizer": regularizers.serialize(self.activity_regularizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**config)


_OF_CELL = frozenset(
    (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
        "bias_initializer", "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
        "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "reset_after",
        "seed", "implementation",
    )
)  # fmt: skip


def usual_gates(cell: Any) -> bool:
    """Whether a cell has tanh and sigmoid, which the ops compute."""
    return cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid


def taken_by_cell(layer: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments among `kwargs` that the cell takes; `use_cudnn`, which chooses nothing here, is dropped."""
    if kwargs.pop("use_cudnn", "auto") not in ("auto", True, False):
        raise ValueError(f"{layer}: `use_cudnn` must be 'auto', True or False.")
    own = {"dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True)}
    return own | {"implementation": kwargs.pop("implementation", 2)}
