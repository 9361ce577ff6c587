"""A `Dataset` as training data."""

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from dlrs.backend import tree
from dlrs.data.blocks import Block, in_blocks
from dlrs.data.checks import as_array
from dlrs.data.dataset import INFINITE_CARDINALITY, Dataset
from dlrs.data.iterator_data import IteratorData, valid_batch
from dlrs.data.links import Batch, PaddedBatch, Prefetch, Slices
from dlrs.data.mapped_blocks import mapped_blocks
from dlrs.data.workers import ahead

Array = np.ndarray[Any, Any]

_BLOCKS_AHEAD = 1
# What is being made, what waits, and what a program runs over, and one that it may just have left.
_BLOCKS_IN_USE = _BLOCKS_AHEAD + 3


class DatasetData(IteratorData):
    """The batches of a `Dataset`, whose epochs are the model's: a resumed training draws what it would have drawn.

    Args:
        source: the data.
        steps: number of batches in an epoch; until the source ends by default.
    """

    def __init__(self, source: Dataset, steps: int | None = None) -> None:
        if source.cardinality() == 0:
            raise ValueError("The data is empty: the dataset has no element.")
        if steps is None and source.cardinality() == INFINITE_CARDINALITY:
            raise ValueError(
                "The dataset is infinite: give the number of batches, `steps_per_epoch` of `fit`, `validation_steps` "
                "for its validation data, `steps` of `evaluate` and `predict`."
            )
        self._dataset = source
        self._in_blocks = False
        super().__init__(_Epochs(self), steps)
        self._number = 0

    def _batches_of_a_pass(self) -> int | None:
        count = self._dataset.cardinality()
        return count if count > 0 else None

    def order(self, seed: int, epoch: int) -> None:
        """Remembers the number of the epoch that is next."""
        self._number = epoch

    def elements(self) -> Iterator[Any]:
        """The elements of the epoch whose turn it is."""
        dataset = _without_prefetch(self._dataset) if self._in_blocks else self._dataset
        return dataset.epoch(self._number)

    def blocks(self, order: Array | None = None) -> Generator[Block]:
        """The batches of the next epoch in blocks.

        Batches of rows of arrays are not made at all: a program gathers them itself. Others a thread makes ahead, whole
        blocks at once if what is mapped is arithmetic.
        """
        if not self._in_parts:
            rows = self._rows()
            if rows is not None:
                return (block for block in rows)
            mapped = mapped_blocks(_without_prefetch(self._dataset), self._number, self.num_batches)
            if mapped is not None and self.class_weight is None:
                return ahead(lambda: mapped, _BLOCKS_AHEAD)
        self._in_blocks = True
        return ahead(lambda: in_blocks(self.epoch(order), _BLOCKS_IN_USE), _BLOCKS_AHEAD)

    def _rows(self) -> list[Block] | None:
        """The blocks of an epoch whose batches are rows of arrays that are valid as they are; None of any other."""
        batches = _without_prefetch(self._dataset)
        if not isinstance(batches, Batch) or isinstance(batches, PaddedBatch):
            return None
        source = batches.rows_of
        if not isinstance(source, Slices):
            return None
        arrays = tree.flatten(source.arrays)
        if any(as_array(array, "x") is not array for array in arrays):
            return None
        structure = valid_batch(source.arrays)
        rows, size = source.rows(self._number), batches.size
        count = len(batches) if self.num_batches is None else min(self.num_batches, len(batches))
        full = min(count, len(rows) // size)
        blocks = [Block(structure, arrays, size, full, rows[: full * size])] if full else []
        if count > full:
            rest = rows[full * size :]
            blocks.append(Block(structure, arrays, len(rest), 1, rest))
        return blocks


def _without_prefetch(dataset: Dataset) -> Dataset:
    """What is prefetched; the blocks are made ahead themselves."""
    while isinstance(dataset, Prefetch):
        (dataset,) = dataset.sources()
    return dataset


class _Epochs:
    """Gives, at every `iter()`, the epoch whose turn it is."""

    def __init__(self, data: DatasetData) -> None:
        self._data = data

    def __iter__(self) -> Iterator[Any]:
        return self._data.elements()
