"""Tables and work space that an argument asks for and memory does not hold: an error, not the end of the process."""

import numpy as np
import pytest

from dlrs import ops
from harness.memory import little_memory


@pytest.mark.parametrize("length", [2**24, 2**24 - 3])  # a power of two, and a length with large factors
def test_transforms_longer_than_memory(length: int) -> None:
    x = np.ones((1, 4), "float32")
    with little_memory(1 << 28), pytest.raises(MemoryError, match="cannot allocate"):
        ops.rfft(x, length)


def test_nothing_to_transform_needs_no_tables() -> None:
    re, im = ops.rfft(np.ones((2, 0, 3), "float32"), 2**40)
    assert re.shape == im.shape == (2, 0, 2**39 + 1)


def test_gradients_of_ctc_in_logarithms() -> None:
    """So sure of the blank are these logits that plain numbers do not hold the loss."""
    steps, labels = 20_000, 5_000
    logits = np.zeros((1, steps, 2), "float32")
    logits[..., 0] = 90
    with little_memory(1 << 28), pytest.raises(MemoryError, match="cannot allocate"):
        ops.ctc_loss(np.ones((1, labels), "int32"), logits, [labels], [steps])
