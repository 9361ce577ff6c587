"""Good calls of what feeds data: datasets made, changed and read, and the functions around batches."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from bad_inputs.function_calls import LABELS, X
from bad_inputs.good import Call, Good, call
from dlrs import data
from dlrs.data import Dataset

READ = 5  # elements, as a dataset may have no end


def read(dataset: Any) -> list[Any]:
    return list(itertools.islice(dataset, READ))


def changed(method: str, *args: Any, **kwargs: Any) -> Good:
    """A method of a dataset, and its first elements."""

    def make() -> Call:
        function = getattr(Dataset.from_tensor_slices((X, LABELS)), method)
        return call(lambda *a, **k: read(function(*a, **k)), *args, of=function, **kwargs)

    return Good(f"data.Dataset.{method}", make)


def made(method: str, *args: Any) -> Good:
    """A source, and its first elements."""
    function = getattr(Dataset, method)
    return Good(f"data.Dataset.{method}", lambda: call(lambda *a: read(function(*a)), *args, of=function))


class Batches(data.PyDataset):
    """Three batches of one row."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return np.full((1, 2), index), np.zeros((1, 1))


def pair(x: Any, y: Any) -> Any:
    return x, y


def plain(name: str, *args: Any) -> Good:
    function = getattr(data, name)
    return Good(f"data.{name}", lambda: call(function, *args))


def of_data() -> Iterator[Good]:
    yield made("from_tensor_slices", (X, LABELS))
    yield made("from_generator", lambda: range(3))
    yield made("range", 3)
    yield made("from_tensors", (X, LABELS))
    yield made("zip", Dataset.range(3), Dataset.range(4))
    yield Good("data.Dataset.as_numpy_iterator", lambda: call(Dataset.range(3).as_numpy_iterator))
    yield changed("apply", lambda data: data)
    yield changed("concatenate", Dataset.range(2))
    yield changed("enumerate", 1)
    yield changed("filter", lambda x, y: True)
    yield changed("flat_map", lambda x, y: Dataset.range(2))
    yield changed("padded_batch", 2, padding_values=0.0)
    yield Good("data.Dataset.reduce", lambda: call(Dataset.range(3).reduce, 0, lambda state, element: state))
    yield changed("shard", 2, 1)
    yield Good("data.Dataset.sources", lambda: call(Dataset.range(3).batch(2).sources))
    yield Good("data.Dataset.unbatch", lambda: call(lambda: read(Dataset.range(3).batch(2).unbatch())))
    yield changed("batch", 2)
    yield changed("cache")
    yield changed("epoch", 1)
    yield changed("map", pair, num_parallel_calls=2, seed=1)
    yield changed("prefetch", 2)
    yield changed("repeat", 2)
    yield changed("shuffle", 2, seed=1)
    yield changed("skip", 1)
    yield changed("take", 2)
    yield Good("data.PyDataset", lambda: call(lambda *a, **k: read(Batches(*a, **k)), of=data.PyDataset))
    yield plain("ArrayData", X, LABELS)
    yield plain("PartialEpochs", data.ArrayData(X, LABELS, batch_size=1), 2, 0)
    yield plain("IteratorData", [(X, LABELS)])
    yield plain("as_array", X, "x")
    yield plain("as_given", (X,))
    yield plain("as_data", X, LABELS, None, 2, False, None)
    yield plain("as_validation_data", (X, LABELS), 2, None)
    yield plain("check_lengths", [X, LABELS], ["x", "y"])
    yield plain("class_weight_to_sample_weights", LABELS, {0: 2.0, 1: 1.0})
    yield plain("describe_shapes", [X], ["x"])
    yield plain("is_iterator", X)
    yield plain("pack_x_y_sample_weight", X, LABELS)
    yield plain("train_dev_test_split", (X, LABELS), 1, 1)
    yield plain("train_validation_split", (X, LABELS), 0.5)
    yield plain("unpack_x_y_sample_weight", (X, LABELS))
