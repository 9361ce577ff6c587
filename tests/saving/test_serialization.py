"""Objects become plain data and come back; names in configurations are looked up in tables only."""

import json

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, saving
from dlrs.saving.serialization_lib import ObjectSharingScope, SafeModeScope


def around(thing, custom_objects=None):
    return saving.deserialize_keras_object(json.loads(json.dumps(saving.serialize_keras_object(thing))), custom_objects)


@pytest.mark.parametrize(
    "thing",
    [
        "text",
        b"bytes",
        3,
        2.5,
        True,
        None,
        [1, "a", 2.5],
        {"a": [1, {"b": None}]},
        slice(None, 20, 1),
        ...,
        np.float32(2),
    ],
    ids=repr,
)
def test_plain_values(thing):
    again = around(thing)
    assert again == thing
    assert saving.serialize_keras_object(again) == saving.serialize_keras_object(thing)


def test_arrays_and_tensors():
    array = np.arange(6, dtype="float64").reshape(2, 3)
    again = around({"a": array, "t": dlrs.ops.convert_to_tensor(array)})
    assert again["a"].dtype == array.dtype
    np.testing.assert_array_equal(again["a"], array)
    assert isinstance(again["t"], dlrs.backend.Tensor)
    np.testing.assert_array_equal(again["t"].numpy(), array)


def test_the_schema_is_that_of_keras():
    config = saving.serialize_keras_object(layers.Dense(3, activation="relu", name="d"))
    assert (config["module"], config["class_name"], config["registered_name"]) == ("keras.layers", "Dense", None)
    assert config["config"]["activation"] == "relu"
    schedule = dlrs.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert saving.serialize_keras_object(schedule)["module"] == "keras.optimizers.schedules"
    model = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)])
    assert saving.serialize_keras_object(model)["module"] == "keras"


def square(x):
    return x * x


def test_functions_and_lambdas():
    dense = layers.Dense(1, activation=square)
    with pytest.raises(TypeError, match="Could not locate function 'square'"):
        around(dense)
    assert around(dense, {"square": square}).activation is square
    with pytest.warns(UserWarning, match="by its name only"):
        config = saving.serialize_keras_object({"f": lambda x: x})
    with pytest.raises(ValueError, match="arbitrary code execution"):
        saving.deserialize_keras_object(config)
    assert saving.deserialize_keras_object(config, {"<lambda>": square})["f"] is square
    for call in (lambda: saving.deserialize_keras_object(config, safe_mode=False), lambda: SafeModeScope(False)):
        with pytest.raises(ValueError, match="`safe_mode` must be True, got False"):
            call()


def test_a_shared_object_is_one_object_again():
    @saving.register_keras_serializable("tests")
    class Part:
        def get_config(self):
            return {}

        @classmethod
        def from_config(cls, config):
            return cls()

    part = Part()
    with ObjectSharingScope():
        data = saving.serialize_keras_object([part, part, Part()])
    assert [entry.get("shared_object_id") for entry in data] == [0, 0, None]
    with ObjectSharingScope():
        a, b, c = saving.deserialize_keras_object(data)
    assert a is b
    assert a is not c


def test_names_are_exact():
    @saving.register_keras_serializable("tests", "Exact")
    class Exact(layers.Layer):
        pass

    assert saving.get_registered_name(Exact) == "tests>Exact"
    assert saving.get_registered_object("tests>Exact") is Exact
    assert isinstance(around(Exact()), Exact)
    config = {"class_name": "Exact", "config": {}, "module": "tests", "registered_name": "Exact"}
    with pytest.raises(TypeError, match="Could not locate class 'Exact'"):
        saving.deserialize_keras_object(config)
    assert isinstance(saving.deserialize_keras_object(config, {"Exact": Exact}), Exact)
    with saving.custom_object_scope({"Exact": Exact}):
        assert isinstance(saving.deserialize_keras_object(config), Exact)
    with saving.custom_object_scope(None):
        assert saving.get_registered_object("Exact") is None


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "system", "module": "os", "config": {}},
        {"class_name": "Popen", "module": "subprocess", "config": {}},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "function", "module": "dlrs.saving", "config": "load_model"},
        {"class_name": "load_model", "module": "keras.models", "config": {}},
        {"class_name": "Dense", "module": "keras.layers.dense", "config": {"units": 1}},
        {"class_name": ["Dense"], "module": "keras.layers", "config": {"units": 1}},
        {"class_name": "Dense", "module": {"a": 1}, "config": {"units": 1}},
        {"class_name": "__class__", "module": "keras", "config": {}},
    ],
    ids=lambda config: str(config["class_name"]),
)
def test_nothing_else_can_be_named(config):
    with pytest.raises(TypeError, match="Could not"):
        saving.deserialize_keras_object(config)


def test_a_class_cannot_be_passed_off_as_another():
    config = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}, "registered_name": "os.system"}
    with pytest.raises(ValueError, match="resolved to a Keras built-in"):
        saving.deserialize_keras_object(config)
    with pytest.raises(ValueError, match="does not have a get_config"):
        saving.register_keras_serializable()(type("Bare", (), {}))


def test_a_layer_inside_another_is_shared_again():
    @saving.register_keras_serializable("tests")
    class Around(layers.Wrapper):
        def call(self, x):
            return self.layer(x)

    a, b = dlrs.Input((2,)), dlrs.Input((2,))
    dense = layers.Dense(1)
    for outputs in ([dense(a), Around(dense)(b)], [Around(dense)(b), dense(a)]):
        with ObjectSharingScope():
            data = json.loads(json.dumps(saving.serialize_keras_object(dlrs.Model([a, b], outputs))))
        with ObjectSharingScope():
            again = saving.deserialize_keras_object(data)
        (inner,) = [layer for layer in again.layers if isinstance(layer, layers.Dense)]
        (outer,) = [layer for layer in again.layers if isinstance(layer, Around)]
        assert outer.layer is inner


def test_a_class_that_no_table_knows_lives_in_memory_only() -> None:
    class Cell(layers.Layer):
        state_size = output_size = 3

        def __init__(self, factor: float, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, inputs, states):  # type: ignore[no-untyped-def]
            return inputs * self.factor + states[0], [inputs]

        def get_config(self) -> dict[str, object]:
            return {**super().get_config(), "factor": self.factor}

    model = models.Sequential([layers.Input((4, 3)), layers.RNN(Cell(0.5)), layers.Dense(2)])
    model.build()
    copy = models.clone_model(model)
    copy.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(copy(x).numpy(), model(x).numpy())
    assert type(copy.layers[0].cell) is Cell and copy.layers[0].cell.factor == 0.5
    again = layers.RNN.from_config(model.layers[0].get_config())
    assert type(again.cell) is Cell
    with pytest.raises(TypeError, match="Could not locate class 'Cell'"):
        models.model_from_json(model.to_json())
    with pytest.raises(TypeError, match="Could not locate class 'Cell'"):
        layers.RNN.from_config(json.loads(json.dumps(model.layers[0].get_config())))
