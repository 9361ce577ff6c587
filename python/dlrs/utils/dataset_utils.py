"""Cutting a dataset in two."""

from typing import Any

import numpy as np

from dlrs.data import Dataset
from dlrs.data.checks import describe_shapes
from dlrs.data.frames import foreign_array, library_of
from dlrs.data.links import Batch, Slices
from dlrs.data.stacks import as_numpy, stack

Array = np.ndarray[Any, Any]


def split_dataset(
    dataset: Any,
    left_size: Any = None,
    right_size: Any = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Cuts data into a left part, from its beginning, and a right part, from its end; all of it is held in memory.

    Args:
        dataset: a `data.Dataset`; an array, or a list or tuple of arrays of one length, whose entries make an example
            together; or a dataset of PyTorch. A dataset of batches is cut between examples, and batched again.
        left_size, right_size: an int is a number of examples, a float from 0 to 1 a share of all; what the other leaves
            if None.
        shuffle: whether examples are assigned at random.
        seed: integer for shuffling, with which the parts are always the same.
        preferred_backend: accepted as Keras does; both parts are a `data.Dataset` anyway.

    Returns:
        The two datasets.

    Raises:
        TypeError: `dataset` or a size is of another type.
        ValueError: sizes are out of range, a part would be empty, lengths or shapes differ.

    >>> left, right = split_dataset(np.arange(10), left_size=0.8)
    >>> len(left), [int(n) for n in right]
    (8, [8, 9])
    """
    if left_size is None and right_size is None:
        raise ValueError(
            "At least one of the `left_size` or `right_size` must be specified. Received: left_size=None and "
            "right_size=None"
        )
    entries, batch_size = _entries(dataset)
    total = len(entries)
    left, right = _sizes(left_size, right_size, total)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
        raise ValueError(f"split_dataset: `seed` must be an integer, got {seed!r}.")
    order = np.arange(total)
    if shuffle:
        seed = int(np.random.randint(2**31)) if seed is None else int(seed)
        order = np.random.default_rng(seed % 2**64).permutation(total)

    def part(rows: Array) -> Dataset:
        cut = Dataset.from_tensor_slices(entries.gather(rows))
        return cut if batch_size is None else cut.batch(batch_size)

    return part(order[:left]), part(order[total - right :])


def _entries(dataset: Any) -> tuple[Slices, int | None]:
    """The examples as slices of arrays, and the size of their batches, if they come in batches."""
    if isinstance(dataset, list | tuple):
        return Slices(_as_arrays(dataset)), None
    if isinstance(dataset, np.ndarray):
        return Slices(dataset), None
    batch_size = None
    if isinstance(dataset, Dataset):
        if isinstance(dataset, Batch):
            batch_size, dataset = dataset.size, dataset.unbatch()
        elements = list(dataset)
    elif library_of(dataset) == "torch" and hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
        elements = [dataset[index] for index in range(len(dataset))]
    else:
        raise TypeError(
            "The `dataset` argument must be a `data.Dataset`, a dataset of PyTorch with a length, an array, or a "
            f"list/tuple of arrays. Received: dataset={dataset!r} of type {type(dataset)}"
        )
    if not elements:
        raise ValueError("Received an empty dataset. Argument `dataset` must hold at least one example.")
    return Slices(stack(elements, "split_dataset")), batch_size


def _as_arrays(dataset: Any) -> tuple[Array, ...]:
    if not dataset:
        raise ValueError(f"Received an empty {type(dataset).__name__} of arrays.")
    arrays = [as_numpy(foreign_array(array, f"dataset[{index}]")) for index, array in enumerate(dataset)]
    names = [f"dataset[{index}]" for index in range(len(arrays))]
    if any(array.ndim == 0 for array in arrays) or len({len(array) for array in arrays}) > 1:
        raise ValueError(f"The arrays must have one length, got {describe_shapes(arrays, names)}.")
    return tuple(arrays)


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    """Numbers of examples on the left and on the right."""
    counts = [_count(name, value, total) for name, value in (("left_size", left), ("right_size", right))]
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError("The sum of `left_size` and `right_size` is greater than 1. It must be at most 1.")
    first = total - (counts[1] or 0) if counts[0] is None else counts[0]
    second = total - first if counts[1] is None else counts[1]
    if first + second > total:
        raise ValueError(
            f"The sum of `left_size` and `right_size` should be at most {total}. Received: left_size={left}, "
            f"right_size={right}"
        )
    if not first or not second:
        raise ValueError(
            f"With `dataset` of length={total}, `left_size`={left} and `right_size`={right} leave {first} examples on "
            f"the left and {second} on the right; both need at least one."
        )
    return first, second


def _count(name: str, value: Any, total: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"Invalid `{name}` Type. Expected: int or float or None, Received: type({name})={type(value)}.")
    if not 0 < value < (1 if isinstance(value, float) else total):
        raise ValueError(
            f"`{name}` should be either a positive integer smaller than {total}, or a float within the range `[0, 1]`. "
            f"Received: {name}={value}"
        )
    return round(value * total) if isinstance(value, float) else value
