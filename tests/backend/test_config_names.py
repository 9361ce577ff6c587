"""Settings of the process and what a script of Keras's may say at its top."""

import importlib
import warnings

import numpy as np
import pytest

import dlrs


def test_there_is_one_backend_and_one_device():
    dlrs.config.set_backend("dlrs")
    assert dlrs.config.backend() == dlrs.backend.backend() == "dlrs"
    with pytest.raises(ValueError, match="dlrs runs on no other library: `backend` must be 'dlrs', got 'jax'"):
        dlrs.config.set_backend("jax")
    for name in ("cpu", "CPU:0", "/cpu:0", "/device:CPU:0"):
        with dlrs.device(name):
            assert dlrs.ops.sum([1.0, 2.0]).item() == 3.0
    for name in ("gpu", "gpu:0", "cpu:1", None):
        with pytest.raises(ValueError, match="computation runs on 'cpu'"), dlrs.device(name):
            pass


def test_the_policy_of_types_is_the_same_by_all_its_names(monkeypatch):
    # At the end there is no policy set again, and the default float type decides.
    monkeypatch.setattr(importlib.import_module("dlrs.backend.dtype_policy"), "_default", None)
    for set_policy in (dlrs.config.set_dtype_policy, dlrs.mixed_precision.set_global_policy):
        set_policy("float64")
        for policy in (dlrs.config.dtype_policy, dlrs.mixed_precision.global_policy, dlrs.backend.dtype_policy):
            assert policy().name == "float64"
        assert dlrs.layers.Dense(2)(np.ones((1, 2))).dtype == "float64"
        set_policy(dlrs.mixed_precision.Policy("mixed_bfloat16"))
        layer = dlrs.layers.Dense(2)
        assert (layer(np.ones((1, 2))).dtype, layer.kernel.dtype) == ("bfloat16", "float32")


def test_interactive_logging_has_one_state(caplog, capsys):
    from dlrs.utils import io_utils

    try:
        dlrs.config.disable_interactive_logging()
        assert not dlrs.utils.is_interactive_logging_enabled()
        with caplog.at_level("INFO", "dlrs"):
            io_utils.print_msg("logged")
        dlrs.utils.enable_interactive_logging()
        assert dlrs.config.is_interactive_logging_enabled()
        io_utils.print_msg("printed")
    finally:
        dlrs.config.enable_interactive_logging()
    assert (caplog.messages, capsys.readouterr().out) == (["logged"], "printed\n")


def test_what_changes_nothing_says_so():
    with pytest.warns(UserWarning, match="never runs code out of a file"):
        dlrs.config.enable_unsafe_deserialization()
    with pytest.warns(UserWarning, match="whole tracebacks"):
        dlrs.config.enable_traceback_filtering()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dlrs.config.disable_traceback_filtering()
    assert not dlrs.config.is_traceback_filtering_enabled()
    assert not dlrs.config.is_nnx_enabled()
    with pytest.raises(AttributeError, match=r"module 'dlrs\.config' has no attribute 'nothing'"):
        _ = dlrs.config.nothing


def test_remat_gives_the_same_gradients():
    @dlrs.remat
    def f(x):
        return dlrs.ops.sum(dlrs.ops.sin(x) * x)

    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(dlrs.grad(f)(x).numpy(), np.cos(x) * x + np.sin(x), rtol=1e-12)
    with dlrs.RematScope("list_of_layers", layer_names=["a"]):
        assert dlrs.layers.Dense(2, name="a")(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(ValueError, match=r"RematScope: Invalid mode: Unknown mode 'ful'\. Did you mean 'full'"):
        dlrs.RematScope("ful")
    with pytest.raises(TypeError, match="remat: `f` must be a function, got 3"):
        dlrs.remat(3)


def test_function_and_version():
    x = dlrs.Input((2,))
    assert dlrs.Function(x, x * 2.0)(np.ones((1, 2))).tolist() == [[2.0, 2.0]]
    assert callable(dlrs.version)
