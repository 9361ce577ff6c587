"""Chains of what is done to data on its way to a model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlrs.backend import tree

# What `cardinality` says of data without end, and of data whose length only a pass over it tells; TensorFlow's numbers.
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2
# As a number of workers or of elements made ahead: as many as suit the machine.
AUTOTUNE = -1


class Dataset(ABC):
    """Elements, one after the other: arrays, or nests of arrays such as `(image, label)`.

    Made by `Dataset.from_tensor_slices`, `from_tensors`, `from_generator`, `range` or `zip`, and changed by methods
    that each return a new dataset, as in `tf.data`. `fit`, `evaluate` and `predict` take a dataset of batches.

    A pass over the data is an epoch and has a number; `fit` counts its epochs, `iter` the passes over what is random in
    the chain. What is random, the order of `shuffle` and what random layers draw within `map`, is a function of seed,
    epoch and the element's number. So the elements are the same for any number of workers, and a training that goes on
    at epoch 7 sees what an uninterrupted one would have seen.

    >>> data = Dataset.from_tensor_slices((np.arange(5), np.arange(5) ** 2))
    >>> for x, y in data.map(lambda x, y: (x, -y), num_parallel_calls=2).batch(2):
    ...     print(x.tolist(), y.tolist())
    [0, 1] [0, -1]
    [2, 3] [-4, -9]
    [4] [-16]
    """

    _passes = 0
    # Whether epochs differ of themselves; if not, passes over the sources are counted alone.
    _varies = True

    @abstractmethod
    def epoch(self, number: int) -> Iterator[Any]:
        """The elements of epoch `number`."""

    @abstractmethod
    def cardinality(self) -> int:
        """The number of elements, `INFINITE_CARDINALITY` or `UNKNOWN_CARDINALITY`."""

    def sources(self) -> "tuple[Dataset, ...]":
        """The datasets that this one is made of."""
        return ()

    def __iter__(self) -> Iterator[Any]:
        varying: list[Dataset] = [self]
        below = list(self.sources())
        while below:
            source = below.pop()
            below += source.sources()
            if source._varies:
                varying.append(source)
        number = max(dataset._passes for dataset in varying)
        for dataset in varying:
            dataset._passes = number + 1
        return self.epoch(number)

    def __len__(self) -> int:
        count = self.cardinality()
        if count < 0:
            raise TypeError(f"The dataset's length is {'infinite' if count == INFINITE_CARDINALITY else 'unknown'}.")
        return count

    def __bool__(self) -> bool:
        return True

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements of the next pass, every leaf a NumPy array."""
        return (tree.map_structure(stacks.as_numpy, element) for element in self)

    # Sources

    @staticmethod
    def from_tensor_slices(tensors: Any) -> "Dataset":
        """The entries of arrays along their first axis; a nest of arrays gives nests of entries.

        A list of numbers or strings, or of such lists, is an array. ValueError if arrays differ in their number of
        entries, or lists in their lengths.

        >>> [(x.tolist(), int(y)) for x, y in Dataset.from_tensor_slices(([[1, 2], [3, 4]], [0, 1]))]
        [([1, 2], 0), ([3, 4], 1)]
        """
        return links.Slices(tensors)

    @staticmethod
    def from_tensors(tensors: Any) -> "Dataset":
        """A single element: the arrays as they are."""
        return links.Slices(tree.map_structure(lambda leaf: stacks.as_numpy(leaf)[None], tensors))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Any = None,
    ) -> "Dataset":
        """What the iterable gives that `generator(*args)` returns anew for each epoch.

        Args:
            generator: function that returns an iterable.
            output_types: types that the leaves of an element are converted to, nested like it; as they are if None.
            output_shapes: shapes that they must have, nested likewise; None stands for any size.
            args: arguments of `generator`.
            output_signature: both in one: a nest of things with `shape` and `dtype`, such as placeholders.
        """
        return links.FromGenerator(generator, output_types, output_shapes, args or (), output_signature)

    @staticmethod
    def range(*args: int) -> "Dataset":
        """The numbers of Python's `range`, as int64 scalars."""
        return links.Slices(np.arange(*args, dtype=np.int64))

    @staticmethod
    def zip(*datasets: "Dataset") -> "Dataset":
        """Tuples of one element of each dataset, until the shortest ends."""
        return links.Zip(datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple | list) else datasets)

    # What is done to elements

    def map(
        self,
        function: Callable[..., Any],
        num_parallel_calls: int | None = None,
        seed: int | None = None,
        deterministic: bool | None = None,
    ) -> "Dataset":
        """`function` of each element; the parts of a tuple are arguments of their own.

        Args:
            function: NumPy, ops and layers alike. Layers that draw random numbers draw by `seed`, epoch and the
                element's number.
            num_parallel_calls: worker threads; without any the caller computes. `AUTOTUNE` means one for each core, at
                most 4. Results keep their order.
            seed: integer; drawn once, when the dataset is made, if None.
            deterministic: accepted as `tf.data` does; the order is always kept.

        An error in `function` is raised where the element would have stood, and says which element it was.

        Where arrays are mapped and batched for `fit`, a function that but computes with `+ - * /`, comparisons, NumPy's
        number types and `astype` is called for many elements at once; what each of them gives is the same to the bit.
        """
        return links.Map(self, function, links.worker_count("map", num_parallel_calls), seed)

    def filter(self, predicate: Callable[..., Any]) -> "Dataset":
        """The elements for which `predicate` is true."""
        return links.Filter(self, predicate)

    def flat_map(self, function: Callable[..., "Dataset"]) -> "Dataset":
        """The elements of the datasets that `function` makes of each element, one dataset after the other."""
        return links.FlatMap(self, function)

    def enumerate(self, start: int = 0) -> "Dataset":
        """Pairs of an element's number, an int64 that begins with `start`, and the element."""
        return links.Enumerate(self, links.count("enumerate", "start", start, None))

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> "Dataset":
        """Stacks of `batch_size` elements; the last may be smaller, or is left out.

        Args:
            batch_size: elements in a batch. They must have one shape; `padded_batch` fills up others.
            drop_remainder: whether a smaller last batch is left out.
            num_parallel_calls, deterministic: accepted as `tf.data` does.
        """
        links.worker_count("batch", num_parallel_calls)
        return links.Batch(self, links.count("batch", "batch_size", batch_size, 1), bool(drop_remainder))

    def padded_batch(
        self, batch_size: int, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False
    ) -> "Dataset":
        """Batches of elements that are filled up to one shape at the ends of their axes.

        Args:
            batch_size: elements in a batch.
            padded_shapes: the shapes to fill up to, nested like an element; None, and a size of None or -1, mean the
                largest within the batch.
            padding_values: what to fill up with, one for all or nested like an element; 0 by default.
            drop_remainder: whether a smaller last batch is left out.
        """
        size = links.count("padded_batch", "batch_size", batch_size, 1)
        return links.PaddedBatch(self, size, bool(drop_remainder), padded_shapes, padding_values)

    def unbatch(self) -> "Dataset":
        """The entries of each element along its first axis."""
        return links.Unbatch(self)

    def shuffle(
        self, buffer_size: int | None = None, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> "Dataset":
        """A random order.

        Args:
            buffer_size: each element is drawn from the next so many; all of them, a uniform order, if None.
            seed: integer; drawn once, when the dataset is made, if None.
            reshuffle_each_iteration: whether each epoch has an order of its own.
        """
        size = None if buffer_size is None else links.count("shuffle", "buffer_size", buffer_size, 1)
        return order_links.shuffled(self, size, seed, reshuffle_each_iteration)

    def prefetch(self, buffer_size: int = 2) -> "Dataset":
        """The same elements, up to `buffer_size` of them made on a thread of its own before they are asked for."""
        size = 2 if buffer_size == AUTOTUNE else buffer_size
        return links.Prefetch(self, links.count("prefetch", "buffer_size", size, 1))

    def cache(self) -> "Dataset":
        """The same elements, kept in memory from the first whole pass on."""
        return links.Cache(self)

    # Which elements

    def repeat(self, count: int | None = None) -> "Dataset":
        """The elements of `count` epochs one after the other, or of epochs without end."""
        return order_links.Repeat(self, None if count in (None, -1) else links.count("repeat", "count", count, 0))

    def take(self, count: int) -> "Dataset":
        """The first `count` elements; all of them for -1."""
        return self if count == -1 else order_links.part(self, 0, links.count("take", "count", count, 0))

    def skip(self, count: int) -> "Dataset":
        """All but the first `count` elements."""
        return order_links.part(self, links.count("skip", "count", count, 0), None)

    def shard(self, num_shards: int, index: int) -> "Dataset":
        """Every `num_shards`-th element, from number `index` on."""
        step = links.count("shard", "num_shards", num_shards, 1)
        first = links.count("shard", "index", index, 0)
        if first >= step:
            raise ValueError(f"Dataset.shard: `index` must be below `num_shards`={step}, got {index!r}.")
        return order_links.part(self, first, None, step)

    def concatenate(self, dataset: "Dataset") -> "Dataset":
        """The elements of this dataset, then those of another."""
        return order_links.Concatenate(self, dataset)

    def apply(self, transformation: Callable[["Dataset"], "Dataset"]) -> "Dataset":
        """The dataset that `transformation` makes of this one."""
        return transformation(self)

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any]) -> Any:
        """`reduce_func` of state and element, again and again over a pass; the last state."""
        state = initial_state
        for element in self:
            state = reduce_func(state, element)
        return state


from dlrs.data import links, order_links, stacks  # noqa: E402  # the links are datasets themselves
