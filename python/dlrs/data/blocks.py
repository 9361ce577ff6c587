"""Batches joined to blocks, each of which a program runs over in one call."""

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dlrs.backend import tree

Array = np.ndarray[Any, Any]

# Enough that the cost of a call is small beside a block, and little enough that a few of them stay in the caches.
MOST_BATCHES = 64
MOST_BYTES = 1 << 20
# Batches that are slow to come are passed on, so that training, its progress and its end do not wait for a whole block.
MOST_SECONDS = 0.05


class Block(NamedTuple):
    """Consecutive batches of one size, nesting and type.

    Attributes:
        structure: the nest of a batch.
        arrays: its leaves, those of all batches one after the other; or arrays that have them as `rows`.
        size: examples in a batch.
        batches: number of batches.
        rows: which entries of the arrays the examples are, int64; None for all of them.
    """

    structure: Any
    arrays: Sequence[Array]
    size: int
    batches: int
    rows: Array | None = None

    def part(self, start: int, stop: int) -> tuple[list[Array], Array | None]:
        """Arrays, and which of their rows, that hold the batches `start` to `stop`."""
        chosen = slice(start * self.size, stop * self.size)
        if self.rows is not None:
            return list(self.arrays), self.rows[chosen]
        return [array[chosen] for array in self.arrays], None

    def batch(self, index: int) -> Any:
        """One batch, nested."""
        arrays, rows = self.part(index, index + 1)
        return tree.pack_sequence_as(self.structure, arrays if rows is None else [array[rows] for array in arrays])


class Buffers:
    """Arrays for blocks, used again and again: fresh memory costs more than the copy into it.

    Args:
        blocks: how many blocks are in use at a time, at most.
    """

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self._kind: Any = None
        self._ring: Iterator[list[Array]] = iter(())

    def join(self, kind: Any, batches: list[list[Array]]) -> list[Array]:
        """The leaves of batches of one kind, one after the other."""
        most = _most(batches[0])
        if kind != self._kind:
            shapes = [((most * leaf.shape[0], *leaf.shape[1:]), leaf.dtype) for leaf in batches[0]]
            made = [[np.empty(shape, dtype) for shape, dtype in shapes] for _ in range(self._blocks)]
            self._kind, self._ring = kind, itertools.cycle(made)
        joined = []
        for leaves, room in zip(zip(*batches, strict=True), next(self._ring), strict=True):
            joined.append(np.concatenate(leaves, out=room[: len(leaves) * len(leaves[0])]))
        return joined


def in_blocks(batches: Iterator[Any], in_use: int | None = None) -> Iterator[Block]:
    """The batches, as many of them at a time as make a block.

    The first block holds a single batch, so that training begins at once. An error of the iterator is raised behind the
    batches before it.

    Args:
        batches: nests of arrays, the entries of which are examples.
        in_use: the memory of a block is used again so many blocks later; never if None.

    >>> batches = [np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 3)), np.ones((1, 3))]
    >>> [(block.size, block.batches) for block in in_blocks(iter(batches))]
    [(2, 1), (2, 2), (1, 1)]
    """
    buffers = None if in_use is None else Buffers(in_use)
    waiting: list[list[Array]] = []
    kind: Any = None
    structure: Any = None
    error: BaseException | None = None
    limit, begun = 1, time.perf_counter()
    for index in itertools.count():
        batch, error = _next(batches)
        if batch is None:
            break
        leaves, nesting = _leaves(batch)
        new = (nesting, [(leaf.shape, leaf.dtype) for leaf in leaves])
        if waiting and new != kind:
            yield _block(structure, waiting, kind, buffers)
            waiting = []
        if not waiting:
            kind, structure, limit = new, batch, _most(leaves) if index else 1
        waiting.append(leaves)
        if len(waiting) >= limit or time.perf_counter() - begun > MOST_SECONDS:
            yield _block(structure, waiting, kind, buffers)
            waiting, begun = [], time.perf_counter()
    if waiting:
        yield _block(structure, waiting, kind, buffers)
    if error is not None:
        raise error


def _next(batches: Iterator[Any]) -> tuple[Any, BaseException | None]:
    try:
        return next(batches, None), None
    except BaseException as error:
        return None, error


def _leaves(batch: Any) -> tuple[list[Array], Any]:
    """The arrays of a batch, and how it is nested."""
    if type(batch) is tuple and set(map(type, batch)) == {np.ndarray}:
        return list(batch), tuple  # as nearly all batches are
    return tree.flatten(batch), tree.structure_key(batch)


def _block(structure: Any, batches: list[list[Array]], kind: Any, buffers: Buffers | None) -> Block:
    if len(batches) == 1:
        arrays = batches[0]
    elif buffers is None:
        arrays = [np.concatenate(column) for column in zip(*batches, strict=True)]
    else:
        arrays = buffers.join(kind, batches)
    return Block(structure, arrays, len(batches[0][0]), len(batches))


def _most(leaves: list[Array]) -> int:
    """The most batches of such leaves that make a block."""
    return min(MOST_BATCHES, max(1, MOST_BYTES // max(1, sum(leaf.nbytes for leaf in leaves))))
