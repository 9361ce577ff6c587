"""Tables of models."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops


def lines_of(model, **arguments):
    collected = []
    model.summary(print_fn=collected.append, line_length=76, **arguments)
    (text,) = collected
    return text.splitlines()


def test_a_chain_has_the_layout_of_keras():
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3, name="hidden"), layers.Dense(1, name="out")], name="m")
    assert lines_of(model)[:9] == [
        'Model: "m"',
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓",
        "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃",
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩",
        "│ hidden (Dense)                  │ (None, 3)              │            15 │",
        "├─────────────────────────────────┼────────────────────────┼───────────────┤",
        "│ out (Dense)                     │ (None, 1)              │             4 │",
        "└─────────────────────────────────┴────────────────────────┴───────────────┘",
        " Total params: 19 (76.00 B)",
    ]


def test_a_graph_shows_connections():
    x = dlrs.Input((4,), name="x")
    y = layers.Dense(4, name="a_dense_layer_of_long_name")(x)
    model = dlrs.Model(x, layers.Add(name="sum")([x, y]), name="m")
    lines = lines_of(model, show_trainable=True)
    assert len({len(line) for line in lines[1:-3]}) == 1
    text = "\n".join(lines)
    assert "Connected to" in text
    assert "│ x[0][0]        │   Y   │" in text
    assert "│ a_dense_layer_of… │" in text
    assert "│ a_dense_layer… │" in text


def test_nested_models_and_ranges():
    inner = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    model = dlrs.Sequential([dlrs.Input((4,)), inner, layers.Dense(2, name="head")])
    assert "└ deep (Dense)" in "\n".join(lines_of(model, expand_nested=True))
    assert "head" not in "\n".join(lines_of(model, layer_range=["inn", "inner"]))
    for bad in (["head"], ["none", "head"], ["(", "head"], [1, 2]):
        with pytest.raises(ValueError, match="layer_range"):
            lines_of(model, layer_range=bad)


def test_shapes_of_layers_that_were_only_called():
    class Heads(layers.Layer):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(3)

        def call(self, x):
            return {"head": self.head(x), "mean": ops.mean(x, axis=-1)}

    class Two(dlrs.Model):
        def __init__(self):
            super().__init__()
            self.heads = Heads()
            self.unused = layers.Dense(1, name="unused")

        def call(self, x):
            return self.heads(x)["head"]

    model = Two()
    model(np.ones((2, 5), "float32"))
    text = "\n".join(lines_of(model))
    assert "{head: (2, 3)," in text
    assert "│ unused (Dense)                  │ ?                      │   0 (unbuilt) │" in text


def test_bad_arguments():
    model = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3)])
    for bad in ({"line_length": 0}, {"line_length": 10}, {"line_length": 10**6}):
        with pytest.raises(ValueError, match=r"line_length|Insufficient"):
            model.summary(**bad)
    for positions in ([0.5, 0.2, 1.0], [-1, 0.5, 1], [float("nan")] * 3, [1e9, 2e9, 3e9]):
        with pytest.raises(ValueError, match=r"positions|Insufficient"):
            model.summary(positions=positions)
    with pytest.raises(TypeError, match="model"):
        dlrs.utils.print_summary(3)


def test_layers_may_take_nests_of_tensors_and_other_things():
    class Scaled(layers.Layer):
        def call(self, x, options=None):
            return x * options["factor"] + options["shift"]

    layer = Scaled()
    assert layer(ops.ones((2, 3)), options={"factor": 2.0, "shift": ops.ones(3)}).shape == (2, 3)
    assert layer.built


def test_functions_stand_by_their_classes():
    x = dlrs.Input((4,))
    lines = []
    dlrs.Model(x, dlrs.ops.multiply(x[:, :2], 2.0)).summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    assert "(GetItem)" in text and "(Multiply)" in text and "FunctionOperation" not in text


def test_a_subclassed_model_has_an_open_number_of_examples():
    class Net(dlrs.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(8)
            self.out = layers.Dense(1)

        def call(self, x):
            return self.out(self.hidden(x))

    model = Net()
    model.compile("sgd", "mse")
    model.fit(np.ones((32, 4)), np.ones((32, 1)), verbose=0)
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    assert "(None, 8)" in text and "(None, 1)" in text
    assert model.hidden.get_build_config() == {"input_shape": (None, 4)}
