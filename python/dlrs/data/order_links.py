"""The links of a `Dataset`'s chain that choose elements and order them."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlrs.data.dataset import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from dlrs.data.links import Changed, Slices, check_dataset, checked_seed

Array = np.ndarray[Any, Any]


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, epoch]))


class Shuffle(Changed):
    """A random order."""

    _varies = True

    def __init__(self, source: Dataset, size: int | None, seed: int, anew: bool) -> None:
        super().__init__(source)
        self._size, self._seed, self._anew = size, seed, anew

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
    """The entries of arrays in a random order: the rows are shuffled, and nothing is copied."""

    _varies = True

    def __init__(self, source: Slices, size: int | None, seed: int, anew: bool) -> None:
        super().__init__(source.arrays)
        self._before, self._size, self._seed, self._anew = source, size, seed, anew

    def cardinality(self) -> int:
        return self._before.cardinality()

    def rows(self, number: int) -> Array:
        """The entries of an epoch in its order."""
        generator = _generator(self._seed, number if self._anew else 0)
        rows = self._before.rows(number)
        if self._size is None or self._size >= len(rows):
            return generator.permutation(rows)
        buffer = rows[: self._size].tolist()
        places = generator.integers(self._size, size=len(rows) - self._size).tolist()
        taken = []
        for place, row in zip(places, rows[self._size :].tolist(), strict=True):
            taken.append(buffer[place])
            buffer[place] = row
        return np.concatenate([np.array(taken, rows.dtype), generator.permutation(buffer)])


def shuffled(source: Dataset, size: int | None, seed: int | None, anew: bool) -> Dataset:
    """`source` in a random order."""
    seed = checked_seed("shuffle", seed)
    if isinstance(source, Slices):
        return ShuffledSlices(source, size, seed, anew)
    return Shuffle(source, size, seed, anew)


class Repeat(Changed):
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


class Concatenate(Dataset):
    """The elements of one dataset, then those of another."""

    _varies = False

    def __init__(self, first: Dataset, second: Dataset) -> None:
        check_dataset("concatenate", "dataset", second)
        self._parts = (first, second)

    def sources(self) -> tuple[Dataset, ...]:
        return self._parts

    def cardinality(self) -> int:
        counts = [part.cardinality() for part in self._parts]
        for unbounded in (INFINITE_CARDINALITY, UNKNOWN_CARDINALITY):
            if unbounded in counts:
                return unbounded
        return sum(counts)

    def epoch(self, number: int) -> Iterator[Any]:
        return itertools.chain.from_iterable(part.epoch(number) for part in self._parts)


def _part_of(count: int, chosen: slice) -> int:
    return len(range(*chosen.indices(count)))


class Part(Changed):
    """The elements from one number on, at most so many, or every n-th."""

    def __init__(self, source: Dataset, chosen: slice) -> None:
        super().__init__(source)
        self._chosen = chosen

    def cardinality(self) -> int:
        count = self._source.cardinality()
        if count == INFINITE_CARDINALITY and self._chosen.stop is not None:
            return _part_of(self._chosen.stop, self._chosen)
        return count if count < 0 else _part_of(count, self._chosen)

    def epoch(self, number: int) -> Iterator[Any]:
        chosen = self._chosen
        return itertools.islice(self._source.epoch(number), chosen.start, chosen.stop, chosen.step)


class PartOfSlices(Slices):
    """Some of the entries of arrays."""

    def __init__(self, source: Slices, chosen: slice) -> None:
        super().__init__(source.arrays)
        self._before, self._chosen = source, chosen

    def sources(self) -> tuple[Dataset, ...]:
        return (self._before,)

    def cardinality(self) -> int:
        return _part_of(self._before.cardinality(), self._chosen)

    def rows(self, number: int) -> Array:
        """The entries of an epoch in their order."""
        return self._before.rows(number)[self._chosen]


def part(source: Dataset, first: int, stop: int | None, step: int = 1) -> Dataset:
    """The elements `first`, `first + step`, ... of `source` before number `stop`."""
    chosen = slice(first, stop, step)
    return PartOfSlices(source, chosen) if isinstance(source, Slices) else Part(source, chosen)
