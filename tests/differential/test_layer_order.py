"""Layers and weights of functional models stand in Keras's order, so that weights can be carried over by position."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlrs
from harness.keras_on_jax import draws, keras

Graph = Callable[[Any], tuple[Any, Any]]


def shared_at_two_depths(k: Any) -> tuple[Any, Any]:
    a, b = k.Input((8,), name="a"), k.Input((6,), name="b")
    embedded = k.layers.Flatten(name="flat")(k.layers.Embedding(5, 4, name="table")(b))
    dense = k.layers.Dense(8, name="shared")
    joined = k.layers.Concatenate(name="join")([dense(a), dense(k.layers.Activation("tanh", name="act")(a)), embedded])
    one, two = k.layers.Dense(3, name="one")(joined), k.layers.Dense(1, name="two")(joined)
    return {"a": a, "b": b}, {"one": one, "two": two}


def branches_of_unequal_length(k: Any) -> tuple[Any, Any]:
    x = k.Input((4,), name="x")
    short = k.layers.Dense(4, name="short")(x)
    long = x
    for i in range(3):
        long = k.layers.Dense(4, name=f"long{i}")(long)
    return x, k.layers.Add(name="add")([short, long])


def a_residual_chain(k: Any) -> tuple[Any, Any]:
    x = k.Input((4,), name="x")
    y = x
    for i in range(3):
        inner = k.layers.Dense(4, name=f"up{i}")(k.layers.LayerNormalization(name=f"norm{i}")(y))
        y = k.layers.Add(name=f"add{i}")([k.layers.Dense(4, name=f"skip{i}")(y), inner])
    return x, y


def one_layer_used_three_times(k: Any) -> tuple[Any, Any]:
    x = k.Input((4,), name="x")
    shared, other = k.layers.Dense(4, name="shared"), k.layers.Dense(4, name="other")
    return x, [other(x), shared(other(shared(x))), shared(x)]


def an_unused_input(k: Any) -> tuple[Any, Any]:
    x, y, z = (k.Input((4,), name=name) for name in "xyz")
    return [z, x, y], k.layers.Dense(4, name="dense")(k.layers.Dense(4, name="first")(y))


def outputs_at_different_depths(k: Any) -> tuple[Any, Any]:
    x, y = k.Input((4,), name="x"), k.Input((4,), name="y")
    early = k.layers.Dense(4, name="early")(y)
    late = k.layers.Dense(4, name="late")(k.layers.Dense(4, name="middle")(x))
    return [x, y], [early, k.layers.Subtract(name="difference")([late, early]), late]


def a_model_within(k: Any) -> tuple[Any, Any]:
    i = k.Input((4,), name="i")
    wide = k.layers.Dense(4, name="wide")(i)
    inner = k.Model(i, k.layers.Add(name="sum")([k.layers.Dense(4, name="b")(k.layers.Dense(4, name="a")(i)), wide]))
    x = k.Input((4,), name="x")
    return x, inner(k.layers.Dense(4, name="before")(inner(x)))


GRAPHS: list[Graph] = [
    shared_at_two_depths,
    branches_of_unequal_length,
    a_residual_chain,
    one_layer_used_three_times,
    an_unused_input,
    outputs_at_different_depths,
    a_model_within,
]


def shapes_and_names(model: Any) -> list[Any]:
    return [(variable.name, tuple(variable.shape)) for variable in model.weights]


def random_graph(seed: int) -> Graph:
    """Dense layers of width 4 on values drawn from those before them, now and then one used before."""

    def build(k: Any) -> tuple[Any, Any]:
        rng = draws("layer order", seed)
        inputs = [k.Input((4,), name=f"input{i}") for i in range(3)]
        values, layers = list(inputs), []
        for i in range(12):
            chosen = [values[j] for j in rng.integers(0, len(values), 2)]
            if rng.random() < 0.3:
                values.append(k.layers.Add(name=f"add{i}")(chosen))
            else:
                if not layers or rng.random() < 0.6:
                    layers.append(k.layers.Dense(4, name=f"dense{i}"))
                values.append(layers[rng.integers(0, len(layers))](chosen[0]))
        return inputs, [values[j] for j in rng.integers(3, len(values), 3)]

    return build


@pytest.mark.parametrize(
    "build",
    [*GRAPHS, *(random_graph(seed) for seed in range(30))],
    ids=[g.__name__ for g in GRAPHS] + list(map(str, range(30))),
)
def test_layers_and_weights_stand_in_keras_order(build: Graph) -> None:
    ours, theirs = dlrs.Model(*build(dlrs)), keras.Model(*build(keras))
    names = [layer.name for layer in theirs.layers if "functional" not in layer.name]
    assert [layer.name for layer in ours.layers if "functional" not in layer.name] == names
    assert shapes_and_names(ours) == shapes_and_names(theirs)
    ours.set_weights(theirs.get_weights())
    carried = {w.path: w for w in ours.weights}
    for variable in theirs.weights:
        if variable.path in carried:
            np.testing.assert_array_equal(carried[variable.path].numpy(), np.asarray(variable.value), variable.path)


@pytest.mark.parametrize("build", GRAPHS, ids=[g.__name__ for g in GRAPHS])
def test_files_give_each_layer_its_weights_back(build: Graph, tmp_path: Any) -> None:
    model = dlrs.Model(*build(dlrs))
    model.save(tmp_path / "m.dlrs")
    loaded = dlrs.saving.load_model(tmp_path / "m.dlrs")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
