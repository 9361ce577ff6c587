"""Functional models: configurations, JSON, cloning, inputs in the middle of a graph, optional inputs, state trees."""

import json

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, ops

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def shared():
    x, y = dlrs.Input((3,), name="x"), dlrs.Input((3,), name="y")
    dense = layers.Dense(2, name="shared")
    joined = ops.concatenate([dense(x), dense(y * 2.0)], axis=-1)[:, 1:]
    return dlrs.Model({"x": x, "y": y}, {"out": layers.Dense(1, name="head")(joined), "joined": joined})


def nested():
    x = dlrs.Input((3,))
    inner_in = dlrs.Input((2,))
    inner = dlrs.Model(inner_in, layers.Dense(2, name="deep")(inner_in), name="inner")
    return dlrs.Model(x, inner(layers.Dense(2)(x)))


def results(model):
    data = {"x": X, "y": X} if len(model.inputs) == 2 else X
    out = model(data)
    return [leaf.numpy() for leaf in (out.values() if isinstance(out, dict) else [out])]


@pytest.mark.parametrize("make", [shared, nested])
def test_configurations_and_json_keep_the_graph(make):
    model = make()
    config = json.loads(json.dumps(model.get_config()))
    assert {"layers", "input_layers", "output_layers"} <= set(config)
    for copy in (type(model).from_config(config), models.model_from_json(model.to_json())):
        assert copy.to_json() == model.to_json()
        copy.set_weights(model.get_weights())
        for a, b in zip(results(model), results(copy), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [shared, nested])
def test_clones_have_weights_of_their_own(make):
    model = make()
    model.compile("sgd", "mse")
    clone = models.clone_model(model)
    assert clone.compiled
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
    clone.set_weights(model.get_weights())
    for a, b in zip(results(model), results(clone), strict=True):
        np.testing.assert_array_equal(a, b)


def test_cloning_with_functions_reaches_models_within():
    def renamed(layer):
        return type(layer).from_config({**layer.get_config(), "name": f"{layer.name}_new"})

    clone = models.clone_model(nested(), clone_function=renamed, recursive=True)
    assert clone.get_layer("inner").layers[-1].name == "deep_new"
    seen = []

    def call(layer, *args, **kwargs):
        seen.append(layer.name)
        return layer(*args, **kwargs)

    models.clone_model(shared(), call_function=call)
    assert seen.count("shared") == 2
    with pytest.raises(ValueError, match=r"same structure as model\.input"):
        models.clone_model(shared(), input_tensors=dlrs.Input((3,)))


@pytest.mark.parametrize(
    ("sources", "match"),
    [({"a": "b", "b": "a"}, "loop"), ({"a": "c"}, "Missing node: c")],
)
def test_damaged_configurations_are_refused(sources, match):
    entry = {"class_name": "InputLayer", "name": "in", "config": {"batch_shape": [None, 2], "name": "in"}}
    config = {
        "layers": [
            {**entry, "inbound_nodes": []},
            *(
                {
                    "class_name": "Dense",
                    "name": name,
                    "config": {"units": 2, "name": name},
                    "inbound_nodes": [[[source, 0, 0, {}]]],
                }
                for name, source in sources.items()
            ),
        ],
        "input_layers": ["in", 0, 0],
        "output_layers": ["a", 0, 0],
    }
    with pytest.raises(ValueError, match=match):
        models.Functional.from_config(config)


def test_a_part_of_a_model_shares_its_layers():
    x = dlrs.Input((3,))
    hidden = layers.Dense(4, name="first")(x)
    whole = dlrs.Model(x, layers.Dense(1, name="second")(hidden))
    part = dlrs.Model(hidden, whole.output)
    assert [layer.name for layer in part.layers][1:] == ["second"]
    np.testing.assert_array_equal(part(whole.get_layer("first")(X)), whole(X))


def test_optional_inputs():
    class Either(layers.Layer):
        def call(self, x, o=None):
            return x if o is None else x + o

        def compute_output_shape(self, x_shape):
            return x_shape

    x, o = dlrs.Input((3,), name="x"), dlrs.Input((3,), name="o", optional=True)
    model = dlrs.Model({"x": x, "o": o}, layers.Dense(1)(Either()(x, o)))
    assert model({"x": X, "o": None}).shape == (4, 1)
    with pytest.raises(ValueError, match="'x' is not optional"):
        model({"x": None, "o": X})
    model.compile("sgd", "mse")
    for data in ({"x": X, "o": None}, {"x": X, "o": X}):
        assert len(model.fit(data, X[:, :1], verbose=0).history["loss"]) == 1


def test_unknown_keys_of_inputs_warn_once():
    model = shared()
    with pytest.warns(UserWarning, match="structure of `inputs`") as record:
        model({"x": X, "y": X, "z": X})
        model({"x": X, "y": X, "z": X})
    assert len(record) == 1


def test_state_trees():
    model = shared()
    model.compile("adam", "mse")
    tree = model.get_state_tree("numpy_array")
    np.testing.assert_array_equal(tree["trainable_variables"]["head"]["kernel"], model.get_layer("head").kernel.numpy())
    tree["trainable_variables"]["head"]["kernel"][:] = 7.0
    model.set_state_tree({"trainable_variables": tree["trainable_variables"]})
    assert (model.get_layer("head").kernel.numpy() == 7.0).all()
    with pytest.raises(ValueError, match=r"no variable 'head/other'"):
        model.set_state_tree({"trainable_variables": {"head": {"other": 0.0}}})
    with pytest.raises(ValueError, match="no group 'weights'"):
        model.set_state_tree({"weights": {}})


def test_layers_is_reserved():
    with pytest.raises(AttributeError, match="reserved"):
        shared().layers = []
    with pytest.raises(AttributeError, match="`add"):
        dlrs.Sequential([layers.Dense(1)]).layers = []


def test_sequential_of_lists_and_dicts():
    model = dlrs.Sequential([layers.Identity()])
    assert set(model({"a": X, "b": X})) == {"a", "b"}
    with pytest.raises(ValueError, match="already been configured"):
        dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)]).build((None, 3))


def test_a_list_of_a_single_output_comes_as_the_output():
    x = dlrs.Input((3,))
    model = dlrs.Model(x, [layers.Dense(2)(x)])
    model.compile("sgd", "mse", metrics=["mae"])
    for targets in (X[:, :2], [X[:, :2]]):
        model.fit(X, targets, verbose=0)
        assert set(model.evaluate(X, targets, verbose=0, return_dict=True)) == {"loss", "mae"}
    assert model(X).shape == model.predict(X, verbose=0).shape == (4, 2)
