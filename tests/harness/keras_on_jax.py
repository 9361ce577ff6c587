"""Keras on JAX, to compare with; modules that import this are skipped where it is missing."""

import os
import zlib
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
# Thousands of tiny programs are compiled, and run once each.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")
if keras.backend.backend() != "jax":
    pytest.skip("Keras has another backend", allow_module_level=True)

# How often a case is drawn anew.
TRIALS = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "campaign" else 1


def draws(*key: Any) -> np.random.Generator:
    """Random numbers that are the same whichever tests run before."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def assert_close(ours: Any, theirs: Any, tolerance: float = 1e-5, what: str = "", least: float = 0.0) -> None:
    """Shapes and types are equal, and values up to `tolerance` times the largest magnitude, or times `least`."""
    ours, theirs = (np.asarray(value) for value in (ours, theirs))
    assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
    assert ours.dtype == theirs.dtype, (what, ours.dtype, theirs.dtype)
    if theirs.dtype.kind in "biu":
        np.testing.assert_array_equal(ours, theirs, what)
    elif theirs.size:
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=least)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale + 1e-30, err_msg=what)
