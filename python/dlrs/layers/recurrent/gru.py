"""Gated recurrent units."""

from typing import Any

from dlrs import _dlrs, activations, ops
from dlrs.layers.recurrent.gru_cell import GRUCell
from dlrs.layers.recurrent.single_cell import SingleCellRNN, taken_by_cell, usual_gates


class GRU(SingleCellRNN):
    """Gated recurrent units (Cho et al. 2014, arXiv 1406.1078): h⟨t⟩ = z · h⟨t−1⟩ + (1 − z) · h̃.

    In the course's notation z = 1 − Γ_u, and the reset gate r = Γ_r; `GRUCell` has the formulas.

    Args:
        units: features of the state and the output.
        activation: function of the candidate.
        recurrent_activation: function of the gates.
        use_bias: whether there are biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: functions whose values are
            added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after updates.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training, the same at all steps
            of a sequence; dropout of the state runs the cell step by step.
        seed: integer that fixes what is dropped.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`.
        reset_after: whether r multiplies the state after its product with the kernel (cuDNN's form), or before (the
            paper's, and the course's).
        use_cudnn: taken for compatibility: it chooses nothing.
        **kwargs: `zero_output_for_mask`, `name`, `dtype`.

    Call arguments, shapes and errors are those of `RNN`. With tanh and sigmoid one op computes all steps.

    >>> import numpy as np
    >>> GRU(3, return_sequences=True)(np.ones((2, 5, 4), "float32")).shape
    (2, 5, 3)
    """

    cell: GRUCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        of_cell = taken_by_cell(type(self).__name__, kwargs | {"use_cudnn": use_cudnn})
        kwargs.pop("implementation", None)
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            reset_after=reset_after,
            name="gru_cell",
            **of_cell,
        )
        super().__init__(
            cell,
            activity_regularizer=activity_regularizer,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
        self.use_cudnn = use_cudnn

    def _is_one_op(self) -> bool:
        return super()._is_one_op() and usual_gates(self.cell)

    def _bias_of_inputs(self) -> Any:
        return self.cell.biases()[0]

    def _all_steps(self, z: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        of_state = self.cell.biases()[1]
        if self.cell.reset_after and of_state is None:
            of_state = ops.zeros((3 * self.cell.units,), dtype=z.dtype)
        outputs, state = _dlrs.gru(
            z, states[0], self.cell.recurrent_kernel, of_state, mask, self.go_backwards, mask is not None
        )
        return outputs, [state]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.cell.recurrent_activation),
            "reset_after": self.cell.reset_after,
        }
