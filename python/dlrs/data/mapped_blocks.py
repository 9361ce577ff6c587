"""Blocks of mapped batches, each mapped by one call: what many calls of NumPy for small arrays cost is saved."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from dlrs.backend import tree
from dlrs.data.blocks import MOST_BATCHES, MOST_BYTES, Block
from dlrs.data.dataset import Dataset
from dlrs.data.iterator_data import valid_batch
from dlrs.data.links import Batch, Map, PaddedBatch, Slices, call
from dlrs.data.stacks import stack
from dlrs.data.together import applied, is_arithmetic


class _Chain(NamedTuple):
    """Rows of arrays that are mapped and then batched, or batched and then mapped."""

    source: Slices
    batch: Batch
    function: Callable[..., Any]
    maps_batches: bool

    def mapped(self, rows: Any, size: int) -> Any:
        """The examples that the function makes of the entries at `rows`, in batches of `size`."""
        elements = self.source.gather(rows)
        if not self.maps_batches:
            return applied(self.function, elements)
        batches = tree.map_structure(lambda x: x.reshape(-1, size, *x.shape[1:]), elements)
        return tree.map_structure(lambda x: x.reshape(-1, *x.shape[2:]), applied(self.function, batches))

    def one_by_one(self, rows: Any) -> Any:
        """A batch as it is made without all this."""
        if self.maps_batches:
            return call(self.function, self.source.gather(rows))
        return stack([call(self.function, self.source.gather(row)) for row in rows])


def _chain(dataset: Dataset) -> _Chain | None:
    maps_batches = isinstance(dataset, Map)
    batch = dataset.maps if isinstance(dataset, Map) else dataset
    if not isinstance(batch, Batch) or isinstance(batch, PaddedBatch):
        return None
    source = batch.rows_of
    mapping = dataset if isinstance(dataset, Map) else source
    if not isinstance(mapping, Map) or not is_arithmetic(mapping.function):
        return None
    source = source if maps_batches else mapping.maps
    return _Chain(source, batch, mapping.function, maps_batches) if isinstance(source, Slices) else None


def mapped_blocks(dataset: Dataset, number: int, steps: int | None) -> Iterator[Block] | None:
    """The blocks of an epoch of rows of arrays that are mapped by arithmetic and batched; None of any other dataset.

    The first batch is made in both ways, and must be the same to the bit.

    Args:
        dataset: the batches.
        number: of the epoch.
        steps: how many batches at most.
    """
    chain = _chain(dataset)
    if chain is None:
        return None
    rows, size = chain.source.rows(number), chain.batch.size
    count = len(chain.batch) if steps is None else min(steps, len(chain.batch))
    first = min(size, len(rows))
    try:
        found = chain.mapped(rows[:first], first)
        structure = valid_batch(found)
        wanted = tree.flatten(chain.one_by_one(rows[:first]))
    except Exception:
        return None  # batch by batch the error has its place
    leaves = tree.flatten(found)
    is_valid = all(a is b for a, b in itertools.zip_longest(leaves, tree.flatten(structure)))
    if count == 0 or not is_valid or not all(itertools.starmap(_same, itertools.zip_longest(leaves, wanted))):
        return None
    bytes_ = max(1, sum(leaf.nbytes for leaf in leaves))
    return _blocks(chain, rows, count, structure, min(MOST_BATCHES, max(1, MOST_BYTES // bytes_)))


def _blocks(chain: _Chain, rows: Any, count: int, structure: Any, most: int) -> Iterator[Block]:
    size = chain.batch.size
    full = min(count, len(rows) // size)
    # The first block is a single batch, so that training begins at once.
    starts = [0, *range(1, full, most), full] if full else [0]
    for start, end in itertools.pairwise(starts):
        part = chain.mapped(rows[start * size : end * size], size)
        yield Block(structure, tree.flatten(part), size, end - start)
    if count > full:
        rest = rows[full * size :]
        yield Block(structure, tree.flatten(chain.mapped(rest, len(rest))), len(rest), 1)


def _same(a: Any, b: Any) -> bool:
    return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and bool(a.tobytes() == b.tobytes())
