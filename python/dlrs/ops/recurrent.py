"""Recurrent layers: all steps in one op, given what the inputs contribute to the gates."""

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike
from dlrs.ops.operation import op

__all__ = ["gru", "lstm", "simple_rnn"]


@op
def lstm(
    z: TensorLike,
    h0: TensorLike,
    c0: TensorLike,
    recurrent_kernel: TensorLike,
    mask: TensorLike | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gates: Gers, Schmidhuber and Cummins 2000).

    With i, f, g, o the quarters of `z[:, t] + h · recurrent_kernel`, each step computes
    `c = sigmoid(f) * c + sigmoid(i) * tanh(g)` and `h = sigmoid(o) * tanh(c)`.

    Args:
        z: What the inputs contribute, `x · kernel + bias`: tensor of shape `(batch, steps, 4 * units)`.
        h0: The first state, of shape `(batch, units)`.
        c0: The first cell state, of shape `(batch, units)`.
        recurrent_kernel: Tensor of shape `(units, 4 * units)`.
        mask: Bools of shape `(batch, steps)`: where it is False, h and c stay as they are; None for no such step.
        reverse: Whether the last step comes first.

    Returns:
        The h of all steps, of shape `(batch, steps, units)` and in the order of `z`, the last h and the last c.

    Errors: ValueError if the shapes do not fit, TypeError if `mask` holds no bools.

    >>> sequence, h, c = lstm([[[50.0, 50.0, 50.0, 50.0]] * 2], [[0.0]], [[0.0]], [[0.0] * 4])
    >>> c.tolist()
    [[2.0]]
    """
    return _dlrs.lstm(z, h0, c0, recurrent_kernel, mask, reverse)


@op
def gru(
    z: TensorLike,
    h0: TensorLike,
    recurrent_kernel: TensorLike,
    recurrent_bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """Gated recurrent units (Cho et al. 2014, arXiv 1406.1078).

    With x the thirds of `z[:, t]` (update gate, reset gate, candidate) and W those of `recurrent_kernel`, each step
    computes `u = sigmoid(x0 + h · W0)`, `r = sigmoid(x1 + h · W1)` and `h = u * h + (1 - u) * g`, where g is
    `tanh(x2 + r * (h · W2 + b2))` if there is a `recurrent_bias` b (which is added to the other products, too), and
    `tanh(x2 + (r * h) · W2)` if there is none.

    Args:
        z: What the inputs contribute, `x · kernel + bias`: tensor of shape `(batch, steps, 3 * units)`.
        h0: The first state, of shape `(batch, units)`.
        recurrent_kernel: Tensor of shape `(units, 3 * units)`.
        recurrent_bias: Tensor of shape `(3 * units,)`; None to reset the state before the product.
        mask: Bools of shape `(batch, steps)`: where it is False, h stays as it is; None for no such step.
        reverse: Whether the last step comes first.

    Returns:
        The h of all steps, of shape `(batch, steps, units)` and in the order of `z`, and the last h.

    Errors: ValueError if the shapes do not fit, TypeError if `mask` holds no bools.

    >>> sequence, h = gru([[[0.0, 0.0, 50.0]] * 2], [[0.0]], [[0.0] * 3])
    >>> sequence.tolist(), h.tolist()
    ([[[0.5], [0.75]]], [[0.75]])
    """
    return _dlrs.gru(z, h0, recurrent_kernel, recurrent_bias, mask, reverse)


@op
def simple_rnn(
    z: TensorLike,
    h0: TensorLike,
    recurrent_kernel: TensorLike,
    mask: TensorLike | None = None,
    activation: str = "tanh",
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """The simple recurrent network (Elman 1990): each step computes `h = activation(z[:, t] + h · recurrent_kernel)`.

    Args:
        z: What the inputs contribute, `x · kernel + bias`: tensor of shape `(batch, steps, units)`.
        h0: The first state, of shape `(batch, units)`.
        recurrent_kernel: Tensor of shape `(units, units)`.
        mask: Bools of shape `(batch, steps)`: where it is False, h stays as it is; None for no such step.
        activation: "tanh" or "relu".
        reverse: Whether the last step comes first.

    Returns:
        The h of all steps, of shape `(batch, steps, units)` and in the order of `z`, and the last h.

    Errors: ValueError if the shapes do not fit or the activation is another, TypeError if `mask` holds no bools.

    >>> sequence, h = simple_rnn([[[1.0], [1.0]]], [[0.0]], [[2.0]], activation="relu")
    >>> sequence.tolist(), h.tolist()
    ([[[1.0], [3.0]]], [[3.0]])
    """
    return _dlrs.simple_rnn(z, h0, recurrent_kernel, mask, activation, reverse)
