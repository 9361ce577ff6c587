"""Tables and tensors of other libraries as training data."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import layers
from dlrs.data import Dataset, as_array, as_data, is_iterator, train_dev_test_split
from dlrs.data.frames import foreign_array

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 1, 0])


def fitted(x: Any, y: Any = None, **kwargs: Any) -> bytes:
    dlrs.utils.set_random_seed(3)
    model = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0, **kwargs)
    model.evaluate(x, y, verbose=0)
    return b"".join(weight.numpy().tobytes() for weight in model.weights)


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1].astype(np.int16)})
    want = fitted(X, Y)
    assert fitted(frame, pandas.Series(Y)) == want
    assert fitted(frame.astype({"a": "Float64", "b": "Int64"}), pandas.Series(Y, dtype="Int8")) == want
    assert fitted(frame.astype({"a": object}), Y) == want
    assert fitted(X.tolist(), Y.tolist()) == want
    np.testing.assert_array_equal(
        as_array(pandas.DataFrame({"a": [True, False], "b": [1.5, 2]}), "x"), [[1, 1.5], [0, 2]]
    )
    assert as_array(pandas.Series([1, None], dtype="Float32"), "x").dtype == np.float32
    train, _, test = train_dev_test_split((frame, pandas.Series(Y)), 0, 2, seed=1)
    assert train[0].shape == (4, 2)
    assert test[1].shape == (2,)
    columns = Dataset.from_tensor_slices({"a": frame["a"], "b": frame["b"]})
    assert next(iter(columns.batch(6)))["a"].shape == (6,)
    for column, message in (
        (pandas.Series(["u", "v"], dtype="category"), "column 'c', is categorical"),
        (pandas.Series(["u", "v"]), "column 'c', holds"),
        (pandas.Series(["u", 1], dtype=object), "'u' at row 0"),
        (pandas.Series([1, None], dtype="Int64"), "column 'c', has missing values"),
        (pandas.to_datetime(pandas.Series(["2020-01-01", "2020-01-02"])), "column 'c', holds datetime"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted(pandas.DataFrame({"a": [1.0, 2.0], "c": column}), np.zeros(2))
    with pytest.raises(ValueError, match="without columns"):
        as_array(pandas.DataFrame(), "x")


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": X[:, 0], "b": X[:, 1].astype(np.int16)})
    assert fitted(frame, polars.Series(Y)) == fitted(X, Y)
    np.testing.assert_array_equal(as_array(polars.DataFrame({"a": [True, False], "b": [1.5, 2.0]}), "x")[0], [1, 1.5])
    for column, message in (
        (polars.Series(["u", "v"], dtype=polars.Categorical), "column 'c', is categorical"),
        (polars.Series(["u", "v"]), "column 'c', holds String"),
        (polars.Series([1, None]), "column 'c', has missing values"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted(polars.DataFrame({"a": [1.0, 2.0], "c": column}), np.zeros(2))
    with pytest.raises(ValueError, match="collect"):
        fitted(frame.lazy(), Y)


class Shared:
    """An array that speaks DLPack alone."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


def test_dlpack() -> None:
    np.testing.assert_array_equal(as_array(Shared(Y), "x"), Y)
    assert not is_iterator(Shared(Y))


def test_torch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x, y = torch.tensor(X, dtype=torch.float32, requires_grad=True), torch.tensor(Y)
    want = fitted(X, Y, shuffle=False, batch_size=4)
    assert fitted(x, y, shuffle=False, batch_size=4) == want
    pairs = torch.utils.data.TensorDataset(x.detach(), y)
    assert fitted(torch.utils.data.DataLoader(pairs, batch_size=4)) == want
    assert foreign_array(torch.zeros(2, dtype=torch.bfloat16), "x").dtype == np.float32
    left, right = dlrs.utils.split_dataset(pairs, 4)
    assert (len(left), len(right)) == (4, 2)
    with pytest.raises(ValueError, match="DataLoader"):
        as_data(pairs, None, None, None, False, None)

    class Endless(torch.utils.data.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return iter([(X[:3], Y[:3])] * 2)

    fitted(torch.utils.data.DataLoader(Endless(), batch_size=None))


def test_nothing_foreign_is_imported() -> None:
    code = "import sys, dlrs.data; print(*{'pandas', 'polars', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
