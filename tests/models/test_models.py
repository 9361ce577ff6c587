"""Functional, sequential and subclassed models: construction, calls, configuration, what they refuse."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, models, ops
from dlrs.backend import KerasTensor

RNG = np.random.default_rng(0)


def f32(*shape):
    return RNG.normal(size=shape).astype("float32")


def two_inputs():
    a, b = dlrs.Input((3,), name="a"), dlrs.Input((4,), name="b")
    hidden = layers.Dense(5, activation="relu", name="hidden")(ops.concatenate([a, b], axis=-1))
    return dlrs.Model([a, b], [layers.Dense(2, name="left")(hidden), layers.Dense(1, name="right")(hidden)])


def test_functional_runs_and_lists_its_parts():
    model = two_inputs()
    assert isinstance(model, models.Functional)
    assert [layer.name for layer in model.layers if not isinstance(layer, layers.InputLayer)] == [
        "hidden",
        "left",
        "right",
    ]
    assert model.output_names == ["left", "right"]
    left, right = model([f32(2, 3), f32(2, 4)])
    assert left.shape == (2, 2)
    assert right.shape == (2, 1)
    assert model.count_params() == (7 * 5 + 5) + (5 * 2 + 2) + (5 + 1)


def test_functional_takes_dicts_by_input_name():
    model = two_inputs()
    a, b = f32(2, 3), f32(2, 4)
    by_list = [y.numpy() for y in model([a, b])]
    by_dict = [y.numpy() for y in model({"b": b, "a": a})]
    for left, right in zip(by_list, by_dict, strict=True):
        np.testing.assert_array_equal(left, right)
    with pytest.raises(ValueError, match=r"lack \['b'\]"):
        model({"a": a})


def test_functional_refuses_wrong_shapes_and_counts():
    model = two_inputs()
    with pytest.raises(ValueError, match=r"name 'a'.*expected shape=\(None, 3\), found shape=\(2, 4\)"):
        model([f32(2, 4), f32(2, 4)])
    with pytest.raises(ValueError, match=r"expects 2 input\(s\).*'a', 'b'.*received 1"):
        model([f32(2, 3)])


def test_functional_casts_and_adjusts_the_last_axis():
    x = dlrs.Input((1,))
    model = dlrs.Model(x, layers.Dense(2)(x))
    images = np.arange(3, dtype="uint8")
    assert model(images).shape == (3, 2)
    assert model(images[:, None, None]).shape == (3, 2)


def test_a_shared_layer_has_one_set_of_weights():
    a, b = dlrs.Input((3,)), dlrs.Input((3,))
    shared = layers.Dense(2)
    model = dlrs.Model([a, b], shared(a) + shared(b))
    assert len(model.weights) == 2
    x, y = f32(2, 3), f32(2, 3)
    np.testing.assert_allclose(model([x, y]).numpy(), shared(x).numpy() + shared(y).numpy(), rtol=1e-6)


def test_models_nest():
    inner = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(4)], name="inner")
    x = dlrs.Input((3,))
    model = dlrs.Model(x, layers.Dense(1)(inner(x)))
    assert len(model.weights) == 4
    data = f32(2, 3)
    np.testing.assert_allclose(model(data).numpy(), model.layers[-1](inner(data)).numpy(), rtol=1e-6)


def test_disconnected_graph_and_duplicate_names():
    a, b = dlrs.Input((3,), name="a"), dlrs.Input((3,), name="b")
    with pytest.raises(ValueError, match="'b'"):
        dlrs.Model(a, a + b)
    x = layers.Dense(2, name="same")(a)
    with pytest.raises(ValueError, match="'same' is used by two operations"):
        dlrs.Model(a, layers.Dense(2, name="same")(x))


def test_sequential_builds_early_with_an_input_and_late_without():
    early = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(2)])
    assert early.built
    assert early.output_shape == (None, 2)
    late = dlrs.Sequential([layers.Dense(2), layers.Dense(1)])
    assert not late.built
    assert late(f32(5, 3)).shape == (5, 1)
    assert late.input_shape == (None, 3)
    assert late(f32(7, 3)).shape == (7, 1)
    shaped = dlrs.Sequential([layers.Dense(2, input_shape=(3,))])
    assert shaped.built


def test_sequential_add_and_pop():
    model = dlrs.Sequential()
    model.add(dlrs.Input((3,)))
    model.add(layers.Dense(4, name="first"))
    model.add(layers.Dense(2, name="second"))
    assert model.output_shape == (None, 2)
    assert model.pop().name == "second"
    assert model.output_shape == (None, 4)
    with pytest.raises(ValueError, match="already a layer 'first'"):
        model.add(layers.Dense(1, name="first"))
    with pytest.raises(ValueError, match=r"Only instances of `dlrs.layers.Layer` can be added, got 3"):
        model.add(3)
    with pytest.raises(ValueError, match="has no layers"):
        dlrs.Sequential().build((None, 3))


class Residual(dlrs.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = [layers.Dense(units, activation="relu") for _ in range(2)]
        self.drop = layers.Dropout(0.5, seed=1)
        self.head = layers.Dense(1)

    def call(self, inputs, training=None):
        x = inputs
        for layer in self.hidden:
            x = x + layer(x)
        return self.head(self.drop(x, training=training))


def test_subclassed_model():
    model = Residual(3)
    assert model(f32(4, 3)).shape == (4, 1)
    assert len(model.weights) == 6
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense", "Dropout", "Dense"]
    x = f32(4, 3)
    assert model(x, training=True).numpy().tobytes() != model(x).numpy().tobytes()


def test_a_subclass_made_with_inputs_and_outputs_is_functional():
    class Custom(dlrs.Model):
        def train_step(self, data):
            return {"custom": 1.0}

    x = dlrs.Input((3,))
    model = Custom(x, layers.Dense(2)(x))
    assert isinstance(model, Custom)
    assert isinstance(model, models.Functional)
    assert type(model).__name__ == "Custom"
    assert model(f32(2, 3)).shape == (2, 2)

    class Inside(dlrs.Model):
        def __init__(self, units):
            x = dlrs.Input((3,))
            super().__init__(inputs=x, outputs=layers.Dense(units)(x))
            self.units = units

    model = Inside(4)
    assert isinstance(model, Inside)
    assert model(f32(2, 3)).shape == (2, 4)


def test_get_layer():
    model = two_inputs()
    assert model.get_layer("hidden").units == 5
    assert model.get_layer(index=-1).name == "right"
    with pytest.raises(ValueError, match=r"no layer 'hiden'.*'hidden'"):
        model.get_layer("hiden")
    with pytest.raises(ValueError, match="out of range"):
        model.get_layer(index=99)


@pytest.mark.parametrize(
    "make", [two_inputs, lambda: dlrs.Sequential([dlrs.Input((3,)), layers.Dense(2), layers.Flatten()])]
)
def test_clone_has_the_same_architecture_and_other_weights(make):
    model = make()
    clone = models.clone_model(model)
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    assert clone.get_config() == model.get_config()
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}


def test_a_graph_with_ops_survives_its_configuration():
    x = dlrs.Input((3,))
    y = ops.relu(x * 2.0 - 1.0)
    model = dlrs.Model(x, ops.concatenate([y, ops.sum(y, axis=-1, keepdims=True)], axis=1))
    copy = models.clone_model(model)
    data = f32(4, 3)
    np.testing.assert_array_equal(copy(data).numpy(), model(data).numpy())


def test_model_on_a_placeholder_gives_a_placeholder():
    model = Residual(3)
    y = model(KerasTensor((None, 3)))
    assert isinstance(y, KerasTensor)
    assert y.shape == (None, 1)


def test_summary(capsys):
    model = two_inputs()
    model.summary()
    text = capsys.readouterr().out
    assert f'Model: "{model.name}"' in text
    assert "hidden (Dense)" in text
    assert "(None, 5)" in text
    assert "Total params: 58" in text
    lines = [line for line in text.splitlines() if line[:1] in "┃│┏┡├└"]
    assert len({len(line) for line in lines}) == 1
    model.summary(print_fn=(collected := []).append, show_trainable=True)
    assert "Trainable" in collected[0]
    with pytest.raises(ValueError, match="layer_range"):
        model.summary(layer_range=["nothing", "left"])


def test_sequential_built_on_data_takes_other_sizes_later():
    model = dlrs.Sequential([dlrs.layers.Reshape((-1, 4))])
    assert model(np.zeros((2, 6, 2), "float32")).shape == (2, 3, 4)
    assert model.predict(np.zeros((3, 10, 2), "float32"), verbose=0).shape == (3, 5, 4)
    fixed = dlrs.Sequential([dlrs.Input((6, 2)), dlrs.layers.Reshape((-1, 4))])
    with pytest.raises(ValueError, match="wrong shape"):
        fixed(np.zeros((3, 10, 2), "float32"))
