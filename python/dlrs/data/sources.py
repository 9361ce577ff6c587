"""Data from the arguments of `fit`, `evaluate` and `predict`."""

from typing import Any

from dlrs.data.array_data import ArrayData
from dlrs.data.dataset import Dataset
from dlrs.data.dataset_data import DatasetData
from dlrs.data.frames import library_of
from dlrs.data.iterator_data import IteratorData, is_iterator
from dlrs.data.py_dataset import PyDataset, PyDatasetData
from dlrs.data.unpack import unpack_x_y_sample_weight

Data = ArrayData | IteratorData


def as_data(x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: Any, steps: int | None) -> Data:
    """The data that the arguments `x`, `y`, `sample_weight` of `fit` and its like mean: arrays or an iterable."""
    if steps is not None and steps <= 0:
        raise ValueError(f"The number of steps must be positive, got {steps}.")
    if x is None:
        raise ValueError("There is no data: give `x`.")
    if library_of(x) == "torch" and hasattr(x, "__getitem__") and hasattr(x, "__len__") and not hasattr(x, "shape"):
        raise ValueError("`x` is a dataset of PyTorch, which gives no batches. Put it into a `DataLoader`.")
    if not is_iterator(x):
        return ArrayData(x, y, sample_weight, batch_size, shuffle, steps)
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(f"`{name}` must not be given when `x` is an iterable, which gives whole batches.")
    return _iterable(x, steps, shuffle)


def _iterable(x: Any, steps: int | None, shuffle: Any = False) -> IteratorData:
    if isinstance(x, PyDataset):
        return PyDatasetData(x, steps, bool(shuffle))
    return DatasetData(x, steps) if isinstance(x, Dataset) else IteratorData(x, steps)


def as_validation_data(data: Any, batch_size: int | None, steps: int | None) -> Data:
    """The data that `validation_data` means: `(x, y)`, `(x, y, sample_weight)` or an iterable."""
    if is_iterator(data):
        return _iterable(data, steps)
    try:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return ArrayData(x, y, sample_weight, batch_size, False, steps)
    except ValueError as error:
        raise ValueError(f"validation_data: {error}") from None
