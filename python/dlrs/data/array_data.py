"""Arrays cut into batches, in an order that depends on a seed and the epoch alone."""

import copy
from typing import Any, Literal

import numpy as np

from dlrs.backend import tree
from dlrs.backend.checks import check_count
from dlrs.data.checks import arrays_of, check_lengths
from dlrs.data.unpack import pack_x_y_sample_weight

Array = np.ndarray[Any, Any]


class ArrayData:
    """Inputs, targets and weights as arrays with one entry per example.

    Args:
        x, y, sample_weight: arrays, or nests of them; `y` and `sample_weight` may be None.
        batch_size: examples in a batch; the last batch may be smaller.
        shuffle: whether an epoch's order is random; `"batch"` shuffles within each batch only.
        steps: number of batches to take from each epoch; all by default.

    Raises:
        ValueError: an array is of an unfit type, lengths differ, there is no example, or `batch_size` is not positive.

    >>> data = ArrayData(np.zeros((5, 2)), np.zeros(5), batch_size=2)
    >>> data.num_batches, data.last_size
    (3, 1)
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool | Literal["batch"] = False,
        steps: int | None = None,
    ) -> None:
        batch_size = 32 if batch_size is None else batch_size
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size <= 0:
            raise ValueError(f"`batch_size` must be a positive integer, got {batch_size!r}.")
        check_count("ArrayData", "steps", steps, 1, optional=True)
        if sample_weight is not None and y is None:
            raise ValueError("`sample_weight` was given without `y`.")
        parts: list[Any] = []
        self.arrays: list[Array] = []
        self.names: list[str] = []
        for value, argument in ((x, "x"), (y, "y"), (sample_weight, "sample_weight")):
            if value is None:
                parts.append(None)
                continue
            part, leaves, names = arrays_of(value, argument)
            parts.append(part)
            self.arrays.extend(leaves)
            self.names.extend(names)
        self.num_examples = check_lengths(self.arrays, self.names)
        self.structure = pack_x_y_sample_weight(*parts)
        self.batch_size = min(int(batch_size), self.num_examples)
        self.shuffle = shuffle
        available = -(-self.num_examples // self.batch_size)
        self.num_batches = available if steps is None else min(int(steps), available)

    @property
    def last_size(self) -> int:
        """Size of the last of all batches."""
        return self.num_examples - (self.num_batches - 1) * self.batch_size if self._is_whole else self.batch_size

    @property
    def num_full(self) -> int:
        """Number of batches of the full size."""
        return self.num_batches - (self.last_size != self.batch_size)

    @property
    def _is_whole(self) -> bool:
        return self.num_batches * self.batch_size >= self.num_examples

    def order(self, seed: int, epoch: int) -> Array | None:
        """The rows of an epoch, int64; None for the order of the arrays.

        Drawn anew from `(seed, epoch)`: a training resumed at an epoch takes the rows the uninterrupted one would.
        """
        if not self.shuffle:
            return None
        generator = np.random.Generator(np.random.Philox(key=[seed % 2**64, epoch]))
        if self.shuffle != "batch":
            return generator.permutation(self.num_examples)
        rows = np.arange(self.num_examples)
        for start in range(0, self.num_examples, self.batch_size):
            generator.shuffle(rows[start : start + self.batch_size])
        return rows

    def rows(self, order: Array | None, start: int, stop: int) -> tuple[list[Array], Array | None]:
        """Arrays and order that name the examples `start` to `stop` of an epoch."""
        if order is None:
            return [array[start:stop] for array in self.arrays], None
        return self.arrays, order[start:stop]

    def part(self, order: Array | None, first: int, count: int) -> "tuple[ArrayData, Array | None]":
        """Batches `first` to `first + count` of an epoch, or what there is of them, as data of their own."""
        start, stop = first * self.batch_size, min((first + count) * self.batch_size, self.num_examples)
        part = copy.copy(self)
        part.arrays, order = self.rows(order, start, stop)
        part.structure = tree.pack_sequence_as(self.structure, part.arrays)
        part.num_examples = stop - start
        part.num_batches = -(-part.num_examples // self.batch_size)
        return part, order

    def batch(self, order: Array | None, step: int) -> Any:
        """Batch number `step`, nested as `(x, y, sample_weight)`, gathered into new arrays."""
        arrays, rows = self.rows(order, step * self.batch_size, min((step + 1) * self.batch_size, self.num_examples))
        if rows is not None:
            arrays = [array[rows] for array in arrays]
        return tree.pack_sequence_as(self.structure, arrays)

    def specs(self) -> list[tuple[tuple[int, ...], str]]:
        """Shape of one example and type of every array."""
        return [(array.shape[1:], array.dtype.name) for array in self.arrays]


class PartialEpochs:
    """Epochs of fewer steps than a pass over the data has: each goes on where the one before stopped, as in Keras, and
    the last of a pass is as long as what is left.

    Args:
        data: the arrays.
        steps: number of steps in an epoch; None, or as many as there are batches, for whole passes.
        first_epoch: number of the epoch that begins a pass.

    >>> epochs = PartialEpochs(ArrayData(np.zeros(10), batch_size=2), steps=3)
    >>> [epochs.at(None, epoch)[0].num_batches for epoch in range(4)]
    [3, 2, 3, 2]
    """

    def __init__(self, data: ArrayData, steps: int | None, first_epoch: int = 0) -> None:
        if not isinstance(data, ArrayData):
            raise TypeError(f"PartialEpochs: `data` must be an `ArrayData`, got {type(data).__name__}.")
        self.data = data
        self.steps = data.num_batches if steps is None else min(steps, data.num_batches)
        self._first_epoch = first_epoch
        self._epochs_per_pass = -(-data.num_batches // self.steps)

    def begun(self, epoch: int) -> int:
        """The number of epochs before `epoch` that belong to the same pass."""
        return (epoch - self._first_epoch) % self._epochs_per_pass

    def at(self, order: Array | None, epoch: int) -> tuple[ArrayData, Array | None]:
        """The data and the order of epoch number `epoch`, `order` being that of the whole pass."""
        if self._epochs_per_pass == 1:
            return self.data, order
        return self.data.part(order, self.begun(epoch) * self.steps, self.steps)
