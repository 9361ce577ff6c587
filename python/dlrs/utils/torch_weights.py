"""Weights of PyTorch's recurrent layers in the layout of this library's."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# For each number of gates: PyTorch's gates in this library's order, and whether the two biases stay two.
# GRU: r, z, n there and z, r, h̃ here; the bias of the state's product is inside r · (...), so it cannot be added to the
# other. LSTM: i, f, g, o in both.
_LAYOUTS = {1: ((0,), False), 3: ((1, 0, 2), True), 4: ((0, 1, 2, 3), False)}


def recurrent_weights_from_torch(
    weight_ih: Any, weight_hh: Any, bias_ih: Any = None, bias_hh: Any = None
) -> list[Array]:
    """Weights of a layer of `torch.nn.RNN`, `GRU` or `LSTM` for `SimpleRNN`, `GRU(reset_after=True)` or `LSTM`.

    Which of the three it is follows from the shapes. PyTorch's arrays are transposed, its gates put into the order of
    this library, and the two biases of RNN and LSTM added, which is all the same there.

    Args:
        weight_ih: array of shape (gates * units, features), PyTorch's `weight_ih_l0`.
        weight_hh: array of shape (gates * units, units), `weight_hh_l0`.
        bias_ih: array of shape (gates * units,), `bias_ih_l0`; None for a layer without biases.
        bias_hh: the same, `bias_hh_l0`.

    Returns:
        `[kernel, recurrent_kernel, bias]` for the layer's `set_weights`; without biases the first two, for
        `use_bias=False`. The dtype is that of the arrays.

    Raises:
        ValueError: the shapes do not fit one another, or only one bias is given.

    Source: the formulas of PyTorch's documentation of `torch.nn.GRU` and `torch.nn.LSTM`.

    Example:
        >>> w = np.arange(12.0).reshape(6, 2)  # GRU(2, units=2): the rows are r, r, z, z, n, n
        >>> kernel, recurrent_kernel, bias = recurrent_weights_from_torch(w, w, w[:, 0], w[:, 0])
        >>> kernel[0].tolist(), bias.shape
        ([4.0, 6.0, 0.0, 2.0, 8.0, 10.0], (2, 6))
    """
    where = "utils.recurrent_weights_from_torch"
    kernels = [np.asarray(weight_ih), np.asarray(weight_hh)]
    biases = [np.asarray(bias) for bias in (bias_ih, bias_hh) if bias is not None]
    shapes = [array.shape for array in (*kernels, *biases)]
    if any(array.ndim != 2 for array in kernels) or kernels[0].shape[0] != kernels[1].shape[0]:
        raise ValueError(f"{where}: `weight_ih` and `weight_hh` must be matrices of as many rows, got {shapes[:2]}.")
    rows, units = kernels[1].shape
    gates = rows // units if units and rows % units == 0 else 0
    if gates not in _LAYOUTS:
        raise ValueError(
            f"{where}: `weight_hh` must have 1, 3 or 4 (RNN, GRU, LSTM) times as many rows as columns, got {shapes[1]}."
        )
    if len(biases) == 1 or any(bias.shape != (rows,) for bias in biases):
        raise ValueError(f"{where}: there must be two biases of shape ({rows},), or none, got {shapes[2:]}.")
    order, apart = _LAYOUTS[gates]
    ordered = [
        array.reshape(gates, units, *array.shape[1:])[list(order)].reshape(array.shape) for array in kernels + biases
    ]
    weights = [np.ascontiguousarray(kernel.T) for kernel in ordered[:2]]
    if biases:
        weights.append(np.stack(ordered[2:]) if apart else ordered[2] + ordered[3])
    return weights
