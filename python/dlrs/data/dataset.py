"""Chains of what is done to data on its way to a model."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlrs.backend import Tensor, Variable, tree
from dlrs.data.workers import ahead, in_order
from dlrs.random import make_default_seed, seed_scope

Array = np.ndarray[Any, Any]

# What `cardinality` says of data without end, and of data whose length only a pass over it tells; TensorFlow's numbers.
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


class Dataset(ABC):
    """Elements, one after the other: arrays, or nests of arrays such as `(image, label)`.

    Made by `Dataset.from_tensor_slices`, `from_generator`, `range` or `zip`, and changed by methods that each return a
    new dataset, as in `tf.data`. `fit`, `evaluate` and `predict` take a dataset of batches.

    A pass over the data is an epoch and has a number; `fit` counts its epochs, `iter` the passes of its own. What is
    random, the order of `shuffle` and what random layers draw within `map`, is a function of seed, epoch and the
    element's number. So the elements are the same for any number of workers, and a training that goes on at epoch 7
    sees what an uninterrupted one would have seen.

    >>> data = Dataset.from_tensor_slices((np.arange(5), np.arange(5) ** 2))
    >>> for x, y in data.map(lambda x, y: (x, -y), num_parallel_calls=2).batch(2):
    ...     print(x.tolist(), y.tolist())
    [0, 1] [0, -1]
    [2, 3] [-4, -9]
    [4] [-16]
    """

    _passes = 0

    @abstractmethod
    def epoch(self, number: int) -> Iterator[Any]:
        """The elements of epoch `number`."""

    @abstractmethod
    def cardinality(self) -> int:
        """The number of elements, `INFINITE_CARDINALITY` or `UNKNOWN_CARDINALITY`."""

    def __iter__(self) -> Iterator[Any]:
        self._passes += 1
        return self.epoch(self._passes - 1)

    def __len__(self) -> int:
        count = self.cardinality()
        if count < 0:
            raise TypeError(f"The dataset's length is {'infinite' if count == INFINITE_CARDINALITY else 'unknown'}.")
        return count

    def __bool__(self) -> bool:
        return True

    # Sources

    @staticmethod
    def from_tensor_slices(tensors: Any) -> "Dataset":
        """The entries of arrays along their first axis; a nest of arrays gives nests of entries."""
        return Slices(tensors)

    @staticmethod
    def from_generator(generator: Callable[[], Any]) -> "Dataset":
        """What the iterable gives that `generator()` returns anew for each epoch."""
        return FromGenerator(generator)

    @staticmethod
    def range(*args: int) -> "Dataset":
        """The numbers of Python's `range`, as int64 scalars."""
        return Slices(np.arange(*args, dtype=np.int64))

    @staticmethod
    def zip(*datasets: "Dataset") -> "Dataset":
        """Tuples of one element of each dataset, until the shortest ends."""
        return Zip(datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple | list) else datasets)

    # What is done to elements

    def map(
        self, function: Callable[..., Any], num_parallel_calls: int | None = None, seed: int | None = None
    ) -> "Dataset":
        """`function` of each element; the parts of a tuple are arguments of their own.

        Args:
            function: NumPy, ops and layers alike. Layers that draw random numbers draw by `seed`, epoch and the
                element's number.
            num_parallel_calls: worker threads; without any the caller computes. Results keep their order.
            seed: integer; drawn once, when the dataset is made, if None.

        An error in `function` is raised where the element would have stood, and says which element it was.
        """
        return Map(self, function, _count("map", "num_parallel_calls", num_parallel_calls or 0, 0), seed)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> "Dataset":
        """Stacks of `batch_size` elements; the last may be smaller, or is left out."""
        return Batch(self, _count("batch", "batch_size", batch_size, 1), drop_remainder)

    def shuffle(
        self, buffer_size: int | None = None, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> "Dataset":
        """A random order.

        Args:
            buffer_size: each element is drawn from the next so many; all of them, a uniform order, if None.
            seed: integer; drawn once, when the dataset is made, if None.
            reshuffle_each_iteration: whether each epoch has an order of its own.
        """
        size = None if buffer_size is None else _count("shuffle", "buffer_size", buffer_size, 1)
        return Shuffle(self, size, seed, reshuffle_each_iteration)

    def prefetch(self, buffer_size: int = 2) -> "Dataset":
        """The same elements, up to `buffer_size` of them made on a thread of its own before they are asked for."""
        return Prefetch(self, _count("prefetch", "buffer_size", 2 if buffer_size == -1 else buffer_size, 1))

    def cache(self) -> "Dataset":
        """The same elements, kept in memory from the first whole pass on."""
        return Cache(self)

    def repeat(self, count: int | None = None) -> "Dataset":
        """The elements of `count` epochs one after the other, or of epochs without end."""
        return Repeat(self, None if count in (None, -1) else _count("repeat", "count", count, 0))

    def take(self, count: int) -> "Dataset":
        """The first `count` elements."""
        return Part(self, 0, _count("take", "count", count, 0))

    def skip(self, count: int) -> "Dataset":
        """All but the first `count` elements."""
        return Part(self, _count("skip", "count", count, 0), None)


def _count(method: str, name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"Dataset.{method}: `{name}` must be an integer of at least {least}, got {value!r}.")
    return int(value)


def _seed(method: str, seed: int | None) -> int:
    if seed is None:
        return make_default_seed()
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(f"Dataset.{method}: `seed` must be an integer, got {seed!r}.")
    return int(seed)


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, epoch]))


def _array(value: Any) -> Array:
    return value.numpy() if isinstance(value, Tensor | Variable) else np.asarray(value)


class Slices(Dataset):
    """The entries of arrays along their first axis."""

    def __init__(self, tensors: Any) -> None:
        self.arrays = tree.map_structure(_array, tensors)
        lengths = {len(array) if array.ndim else None for array in tree.flatten(self.arrays)}
        if len(lengths) != 1 or None in lengths:
            shapes = [array.shape for array in tree.flatten(self.arrays)]
            raise ValueError(
                f"Dataset.from_tensor_slices: the arrays must have the same number of entries, got shapes {shapes}."
            )
        self._length = int(lengths.pop() or 0)

    def cardinality(self) -> int:
        return self._length

    def rows(self, number: int) -> Array:
        """The entries of an epoch in their order."""
        return np.arange(self._length)

    def epoch(self, number: int) -> Iterator[Any]:
        for row in self.rows(number):
            yield tree.map_structure(lambda array, row=row: array[row], self.arrays)


class FromGenerator(Dataset):
    """What an iterable gives."""

    def __init__(self, generator: Callable[[], Any]) -> None:
        if not callable(generator):
            raise TypeError(f"Dataset.from_generator: `generator` must be callable, got {generator!r}.")
        self._make = generator

    def cardinality(self) -> int:
        return UNKNOWN_CARDINALITY

    def epoch(self, number: int) -> Iterator[Any]:
        yield from self._make()


class Zip(Dataset):
    """One element of each dataset."""

    def __init__(self, datasets: Any) -> None:
        self._parts = tuple(datasets)
        if not self._parts or not all(isinstance(part, Dataset) for part in self._parts):
            raise TypeError(f"Dataset.zip: expected datasets, got {datasets!r}.")

    def cardinality(self) -> int:
        counts = [part.cardinality() for part in self._parts]
        known = [count for count in counts if count != INFINITE_CARDINALITY]
        return INFINITE_CARDINALITY if not known else min(known)

    def epoch(self, number: int) -> Iterator[Any]:
        return zip(*(part.epoch(number) for part in self._parts), strict=False)


class _Changed(Dataset):
    """A dataset made of another."""

    def __init__(self, source: Dataset) -> None:
        self._source = source

    def cardinality(self) -> int:
        return self._source.cardinality()


class Map(_Changed):
    """A function of each element."""

    def __init__(self, source: Dataset, function: Callable[..., Any], workers: int, seed: int | None) -> None:
        super().__init__(source)
        if not callable(function):
            raise TypeError(f"Dataset.map: `function` must be callable, got {function!r}.")
        self._function, self._workers, self._seed = function, workers, _seed("map", seed)

    def epoch(self, number: int) -> Iterator[Any]:
        def apply(item: tuple[int, Any]) -> Any:
            index, element = item
            try:
                with seed_scope(self._seed, number, index):
                    return self._function(*element) if isinstance(element, tuple) else self._function(element)
            except Exception as error:
                error.add_note(f"Dataset.map: element {index} of epoch {number}")
                raise

        return in_order(apply, enumerate(self._source.epoch(number)), self._workers, 2 * self._workers)


class Batch(_Changed):
    """Stacked elements."""

    def __init__(self, source: Dataset, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self._size, self._drop = size, drop_remainder

    def cardinality(self) -> int:
        count = self._source.cardinality()
        return count if count < 0 else count // self._size if self._drop else -(-count // self._size)

    def epoch(self, number: int) -> Iterator[Any]:
        if isinstance(self._source, Slices):
            # Whole rows at once.
            rows, arrays = self._source.rows(number), self._source.arrays
            for start in range(0, len(self) * self._size, self._size):
                chosen = rows[start : start + self._size]
                yield tree.map_structure(lambda array, chosen=chosen: array[chosen], arrays)
            return
        elements = self._source.epoch(number)
        while part := list(itertools.islice(elements, self._size)):
            if len(part) == self._size or not self._drop:
                yield tree.map_structure(lambda *leaves: np.stack([_array(leaf) for leaf in leaves]), *part)


class Shuffle(_Changed):
    """A random order. Of slices the rows are shuffled, and nothing is copied."""

    def __new__(cls, source: Dataset, size: int | None, seed: int | None, anew: bool) -> Any:
        if isinstance(source, Slices) and (size is None or size >= source.cardinality()):
            return ShuffledSlices(source, _seed("shuffle", seed), anew)
        return super().__new__(cls)

    def __init__(self, source: Dataset, size: int | None, seed: int | None, anew: bool) -> None:
        super().__init__(source)
        self._size, self._seed, self._anew = size, _seed("shuffle", seed), anew

    def epoch(self, number: int) -> Iterator[Any]:
        generator = _generator(self._seed, number if self._anew else 0)
        elements = self._source.epoch(number)
        buffer = list(elements if self._size is None else itertools.islice(elements, self._size))
        for element in elements:
            place = generator.integers(len(buffer))
            taken, buffer[place] = buffer[place], element
            yield taken
        for place in generator.permutation(len(buffer)):
            yield buffer[place]


class ShuffledSlices(Slices):
    """The entries of arrays in a random order."""

    def __init__(self, source: Slices, seed: int, anew: bool) -> None:
        super().__init__(source.arrays)
        self._before, self._seed, self._anew = source, seed, anew

    def rows(self, number: int) -> Array:
        """The entries of an epoch in its order."""
        return _generator(self._seed, number if self._anew else 0).permutation(self._before.rows(number))


class Prefetch(_Changed):
    """Elements made before they are asked for."""

    def __init__(self, source: Dataset, size: int) -> None:
        super().__init__(source)
        self._size = size

    def epoch(self, number: int) -> Iterator[Any]:
        return ahead(lambda: self._source.epoch(number), self._size)


class Cache(_Changed):
    """Elements kept from the first whole pass on."""

    _kept: list[Any] | None = None

    def epoch(self, number: int) -> Iterator[Any]:
        if self._kept is not None:
            yield from self._kept
            return
        kept = []
        for element in self._source.epoch(0):
            kept.append(element)
            yield element
        self._kept = kept


class Repeat(_Changed):
    """Epoch after epoch."""

    def __init__(self, source: Dataset, count: int | None) -> None:
        super().__init__(source)
        self._count = count

    def cardinality(self) -> int:
        count = self._source.cardinality()
        if self._count == 0 or count == 0:
            return 0
        if self._count is None:
            return INFINITE_CARDINALITY
        return count if count < 0 else count * self._count

    def epoch(self, number: int) -> Iterator[Any]:
        for turn in itertools.count() if self._count is None else range(self._count):
            empty = True
            first = number * self._count if self._count is not None else number << 32
            for element in self._source.epoch(first + turn):
                empty = False
                yield element
            if empty:
                return


class Part(_Changed):
    """The elements from one number on, and at most so many."""

    def __init__(self, source: Dataset, first: int, count: int | None) -> None:
        super().__init__(source)
        self._first, self._count = first, count

    def cardinality(self) -> int:
        count = self._source.cardinality()
        if count < 0:
            return self._count if count == INFINITE_CARDINALITY and self._count is not None else count
        return max(0, count - self._first) if self._count is None else min(count, self._count)

    def epoch(self, number: int) -> Iterator[Any]:
        end = None if self._count is None else self._first + self._count
        return itertools.islice(self._source.epoch(number), self._first, end)
