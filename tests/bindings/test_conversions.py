"""From Python values to tensors and back."""

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs._dlrs import Variable, tensor

INTS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
DTYPES = ["bool", *INTS, "float16", "float32", "float64"]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, "bool"),
        (3, "int32"),
        (2.5, "float32"),
        (np.float64(2.5), "float32"),
        (np.float32(2.5), "float32"),
        (np.int64(3), "int64"),
        (np.bool_(True), "bool"),
        ([1, 2], "int32"),
        ([1, 2.5], "float32"),
        ([True, False], "bool"),
        (range(3), "int32"),
        ((), "float32"),
        ([[], []], "float32"),
        (np.float16([1, 2]), "float16"),
        (np.int8([1, 2]), "int8"),
        (np.int16([1, 2]), "int16"),
        (np.uint16([1, 2]), "uint16"),
        (np.uint32([1, 2]), "uint32"),
        (np.uint64([1, 2**63 + 1]), "uint64"),
        (np.arange(3, dtype=">f4"), "float32"),
        (np.arange(3, dtype=">i8"), "int64"),
        (memoryview(b"abc"), "uint8"),
        (bytearray(b"abc"), "uint8"),
    ],
)
def test_dtypes_of_values(value: Any, dtype: str) -> None:
    x = tensor(value)
    assert x.dtype == dtype
    assert x.numpy().dtype == dtype
    np.testing.assert_array_equal(x.numpy(), np.asarray(value))
    assert x.shape == np.shape(value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3), (2, 1, 4)])
def test_arrays_survive_the_round_trip(dtype: str, shape: tuple[int, ...]) -> None:
    x = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 3, dtype)
    y = tensor(x)
    assert (y.shape, y.dtype, y.ndim, y.size, y.nbytes) == (shape, dtype, x.ndim, x.size, x.nbytes)
    for back in (y.numpy(), np.asarray(y), np.array(y), y.__array__()):
        assert back.dtype == x.dtype
        np.testing.assert_array_equal(back, x)
    assert y.tolist() == x.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_stride_is_read(dtype: str) -> None:
    x = (np.arange(60).reshape(3, 4, 5) % 2).astype(dtype)
    for view in (
        x.T,
        x[::2],
        x[:, ::-1],
        x[..., 1],
        x[:, None, 2],
        np.asfortranarray(x),
        np.broadcast_to(x[0], (2, 4, 5)),
    ):
        np.testing.assert_array_equal(tensor(view).numpy(), view)


def test_an_array_at_an_odd_address() -> None:
    raw = np.zeros(41, np.uint8)
    x = raw[1:].view(np.float32)
    x[:] = np.arange(10)
    assert not x.flags.aligned
    np.testing.assert_array_equal(tensor(x).numpy(), x)


def test_a_tensor_is_a_copy_of_what_it_was_made_of() -> None:
    x = np.ones(3, np.float32)
    y = tensor(x)
    x[0] = 5
    assert y.tolist() == [1, 1, 1]
    z = y.numpy()
    z[0] = 7
    assert y.tolist() == [1, 1, 1]


def test_a_tensor_with_its_own_dtype_is_itself() -> None:
    x = tensor([1.0])
    assert tensor(x) is x
    assert tensor(x, "float32") is x
    assert tensor(x, "float64").dtype == "float64"


def test_a_named_dtype_is_reached_directly() -> None:
    assert tensor([0.1], "float64").item() == 0.1
    assert tensor(0.1, "float64").item() == 0.1
    assert tensor(2**40, "int64").item() == 2**40
    assert tensor([2**40], "int64").item() == 2**40
    assert tensor([1.7], "int32").item() == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_full(dtype: str) -> None:
    for value in (1, True, 1.0, np.float32(1), tensor([1])):
        x = _dlrs.full((2, 3), value, dtype)
        assert (x.dtype, x.tolist()) == (dtype, [[1, 1, 1]] * 2)
    assert _dlrs.full((0,), 1, dtype).tolist() == []
    assert _dlrs.full((), 2**62 + 1, "int64").item() == 2**62 + 1


def test_copies_and_pickles() -> None:
    x = tensor([[1.5, 2.5]])
    assert copy.copy(x) is x
    assert copy.deepcopy([x])[0] is x
    y = pickle.loads(pickle.dumps(x))
    assert (y.dtype, y.tolist()) == (x.dtype, x.tolist())
    assert pickle.loads(pickle.dumps(tensor(2**40, "int64"))).item() == 2**40


def test_lists_of_tensors() -> None:
    x = tensor([1.0, 2.0])
    assert tensor([x, x]).tolist() == [[1, 2], [1, 2]]
    assert tensor([x[0], 5.0]).tolist() == [1, 5]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ("text", TypeError, "str"),
        (b"text", TypeError, "bytes"),
        (None, TypeError, "NoneType"),
        (["a", "b"], TypeError, "<U1"),
        ([1j], TypeError, "complex128"),
        (np.array([1j]), TypeError, "complex128"),
        (np.array([object()]), TypeError, "object"),
        (np.array(["2020"], "datetime64[D]"), TypeError, "datetime64"),
        (object(), TypeError, "object"),
        ({}, TypeError, "dict"),
        (2**31, ValueError, "int32"),
        (2**80, ValueError, "int"),
        ([2**31], ValueError, "int32"),
        ([[1, 2], [3]], ValueError, "inhomogeneous"),
    ],
)
def test_what_cannot_be_a_tensor(value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        tensor(value)


def test_python_numbers_take_the_dtype_they_meet() -> None:
    def dtype(a: Any, b: Any) -> str:
        return _dlrs.add(a, b).dtype

    for name in ("float32", "float64"):
        for number in (True, 2, 2.5):
            assert dtype(tensor(1, name), number) == name
    assert dtype(tensor(1, "int64"), 2) == "int64"
    assert dtype(tensor(1, "uint8"), 2) == "uint8"
    assert dtype(tensor(1, "int64"), 2.5) == "float32"
    assert dtype(tensor(True), 2) == "int32"
    assert dtype(tensor(True), 2.5) == "float32"
    assert dtype(1, 2) == "int32"
    assert dtype(1, 2.0) == "float32"
    with pytest.raises(ValueError, match="300 does not fit uint8"):
        _dlrs.add(tensor(1, "uint8"), 300)


# Keras's result_type over the dtypes there are; each dtype's row holds what it gives with those from itself on.
@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        ("bool", "bool", "bool"),
        ("bool", "uint8", "uint8"),
        ("bool", "int32", "int32"),
        ("bool", "float32", "float32"),
        ("uint8", "int32", "int32"),
        ("uint8", "float32", "float32"),
        ("int32", "int64", "int64"),
        ("int32", "float32", "float32"),
        ("int64", "float32", "float32"),
        ("int64", "float64", "float64"),
        ("float32", "float64", "float64"),
        ("int8", "uint8", "int16"),
        ("int8", "uint32", "int32"),
        ("int64", "uint64", "float32"),
        ("float16", "bfloat16", "float32"),
        ("float16", "uint64", "float16"),
    ],
)
def test_promotion(a: str, b: str, result: str) -> None:
    x, y = tensor([1], a), tensor([1], b)
    assert _dlrs.multiply(x, y).dtype == result
    assert _dlrs.maximum(y, x).dtype == result
    assert _dlrs.concatenate([x, y]).dtype == result
    assert _dlrs.less(x, y).dtype == "bool"


def test_dtypes_of_results() -> None:
    i, b, f = tensor([1, 2]), tensor([True, False]), tensor([1.0, 2.0], "float64")
    assert (i / i).dtype == "float32"
    assert (f / i).dtype == "float64"
    assert (i // 2).dtype == (i % 2).dtype == (i**2).dtype == "int32"
    assert _dlrs.exp(i).dtype == "float32"
    assert _dlrs.exp(f).dtype == "float64"
    assert _dlrs.sum(b).dtype == "int32"
    assert _dlrs.sum(i).dtype == "int32"
    assert _dlrs.mean(i).dtype == "float32"
    assert _dlrs.argmax(f).dtype == "int32"
    assert _dlrs.logical_and(i, f).dtype == "bool"
    assert (i @ i).dtype == "int32"
    assert (i @ i).item() == 5


def test_operators() -> None:
    a, b = np.array([[1.5, -2.0, 3.0]], np.float32), np.array([[2.0], [0.5]], np.float32)
    x, y, v = tensor(a), tensor(b), Variable(tensor(a))
    for left in (x, v):
        for right in (y, b, b.tolist(), Variable(y)):
            np.testing.assert_allclose((left + right).numpy(), a + b)
            np.testing.assert_allclose((left - right).numpy(), a - b)
            np.testing.assert_allclose((left * right).numpy(), a * b)
            np.testing.assert_allclose((left / right).numpy(), a / b)
            np.testing.assert_allclose((left // right).numpy(), a // b)
            np.testing.assert_allclose((left % right).numpy(), a % b)
            np.testing.assert_array_equal((left < right).numpy(), a < b)
            np.testing.assert_array_equal((left == right).numpy(), a == b)
            np.testing.assert_array_equal((left != right).numpy(), a != b)
            np.testing.assert_allclose((right + left).numpy(), b + a)
            np.testing.assert_allclose((right - left).numpy(), b - a)
            np.testing.assert_allclose((right / left).numpy(), b / a)
        np.testing.assert_allclose((2 - left).numpy(), 2 - a)
        np.testing.assert_allclose((2**left).numpy(), 2**a, rtol=1e-6)
        np.testing.assert_allclose((-left).numpy(), -a)
        np.testing.assert_allclose(abs(left).numpy(), abs(a))
        np.testing.assert_allclose((y @ left).numpy(), b @ a)
        np.testing.assert_allclose((b @ left).numpy(), b @ a)
        assert isinstance(b @ left, _dlrs.Tensor)
    t = tensor([True, False])
    assert (~t).tolist() == [False, True]
    assert (t & [True, True]).tolist() == [True, False]
    assert (t | True).tolist() == [True, True]
    assert (~tensor([0, 5])).tolist() == [-1, -6]
    bits = tensor([12, 10])
    assert [(bits & 6).tolist(), (bits | 6).tolist(), (6 ^ bits).tolist()] == [[4, 2], [14, 14], [10, 12]]
    assert [(bits << 2).tolist(), (bits >> 1).tolist()] == [[48, 40], [6, 5]]
    with pytest.raises(TypeError, match=r"bitwise_and.*integer"):
        x & y
    with pytest.raises(TypeError, match="modulus"):
        pow(x, 2, 3)


def test_an_unknown_type_gets_its_turn() -> None:
    class Other:
        def __radd__(self, other: Any) -> str:
            return "mine"

        def __eq__(self, other: object) -> Any:
            return "equal"

        __hash__ = None  # type: ignore[assignment]

    assert tensor([1.0]) + Other() == "mine"
    assert (tensor([1.0]) == Other()) == "equal"
    assert (tensor([1.0]) == None) is False  # noqa: E711
    with pytest.raises(TypeError, match="unsupported operand"):
        tensor([1.0]) + "text"


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        np.int64(1),
        slice(None),
        slice(1, None),
        slice(None, None, -1),
        slice(5, 1, -2),
        slice(2, 2),
        ...,
        None,
        (0, 1, 2),
        (slice(None), 1),
        (..., 0),
        (0, ..., slice(1, 3)),
        (None, 1, None, ..., None),
        (slice(None, None, 2), slice(None, None, -1), slice(3, 0, -1)),
        [1, 0],
        np.array([[0, 1], [2, -1]]),
        ([2, 0], slice(1, 3)),
        (),
    ],
    ids=str,
)
def test_indexing(key: Any) -> None:
    a = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    expected = a[key]
    for x in (tensor(a), Variable(tensor(a))):
        np.testing.assert_array_equal(x[key].numpy(), expected)
        assert x[key].shape == expected.shape


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (3, "out of range for axis 0"),
        (-4, "out of range"),
        ((0, 9), "axis 1"),
        ((0, 0, 0, 0), "too many indices"),
        ((..., ...), "single ellipsis"),
        (1.5, "integers"),
        ([True, False, True], "mask"),
        ((0, slice(None), [0, 1]), r"ops\.take"),
    ],
    ids=str,
)
def test_bad_indices(key: Any, text: str) -> None:
    with pytest.raises(IndexError, match=text):
        tensor(np.zeros((3, 4, 5), np.float32))[key]


def test_indices_out_of_range_at_run_time() -> None:
    with pytest.raises(IndexError, match="7"):
        tensor([1.0, 2.0])[[7]]


def test_single_elements() -> None:
    assert float(tensor([2.5])) == 2.5
    assert int(tensor(-2.7)) == -2
    assert bool(tensor([[1.0]])) is True
    assert [10, 20][tensor(1)] == 20
    assert tensor(2**40, "int64").item() == 2**40
    assert tensor(True).item() is True
    assert isinstance(tensor(3).item(), int)
    x = tensor([1.0, 2.0])
    for convert in (float, int):
        with pytest.raises(TypeError, match="one element"):
            convert(x)
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        x.item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(TypeError, match="scalar integer"):
        [1, 2][tensor(1.0)]
    with pytest.raises(TypeError, match="scalar"):
        len(tensor(1.0))
    with pytest.raises(TypeError, match="scalar"):
        iter(tensor(1.0))


def test_iteration_and_length() -> None:
    x = tensor([[1, 2], [3, 4]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert list(tensor(np.zeros((0, 2)))) == []


def test_identity_hash_and_weak_references() -> None:
    x = tensor([1.0])
    assert len({x, x, tensor([1.0])}) == 2
    reference = weakref.ref(x)
    del x
    gc.collect()
    assert reference() is None


def test_text() -> None:
    assert repr(tensor([[1.0, 2.0]])) == "<Tensor shape=(1, 2), dtype=float32, values=[[1. 2.]]>"
    v = Variable(tensor([1, 2]))
    v.name = "counts"
    assert repr(v) == "<Variable name=counts, shape=(2,), dtype=int32, values=[1 2]>"


def test_transposition() -> None:
    a = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(tensor(a).T.numpy(), a.T)


class Named(Variable):
    def __init__(self, value: Any, label: str) -> None:
        self.label = label


def test_variables() -> None:
    v = Named(tensor([1.0, 2.0]), label="x")
    assert (v.label, v.shape, v.dtype, v.ndim, v.version, v.trainable) == ("x", (2,), "float32", 1, 0, True)
    v.trainable = False
    v.name = "weights"
    assert (v.trainable, v.name) == (False, "weights")
    before = v.value
    assert v.assign([3, 4]).tolist() == [3, 4]
    assert v.version == 1
    assert before.tolist() == [1, 2]
    assert v.numpy().tolist() == [3, 4]
    assert np.asarray(v).tolist() == [3, 4]
    with pytest.raises(ValueError, match=r"shape \(3,\) for variable \"weights\" of shape \(2,\)"):
        v.assign([1, 2, 3])
    assert v.version == 1
    assert weakref.ref(v)() is v
    assert [float(x) for x in v] == [3, 4]
    assert len(v) == 2


def test_a_variable_holds_a_copy() -> None:
    v = Variable(tensor([1.0]))
    array = v.numpy()
    array[0] = 9
    assert v.numpy()[0] == 1
    view = np.asarray(v)
    assert not view.flags.writeable
    v.assign([2.0])
    assert view[0] == 1
