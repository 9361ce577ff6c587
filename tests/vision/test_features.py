"""Features are computed once; a file of another model, other data or damage is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import Input, Sequential, layers
from dlrs.vision import cached_features

X = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")


@pytest.fixture
def base() -> Any:
    return Sequential([Input((4,)), layers.Dense(3, activation="relu")])


def counted(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    predict = type(model).predict

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "predict", counting)
    return calls


def test_features_are_computed_once(base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(base, monkeypatch)
    path = tmp_path / "features.safetensors"
    first = cached_features(base, X, path, batch_size=2)
    np.testing.assert_array_equal(first, base(X))
    second = cached_features(base, X, path)
    np.testing.assert_array_equal(first, second)
    assert len(calls) == 1
    assert second.flags.writeable


def test_a_copy_of_the_model_finds_them_too(base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "features.safetensors"
    cached_features(base, X, path)
    copy = Sequential([Input((4,)), layers.Dense(3, activation="relu")])
    copy.set_weights(base.get_weights())
    calls = counted(copy, monkeypatch)
    cached_features(copy, X, path)
    assert not calls


def test_stale_features_are_refused(base: Any, tmp_path: Path) -> None:
    path = tmp_path / "features.safetensors"
    cached_features(base, X, path)
    other_data = X.copy()
    other_data[-1, -1] = np.nextafter(other_data[-1, -1], np.float32(9))
    for data in (other_data, X[:-1], X.astype("float64"), X.reshape(5, 4, 1)[:, :, 0] * 2):
        with pytest.raises(ValueError, match="is stale"):
            cached_features(base, data, path)
    other_activation = Sequential([Input((4,)), layers.Dense(3, activation="tanh")])
    other_activation.set_weights(base.get_weights())
    with pytest.raises(ValueError, match="is stale"):
        cached_features(other_activation, X, path)
    base.layers[0].bias.assign([0.0, 0.0, 1e-3])
    with pytest.raises(ValueError, match="is stale"):
        cached_features(base, X, path)
    fresh = cached_features(base, X, path, overwrite=True)
    np.testing.assert_array_equal(fresh, base(X))
    np.testing.assert_array_equal(cached_features(base, X, path), fresh)


def test_damaged_features_are_refused(base: Any, tmp_path: Path) -> None:
    path = tmp_path / "features.safetensors"
    expected = cached_features(base, X, path)
    good = path.read_bytes()
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        with pytest.raises(ValueError, match=r"damaged|stale|rule|holds no features"):
            cached_features(base, X, path)
    path.write_bytes(good[:-3])
    with pytest.raises(ValueError, match="rule"):
        cached_features(base, X, path)
    np.testing.assert_array_equal(cached_features(base, X, path, overwrite=True), expected)


def test_bad_arguments(base: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.safetensors"):
        cached_features(base, X, tmp_path / "features.npy")
    with pytest.raises(ValueError, match="built"):
        cached_features(Sequential([layers.Dense(2)]), X, tmp_path / "f.safetensors")
