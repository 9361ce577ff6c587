"""A `Dataset` as training data."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlrs.data.dataset import Dataset
from dlrs.data.iterator_data import IteratorData

Array = np.ndarray[Any, Any]


class DatasetData(IteratorData):
    """The batches of a `Dataset`, whose epochs are the model's: a resumed training draws what it would have drawn.

    Args:
        source: the data.
        steps: number of batches in an epoch; until the source ends by default.
    """

    def __init__(self, source: Dataset, steps: int | None = None) -> None:
        count = source.cardinality()
        if count == 0:
            raise ValueError("The data is empty: the dataset has no element.")
        super().__init__(_Epochs(source, self), steps if steps is not None else count if count > 0 else None)
        self._number = 0

    def order(self, seed: int, epoch: int) -> None:
        """Remembers the number of the epoch that is next."""
        self._number = epoch


class _Epochs:
    """Gives, at every `iter()`, the epoch whose turn it is."""

    def __init__(self, dataset: Dataset, data: DatasetData) -> None:
        self._dataset, self._data = dataset, data

    def __iter__(self) -> Iterator[Any]:
        return self._dataset.epoch(self._data._number)
