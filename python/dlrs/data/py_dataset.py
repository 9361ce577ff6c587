"""Batches by number, made by worker threads."""

import warnings
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from dlrs.data.iterator_data import IteratorData
from dlrs.data.workers import in_order

Array = np.ndarray[Any, Any]


class PyDataset:
    """Base class of data whose batches are asked for by number.

    Subclasses define `__getitem__(index)`, which returns batch number `index` as `(x, y)` or `(x, y, sample_weight)`,
    and `__len__` or the property `num_batches`, the number of batches of an epoch (None for no end).

    Args:
        workers: threads that make batches beside the training; 0 makes them in between. The batches and their order are
            the same for any number.
        use_multiprocessing: accepted as Keras does; the workers are threads all the same, for kernels and NumPy let
            other threads run.
        max_queue_size: batches that may wait to be taken.

    `fit` calls `on_epoch_begin` and `on_epoch_end` around each epoch, and with `shuffle=True` asks for the batches in a
    random order. An error in `__getitem__` stops the training and says which batch it was.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return np.full((2, 1), index), np.full((2, 1), index**2)
    >>> [int(y[0, 0]) for x, y in Squares(workers=2)]
    [0, 1, 4]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        for name, value, least in (("workers", workers, 0), ("max_queue_size", max_queue_size, 1)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise ValueError(f"PyDataset: `{name}` must be an integer of at least {least}, got {value!r}.")
        self._workers = int(workers)
        self._use_multiprocessing = bool(use_multiprocessing)
        self._max_queue_size = int(max_queue_size)

    def _setting(self, name: str, default: Any) -> Any:
        if name not in self.__dict__:
            warnings.warn(
                "Your `PyDataset` class should call `super().__init__(**kwargs)` in its constructor. `**kwargs` can "
                "include `workers`, `use_multiprocessing`, `max_queue_size`. Do not pass these arguments to `fit()`, "
                "as they will be ignored.",
                stacklevel=3,
            )
            self.__dict__[name] = default
        return self.__dict__[name]

    @property
    def workers(self) -> int:
        """Threads that make batches."""
        return int(self._setting("_workers", 1))

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        """What the constructor was told."""
        return bool(self._setting("_use_multiprocessing", False))

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        """Batches that may wait to be taken."""
        return int(self._setting("_max_queue_size", 10))

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__(index)`, which returns a batch.")

    @property
    def num_batches(self) -> int | None:
        """Batches of an epoch; None for no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must define `__len__` or the property `num_batches`.")

    def __iter__(self) -> Iterator[Any]:
        return self.batches()

    def batches(self, order: Array | None = None) -> Generator[Any]:
        """The batches of an epoch, in their order or in the one given."""
        count = self.num_batches
        numbers: Any = range(count) if count is not None else _endless()
        numbers = numbers if order is None else (int(number) for number in order)
        yield from in_order(self._batch, numbers, self.workers, self.max_queue_size)

    def _batch(self, index: int) -> Any:
        try:
            return self[index]
        except Exception as error:
            error.add_note(f"{type(self).__name__}: batch {index}")
            raise

    def on_epoch_begin(self) -> None:
        """Called by `fit` before an epoch."""

    def on_epoch_end(self) -> None:
        """Called by `fit` after an epoch."""


def _endless() -> Iterator[int]:
    index = 0
    while True:
        yield index
        index += 1


class PyDatasetData(IteratorData):
    """The batches of a `PyDataset`.

    Args:
        source: the data.
        steps: number of batches in an epoch; all by default.
        shuffle: whether an epoch's order is random.
    """

    def __init__(self, source: PyDataset, steps: int | None = None, shuffle: bool = False) -> None:
        if source.num_batches == 0:
            raise ValueError("The PyDataset has length 0")
        self._dataset = source
        self._shuffle = shuffle
        super().__init__(source, steps)

    def _batches_of_a_pass(self) -> int | None:
        return self._dataset.num_batches

    def at(self, seed: int, number: int, begun: int) -> Array | None:
        """The numbers of the batches of an epoch."""
        order = self.order(seed, number if self._length is None else number - begun)
        self._iterator = None
        if not self._in_parts or self._steps is None:
            return order
        first, end = begun * self._steps, (begun + 1) * self._steps
        return (
            np.arange(first, end if self._length is None else min(end, self._length))
            if order is None
            else order[first:end]
        )

    def order(self, seed: int, epoch: int) -> Array | None:
        """The numbers of the batches of an epoch, drawn from `(seed, epoch)`; None for their own order."""
        count = self._dataset.num_batches
        if not self._shuffle or count is None:
            return None
        return np.random.Generator(np.random.Philox(key=[seed % 2**64, epoch])).permutation(count)

    def _begin(self, order: Array | None) -> Iterator[Any]:
        return self._dataset.batches(order)

    def epoch(self, order: Array | None = None) -> Generator[Any]:
        """The batches of the next epoch, between the data's `on_epoch_begin` and `on_epoch_end`."""
        self._dataset.on_epoch_begin()
        yield from super().epoch(order)
        self._dataset.on_epoch_end()
