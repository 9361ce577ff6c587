"""The weights of Keras 1, which kept those of gates apart, in the order and shapes of today."""

from typing import Any

import numpy as np

from dlrs.saving.safetensors import StoredTensor

# Keras 1 lists the gates of an LSTM as input, candidate, forget, output; of a GRU as update, reset, candidate.
_GATES = {"LSTM": (0, 2, 1, 3), "GRU": (0, 1, 2)}


def from_keras_1(layer: Any, tensors: list[StoredTensor]) -> list[StoredTensor]:
    """The tensors of one layer as `layer` has them."""
    order = _GATES.get(type(layer).__name__)
    if order is not None and len(tensors) == 3 * len(order):
        return [_joined([tensors[3 * gate + kind] for gate in order]) for kind in range(3)]
    if type(layer).__name__ == "Conv1D" and tensors and tensors[0].array.ndim == 4 and tensors[0].shape[1] == 1:
        kernel = tensors[0]
        return [StoredTensor(kernel.dtype, kernel.array[:, 0]), *tensors[1:]]
    return tensors


def _joined(pieces: list[StoredTensor]) -> StoredTensor:
    return StoredTensor(pieces[0].dtype, np.concatenate([piece.array for piece in pieces], axis=-1))
