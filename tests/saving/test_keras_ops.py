"""Functions in graphs: the table of Keras's operations against Keras's own sources, and what is done with calls."""

import ast
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import dlrs
from dlrs import ops
from dlrs.ops.operation import FUNCTIONS
from dlrs.saving import keras_ops
from dlrs.saving.keras_config import modern, of_keras

FOUND = importlib.util.find_spec("keras")
# Arguments that one of the two lacks.
OWN = {"ctc_loss": {"zero_infinity"}, "conv": {"conv_algo"}, "layer_normalization": {"rms_scaling"}}
OWN |= {f"{kind}_conv": OWN["conv"] for kind in ("depthwise", "separable")} | {"conv_transpose": OWN["conv"]}


def arguments(cls, name):
    methods = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return [a.arg for a in [*methods[0].args.args[1:], *methods[0].args.kwonlyargs]] if methods else []


@pytest.mark.skipif(FOUND is None, reason="needs Keras's sources")
def test_the_classes_are_those_of_keras():
    compared = 0
    for module in keras_ops._MODULES:
        tree = ast.parse((Path(FOUND.origin).parent / f"src/ops/{module}.py").read_text())
        for cls in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            function = keras_ops._function_of(cls.name)
            if function is None or keras_ops.keras_class(function) != f"{module}.{cls.name}":
                continue
            compared += 1
            form = keras_ops._form(function)
            theirs = set(arguments(cls, "__init__")) - {"name"}
            assert set(form._constants.parameters) ^ theirs <= OWN.get(function, set()), cls.name
            if not keras_ops._takes_any(form):
                assert len(form._tensors.parameters) == len(arguments(cls, "call")), cls.name
    known = {name for name in FUNCTIONS if name not in keras_ops._SAME and keras_ops.keras_class(name)}
    assert compared == len(known) > 250


def graph(function):
    x = dlrs.Input((4, 6))
    return dlrs.Model(x, function(x))


FUNCTIONS_OF_X = {
    "index": lambda x: x[:, 1:, ::2],
    "constant after the tensor": lambda x: ops.expand_dims(x, -1),
    "constant by name": lambda x: ops.max(x, axis=(1, 2), keepdims=True),
    "constant before the tensors": lambda x: ops.einsum("bij,bkj->bik", x, x),
    "tensors in a list": lambda x: ops.concatenate([x, 2.0 - x], 1),
    "tensors by name": lambda x: ops.where(x > 0, x1=x, x2=ops.abs(x)),
    "several results": lambda x: ops.add(*ops.split(x, 2, axis=-1)),
    "two names": lambda x: ops.amax(x, -1) + ops.amin(x, -1),
    "another module": lambda x: ops.rsqrt(ops.logsumexp(x * x, axis=-1)) + ops.top_k(x, 3)[0][:, :, 1],
    "no class in Keras": lambda x: ops.segment_sum(x[0], np.array([0, 0, 1, 1]), 2),
}


@pytest.mark.parametrize("name", FUNCTIONS_OF_X)
def test_graphs_come_back(tmp_path, name):
    pytest.importorskip("h5py", reason="needs h5py")
    model = graph(FUNCTIONS_OF_X[name])
    x = np.random.default_rng(0).normal(size=(3, 4, 6)).astype("float32")
    config = of_keras(dlrs.saving.serialize_keras_object(model))
    classes = {entry["class_name"] for entry in config["config"]["layers"]}
    assert ("FunctionOperation" in classes) == (name == "no class in Keras")
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(dlrs.saving.load_model(tmp_path / "m.keras")(x), model(x))


def entry(name, calls=None, **config):
    calls = [{"args": [], "kwargs": {}}] if calls is None else calls
    module = "keras.src.ops.numpy"
    return {"module": module, "class_name": name, "config": {"name": "n", **config}, "inbound_nodes": calls}


@pytest.mark.parametrize(
    "wrong",
    [
        entry("Popen"),
        entry("__import__"),
        entry(3),
        entry("Einsum"),  # without its equation
        entry("Sin", [{"args": [1, 2, 3], "kwargs": {}}]),
        entry("Sin", [3]),
        entry("Sin", [{"args": 3, "kwargs": {}}]),
        entry("Sin", 3),
        {**entry("Sin"), "config": 3},
        {**entry("Sin"), "module": "os"},
    ],
)
def test_what_is_no_operation_stays_as_it_is_and_is_refused(wrong):
    assert keras_ops.to_functions(wrong) == wrong
    with pytest.raises((TypeError, ValueError)):
        dlrs.saving.deserialize_keras_object(modern(wrong))
