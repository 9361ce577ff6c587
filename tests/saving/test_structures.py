"""Models of every structure come back bit for bit, and their weights go by the structure."""

import json
import zipfile

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops, saving
from dlrs.saving.saving_lib import read_saved_model, write_saved_model
from dlrs.saving.structure import named_weights

RNG = np.random.default_rng(0)
A = RNG.normal(size=(12, 4)).astype("float32")
B = RNG.normal(size=(12, 3)).astype("float32")


def several_inputs_and_outputs():
    a, b = dlrs.Input((4,), name="a"), dlrs.Input((3,), name="b")
    h = ops.concatenate([layers.Dense(5, activation="tanh")(a), b], axis=-1)
    return dlrs.Model({"a": a, "b": b}, {"x": layers.Dense(2, name="x")(h), "y": layers.Dense(1, name="y")(h)})


def shared_layer():
    a, b = dlrs.Input((4,), name="a"), dlrs.Input((3,), name="b")
    wide = layers.Dense(4)
    again = layers.Dense(4, activation="relu")
    return dlrs.Model([a, b], again(again(a) + again(wide(b))))


def nested():
    inner = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(6), layers.BatchNormalization()])
    a, b = dlrs.Input((4,), name="a"), dlrs.Input((3,), name="b")
    return dlrs.Model([a, b], [inner(a) * 2.0, inner(ops.pad(b, ((0, 0), (0, 1)))), inner(a)[:, 1:3]])


@saving.register_keras_serializable("structures")
class Twin(dlrs.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [layers.Dense(units), {"x": layers.Dense(units)}]
        self.drop = layers.Dropout(0.5, seed=3)

    def call(self, inputs, training=False):
        h = self.blocks[0](inputs["a"]) + self.blocks[1]["x"](inputs["b"])
        return self.drop(h, training=training)


@pytest.mark.parametrize("make", [several_inputs_and_outputs, shared_layer, nested, Twin])
def test_round_trip(make, tmp_path):
    model = make()
    data = {"a": A, "b": B} if make in (several_inputs_and_outputs, Twin) else [A, B]
    expected = model.predict(data, verbose=0)
    model.save(tmp_path / "m.dlrs")
    loaded = saving.load_model(tmp_path / "m.dlrs")
    for one, other in zip(dlrs.tree.flatten(expected), dlrs.tree.flatten(loaded.predict(data, verbose=0)), strict=True):
        assert one.tobytes() == other.tobytes()
    assert list(named_weights(loaded)) == list(named_weights(model))
    fresh = make()
    if not fresh.built:
        fresh.predict(data, verbose=0)
    model.save_weights(tmp_path / "w.safetensors")
    report = fresh.load_weights(tmp_path / "w.safetensors")
    assert sorted(report.loaded) == sorted(named_weights(model))
    assert [w.tobytes() for w in fresh.get_weights()] == [w.tobytes() for w in model.get_weights()]


def test_a_shared_layer_is_shared_again(tmp_path):
    shared_layer().save(tmp_path / "m.dlrs")
    loaded = saving.load_model(tmp_path / "m.dlrs")
    assert len(loaded.weights) == 4
    assert len({id(layer) for layer in loaded.layers}) == len(loaded.layers)


def test_the_configuration_is_in_the_schema_of_keras(tmp_path):
    model = several_inputs_and_outputs()
    model.compile("sgd", {"x": "mse", "y": "mae"})
    model.save(tmp_path / "m.dlrs")
    with zipfile.ZipFile(tmp_path / "m.dlrs") as archive:
        config = json.loads(archive.read("config.json"))
        assert set(archive.namelist()) == {
            "metadata.json", "config.json", "state.json", "model.safetensors", "state.safetensors"
        }  # fmt: skip
    assert config["class_name"] == "Functional"
    assert {"module", "class_name", "config", "registered_name", "compile_config"} <= set(config)
    dense = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense")
    assert dense["module"] == "keras.layers"
    assert dense["inbound_nodes"][0]["args"][0]["class_name"] == "__keras_tensor__"
    assert config["compile_config"]["loss"] == {"x": "mse", "y": "mae"}


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "bfloat16",
              "float32", "float64"]
)  # fmt: skip
def test_every_element_type(dtype, tmp_path):
    values = np.arange(6).reshape(2, 3) % 2 if dtype == "bool" else np.arange(6).reshape(2, 3)

    class Holder(layers.Layer):
        def build(self, input_shape):
            self.held = self.add_weight((2, 3), initializer="zeros", dtype=dtype, trainable=False, name="held")

        def call(self, inputs):
            return inputs

    def made():
        return dlrs.Sequential([dlrs.Input((3,)), Holder()])

    model, other = made(), made()
    model.layers[0].held.assign(ops.cast(values, dtype))
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    held = other.layers[0].held
    assert held.dtype == dtype
    np.testing.assert_array_equal(ops.cast(held, "float64").numpy(), values)


def test_loading_weights_not_strictly(tmp_path):
    small = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3), layers.Dense(2)])
    large = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3), layers.Dense(5), layers.Dense(1)])
    small.save_weights(tmp_path / "w.safetensors")
    before = [w.tobytes() for w in large.get_weights()]
    with pytest.raises(
        dlrs.errors.FormatError, match=r"2 missing: dense_2/kernel, dense_2/bias; 2 mismatched: dense_1"
    ):
        large.load_weights(tmp_path / "w.safetensors")
    assert [w.tobytes() for w in large.get_weights()] == before
    report = large.load_weights(tmp_path / "w.safetensors", strict=False)
    assert report.loaded == ["dense/kernel", "dense/bias"]
    assert report.missing == ["dense_2/kernel", "dense_2/bias"]
    assert len(report.mismatched) == 2
    assert large.get_weights()[0].tobytes() == small.get_weights()[0].tobytes()
    assert [w.tobytes() for w in large.get_weights()][2:] == before[2:]


def test_a_long_list_of_differences_is_cut(tmp_path):
    deep = dlrs.Sequential([dlrs.Input((2,)), *[layers.Dense(2) for _ in range(30)]])
    deep.save_weights(tmp_path / "w.safetensors")
    flat = dlrs.Sequential([dlrs.Input((2,)), layers.Flatten()])
    with pytest.raises(dlrs.errors.FormatError, match=r"60 unexpected: .* and 40 more") as caught:
        flat.load_weights(tmp_path / "w.safetensors")
    assert caught.value.rule == "G15"


def trained():
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(6), layers.Dropout(0.5, seed=1), layers.Dense(1)])
    model.compile(dlrs.optimizers.Adam(0.01), "mse")
    return model


def test_a_model_is_restored_to_its_state(tmp_path):
    """Weights, slots, seeds and the order of rows: what goes on from a restored model is what would have gone on."""
    path = str(tmp_path / "m.dlrs")
    y = A[:, :1]
    dlrs.utils.set_random_seed(5)
    model = trained()
    model.fit(A, y, epochs=2, batch_size=4, verbose=0)
    write_saved_model(model, path, {"training": {"epoch": 2}}, {"training": {"best": np.float32([1.5])}})
    model.fit(A, y, epochs=2, batch_size=4, verbose=0)
    other = trained()
    saved = read_saved_model(path)
    assert saved.json["training"]["epoch"] == 2
    assert saved.tensors["training"]["best"].numpy().tolist() == [1.5]
    saved.restore(other)
    other.fit(A, y, epochs=2, batch_size=4, verbose=0)
    assert [v.numpy().tobytes() for v in other.variables] == [v.numpy().tobytes() for v in model.variables]
    loaded = saving.load_model(path)
    loaded.fit(A, y, epochs=2, batch_size=4, verbose=0)
    assert [v.numpy().tobytes() for v in loaded.variables] == [v.numpy().tobytes() for v in model.variables]


def test_an_optimizer_that_does_not_fit_stays_without_slots(tmp_path):
    path = str(tmp_path / "m.dlrs")
    model = trained()
    model.fit(A, A[:, :1], epochs=1, verbose=0)
    write_saved_model(model, path)
    other = trained()
    other.compile(dlrs.optimizers.SGD(0.1), "mse")
    with pytest.raises(dlrs.errors.FormatError, match=r"optimizer\.safetensors"):
        read_saved_model(path).restore(other)
    assert not other.optimizer.built


def test_loading_draws_no_random_numbers(tmp_path):
    trained().save(tmp_path / "m.dlrs")
    dlrs.utils.set_random_seed(3)
    expected = dlrs.random.normal((3,)).tolist()
    dlrs.utils.set_random_seed(3)
    saving.load_model(tmp_path / "m.dlrs")
    assert dlrs.random.normal((3,)).tolist() == expected


def test_numbers_that_json_lacks(tmp_path):
    @saving.register_keras_serializable("structures")
    class Clip(layers.Layer):
        def __init__(self, most, **kwargs):
            super().__init__(**kwargs)
            self.most = most

        def call(self, inputs):
            return ops.minimum(inputs, self.most)

    dlrs.Sequential([dlrs.Input((4,)), Clip(float("inf"))]).save(tmp_path / "m.dlrs")
    assert saving.load_model(tmp_path / "m.dlrs").layers[0].most == float("inf")


def test_a_graph_in_any_order_is_read_in_linear_time(tmp_path):
    x = y = dlrs.Input((2,))
    for _ in range(400):
        y = layers.Flatten()(y)
    model = dlrs.Model(x, y)
    config = model.get_config()
    config["layers"].reverse()
    made = dlrs.Model.from_config(config)
    assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]


def test_arguments(tmp_path):
    model = trained()
    path = tmp_path / "m.dlrs"
    model.save(path)
    for call, error, pattern in [
        (lambda: saving.load_model(path, safe_mode=False), ValueError, "`safe_mode` must be True, got False"),
        (lambda: saving.load_model(path, custom_objects=[1]), TypeError, "`custom_objects` must be a dict"),
        (lambda: saving.load_model(3), TypeError, "`filepath` must be a path"),
        (lambda: saving.load_model("a\0.dlrs"), TypeError, "`filepath` must be a path"),
        (lambda: saving.load_model(""), TypeError, "`filepath` must be a path"),
        (lambda: saving.load_model("m.pkl"), ValueError, "File format not supported"),
        (lambda: saving.load_model("none.dlrs"), FileNotFoundError, "File not found"),
        (lambda: model.save(path, save_format="h5"), ValueError, "argument is deprecated"),
        (lambda: model.save(path, nonsense=1), ValueError, "not supported"),
        (lambda: model.save(tmp_path / "m.zip"), ValueError, "Invalid filepath extension for saving"),
        (lambda: model.load_weights(path, by_name=True), ValueError, "`by_name=True` only supports loading legacy"),
        (lambda: Twin().save_weights(tmp_path / "w.safetensors"), ValueError, "not yet been built"),
        (lambda: Twin().load_weights(path), ValueError, "not yet been built"),
    ]:
        with pytest.raises(error, match=pattern):
            call()


def test_values_that_are_not_finite_are_told(tmp_path):
    model = trained()
    path = tmp_path / "w.safetensors"
    weights = model.get_weights()
    weights[0][2, 3] = np.nan
    model.set_weights(weights)
    model.save_weights(path)
    other = trained()
    before = [w.tobytes() for w in other.get_weights()]
    with pytest.raises(
        dlrs.errors.FormatError, match="1 of its tensors hold NaN or infinities: dense/kernel"
    ) as caught:
        dlrs.saving.load_weights(other, path, check_finite="error")
    assert caught.value.rule == "G17"
    assert [w.tobytes() for w in other.get_weights()] == before
    assert dlrs.saving.load_weights(other, path).non_finite == ["dense/kernel"]
    assert dlrs.saving.load_weights(other, path, check_finite="off").non_finite == []
    with pytest.raises(ValueError, match="`check_finite` must be"):
        dlrs.saving.load_weights(other, path, check_finite=True)
