"""Element types that are stored and converted to be computed with: casts, arithmetic, gradients, programs, exchange."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import GradientTape, Variable, _dlrs, backend, ops

INTS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
HALVES = ("float16", "bfloat16")
NUMBERS = np.array([0, 1, 2, 3.7, 100, 127, 255, 60000.3, -1.5, -3, -128])


def values(x: Any) -> np.ndarray[Any, Any]:
    """A tensor as float64."""
    return np.asarray(_dlrs.cast(x, "float64"))


@pytest.mark.parametrize("a", ("bool", *INTS, "float16", "float32", "float64"))
@pytest.mark.parametrize("b", ("bool", *INTS, "float16", "float32", "float64"))
@pytest.mark.filterwarnings("ignore:invalid value")
def test_casts_are_numpys(a: str, b: str) -> None:
    x = NUMBERS.astype(a)
    y = ops.cast(x, b)
    assert y.dtype == b
    np.testing.assert_array_equal(y.numpy(), x.astype(b))


def test_halves_are_rounded_to_the_nearest_even() -> None:
    x = np.array([1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-40, 65519, 65520, 2**-25, 2**-24, np.nan, -np.inf])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(ops.cast(x, "float16").numpy(), x.astype("float16"))
    brain = [1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-40, 3.39e38, 1e300]
    largest = pytest.approx(3.39e38, rel=1e-2)
    assert ops.cast(np.array(brain), "bfloat16").tolist() == [1, 1 + 2**-6, 1 + 2**-7, largest, np.inf]


@pytest.mark.parametrize("dtype", INTS)
def test_integers_wrap_as_numpys(dtype: str) -> None:
    info = np.iinfo(dtype)
    x = np.array([info.min, info.max, info.max // 3, 7, 1, info.max], dtype)
    y = np.array([3, info.max, 5, 2, info.max, 1], dtype)
    for name in ("add", "subtract", "multiply", "maximum", "minimum", "floor_divide", "less", "greater_equal", "equal"):
        with np.errstate(over="ignore"):
            expected = getattr(np, name)(x, y)
        result = getattr(ops, name)(x, y).numpy()
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result, expected, name)
    np.testing.assert_array_equal(ops.max(x).numpy(), x.max())
    np.testing.assert_array_equal(ops.min(x).numpy(), x.min())
    np.testing.assert_array_equal(ops.negative(x).numpy(), -x)


@pytest.mark.parametrize("dtype", HALVES)
def test_halves_compute_as_float32(dtype: str) -> None:
    x = ops.cast(np.random.default_rng(1).normal(size=(6, 5)), dtype)
    wide = ops.cast(x, "float32")
    for fn in (ops.exp, ops.softmax, lambda a: ops.matmul(a, ops.transpose(a)), ops.sum, ops.mean, lambda a: a * a + 1):
        result = fn(x)
        assert result.dtype == dtype
        np.testing.assert_allclose(values(result), values(fn(wide)), rtol=2**-6)
    # Sums are rounded once: in halves alone the sum of ones would end at 2048 or 256.
    assert ops.sum(ops.ones(5000, dtype)).item() == ops.cast(5000.0, dtype).item()


@pytest.mark.parametrize("dtype", HALVES)
def test_gradients_flow_through_conversions(dtype: str) -> None:
    v = Variable([[1.0, 2.0], [3.0, 4.0]], dtype=dtype)

    def loss() -> Any:
        picked = ops.take(v, [1, 1], axis=0)
        return ops.sum(ops.matmul(v, v) * ops.concatenate([v[:1], picked[:1]], 0)) + ops.sum(v + v[0])

    with GradientTape() as tape:
        y = loss()
    eager = tape.gradient(y, v)
    assert eager.dtype == dtype
    wide = Variable(v.numpy().astype("float64"))
    with GradientTape() as tape:
        picked = ops.take(wide, [1, 1], axis=0)
        z = ops.sum(ops.matmul(wide, wide) * ops.concatenate([wide[:1], picked[:1]], 0)) + ops.sum(wide + wide[0])
    np.testing.assert_allclose(values(eager), tape.gradient(z, wide).numpy(), rtol=2**-6)


@pytest.mark.parametrize("dtype", (*HALVES, "int8", "uint16", "uint64"))
def test_eager_recorded_and_compiled_are_the_same(dtype: str) -> None:
    x = ops.cast(np.arange(12).reshape(3, 4), dtype)

    def fn(x: Any) -> Any:
        y = ops.maximum(x * x + x, 5) - ops.sum(ops.cast(x, dtype), axis=0)
        return ops.concatenate([ops.cast(y, dtype), ops.where(x > 4, x, 2)], axis=1)

    eager, compiled = fn(x), dlrs.function(fn)(x)
    spec = backend.compute_output_spec(fn, backend.KerasTensor((None, 4), dtype))
    assert eager.dtype == compiled.dtype == spec.dtype
    assert eager.tolist() == compiled.tolist()


@pytest.mark.parametrize("dtype", sorted(backend.ALLOWED_DTYPES))
def test_variables_of_every_dtype(dtype: str) -> None:
    v = Variable([1, 0, 1], dtype=dtype)
    assert v.dtype == v.value.dtype == dtype
    v.assign([0, 1, 1])
    assert v.value.tolist() == [0, 1, 1]
    assert Variable(lambda shape, dtype: ops.ones(shape, dtype), shape=(2,), dtype=dtype).dtype == dtype


def test_brain_floats_and_numpy() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = ops.cast([1.5, -2.0, 3.0], "bfloat16")
    array = x.numpy()
    assert array.dtype == ml_dtypes.bfloat16
    assert array.flags.writeable
    assert ops.convert_to_tensor(array).dtype == "bfloat16"
    assert ops.convert_to_tensor(array.reshape(3, 1)[::2]).tolist() == [[1.5], [3.0]]
    assert ops.convert_to_tensor([[1, 2], [3, 4]], "bfloat16").tolist() == [[1, 2], [3, 4]]
    assert "values=[1.5 -2 3]" in repr(x)
    with pytest.raises(BufferError, match="bfloat16"):
        memoryview(x)


def test_brain_floats_without_ml_dtypes() -> None:
    code = (
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "from dlrs import ops\n"
        "x = ops.cast([1.5, -2.0], 'bfloat16')\n"
        "assert x.numpy().dtype == 'float32' and x.tolist() == [1.5, -2.0]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
