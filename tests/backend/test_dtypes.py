"""Names of types, promotion, and near matches in messages."""

import numpy as np
import pytest

from dlrs import backend, config, errors, ops


@pytest.mark.parametrize(
    ("given", "name"),
    [("float32", "float32"), (np.int64, "int64"), (np.dtype("uint8"), "uint8"), (float, "float32"), (bool, "bool")],
)
def test_names(given, name) -> None:
    assert backend.standardize_dtype(given) == name


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="'float32'"):
        backend.standardize_dtype("flot32")
    with pytest.raises(ValueError):
        backend.standardize_dtype("complex64")
    assert "'relu'" in errors.unknown_name("activation", "rely", ["relu", "elu", "tanh"])


TYPES = sorted(backend.ALLOWED_DTYPES)


@pytest.mark.parametrize("a", TYPES)
@pytest.mark.parametrize("b", TYPES)
def test_ops_promote_as_announced(a: str, b: str) -> None:
    result = ops.maximum(ops.ones(2, a), ops.ones(2, b))
    assert result.dtype == backend.result_type(a, b)


@pytest.mark.parametrize("a", TYPES)
def test_python_numbers_are_weak(a: str) -> None:
    x = ops.ones(2, a)
    assert ops.multiply(x, 2).dtype == backend.result_type(a, int)
    assert ops.multiply(x, 2.0).dtype == backend.result_type(a, float)


def test_defaults() -> None:
    assert ops.array([1, 2]).dtype == "int32"
    assert ops.array([1.0]).dtype == "float32"
    assert ops.array([True]).dtype == "bool"
    assert ops.array(np.float64(1)).dtype in ("float32", "float64")
    assert ops.mean(ops.array([1, 2])).dtype == "float32"
    assert ops.divide(ops.array([1, 2]), 2).dtype == "float32"
    assert ops.sum(ops.array([True, True])).item() == 2


def test_floatx() -> None:
    config.set_floatx("float64")
    try:
        assert ops.zeros((1,)).dtype == "float64"
        assert backend.dtype_policy().compute_dtype == "float64"
    finally:
        config.set_floatx("float32")
    with pytest.raises(ValueError, match="float32"):
        config.set_floatx("float33")
