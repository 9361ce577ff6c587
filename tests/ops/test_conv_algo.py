"""The algorithm of convolutions: minimal filtering against the definition, how it is chosen, what bad names get."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import dlrs
from dlrs import config, layers, ops

RNG = np.random.default_rng(7)
X = RNG.standard_normal((4, 18, 17, 64)).astype("float32")
KERNEL = RNG.standard_normal((3, 3, 64, 96)).astype("float32")


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    before = config.conv_algo()
    yield
    config.set_conv_algo(before)  # type: ignore[arg-type]


def exact(padding: str) -> np.ndarray:
    return ops.conv(X.astype("float64"), KERNEL.astype("float64"), padding=padding).numpy()


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_both_are_as_near_to_the_exact_sum_as_they_say(padding: str) -> None:
    sizes = ops.conv(abs(X).astype("float64"), abs(KERNEL).astype("float64"), padding=padding).numpy()
    for algo, ulps in (("auto", 20.0), ("direct", 10.0)):
        y = ops.conv(X, KERNEL, padding=padding, conv_algo=algo).numpy()
        assert (abs(y - exact(padding)) / sizes).max() < ulps * 2.0**-24


def test_the_setting_is_the_default() -> None:
    config.set_conv_algo("direct")
    direct = ops.conv(X, KERNEL).numpy()
    assert np.array_equal(direct, ops.conv(X, KERNEL, conv_algo="direct").numpy())
    config.set_conv_algo("auto")
    assert not np.array_equal(direct, ops.conv(X, KERNEL).numpy())


def test_direct_outputs_do_not_see_beyond_their_window() -> None:
    x = X.copy()
    x[0, 5, 5, 3] = np.inf
    y = ops.conv(x, KERNEL, padding="same", conv_algo="direct").numpy()
    seen = np.zeros(y.shape[:3], bool)
    seen[0, 4:7, 4:7] = True
    assert np.array_equal(~np.isfinite(y).all(axis=-1), seen)


@pytest.mark.parametrize("filters", [1, 3, 6, 8])
def test_with_few_filters_they_see_their_rows(filters: int) -> None:
    x = np.zeros((2, 20, 20, 3), "float32")
    x[0, 9, 9, 0] = np.nan
    y = ops.conv(x, np.ones((3, 3, 3, filters), "float32"), padding="same", conv_algo="direct").numpy()
    broken = ~np.isfinite(y).all(axis=-1)
    assert broken[0, 8:11, 8:11].all() and not broken[1].any()
    assert not np.delete(broken[0], [8, 9, 10], axis=0).any()


@pytest.mark.parametrize("number", [2**31, 2**40, 2**61])
def test_numbers_that_no_image_has_are_refused(number: int) -> None:
    x, kernel = np.ones((1, 5, 5, 2), "float32"), np.ones((3, 3, 2, 2), "float32")
    for options in ({"dilation_rate": number}, {"strides": number}, {"padding": [(number, number), (0, 0)]}):
        with pytest.raises(ValueError, match=r"conv.*at most"):
            ops.conv(x, kernel, **{"padding": "valid"} | options)


def test_the_gradient_by_the_input_goes_the_same_way() -> None:
    def gradient(algo: str) -> np.ndarray:
        x = dlrs.Variable(X)
        with dlrs.GradientTape() as tape:
            total = ops.sum(ops.square(ops.conv(x, KERNEL, padding="same", conv_algo=algo)))
        return tape.gradient(total, x).numpy()

    auto, direct = gradient("auto"), gradient("direct")
    assert not np.array_equal(auto, direct)
    assert abs(auto - direct).max() < 1e-4 * abs(direct).max()


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.Conv2D(96, 3, **k),
        lambda **k: layers.Conv2DTranspose(96, 3, **k),
        lambda **k: layers.SeparableConv2D(96, 3, **k),
        lambda **k: layers.DepthwiseConv2D(3, **k),
    ],
)
def test_a_layer_may_choose(make: Callable[..., layers.Layer]) -> None:
    layer, direct = make(), make(conv_algo="direct")
    layer.build(X.shape)
    direct.build(X.shape)
    direct.set_weights(layer.get_weights())
    auto = layer(X).numpy()
    config.set_conv_algo("direct")
    expected = layer(X).numpy()
    config.set_conv_algo("auto")
    assert np.array_equal(direct(X).numpy(), expected)
    assert np.array_equal(auto, expected) == (type(layer).__name__ in ("SeparableConv2D", "DepthwiseConv2D"))
    assert "conv_algo" not in layer.get_config()
    assert layers.deserialize(layers.serialize(direct)).conv_algo == "direct"


@pytest.mark.parametrize("value", ["winograd", "", 3, ["auto"]])
def test_other_names_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="conv_algo"):
        config.set_conv_algo(value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="conv_algo"):
        ops.conv(X, KERNEL, conv_algo=value)  # type: ignore[arg-type]
