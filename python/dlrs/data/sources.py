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
    """The data that the arguments `x`, `y`, `sample_weight` of `fit` and its like mean: arrays or an iterable.

    Args:
        x: an array, or a list or dict of arrays, with the examples along the first axis; or an iterable of batches.
        y, sample_weight: arrays of as many examples; None with an iterable.
        batch_size: examples of a batch; None with an iterable.
        shuffle: whether the examples are put into another order each epoch.
        steps: batches of an epoch; all by default.

    Raises:
        ValueError: there is no data, `steps` is not positive, the arrays differ in length, or an iterable came with
            what is for arrays.

    >>> import numpy as np
    >>> as_data(np.zeros((10, 2)), np.zeros(10), None, 4, False, None).num_batches
    3
    >>> as_data(iter([]), None, None, 4, False, None)
    Traceback (most recent call last):
    ...
    ValueError: `batch_size` must not be given when `x` is an iterable, which gives whole batches.
    """
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
    """The data that `validation_data` means: `(x, y)`, `(x, y, sample_weight)` or an iterable.

    Args:
        data: the tuple or the iterable.
        batch_size: examples of a batch of arrays.
        steps: batches to use; all by default.

    Raises:
        ValueError: the arrays differ in length or are no data; the message says that it is `validation_data`.

    >>> import numpy as np
    >>> as_validation_data((np.zeros((10, 2)), np.zeros(10)), batch_size=5, steps=None).num_batches
    2
    """
    if is_iterator(data):
        return _iterable(data, steps)
    try:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return ArrayData(x, y, sample_weight, batch_size, False, steps)
    except ValueError as error:
        raise ValueError(f"validation_data: {error}") from None
