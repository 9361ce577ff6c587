"""The cell of the simple recurrent network."""

from typing import Any

from dlrs import ops
from dlrs.backend import tree
from dlrs.layers.recurrent.cell import GatedCell, recurrent_product


class SimpleRNNCell(GatedCell):
    """One step of `SimpleRNN`: h = activation(x · kernel + h · recurrent_kernel + bias).

    Args:
        units: features of the state and the output.
        activation: function, or name of one; None for none.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions whose values are added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after updates.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training.
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`.

    Called on a step's inputs (batch, features) and the state; returns the output and the next state.

    >>> import numpy as np
    >>> cell = SimpleRNNCell(3)
    >>> output, state = cell(np.ones((2, 4), "float32"), cell.get_initial_state(2))
    >>> output.shape, state[0].shape
    ((2, 3), (2, 3))
    """

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        state = self._masked_state(self._parts_of(states, sequence)[0], training)
        z = ops.add(self._of_inputs(sequence, training), recurrent_product(state, self.recurrent_kernel))
        z = z if self.bias is None else ops.add(z, self.bias)
        output = z if self.activation is None else self.activation(z)
        return output, [output] if tree.is_nested(states) else output
