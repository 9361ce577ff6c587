"""Initial values."""

import numpy as np
import pytest

from dlrs import initializers, ops, random
from dlrs.initializers.windows import WINDOWS, get_window

SHAPE = (300, 200)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 500),
        ("glorot_normal", 2 / 500),
        ("he_uniform", 2 / 300),
        ("he_normal", 2 / 300),
        ("lecun_uniform", 1 / 300),
        ("lecun_normal", 1 / 300),
    ],
)
def test_variances(name: str, variance: float) -> None:
    x = initializers.get({"class_name": name, "config": {"seed": 3}})(SHAPE).numpy()
    assert x.var() == pytest.approx(variance, rel=0.02)
    assert x.mean() == pytest.approx(0, abs=3e-4)
    if name.endswith("uniform"):
        assert np.abs(x).max() <= np.sqrt(3 * variance)
    else:
        assert np.abs(x).max() <= 2 * np.sqrt(variance) / 0.8796


def test_simple_ones() -> None:
    assert initializers.Zeros()((2,)).tolist() == [0, 0]
    assert initializers.Ones()((2,), "int32").tolist() == [1, 1]
    assert initializers.Constant([1.0, 2.0])((2, 2)).tolist() == [[1, 2], [1, 2]]
    assert initializers.Identity(2.0)((2, 2)).tolist() == [[2, 0], [0, 2]]
    x = initializers.RandomNormal(3.0, 0.5, seed=1)((10_000,)).numpy()
    assert (x.mean(), x.std()) == (pytest.approx(3, abs=0.02), pytest.approx(0.5, rel=0.03))
    x = initializers.RandomUniform(1.0, 2.0, seed=1)((1000,)).numpy()
    assert x.min() >= 1
    assert x.max() <= 2


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (3, 3, 2, 5)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape).numpy().reshape(-1, shape[-1]) / 2
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5)


def test_fans_of_convolutions() -> None:
    assert initializers.compute_fans((3, 3, 16, 32)) == (144, 288)
    assert initializers.compute_fans((5,)) == (5, 5)
    assert initializers.compute_fans(()) == (1, 1)
    assert initializers.compute_fans((2, 3, 4), [0], [1, 2]) == (2, 12)


def test_seeds() -> None:
    unseeded = initializers.GlorotUniform()
    np.testing.assert_array_equal(unseeded((3, 4)).numpy(), unseeded((3, 4)).numpy())
    assert not np.any(initializers.GlorotUniform()((3, 4)).numpy() == unseeded((3, 4)).numpy())
    assert unseeded.get_config()["seed"] is None


def test_seed_generators_go_on_and_are_configured() -> None:
    first = initializers.RandomNormal(seed=random.SeedGenerator(5))
    a, b = first((3,)).tolist(), first((3,)).tolist()
    assert a != b
    again = initializers.deserialize(initializers.serialize(first))
    assert [again((3,)).tolist(), again((3,)).tolist()] == [a, b]
    for seed in (1.5, "1", True, {"class_name": "Seed"}):
        with pytest.raises(ValueError, match="`seed` must be"):
            initializers.RandomNormal(seed=seed)


def test_clones() -> None:
    seeded, unseeded = initializers.HeNormal(seed=1), initializers.HeNormal()
    assert seeded.clone()((3,)).tolist() == seeded((3,)).tolist()
    assert unseeded.clone()((3,)).tolist() != unseeded((3,)).tolist()


def test_arrays_are_initializers() -> None:
    value = np.arange(6.0).reshape(2, 3)
    for given in (value, ops.convert_to_tensor(value)):
        made = initializers.get(given)((2, 3), "float32")
        assert made.dtype == "float32"
        assert made.tolist() == value.tolist()
    with pytest.raises(ValueError, match=r"Expected `shape` to be \(2, 3\).*got \(3, 2\)"):
        initializers.get(value)((3, 2))


@pytest.mark.parametrize("name", ["Constant", "GlorotNormal", "HeUniform", "Orthogonal", "STFT", "VarianceScaling"])
def test_round_trips(name: str) -> None:
    first = initializers.get(name)
    data = initializers.serialize(first)
    again = initializers.deserialize(data)
    assert type(again) is type(first)
    assert initializers.serialize(again) == data


def test_identifiers() -> None:
    assert initializers.get(None) is None
    assert isinstance(initializers.get("zeros"), initializers.Zeros)
    assert isinstance(initializers.get("normal"), initializers.RandomNormal)
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)

    def own(shape, dtype=None):
        return np.zeros(shape)

    assert initializers.get(own) is own
    with pytest.raises(ValueError, match="'glorot_uniform'"):
        initializers.get("gloro_uniform")
    with pytest.raises(ValueError, match="initializer"):
        initializers.get(3)
    with pytest.raises(ValueError, match="scale"):
        initializers.VarianceScaling(scale=0.0)
    with pytest.raises(ValueError, match=r"Invalid `mode` argument.*fan_in"):
        initializers.VarianceScaling(mode="fanin")


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("RandomNormal", "mean"),
        ("TruncatedNormal", "stddev"),
        ("RandomUniform", "minval"),
        ("RandomUniform", "maxval"),
        ("VarianceScaling", "scale"),
        ("Orthogonal", "gain"),
        ("Identity", "gain"),
    ],
)
def test_bad_numbers_are_refused_by_name(name: str, argument: str) -> None:
    for value in ("0.1", None, True, float("nan"), float("inf"), [0.5], 1j):
        with pytest.raises(ValueError, match=f"`{argument}` must be a finite number"):
            getattr(initializers, name)(**{argument: value})


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str, periodic: bool) -> None:
    scipy_windows = pytest.importorskip("scipy.signal.windows")
    for size in (1, 2, 5, 8, 31):
        np.testing.assert_allclose(
            get_window(name, size, periodic), scipy_windows.get_window(name, size, periodic), atol=1e-14
        )


def test_stft() -> None:
    frame, frequencies = 8, 5
    time, frequency = np.meshgrid(np.arange(frame), np.arange(frequencies), indexing="ij")
    wave = np.exp(-2j * np.pi * time * frequency / 8)
    signal = np.random.default_rng(0).normal(size=frame)
    window = get_window("hann", frame, False)
    for side, part in (("real", np.real), ("imag", np.imag)):
        kernel = initializers.STFT(side, None)((frame, 1, frequencies), "float64").numpy()[:, 0]
        np.testing.assert_allclose(kernel, part(wave), atol=1e-15)
        np.testing.assert_allclose(signal @ kernel, part(np.fft.rfft(signal)), atol=1e-14)
        kernel = initializers.STFT(side, "hann", "spectrum")((frame, 1, frequencies), "float64").numpy()[:, 0]
        np.testing.assert_allclose(kernel, part(wave) * window[:, None] / window.sum(), atol=1e-15)
    for arguments in (("both",), ("real", "han"), ("real", None, "l2")):
        with pytest.raises(ValueError, match=r"'both'|'han'|'l2'"):
            initializers.STFT(*arguments)
    with pytest.raises(ValueError, match="`window` must have the frame length 8"):
        initializers.STFT(window=[1.0, 2.0])((8, 1, 5))
    with pytest.raises(ValueError, match=r"got \(8, 2, 5\)"):
        initializers.STFT()((8, 2, 5))
