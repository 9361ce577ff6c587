"""Long short-term memory."""

from typing import Any

from dlrs import _dlrs, activations
from dlrs.layers.recurrent.lstm_cell import LSTMCell
from dlrs.layers.recurrent.single_cell import SingleCellRNN, taken_by_cell, usual_gates


class LSTM(SingleCellRNN):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gates: Gers, Schmidhuber and Cummins 2000).

    c⟨t⟩ = f · c⟨t−1⟩ + i · c̃ and h⟨t⟩ = o · tanh(c⟨t⟩); in the course's notation i = Γ_u, f = Γ_f, o = Γ_o.

    Args:
        units: features of the state and the output.
        activation: function of the candidate, and of the memory on its way out.
        recurrent_activation: function of the gates.
        use_bias: whether there are biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        unit_forget_bias: whether the bias of f begins at 1 (Jozefowicz et al. 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: functions whose values are
            added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after updates.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training, the same at all steps
            of a sequence; dropout of the state runs the cell step by step.
        seed: integer that fixes what is dropped.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`.
        use_cudnn: taken for compatibility: it chooses nothing.
        **kwargs: `zero_output_for_mask`, `name`, `dtype`.

    Call arguments, shapes and errors are those of `RNN`; the state is [h, c]. With tanh and sigmoid one op computes all
    steps.

    >>> import numpy as np
    >>> output, h, c = LSTM(3, return_state=True)(np.ones((2, 5, 4), "float32"))
    >>> output.shape, c.shape
    ((2, 3), (2, 3))
    """

    cell: LSTMCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        of_cell = taken_by_cell(type(self).__name__, kwargs | {"use_cudnn": use_cudnn})
        kwargs.pop("implementation", None)
        cell = LSTMCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="lstm_cell",
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

    def _all_steps(self, z: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        outputs, state, memory = _dlrs.lstm(
            z, states[0], states[1], self.cell.recurrent_kernel, mask, self.go_backwards, mask is not None
        )
        return outputs, [state, memory]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.cell.recurrent_activation),
            "unit_forget_bias": self.cell.unit_forget_bias,
        }
