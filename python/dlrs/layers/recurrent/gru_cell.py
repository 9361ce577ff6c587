"""Cells with gates that decide what the state keeps."""

from typing import Any

from dlrs import activations, ops
from dlrs.backend import tree
from dlrs.layers.recurrent.cell import GatedCell, recurrent_product


class GRUCell(GatedCell):
    """One step of `GRU` (Cho et al. 2014, arXiv 1406.1078).

    With the update gate z, the reset gate r and the candidate h̃: h = z · h + (1 − z) · h̃. In the course's notation
    z = 1 − Γ_u and r = Γ_r.

    Args:
        units: features of the state and the output.
        activation: function of the candidate.
        recurrent_activation: function of the gates.
        use_bias: whether there are biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions whose values are added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions applied to the weights after updates.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training.
        reset_after: whether r multiplies the state after its product with the kernel (cuDNN's form, with a bias of its
            own for that product), or before (the paper's, and the course's).
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`.

    Called on a step's inputs (batch, features) and the state; returns the output and the next state. The columns of the
    kernels are z, r, h̃.

    >>> import numpy as np
    >>> cell = GRUCell(3)
    >>> output, state = cell(np.ones((2, 4), "float32"), cell.get_initial_state(2))
    >>> output.shape, cell.bias.shape
    ((2, 3), (2, 9))
    """

    _gates = 3

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def biases(self) -> tuple[Any, Any]:
        """The bias of the inputs' products and that of the state's; None for one that there is not."""
        if self.bias is None or not self.reset_after:
            return self.bias, None
        return self.bias[0], self.bias[1]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        last = self._parts_of(states, inputs)[0]
        seen = self._masked_state(last, training)
        of_inputs, of_state = self.biases()
        x = self._of_inputs(inputs, training)
        x_z, x_r, x_h = ops.split(x if of_inputs is None else ops.add(x, of_inputs), 3, axis=-1)
        for_gates, for_candidate = (seen[:2], seen[2]) if isinstance(seen, list) else (seen, seen)
        gates, candidate = self.recurrent_kernel[:, : 2 * self.units], self.recurrent_kernel[:, 2 * self.units :]
        inner = recurrent_product(for_gates, gates)
        if of_state is not None:
            inner = ops.add(inner, of_state[: 2 * self.units])
        h_z, h_r = ops.split(inner, 2, axis=-1)
        z, r = self._gate(ops.add(x_z, h_z)), self._gate(ops.add(x_r, h_r))
        if self.reset_after:
            h_h = ops.matmul(for_candidate, candidate)
            h_h = ops.multiply(r, h_h if of_state is None else ops.add(h_h, of_state[2 * self.units :]))
        else:
            h_h = ops.matmul(ops.multiply(r, for_candidate), candidate)
        new = ops.add(x_h, h_h)
        new = new if self.activation is None else self.activation(new)
        output = ops.add(ops.multiply(z, last), ops.multiply(ops.subtract(1.0, z), new))
        return output, [output] if tree.is_nested(states) else output

    def _gate(self, z: Any) -> Any:
        return z if self.recurrent_activation is None else self.recurrent_activation(z)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }


class SimpleGRUCell(GatedCell):
    """The GRU without relevance gate, as the course introduces it: one gate Γ_u that decides whether c is renewed.

    c̃ = tanh(W_c · [c, x] + b_c), Γ_u = σ(W_u · [c, x] + b_u), c = Γ_u · c̃ + (1 − Γ_u) · c. Run it by
    `RNN(SimpleGRUCell(units))`.

    Args:
        units: features of the state and the output.
        activation: function of the candidate.
        use_bias: whether there are biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers.
        dropout, recurrent_dropout: shares of the inputs and of the state set to 0 while training.
        seed: integer that fixes what is dropped.
        **kwargs: `name`, `dtype`, and the regularizers and constraints of `GRUCell`.

    The columns of the kernels are Γ_u, c̃.

    >>> import numpy as np
    >>> cell = SimpleGRUCell(3)
    >>> cell(np.ones((2, 4), "float32"), cell.get_initial_state(2))[0].shape
    (2, 3)
    """

    _gates = 2

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
            kwargs.pop("kernel_regularizer", None),
            kwargs.pop("recurrent_regularizer", None),
            kwargs.pop("bias_regularizer", None),
            kwargs.pop("kernel_constraint", None),
            kwargs.pop("recurrent_constraint", None),
            kwargs.pop("bias_constraint", None),
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        last = self._parts_of(states, inputs)[0]
        seen = self._masked_state(last, training)
        z = ops.add(self._of_inputs(inputs, training), recurrent_product(seen, self.recurrent_kernel))
        update, candidate = ops.split(z if self.bias is None else ops.add(z, self.bias), 2, axis=-1)
        gate = ops.sigmoid(update)
        candidate = candidate if self.activation is None else self.activation(candidate)
        output = ops.add(ops.multiply(gate, candidate), ops.multiply(ops.subtract(1.0, gate), last))
        return output, [output] if tree.is_nested(states) else output
