"""Normalization, Rescaling, Discretization, CategoryEncoding: what they learn and compute, and what they refuse."""

import numpy as np
import pytest

from dlrs import Input, Model, Sequential, layers, ops, saving
from dlrs.config import set_image_data_format

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 5.0, (32, 4, 3, 5)).astype("float32")


def batches(x, size=8):
    return [x[i : i + size] for i in range(0, len(x), size)]


class Sequence:
    """Batches by number, as of a dataset without an iterator."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[8 * i : 8 * i + 8], np.zeros(8)


FORMS = {
    "array": lambda: X,
    "tensor": lambda: ops.array(X),
    "list": lambda: batches(X),
    "uneven": lambda: batches(X, 7),
    "generator": lambda: (x for x in batches(X)),
    "tuples": lambda: [(x, np.zeros(8)) for x in batches(X)],
    "sequence": Sequence,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("axis", "reduced"), [(-1, (0, 1, 2)), ((1, 2), (0, 3)), (None, (0, 1, 2, 3))])
def test_normalization_adapts(form, axis, reduced):
    layer = layers.Normalization(axis=axis)
    layer.adapt(FORMS[form]())
    assert layer.built
    assert len(layer.weights) == 3
    outputs = layer(X).numpy()
    np.testing.assert_allclose(outputs.mean(axis=reduced), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.var(axis=reduced), 1, atol=1e-5)
    inverse = layers.Normalization(axis=axis, invert=True)
    inverse.adapt(X)
    np.testing.assert_allclose(inverse(outputs), X, atol=1e-4)


def test_normalization_of_large_means_and_parts():
    x = np.concatenate([np.full(1000, 1e6), np.full(1000, 1e6 + 1)])[:, None]
    for data in (x, batches(x, 300)):
        layer = layers.Normalization()
        layer.adapt(data)
        np.testing.assert_allclose(layer.variance, [[0.25]], rtol=1e-6)
    many = RNG.normal(size=(70_000, 20)).astype("float32")  # more than is read at once
    layer.adapt(many[:, :1])
    np.testing.assert_allclose(layer.mean, many[:, :1].mean(0, "float64")[None], atol=1e-6)


@pytest.mark.parametrize(
    ("axis", "shape", "given", "kept"),
    [
        (2, (2, 4, 5, 3), (5,), (1, 1, 5, 1)),
        ((1, 2), (None, 10, 13, 3), (10, 13), (1, 10, 13, 1)),
        ((1, 2), (2, 7, 5, 3), (5,), (1, 7, 5, 1)),
        (-1, (3, 7), (), (1, 7)),
    ],
)
def test_normalization_by_given_statistics(axis, shape, given, kept):
    mean = np.arange(1, 1 + np.prod(given, dtype=int)).reshape(given)
    layer = layers.Normalization(axis, mean, np.full(given, 4.0))
    layer.build(shape)
    assert tuple(layer.mean.shape) == kept
    assert not layer.weights
    x = np.ones([size or 2 for size in shape])
    places = mean.reshape(-1) if mean.ndim < 2 else mean[..., None]
    expected = (x - (places[:, None] if given == (5,) else places)) / 2
    np.testing.assert_allclose(layer(x), expected, rtol=1e-6)


def test_normalization_refuses():
    for bad in ({"mean": 0.5}, {"variance": 0.1}):
        with pytest.raises(ValueError, match="both `mean` and `variance` must be set"):
            layers.Normalization(**bad)
    with pytest.raises(ValueError, match="same shape"):
        layers.Normalization(mean=[1.0], variance=2.0)
    with pytest.raises(ValueError, match="rank of `mean`"):
        layers.Normalization(mean=[[1.0]], variance=[[2.0]])
    for axis, shape in ((3, (2, 2)), (-4, (2, 3, 4))):
        with pytest.raises(ValueError, match="All `axis` values must be in the range"):
            layers.Normalization(axis=axis).build(shape)
    with pytest.raises(ValueError, match="All `axis` values to be kept"):
        layers.Normalization(axis=1).build((None, None))
    with pytest.raises(ValueError, match="do not fit"):
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0]).build((None, 3))
    with pytest.raises(ValueError, match="cannot be adapted"):
        layers.Normalization(mean=0.0, variance=1.0).adapt(X)


def test_normalization_refuses_data():
    layer = layers.Normalization()
    for empty in ([], iter(())):
        with pytest.raises(ValueError, match="empty iterable"):
            layer.adapt(empty)
    with pytest.raises(TypeError, match=r"`\.shape`"):
        layer.adapt(iter([42]))
    with pytest.raises(TypeError, match="unsupported data type: int"):
        layer.adapt(3)
    with pytest.raises(ValueError, match="without samples"):
        layer.adapt(np.zeros((0, 4)))
    layer = layers.Normalization()
    layer.adapt(np.eye(4))
    before = [w.tolist() for w in layer.get_weights()]
    for bad in ([np.ones((8, 4)), np.ones((8, 6))], np.ones((10, 3)), np.ones((2, 2, 4))):
        with pytest.raises(ValueError, match="incompatible shape"):
            layer.adapt(bad)
    assert [w.tolist() for w in layer.get_weights()] == before


def test_half_precision_does_not_overflow():
    x = np.array([[70_000.0], [90_000.0]], "float32")
    layer = layers.Normalization(dtype="mixed_float16")
    layer.adapt(x)
    assert layer(x).tolist() == [[-1.0], [1.0]]
    assert layers.Rescaling(1e-5, dtype="float16")(x).dtype == "float16"


def test_rescaling():
    x = RNG.uniform(0, 255, (3, 10, 10, 3))
    np.testing.assert_allclose(layers.Rescaling(1 / 255, 0.5)(x), x / 255 + 0.5, rtol=1e-6)
    assert layers.Rescaling(2, offset=0.5)(x.astype("int16")).dtype == "float32"
    layer = layers.Rescaling(np.array(1 / 255), np.array(0.5))
    assert layers.Rescaling.from_config(layer.get_config()).get_config() == layer.get_config()
    for bad in ({"scale": "1"}, {"scale": None}, {"scale": 1, "offset": [None]}):
        with pytest.raises(TypeError, match="must be a number"):
            layers.Rescaling(**bad)


def test_rescaling_of_channels_first():
    scale, x = np.array([1.0, 2.0, 3.0]), RNG.uniform(0, 1, (2, 3, 4, 4))
    set_image_data_format("channels_first")
    try:
        outputs = layers.Rescaling(scale, scale)(x)
    finally:
        set_image_data_format("channels_last")
    np.testing.assert_allclose(outputs, x * scale[:, None, None] + scale[:, None, None], rtol=1e-6)


MODES = [
    ("int", [[-1.0, 0.0, 0.1, 0.8, 1.2]], [[0, 1, 1, 2, 3]]),
    ("one_hot", [0.1, 0.8], [[0, 1, 0, 0], [0, 0, 1, 0]]),
    ("one_hot", [[0.1], [0.8]], [[0, 1, 0, 0], [0, 0, 1, 0]]),
    ("multi_hot", [[0.1, 0.8]], [[0, 1, 1, 0]]),
    ("one_hot", [[[0.15, 0.75]]], [[[[0, 1, 0, 0], [0, 0, 1, 0]]]]),
    ("multi_hot", [[[0.15, 0.75], [0.85, 0.45]]], [[[0, 1, 1, 0], [0, 1, 1, 0]]]),
    ("multi_hot", [0.1, 0.8], [0, 1, 1, 0]),
    ("count", [[0.1, 0.8, 0.9]], [[0, 1, 2, 0]]),
]


@pytest.mark.parametrize(("mode", "x", "expected"), MODES)
def test_discretization_modes(mode, x, expected):
    layer = layers.Discretization([0.0, 0.5, 1.0], output_mode=mode)
    outputs = layer(np.array(x))
    assert outputs.tolist() == expected
    assert outputs.dtype == ("int32" if mode == "int" else "float32")
    assert layer.compute_output_shape(np.shape(x)) == outputs.shape


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("int", (None, 3, 4)), ("one_hot", (None, 3, 4, 5)), ("multi_hot", (None, 4, 5)), ("count", (None, 4, 5))],
)
def test_discretization_of_placeholders(mode, expected):
    given = layers.Discretization([0.0, 1.0, 2.0, 5.0], output_mode=mode)
    assert given(Input((3, 4))).shape == expected
    assert given(RNG.uniform(0, 3, (2, 3, 4))).shape == (2, *expected[1:])
    assert layers.Discretization(num_bins=5, output_mode=mode).compute_output_shape((None, 3, 4)) == expected


def test_discretization_adapts():
    values = RNG.gamma(2.0, size=20_000)
    quartiles = np.quantile(values, [0.25, 0.5, 0.75])
    for data, steps in ((values, None), (batches(values, 700), None), (iter(batches(values, 100)), 200)):
        layer = layers.Discretization(num_bins=4, epsilon=0.001)
        layer.adapt(data, steps=steps)
        np.testing.assert_allclose(layer.bin_boundaries, quartiles, atol=0.02)
    counts = np.bincount(layer(values).numpy())
    np.testing.assert_allclose(counts, 5000, rtol=0.02)
    for parts in batches(values, 5000):
        layer.update_state(parts)
    layer.finalize_state()
    np.testing.assert_allclose(layer.bin_boundaries, quartiles, atol=0.02)


def test_models_see_boundaries_that_change():
    model = Sequential([Input((1,)), layers.Discretization(num_bins=2)])
    x = np.array([[0.0], [3.0], [10.0]])
    model.layers[0].adapt(np.arange(5.0))
    assert model.predict(x, verbose=0).ravel().tolist() == [0, 1, 1]
    model.layers[0].adapt(np.arange(15.0))
    assert model.predict(x, verbose=0).ravel().tolist() == [0, 0, 1]


def test_discretization_configuration():
    layer = layers.Discretization(num_bins=5)
    for data in (None, np.array([0.0, 1.0, 5.0]), np.arange(8.0)):
        if data is not None:
            layer.adapt(data)
        again = layers.Discretization.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()


def test_discretization_refuses():
    with pytest.raises(ValueError, match="Both `num_bins` and `bin_boundaries`"):
        layers.Discretization(num_bins=3, bin_boundaries=[0.0, 1.0])
    with pytest.raises(ValueError, match="either `num_bins` or `bin_boundaries`"):
        layers.Discretization()
    with pytest.raises(ValueError, match=r"You need .* call .*adapt"):
        layers.Discretization(num_bins=3)([[0.1, 0.8, 0.9]])
    with pytest.raises(ValueError, match="Cannot adapt"):
        layers.Discretization([0.0]).adapt(np.ones(3))
    for bad, name in (
        ({"num_bins": 0}, "num_bins"),
        ({"num_bins": True}, "num_bins"),
        ({"num_bins": 2, "epsilon": 0.0}, "epsilon"),
        ({"num_bins": 2, "output_mode": "hot"}, "output_mode"),
        ({"num_bins": 2, "sparse": True}, "sparse"),
        ({"bin_boundaries": [1.0, 0.0]}, "bin_boundaries"),
        ({"bin_boundaries": [0.0, np.nan]}, "bin_boundaries"),
        ({"bin_boundaries": "ab"}, "bin_boundaries"),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must"):
            layers.Discretization(**bad)
    layer = layers.Discretization(num_bins=2)
    layer.adapt(np.arange(4.0))
    for bad, message in ((np.array([1.0, np.nan]), "NaN"), ([], "empty"), (np.zeros(0), "no data")):
        with pytest.raises(ValueError, match=message):
            layer.adapt(bad)
    assert layer.bin_boundaries == [1.0]


@pytest.mark.parametrize(
    ("mode", "ids", "expected"),
    [
        ("count", [1, 2, 3, 1], [0, 2, 1, 1]),
        ("count", [[1, 2, 3, 1], [0, 3, 1, 0]], [[0, 2, 1, 1], [2, 1, 0, 1]]),
        ("multi_hot", [3, 2, 0], [1, 0, 1, 1]),
        ("multi_hot", [[3, 2, 0, 0]], [[1, 0, 1, 1]]),
        ("multi_hot", 2, [0, 0, 1, 0]),
        ("one_hot", [3, 0], [[0, 0, 0, 1], [1, 0, 0, 0]]),
        ("one_hot", [[3], [0]], [[0, 0, 0, 1], [1, 0, 0, 0]]),
        ("one_hot", [[3, 0]], [[[0, 0, 0, 1], [1, 0, 0, 0]]]),
    ],
)
def test_category_encoding(mode, ids, expected):
    layer = layers.CategoryEncoding(4, output_mode=mode)
    outputs = layer(np.array(ids))
    assert outputs.tolist() == expected
    assert outputs.dtype == "float32"
    assert layer.compute_output_shape(np.shape(ids)) == outputs.shape
    if np.ndim(ids):
        assert layer(Input(batch_shape=np.shape(ids), dtype="int32")).shape == outputs.shape


def test_counts_of_weights():
    layer = layers.CategoryEncoding(4, output_mode="count")
    ids, weights = np.array([[0, 1], [0, 0], [3, 1]]), np.array([[0.1, 0.2], [0.1, 0.1], [0.4, 0.2]])
    expected = [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0], [0, 0.2, 0, 0.4]]
    np.testing.assert_allclose(layer(ids, count_weights=weights), expected, rtol=1e-6)
    places, shares = Input((2,), dtype="int32"), Input((2,))
    model = Model([places, shares], layer(places, count_weights=shares))
    np.testing.assert_allclose(model.predict([ids, weights], verbose=0), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="`count_weights` must have the shape"):
        layer(ids, count_weights=weights[:1])


def test_category_encoding_refuses():
    with pytest.raises(ValueError, match="num_tokens must be set"):
        layers.CategoryEncoding(output_mode="multi_hot")
    for bad in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="`num_tokens` must be >= 1"):
            layers.CategoryEncoding(num_tokens=bad)
    with pytest.raises(ValueError, match="Unknown arg for output_mode: hot"):
        layers.CategoryEncoding(4, output_mode="hot")
    with pytest.raises(ValueError, match="`sparse` must be False"):
        layers.CategoryEncoding(4, sparse=True)
    with pytest.raises(ValueError, match="`count_weights` is not used"):
        layers.CategoryEncoding(4)(np.array([0, 1]), count_weights=np.ones(2))
    for bad in ([4], [-1]):
        for mode in ("one_hot", "multi_hot", "count"):
            with pytest.raises(IndexError, match="out of range"):
                layers.CategoryEncoding(4, output_mode=mode)(bad)


def test_training_and_saving(tmp_path):
    numbers, ids = Input((3,)), Input((1,), dtype="int32")
    normalization, binning = layers.Normalization(), layers.Discretization(num_bins=3, output_mode="multi_hot")
    x = [RNG.normal(4.0, 2.0, (64, 3)).astype("float32"), RNG.integers(0, 5, (64, 1))]
    normalization.adapt(x[0])
    binning.adapt(x[0])
    features = [
        normalization(layers.Rescaling(1.0)(numbers)),
        binning(numbers),
        layers.CategoryEncoding(5, output_mode="one_hot")(ids),
    ]
    model = Model([numbers, ids], layers.Dense(1)(layers.Concatenate()(features)))
    model.compile("adam", "mse")
    losses = model.fit(x, x[0][:, :1] + x[1], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    saving.save_model(model, tmp_path / "m.dlrs")
    again = saving.load_model(tmp_path / "m.dlrs")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
