"""The buffer protocol and DLPack."""

import gc
import sys

import numpy as np
import pytest

from dlrs import _dlrs
from dlrs._dlrs import tensor


def test_views_share_memory_and_are_read_only() -> None:
    x = tensor(np.arange(6, dtype=np.float32).reshape(2, 3))
    views = [np.asarray(x), np.asarray(memoryview(x)), x.__array__()]
    assert len({v.ctypes.data for v in views}) == 1
    for view in views:
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 1
    assert x.numpy().flags.writeable


def test_a_view_outlives_its_tensor() -> None:
    view = np.asarray(tensor(np.arange(10_000, dtype=np.float32)))
    gc.collect()
    other = tensor(np.zeros(10_000, np.float32))
    np.testing.assert_array_equal(view, np.arange(10_000))
    assert other.size == 10_000


def test_memoryview() -> None:
    for dtype, code in [
        ("bool", "?"),
        ("uint8", "B"),
        ("uint16", "H"),
        ("uint32", "I"),
        ("uint64", "Q"),
        ("int8", "b"),
        ("int16", "h"),
        ("float16", "e"),
        ("int32", "i"),
        ("int64", "q"),
        ("float32", "f"),
        ("float64", "d"),
    ]:
        view = memoryview(tensor(np.ones((2, 3)), dtype))
        assert (view.format, view.shape, view.readonly, view.c_contiguous) == (code, (2, 3), True, True)
        assert view.strides == (3 * view.itemsize, view.itemsize)
    assert memoryview(tensor(1.0)).shape == ()
    assert bytes(tensor([1, 2], "uint8")) == b"\x01\x02"


def test_array_protocol() -> None:
    x = tensor([1.5, 2.5])
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert x.__array__(np.dtype("int32")).tolist() == [1, 2]
    assert x.__array__(copy=True).flags.writeable
    assert x.__array__(copy=False).tolist() == [1.5, 2.5]
    with pytest.raises(ValueError, match="without a copy"):
        x.__array__(np.dtype("float64"), copy=False)
    assert np.exp(x).dtype == np.float32
    assert isinstance(np.ones(2, np.float32) + x, _dlrs.Tensor)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64"],
)
def test_dlpack_round_trip(dtype: str) -> None:
    a = (np.arange(12).reshape(3, 4) % 2).astype(dtype)
    x = tensor(a)
    assert x.__dlpack_device__() == (1, 0)
    for shape in ((3, 4), (12,), (2, 1, 6)):
        y = _dlrs.reshape(x, shape)
        b = np.from_dlpack(y)  # type: ignore[arg-type]
        assert b.dtype == dtype
        np.testing.assert_array_equal(b, a.reshape(shape))


def test_dlpack_capsules_are_freed() -> None:
    x = tensor(np.zeros(4))
    before = sys.getrefcount(x)
    for _ in range(10_000):
        x.__dlpack__()
        x.__dlpack__(max_version=(1, 0))
        memoryview(x).release()
    assert sys.getrefcount(x) == before


def test_dlpack_does_not_lend_memory_for_writing() -> None:
    x = tensor([1.0, 2.0])
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 0)))
    assert '"dltensor"' in repr(x.__dlpack__())
    b = np.from_dlpack(x)  # type: ignore[arg-type]
    if b.flags.writeable:
        b[0] = 9
    assert x.tolist() == [1, 2]
    with pytest.raises(BufferError, match=r"DLPack 1\.0"):
        x.__dlpack__(copy=False)
    with pytest.raises(BufferError, match="CPU"):
        x.__dlpack__(dl_device=(2, 0))


def test_symbolic_tensors_have_no_memory() -> None:
    trace = _dlrs.Trace()
    with trace:
        x = trace.input((2,), "float32")
        for use in (memoryview, np.asarray, np.from_dlpack):
            with pytest.raises(_dlrs.TracingError):
                use(x)  # type: ignore[operator]


def test_memory_does_not_grow() -> None:
    a = np.ones((64, 64), np.float32)

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def churn() -> None:
        for _ in range(2000):
            x = tensor(a)
            np.asarray(x + x)
            memoryview(x)

    churn()
    before = resident()
    churn()
    assert resident() - before < 2 << 20
