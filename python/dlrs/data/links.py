"""The links of a `Dataset`'s chain: where elements come from, and what is made of them."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlrs.backend import tree
from dlrs.backend.ragged import PAD, explained
from dlrs.data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from dlrs.data.stacks import as_numpy, pad_and_stack, stack
from dlrs.data.workers import ahead, in_order
from dlrs.random import make_default_seed, seed_scope

Array = np.ndarray[Any, Any]
_MOST_WORKERS = 4
_TOGETHER = 64  # elements that a worker is handed at once, if they take little time


def count(method: str, name: str, value: Any, least: int | None) -> int:
    """`value` as an int of 64 bits, at least `least`; ValueError that names method and argument otherwise."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or not -(2**62) <= int(value) < 2**62 or (least is not None and value < least):
        wanted = "an integer of 62 bits" if least is None else f"an integer of at least {least}"
        raise ValueError(f"Dataset.{method}: `{name}` must be {wanted}, got {value!r}.")
    return int(value)


def worker_count(method: str, value: Any) -> int:
    """The number of threads that `num_parallel_calls` means."""
    if value is None:
        return 0
    if value == AUTOTUNE:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(_MOST_WORKERS, cores)
    return count(method, "num_parallel_calls", value, 0)


def checked_seed(method: str, seed: int | None) -> int:
    """`seed`, or a new one for None; ValueError that names the method if it is no integer."""
    if seed is None:
        return make_default_seed()
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not -(2**63) <= seed < 2**63:
        raise ValueError(f"Dataset.{method}: `seed` must be an integer of 64 bits, got {seed!r}.")
    return int(seed)


def _check_callable(method: str, name: str, value: Any) -> None:
    if not callable(value):
        raise TypeError(f"Dataset.{method}: `{name}` must be callable, got {value!r}.")


def check_dataset(method: str, name: str, value: Any) -> None:
    """TypeError that names method and argument unless `value` is a dataset."""
    if not isinstance(value, Dataset):
        raise TypeError(f"Dataset.{method}: `{name}` must be a Dataset, got {value!r}.")


def call(function: Callable[..., Any], element: Any) -> Any:
    """`function` of an element, the parts of a tuple as its arguments."""
    return function(*element) if isinstance(element, tuple) else function(element)


# Sources


class Slices(Dataset):
    """The entries of arrays along their first axis."""

    _varies = False

    def __init__(self, tensors: Any) -> None:
        self.arrays = tree.map_structure(as_numpy, _with_lists_as_arrays(tensors))
        lengths = {len(array) if array.ndim else None for array in tree.flatten(self.arrays)}
        if len(lengths) != 1 or None in lengths:
            shapes = [array.shape for array in tree.flatten(self.arrays)]
            raise ValueError(
                f"Dataset.from_tensor_slices: the arrays must have the same number of entries, got shapes {shapes}. "
                f"{PAD}"
            )
        self._length = int(lengths.pop() or 0)

    def cardinality(self) -> int:
        return self._length

    def rows(self, number: int) -> Array:
        """The entries of an epoch in their order."""
        return np.arange(self._length)

    def gather(self, rows: Any) -> Any:
        """The entries at `rows`, an array of numbers."""
        return tree.map_structure(lambda array: array[rows], self.arrays)

    def epoch(self, number: int) -> Iterator[Any]:
        rows = self.rows(number).tolist()
        leaves = [map(array.__getitem__, rows) for array in tree.flatten(self.arrays)]
        if not tree.is_nested(self.arrays):
            return leaves[0]
        entries = zip(*leaves, strict=True)
        if type(self.arrays) is tuple and not any(map(tree.is_nested, self.arrays)):
            return entries
        return (tree.pack_sequence_as(self.arrays, entry) for entry in entries)


def _with_lists_as_arrays(nest: Any) -> Any:
    """A nest whose lists of plain values, of any depth, became arrays; lists that hold arrays are part of the nest."""
    if isinstance(nest, dict):
        return {key: _with_lists_as_arrays(value) for key, value in nest.items()}
    if isinstance(nest, list) and nest and not tree.any_leaf(_is_array, nest):
        try:
            return np.asarray(nest)
        except ValueError as error:
            raise explained(error, nest, "Dataset.from_tensor_slices: ") from None
    if type(nest) in (list, tuple):
        return type(nest)(map(_with_lists_as_arrays, nest))
    return nest


def _is_array(leaf: Any) -> bool:
    return not isinstance(leaf, str | bytes | int | float | complex | np.generic | None)


class FromGenerator(Dataset):
    """What an iterable gives."""

    def __init__(
        self, generator: Callable[..., Any], types: Any, shapes: Any, args: tuple[Any, ...], signature: Any
    ) -> None:
        _check_callable("from_generator", "generator", generator)
        if signature is not None:
            if types is not None or shapes is not None:
                raise ValueError(
                    "Dataset.from_generator: give `output_signature`, or `output_types` and `output_shapes`, not both."
                )
            types = tree.map_structure(lambda spec: spec.dtype, signature)
            shapes = tree.map_structure(lambda spec: tuple(spec.shape), signature)
        self._make, self._args = generator, args
        self._types = None if types is None else tree.flatten(types)
        self._shapes = None if shapes is None else _shapes(shapes)

    def cardinality(self) -> int:
        return UNKNOWN_CARDINALITY

    def epoch(self, number: int) -> Iterator[Any]:
        # A generator may fill one and the same array again and again.
        elements = (tree.map_structure(_owned, element) for element in self._make(*self._args))
        return elements if self._types is self._shapes is None else map(self._checked, elements, itertools.count())

    def _checked(self, element: Any, index: int) -> Any:
        leaves = tree.flatten(element)
        for wanted in (self._types, self._shapes):
            if wanted is not None and len(wanted) != len(leaves):
                raise ValueError(
                    f"Dataset.from_generator: element {index} has {len(leaves)} leaves, {len(wanted)} are declared."
                )
        if self._types is not None:
            leaves = [np.asarray(as_numpy(leaf), dtype) for leaf, dtype in zip(leaves, self._types, strict=True)]
        for leaf, shape in zip(leaves, self._shapes or (), strict=self._shapes is not None):
            got = np.shape(leaf)
            fits = len(got) == len(shape) and all(size in (None, is_) for size, is_ in zip(shape, got, strict=True))
            if not fits:
                raise ValueError(f"Dataset.from_generator: element {index} has the shape {got}, {shape} is declared.")
        return tree.pack_sequence_as(element, leaves)


def _owned(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _shapes(shapes: Any) -> list[tuple[int | None, ...]]:
    """The shapes in a nest of them."""
    found: list[tuple[int | None, ...]] = []
    tree.map_shape_structure(lambda shape: found.append(shape), shapes)
    return found


class Zip(Dataset):
    """One element of each dataset."""

    _varies = False

    def __init__(self, datasets: Any) -> None:
        self._parts = tuple(datasets)
        if not self._parts or not all(isinstance(part, Dataset) for part in self._parts):
            raise TypeError(f"Dataset.zip: expected datasets, got {datasets!r}.")

    def sources(self) -> tuple[Dataset, ...]:
        return self._parts

    def cardinality(self) -> int:
        counts = [part.cardinality() for part in self._parts]
        known = [count for count in counts if count != INFINITE_CARDINALITY]
        return INFINITE_CARDINALITY if not known else min(known)

    def epoch(self, number: int) -> Iterator[Any]:
        return zip(*(part.epoch(number) for part in self._parts), strict=False)


# Changes of elements


class Changed(Dataset):
    """A dataset made of another."""

    _varies = False

    def __init__(self, source: Dataset) -> None:
        self._source = source

    def sources(self) -> tuple[Dataset, ...]:
        return (self._source,)

    def cardinality(self) -> int:
        return self._source.cardinality()


class Map(Changed):
    """A function of each element."""

    _varies = True

    def __init__(self, source: Dataset, function: Callable[..., Any], workers: int, seed: int | None) -> None:
        super().__init__(source)
        _check_callable("map", "function", function)
        self.workers = workers
        self.function, self._seed = function, checked_seed("map", seed)

    @property
    def maps(self) -> Dataset:
        """What the function is applied to."""
        return self._source

    def epoch(self, number: int) -> Iterator[Any]:
        elements = self._source.epoch(number)
        if not self.workers:
            return self._one_by_one(elements, number)

        def apply(item: tuple[int, Any]) -> Any:
            index, element = item
            try:
                with seed_scope(self._seed, number, index):
                    return call(self.function, element)
            except Exception as error:
                self._tell(error, number, index)
                raise

        return in_order(apply, enumerate(elements), self.workers, 2 * self.workers, _TOGETHER)

    def _one_by_one(self, elements: Iterator[Any], number: int) -> Iterator[Any]:
        function, scope = self.function, seed_scope(self._seed, number, 0)
        for index, element in enumerate(elements):
            try:
                with scope.move(index):
                    result = function(*element) if isinstance(element, tuple) else function(element)
            except Exception as error:
                self._tell(error, number, index)
                raise
            yield result

    def together(self, number: int, size: int) -> Iterator[list[Any]]:
        """The elements of an epoch, up to `size` at a time: cheaper for whom needs so many at once anyway."""
        elements, scope = enumerate(self._source.epoch(number)), seed_scope(self._seed, number, 0)
        while part := list(itertools.islice(elements, size)):
            yield self._results(part, number, scope)

    def _results(self, part: list[tuple[int, Any]], number: int, scope: seed_scope) -> list[Any]:
        function, results, index = self.function, [], 0
        try:
            with scope:
                for index, element in part:
                    scope.move(index)
                    results.append(function(*element) if isinstance(element, tuple) else function(element))
        except Exception as error:
            self._tell(error, number, index)
            raise
        return results

    def _tell(self, error: Exception, number: int, index: int) -> None:
        """Adds a note of the element."""
        error.add_note(f"Dataset.map: element {index} of epoch {number}{self._origin(number, index)}")

    def _origin(self, number: int, index: int) -> str:
        """Which entry of the arrays an element is, if they are not in their own order."""
        if type(self._source) is Slices or not isinstance(self._source, Slices):
            return ""
        return f", entry {self._source.rows(number)[index]} of the arrays"


class Filter(Changed):
    """The elements of which a predicate is true."""

    def __init__(self, source: Dataset, predicate: Callable[..., Any]) -> None:
        super().__init__(source)
        _check_callable("filter", "predicate", predicate)
        self._predicate = predicate

    def cardinality(self) -> int:
        return UNKNOWN_CARDINALITY

    def epoch(self, number: int) -> Iterator[Any]:
        for index, element in enumerate(self._source.epoch(number)):
            try:
                kept = bool(call(self._predicate, element))
            except Exception as error:
                error.add_note(f"Dataset.filter: element {index} of epoch {number}")
                raise
            if kept:
                yield element


class FlatMap(Changed):
    """The elements of datasets made of elements."""

    def __init__(self, source: Dataset, function: Callable[..., Dataset]) -> None:
        super().__init__(source)
        _check_callable("flat_map", "function", function)
        self._function = function

    def cardinality(self) -> int:
        return UNKNOWN_CARDINALITY

    def epoch(self, number: int) -> Iterator[Any]:
        for element in self._source.epoch(number):
            inner = call(self._function, element)
            check_dataset("flat_map", "function(...)", inner)
            yield from inner.epoch(number)


class Enumerate(Changed):
    """Pairs of number and element."""

    def __init__(self, source: Dataset, start: int) -> None:
        super().__init__(source)
        self._start = start

    def epoch(self, number: int) -> Iterator[Any]:
        return zip(map(np.int64, itertools.count(self._start)), self._source.epoch(number), strict=False)


class Batch(Changed):
    """Stacked elements."""

    def __init__(self, source: Dataset, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self.size, self._drop = size, drop_remainder

    @property
    def rows_of(self) -> Dataset:
        """What the batches are made of."""
        return self._source

    def cardinality(self) -> int:
        count = self._source.cardinality()
        return count if count < 0 else count // self.size if self._drop else -(-count // self.size)

    def epoch(self, number: int) -> Iterator[Any]:
        source = self._source
        if isinstance(source, Slices):
            # Whole rows at once.
            rows = source.rows(number)
            return (source.gather(rows[start : start + self.size]) for start in self._starts())
        return self._stacked(self._parts(number))

    def _parts(self, number: int) -> Iterator[list[Any]]:
        """The elements of each batch."""
        source = self._source
        if isinstance(source, Map) and not source.workers:
            return source.together(number, self.size)
        elements = source.epoch(number)
        return iter(lambda: list(itertools.islice(elements, self.size)), [])

    def _starts(self) -> range:
        return range(0, len(self) * self.size, self.size)

    def _stacked(self, parts: Iterator[list[Any]]) -> Iterator[Any]:
        for index, part in enumerate(parts):
            if self._drop and len(part) < self.size:
                return
            yield self._stack(part, f"Dataset.batch: batch {index}")

    def _stack(self, elements: list[Any], what: str) -> Any:
        return stack(elements, what)


class PaddedBatch(Batch):
    """Stacked elements, filled up to one shape."""

    def __init__(self, source: Dataset, size: int, drop_remainder: bool, shapes: Any, values: Any) -> None:
        super().__init__(source, size, drop_remainder)
        self._shapes = None if shapes is None else _shapes(shapes)
        self._values = None if values is None else tree.flatten(values)

    def epoch(self, number: int) -> Iterator[Any]:
        return self._stacked(self._parts(number))

    def _stack(self, elements: list[Any], what: str) -> Any:
        return pad_and_stack(elements, self._shapes, self._values)


class Unbatch(Changed):
    """The entries of elements."""

    def cardinality(self) -> int:
        return self._source.cardinality() if self._source.cardinality() == INFINITE_CARDINALITY else UNKNOWN_CARDINALITY

    def epoch(self, number: int) -> Iterator[Any]:
        for element in self._source.epoch(number):
            yield from Slices(element).epoch(number)


class Prefetch(Changed):
    """Elements made before they are asked for."""

    def __init__(self, source: Dataset, size: int) -> None:
        super().__init__(source)
        self._size = size

    def epoch(self, number: int) -> Iterator[Any]:
        return ahead(lambda: self._source.epoch(number), self._size)


class Cache(Changed):
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
