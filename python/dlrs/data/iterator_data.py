"""Batches that come one after the other."""

import operator
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np

from dlrs.backend import Tensor, Variable
from dlrs.data.checks import arrays_of, check_lengths
from dlrs.data.unpack import class_weight_to_sample_weights, pack_x_y_sample_weight, unpack_x_y_sample_weight

Array = np.ndarray[Any, Any]


def is_iterator(x: Any) -> bool:
    """Whether `x` yields batches, rather than being data itself.

    >>> is_iterator(iter([(1, 2)])), is_iterator([1, 2]), is_iterator(np.zeros(3))
    (True, False, False)
    """
    if isinstance(x, np.ndarray | Tensor | Variable | list | tuple | dict | str | bytes | bytearray):
        return False
    if hasattr(x, "__array__") or hasattr(x, "__dlpack__"):
        return False
    return isinstance(x, Iterable)


def _length(source: Any) -> int | None:
    """How many batches an iterable says that it has; None if it does not."""
    try:
        return len(source)
    except (TypeError, NotImplementedError):  # PyTorch's loaders of iterable datasets have a `__len__` that raises
        return None


class IteratorData:
    """Batches `(x, y)` or `(x, y, sample_weight)` from an iterable, as arrays made valid.

    Args:
        source: an iterable. One that starts anew at every `iter()` is one epoch; a generator goes on where it stopped.
        steps: number of batches in an epoch; until the source ends by default. Epochs of fewer batches than the source
            has are parts of a pass over it if they are told so (`set_first_epoch`), and begin it anew if not.

    Errors while it is gone through: ValueError if the source gives no batch, or one whose arrays differ in length.

    >>> batches = [(np.zeros((4, 2)), np.ones(4)), (np.zeros((3, 2)), np.ones(3))]
    >>> data = IteratorData(batches)
    >>> data.num_batches, [x.shape for x, y in data.epoch()]
    (2, [(4, 2), (3, 2)])
    """

    def __init__(self, source: Any, steps: int | None = None) -> None:
        self._source = source
        self._iterator: Iterator[Any] | None = None
        self._length = length = self._batches_of_a_pass()
        self._steps = steps
        self._first_epoch: int | None = None
        self._next: int | None = None  # the epoch that `_iterator` stands before
        self.exhausted = False
        self._has_given = False
        self.num_batches = steps if steps is not None else length
        self._valid_kind: list[Any] | None = None
        self.class_weight: dict[int, float] | None = None
        self._classes: int | None = None

    def set_class_weight(self, class_weight: dict[int, float], classes: int | None) -> None:
        """Give the examples of each batch the weights of their classes, of which there are `classes` if it is known."""
        self.class_weight = class_weight
        self._classes = classes

    def _batches_of_a_pass(self) -> int | None:
        return _length(self._source)

    def order(self, seed: int, epoch: int) -> Array | None:
        """What `epoch` is to be told of epoch number `epoch`: nothing, for the source knows its own order."""
        return None

    # Epochs that are parts of a pass

    def set_first_epoch(self, epoch: int) -> None:
        """Let each epoch go on where the one before stopped, a pass over the source beginning with number `epoch`."""
        self._first_epoch = epoch

    @property
    def _goes_on(self) -> bool:
        return self._first_epoch is not None and self._steps is not None

    @property
    def _in_parts(self) -> bool:
        """Whether an epoch may begin in the middle of a pass."""
        return self._goes_on and (self._length is None or (self._steps or 0) < self._length)

    def begun(self, epoch: int) -> int:
        """The number of epochs before `epoch` in its pass; where the length of a pass is not known, in all passes."""
        if self._first_epoch is None or self._steps is None or isinstance(self._source, Iterator):
            return 0
        since = epoch - self._first_epoch
        return since if self._length is None else since % -(-self._length // min(self._steps, self._length))

    def at(self, seed: int, number: int, begun: int) -> Array | None:
        """Makes an epoch the next one; returns its order.

        A training that is resumed goes through the batches of the epochs that it had begun the pass with.

        Args:
            seed: of all orders.
            number: of the epoch.
            begun: what `begun` says of it.
        """
        if not begun:
            self._iterator = None
        elif self._next != number:
            for epoch in range(number - begun, number):
                deque(self.epoch(self.at(seed, epoch, epoch - number + begun)), maxlen=0)
        self._next = number + 1
        return self.order(seed, number if self._length is None else number - begun)

    def close(self) -> None:
        """Ends what a pass that is not over has at work."""
        if isinstance(self._iterator, Generator) and self._iterator is not self._source:
            self._iterator.close()
        self._iterator = None

    def _begin(self, order: Array | None) -> Iterator[Any]:
        return iter(self._source)

    def epoch(self, order: Array | None = None) -> Generator[Any]:
        """The batches of the next epoch, each nested as `(x, y, sample_weight)`.

        Raises:
            ValueError: the source gave no batch at all. If it gave some in an earlier epoch, a warning, and
                `exhausted` is set.
        """
        if self._iterator is None or self.num_batches is None:
            self._iterator = self._begin(order)
        try:
            yield from self._take(self._iterator, order)
        finally:
            # A source that starts anew is done with, whether its batches are used up or not; so are its workers.
            if not self._goes_on and not isinstance(self._source, Iterator):
                self._iterator = None

    def _take(self, iterator: Iterator[Any], order: Array | None) -> Iterator[Any]:
        count = 0
        while self.num_batches is None or count < self.num_batches:
            try:
                batch = next(iterator)
            except StopIteration:
                if count == 0 and self._has_given and self._goes_on and not isinstance(self._source, Iterator):
                    # The pass ended with the epoch before.
                    self._has_given = False
                    self._iterator = iterator = self._begin(order)
                    continue
                self._iterator = None
                if count == 0 and not self._has_given:
                    raise ValueError("The data is empty: the iterator gave no batch.") from None
                if count == 0:
                    self.exhausted = True
                    warnings.warn(
                        "The iterator ran out of data before the last epoch. Give an iterable that starts anew at "
                        "every `iter()`, or a generator that gives `steps_per_epoch * epochs` batches.",
                        stacklevel=2,
                    )
                return
            self._has_given = True
            yield self._weighted(self._valid(batch))
            count += 1

    def _valid(self, batch: Any) -> Any:
        """`batch` made valid. Where nothing was to be done, nothing is for the next batch of the same kind."""
        kind = _plain_kind(batch)
        if kind is not None and kind == self._valid_kind:
            return batch
        valid = valid_batch(batch)
        is_same = kind is not None and len(valid) == len(batch) and all(map(operator.is_, valid, batch))
        self._valid_kind = kind if is_same else None
        return valid

    def _weighted(self, batch: Any) -> Any:
        if self.class_weight is None:
            return batch
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        if sample_weight is not None:
            raise ValueError("fit: give either `class_weight` or batches with `sample_weight`, not both.")
        return x, y, class_weight_to_sample_weights(y, self.class_weight, self._classes)


def _plain_kind(batch: Any) -> list[Any] | None:
    """Shapes and types of a tuple of arrays that lie in memory as programs take them; None of anything else."""
    if type(batch) is not tuple:
        return None
    kind = []
    for array in batch:
        if type(array) is not np.ndarray or not (array.flags.c_contiguous and array.flags.aligned):
            return None
        kind.append((array.shape, array.dtype))
    return kind


def valid_batch(batch: Any) -> Any:
    """A batch with its arrays made valid and their lengths compared."""
    parts: list[Any] = []
    arrays: list[Array] = []
    names: list[str] = []
    for value, argument in zip(unpack_x_y_sample_weight(batch), ("x", "y", "sample_weight"), strict=True):
        if value is None:
            parts.append(None)
            continue
        part, leaves, leaf_names = arrays_of(value, argument)
        parts.append(part)
        arrays += leaves
        names += leaf_names
    if len(names) > 1 and names[0] == "x" and arrays[0].ndim == 1:
        # What has one axis may be a single signal, without an axis of examples: the loss compares shapes.
        check_lengths(arrays[1:], names[1:])
    else:
        check_lengths(arrays, names)
    return pack_x_y_sample_weight(*parts)
