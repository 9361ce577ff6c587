"""Training data: arrays, datasets and iterators of batches behind one interface."""

from dlrs.data.array_data import ArrayData, PartialEpochs
from dlrs.data.checks import as_array, check_lengths, describe_shapes
from dlrs.data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from dlrs.data.iterator_data import IteratorData, is_iterator
from dlrs.data.py_dataset import PyDataset
from dlrs.data.sources import Data, as_data, as_validation_data
from dlrs.data.split import train_dev_test_split
from dlrs.data.unpack import (
    as_given,
    class_weight_to_sample_weights,
    pack_x_y_sample_weight,
    train_validation_split,
    unpack_x_y_sample_weight,
)

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "ArrayData",
    "Data",
    "Dataset",
    "IteratorData",
    "PartialEpochs",
    "PyDataset",
    "as_array",
    "as_data",
    "as_given",
    "as_validation_data",
    "check_lengths",
    "class_weight_to_sample_weights",
    "describe_shapes",
    "is_iterator",
    "pack_x_y_sample_weight",
    "train_dev_test_split",
    "train_validation_split",
    "unpack_x_y_sample_weight",
]
