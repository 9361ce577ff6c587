"""The simple recurrent network."""

from typing import Any

from dlrs import _dlrs, activations
from dlrs.layers.recurrent.simple_rnn_cell import SimpleRNNCell
from dlrs.layers.recurrent.single_cell import SingleCellRNN, taken_by_cell


class SimpleRNN(SingleCellRNN):
    """The simple recurrent network (Elman 1990): h⟨t⟩ = activation(x⟨t⟩ · W + h⟨t−1⟩ · U + b).

    In the course's notation h is a, W and U are W_ax and W_aa.

    Args:
        units: features of the state and the output.
        activation: function, or name of one; None for none.
        use_bias: whether there are biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: functions whose values are
            added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after updates.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training, the same at all steps
            of a sequence; dropout of the state runs the cell step by step.
        seed: integer that fixes what is dropped.
        return_sequences, return_state, go_backwards, stateful, unroll: as for `RNN`.
        **kwargs: `zero_output_for_mask`, `name`, `dtype`.

    Call arguments, shapes and errors are those of `RNN`. With tanh or ReLU one op computes all steps.

    >>> import numpy as np
    >>> SimpleRNN(3)(np.ones((2, 5, 4), "float32")).shape
    (2, 3)
    """

    cell: SimpleRNNCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        of_cell = taken_by_cell(type(self).__name__, kwargs)
        kwargs.pop("implementation", None)
        cell = SimpleRNNCell(
            units,
            activation=activation,
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
            name="simple_rnn_cell",
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

    def _is_one_op(self) -> bool:
        return super()._is_one_op() and self.cell.activation in (activations.tanh, activations.relu)

    def _all_steps(self, z: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        name = "tanh" if self.cell.activation is activations.tanh else "relu"
        outputs, state = _dlrs.simple_rnn(
            z, states[0], self.cell.recurrent_kernel, mask, name, self.go_backwards, mask is not None
        )
        return outputs, [state]
