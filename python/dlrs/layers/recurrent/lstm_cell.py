"""Cells with a memory beside the state."""

from typing import Any

from dlrs import activations, initializers, ops
from dlrs.layers.recurrent.cell import GatedCell, recurrent_product


class LSTMCell(GatedCell):
    """One step of `LSTM` (Hochreiter and Schmidhuber 1997; with forget gates: Gers, Schmidhuber and Cummins 2000).

    With the gates i (input), f (forget), o (output) and the candidate c̃: c = f · c + i · c̃, h = o · tanh(c). In the
    course's notation i = Γ_u, f = Γ_f, o = Γ_o and h = a.

    Args:
        units: features of the state and the output.
        activation: function of the candidate, and of the memory on its way out.
        recurrent_activation: function of the gates.
        use_bias: whether there are biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        unit_forget_bias: whether the bias of f begins at 1 (Jozefowicz et al. 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions whose values are added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after updates.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training.
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`.

    Called on a step's inputs (batch, features) and the state [h, c]; returns the output and the next state. The columns
    of the kernels are i, f, c̃, o.

    >>> import numpy as np
    >>> cell = LSTMCell(3)
    >>> output, (h, c) = cell(np.ones((2, 4), "float32"), cell.get_initial_state(2))
    >>> output.shape, c.shape
    ((2, 3), (2, 3))
    """

    _gates = 4

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
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]

    def _initial_bias(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        def with_open_forget_gate(shape: Any, dtype: Any = None) -> Any:
            given: Any = self.bias_initializer
            parts = [(given, 1), (initializers.Ones(), 1), (given, 2)]
            return ops.concatenate([make((n * self.units,), dtype=dtype) for make, n in parts])

        return with_open_forget_gate

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        state, memory = self._parts_of(states, inputs)
        z = ops.add(
            self._of_inputs(inputs, training),
            recurrent_product(self._masked_state(state, training), self.recurrent_kernel),
        )
        i, f, c, o = ops.split(z if self.bias is None else ops.add(z, self.bias), 4, axis=-1)
        memory = ops.add(
            ops.multiply(self._gate(self._peep(f, "f", memory)), memory),
            ops.multiply(self._gate(self._peep(i, "i", memory)), self._bent(c)),
        )
        output = ops.multiply(self._gate(self._peep(o, "o", memory)), self._bent(memory))
        return output, [output, memory]

    def _peep(self, z: Any, gate: str, memory: Any) -> Any:
        """What a gate sees: nothing of the memory."""
        return z

    def _gate(self, z: Any) -> Any:
        return z if self.recurrent_activation is None else self.recurrent_activation(z)

    def _bent(self, z: Any) -> Any:
        return z if self.activation is None else self.activation(z)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }


class PeepholeLSTMCell(LSTMCell):
    """An LSTM whose gates also see the memory (Gers and Schmidhuber 2000, "Recurrent nets that time and count").

    i and f see the memory before the step, o the one after it, each by a weight for every unit: `peephole_i`,
    `peephole_f`, `peephole_o`. The arguments are those of `LSTMCell`; run it by `RNN(PeepholeLSTMCell(units))`.

    >>> import numpy as np
    >>> cell = PeepholeLSTMCell(3)
    >>> cell(np.ones((2, 4), "float32"), cell.get_initial_state(2))[0].shape, len(cell.weights)
    ((2, 3), 6)
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        for gate in "ifo":
            weight = self.add_weight((self.units,), "glorot_uniform", name=f"peephole_{gate}")
            setattr(self, f"peephole_{gate}", weight)

    def _peep(self, z: Any, gate: str, memory: Any) -> Any:
        return ops.add(z, ops.multiply(getattr(self, f"peephole_{gate}"), memory))
