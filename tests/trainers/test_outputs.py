"""Models with several outputs: losses, weights, metrics and sample weights by output, and the names in the logs."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops
from dlrs.trainers.compile_utils import CompileLoss, CompileMetrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
YA = RNG.normal(size=(12, 1)).astype("float32")
YB = RNG.integers(0, 2, (12, 1))


def model(nest):
    x = dlrs.Input((3,))
    a = layers.Dense(1, name="a", kernel_initializer="ones")(x)
    b = layers.Dense(1, name="b", activation="sigmoid", kernel_initializer="ones")(x)
    return dlrs.Model(x, {"list": [a, b], "tuple": (a, b), "dict": {"a": a, "b": b}}[nest])


FORMS = {
    "list": ["mse", "binary_crossentropy"],
    "dict": {"a": "mse", "b": "binary_crossentropy"},
}


@pytest.mark.parametrize("nest", ["list", "tuple", "dict"])
@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_means_the_same(nest, form):
    results = []
    for targets in ([YA, YB], {"a": YA, "b": YB}):
        made = model(nest)
        weights = [0.5, 2.0] if form == "list" else {"a": 0.5, "b": 2.0}
        metrics = [["mae"], ["accuracy"]] if form == "list" else {"a": ["mae"], "b": "accuracy"}
        made.compile("sgd", FORMS[form], loss_weights=weights, metrics=metrics)
        results.append(made.evaluate(X, targets, verbose=0, return_dict=True))
    names = ["loss", "a_loss", "b_loss", "a_mae", "b_accuracy"]
    assert sorted(results[0]) == sorted(names)
    assert results[0] == results[1]
    assert results[0]["loss"] == pytest.approx(0.5 * results[0]["a_loss"] + 2.0 * results[0]["b_loss"], rel=1e-5)


def test_outputs_without_a_loss_need_no_targets():
    made = model("list")
    made.compile("sgd", [None, "binary_crossentropy"])
    before = [w.copy() for w in made.get_layer("a").get_weights()]
    assert list(made.fit(X, YB, verbose=0).history) == ["loss"]
    for old, new in zip(before, made.get_layer("a").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_sample_weights_by_output():
    weight = np.arange(12, dtype="float32")
    made = model("dict")
    made.compile("sgd", "mse", weighted_metrics={"a": ["mse"]}, metrics={"a": ["mse"]})
    y = {"a": YA, "b": YB.astype("float32")}
    result = made.evaluate(X, y, sample_weight={"a": weight}, verbose=0, return_dict=True)
    error = (made.predict(X, verbose=0)["a"] - YA)[:, 0] ** 2
    assert result["a_loss"] == pytest.approx(float((weight * error).mean()), rel=1e-5)
    assert result["a_mse"] == pytest.approx(float(error.mean()), rel=1e-5)
    assert result["a_weighted_mse"] == pytest.approx(float((weight * error).sum() / weight.sum()), rel=1e-5)
    with pytest.raises(ValueError, match=r"`sample_weight` names the outputs \['c'\]"):
        made.evaluate(X, y, sample_weight={"c": weight}, verbose=0)


def test_a_loss_of_all_outputs_at_once():
    def both(y_true, y_pred):
        return ops.mean(ops.square(y_true["a"] - y_pred["a"])) + ops.mean(ops.square(y_true["b"] - y_pred["b"]))

    made = model("dict")
    made.compile("sgd", [both, {"a": "mse"}])
    result = made.evaluate(X, {"a": YA, "b": YB.astype("float32")}, verbose=0, return_dict=True)
    assert set(result) == {"loss", "a_b_loss", "a_loss"}
    assert result["loss"] == pytest.approx(result["a_b_loss"] + result["a_loss"], rel=1e-6)


def test_dicts_of_data_run_an_epoch_in_one_call(monkeypatch):
    x1, x2 = dlrs.Input((3,), name="x1"), dlrs.Input((3,), name="x2")
    made = dlrs.Model({"x1": x1, "x2": x2}, {"y": layers.Dense(1)(x1 + 2.0 * x2)})
    made.compile("sgd", {"y": "mse"})
    from dlrs.trainers.loops import Loop

    monkeypatch.setattr(Loop, "_step_by_step", lambda *args: pytest.fail("ran step by step"))
    history = made.fit({"x2": X, "x1": X}, {"y": YA}, epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0]


@pytest.mark.parametrize(
    ("loss", "error", "match"),
    [
        ({"a": "mse", "c": "mse"}, ValueError, "Expected keys"),
        (["mse", "mse", "mse"], (ValueError, KeyError), "path|structure"),
    ],
)
def test_losses_that_do_not_match(loss, error, match):
    made = model("list")
    made.compile("sgd", loss)
    with pytest.raises(error, match=match):
        made.fit(X, [YA, YB], verbose=0)


def test_metrics_that_do_not_match():
    made = model("list")
    made.compile("sgd", "mse", metrics={"c": ["mae"]})
    with pytest.raises(ValueError, match=r"Invalid `metrics`.*'a', 'b'.*'c'"):
        made.fit(X, [YA, YA], verbose=0)
    with pytest.raises(ValueError, match=r"`loss_weights` must match the number of losses, got 2 losses and 3 weights"):
        CompileLoss(["mse", "mse"], [1.0, 2.0, 3.0]).build([YA, YA], [YA, YA])


def test_equal_names_get_numbers_and_weighted_ones_a_prefix():
    metrics = CompileMetrics(["mse", dlrs.metrics.MeanSquaredError(name="mse")], ["mse"])
    metrics.update_state(YA, YA + 1.0, sample_weight=np.ones(12, "float32"))
    assert list(metrics.result()) == ["mse", "mse_1", "weighted_mse"]


def test_frozen_layers_are_not_trained_by_plans_made_before():
    made = model("list")
    made.compile("sgd", "mse")
    made.fit(X, [YA, YA], verbose=0)
    made.get_layer("a").trainable = False
    frozen, other = made.get_layer("a").get_weights(), made.get_layer("b").get_weights()
    made.fit(X, [YA, YA], verbose=0)
    np.testing.assert_array_equal(frozen[0], made.get_layer("a").get_weights()[0])
    assert (other[0] != made.get_layer("b").get_weights()[0]).any()


def test_weights_of_losses_are_numbers() -> None:
    model = dlrs.Sequential([layers.Input((2,)), layers.Dense(1)])
    for weights in (["accuracy"], "accuracy", {"dense": "much"}):
        with pytest.raises(ValueError, match="`loss_weights` must be a number, or a list, tuple or dict of them"):
            model.compile("sgd", "mse", weights)


def two_outputs(loss, **options):
    """Outputs `age` and `size` of zeros, from inputs of zeros."""
    x = dlrs.Input((2,))
    model = dlrs.Model(x, [layers.Dense(1, name="age")(x), layers.Dense(1, name="size")(x)])
    model.compile("sgd", loss, **options)
    return model


AGE, SIZE = np.full((4, 1), 1.0, "float32"), np.full((4, 1), 5.0, "float32")
ZEROS = np.zeros((4, 2), "float32")


@pytest.mark.parametrize("given", [{"size": SIZE, "yage": AGE}, {"size": SIZE}, {"size": SIZE, "age": AGE, "x": AGE}])
def test_targets_of_wrong_names_are_refused(given):
    model = two_outputs({"age": "mse", "size": "mse"})
    with pytest.raises(ValueError, match=r"outputs are \['age', 'size'\]"):
        model.fit(ZEROS, given, verbose=0)
    x = dlrs.Input((2,))
    model = dlrs.Model(x, {"age": layers.Dense(1)(x), "size": layers.Dense(1)(x)})
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="y_true and y_pred have different structures"):
        model.fit(ZEROS, given, verbose=0)


def test_targets_may_be_left_out_where_there_is_no_loss():
    assert two_outputs({"size": "mse"}).evaluate(ZEROS, {"size": SIZE}, verbose=0) == 25.0
    assert two_outputs({"size": "mse"}).evaluate(ZEROS, {"size": SIZE, "age": AGE}, verbose=0) == 25.0


@pytest.mark.parametrize("loss", ["mse", ["mse", "mse"], {"age": "mse", "size": "mse"}])
def test_weights_of_losses_name_outputs(loss):
    with pytest.raises(ValueError, match=r"`loss_weights` names the outputs \['zz'\]; .* \['age', 'size'\]"):
        two_outputs(loss, loss_weights={"age": 1.0, "zz": 3.0}).fit(ZEROS, [AGE, SIZE], verbose=0)
    model = two_outputs(loss, loss_weights={"size": 2.0, "age": 3.0})
    assert model.evaluate(ZEROS, [AGE, SIZE], verbose=0)[0] == 3 * 1.0 + 2 * 25.0


def test_results_are_in_the_order_of_keras():
    """keras 3.15.1: losses of the outputs, which are named as their metrics are, then the others by name."""
    model = two_outputs(["mse", "mse"], metrics=[["mae"], ["mae", "mse"]])
    expected = {"loss": 26.0, "age_loss": 1.0, "size_loss": 25.0, "age_mae": 1.0, "size_mae": 5.0, "size_mse": 25.0}
    for results in (model.evaluate(ZEROS, [AGE, SIZE], verbose=0), model.test_on_batch(ZEROS, [AGE, SIZE])):
        assert results == list(expected.values())
    assert model.evaluate(ZEROS, [AGE, SIZE], verbose=0, return_dict=True) == expected
    single = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)])
    single.compile("sgd", "mse", metrics=["mse", "mae"])
    assert single.evaluate(ZEROS, SIZE, verbose=0) == [25.0, 25.0, 5.0]
