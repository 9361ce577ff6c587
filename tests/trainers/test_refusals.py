"""Arguments are refused by name before anything has changed; odd widths of data are converted."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, losses, optimizers
from dlrs.backend import KerasTensor, compute_output_spec

X = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
Y = (np.arange(20) % 3).astype("int64")


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (
            {"validation_freq": 0, "validation_data": (X, Y)},
            "`validation_freq` must be an integer of at least 1, got 0",
        ),
        ({"validation_freq": [1.5]}, "`validation_freq` must be"),
        ({"sample_weight": np.ones((20, 3))}, r"`sample_weight`: shape \(n, 3\) does not fit losses of shape \(n,\)"),
        ({"validation_data": (X, Y, np.ones((20, 3)))}, "validation_data: .*`sample_weight`"),
        ({"epochs": 1.5}, "`epochs` must be an integer"),
        ({"epochs": "3"}, "`epochs` must be an integer"),
        ({"initial_epoch": -1}, "`initial_epoch` must be"),
        ({"steps_per_epoch": 1.5}, "`steps_per_epoch` must be"),
        ({"validation_steps": 0}, "`validation_steps` must be"),
        ({"verbose": "loud"}, "`verbose` must be 'auto', 0, 1 or 2, got 'loud'"),
        ({"class_weight": [1, 2, 3]}, "`class_weight` must be a dict"),
        ({"class_weight": {"a": 1.0}}, "`class_weight`: the classes must be integers, got 'a'"),
        ({"class_weight": {0: np.nan}}, "`class_weight`: the weight of class 0 must be a finite number"),
        ({"class_weight": {0: "much"}}, "`class_weight`: the weight of class 0"),
        ({"class_weight": {-1: 2.0}}, r"`class_weight` names the classes \[-1\]"),
        ({"class_weight": {0: 1.0, 7: 2.0}}, r"`class_weight` names the classes \[7\]; classes are in \[0, "),
    ],
)
def test_refused_fit_changes_nothing(options, pattern, make_classifier, digest):
    model = make_classifier()
    model.fit(X, Y, verbose=0)
    before = digest(model), model._epochs_trained, [v.numpy().tolist() for m in model.metrics for v in m.variables]
    with pytest.raises(ValueError, match=pattern):
        model.fit(X, Y, **{"verbose": 0, **options})
    after = digest(model), model._epochs_trained, [v.numpy().tolist() for m in model.metrics for v in m.variables]
    assert after == before


def test_a_loss_that_does_not_fit_is_refused_before_metrics_are_reset(make_classifier):
    model = make_classifier()
    model.compile("sgd", lambda y_true, y_pred: dlrs.ops.matmul(y_pred, y_pred))
    epochs = model._epochs_trained
    with pytest.raises(ValueError):
        model.fit(X, Y, verbose=0)
    assert model._epochs_trained == epochs


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_refused_weights_of_a_batch_make_no_slots(method, make_classifier):
    model = make_classifier()
    with pytest.raises(ValueError, match=r"`sample_weight`: shape \(n, 2\)"):
        getattr(model, method)(X, Y, sample_weight=np.ones((20, 2)))
    assert not model.optimizer.built
    getattr(model, method)(X, Y, sample_weight=np.ones((20, 1)))


def test_weights_of_single_steps_are_taken():
    model = dlrs.Sequential([dlrs.Input((4, 3)), layers.Dense(2)])
    model.compile("sgd", "mse")
    for shape in [(5,), (5, 1), (5, 4), (5, 4, 1)]:
        model.train_on_batch(np.ones((5, 4, 3)), np.ones((5, 4, 2)), sample_weight=np.ones(shape))


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (("sgd", "mean_square_error"), "Unknown loss"),
        (("sgd", "mse", None, ["acuracy"]), "Unknown metric"),
        (("sgd", "mse", None, None, [3]), "`weighted_metrics` must hold names"),
    ],
)
def test_refused_compile_replaces_nothing(arguments, pattern, make_classifier):
    model = make_classifier()
    kept = model.optimizer, model.loss, model.metrics
    with pytest.raises(ValueError, match=pattern):
        model.compile(*arguments)
    assert (model.optimizer, model.loss, model.metrics) == kept
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "uint32", "float16"])
def test_widths_without_kernels_are_converted(dtype, make_classifier):
    x, y = np.abs(X * 10).astype("int8"), Y.astype("int32")
    expected, model = make_classifier(), make_classifier()
    model.set_weights(expected.get_weights())
    wide = "int64" if dtype == "uint32" else "float32" if dtype == "float16" else "int32"
    assert model.train_on_batch(x.astype(dtype), y.astype(dtype)) == expected.train_on_batch(x.astype(wide), y)
    assert np.array_equal(model.predict(x.astype(dtype), verbose=0), expected.predict(x.astype(wide), verbose=0))
    model.fit(x.astype(dtype), y.astype(dtype), verbose=0)
    model.evaluate(x.astype(dtype), y.astype(dtype), verbose=0)


def test_uint64_is_refused_by_name(make_classifier):
    model = make_classifier()
    with pytest.raises(ValueError, match="`x` holds uint64"):
        model.predict(X.astype("uint64"), verbose=0)
    with pytest.raises(ValueError, match="`y` holds uint64"):
        model.fit(X, Y.astype("uint64"), verbose=0)


def test_fractional_labels_are_refused(make_classifier):
    model = make_classifier()
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        model.fit(X, Y + 0.5, verbose=0)
    model.fit(X, Y.astype("float32"), verbose=0)


def test_a_generator_that_ends_early_keeps_its_history(make_classifier):
    model = make_classifier()
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit((batch for batch in [(X, Y), (X, Y)]), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 1
    assert int(model.optimizer.iterations.numpy()) == 2


def test_messages_show_open_sizes_as_none():
    with pytest.raises(ValueError, match=r"\(None, 5\)") as caught:
        compute_output_spec(lambda x: dlrs.ops.matmul(x, np.ones((4, 2))), KerasTensor((None, 5)))
    assert "83" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda: optimizers.Adam(beta_1=2.0), r"`beta_1` must be a finite number in \[0, 1\)"),
        (lambda: optimizers.Adam(beta_2=1.0), r"`beta_2` must be"),
        (lambda: optimizers.RMSprop(rho=-0.1), r"`rho` must be"),
        (lambda: optimizers.SGD(learning_rate="fast"), r"`learning_rate` must be .*got 'fast'"),
        (lambda: layers.BatchNormalization(momentum=2.0), r"`momentum` must be a number in \[0, 1\]"),
    ],
)
def test_hyperparameters_out_of_range(make, pattern):
    with pytest.raises(ValueError, match=pattern):
        make()


def test_set_weights_of_an_optimizer_is_all_or_nothing():
    optimizer = optimizers.Adam()
    optimizer.build([dlrs.Variable(np.zeros(2, "float32"))])
    weights = [v.numpy() + 1 for v in optimizer.variables]
    weights[-1] = np.array(["a", "b"])
    with pytest.raises(ValueError, match="takes numbers"):
        optimizer.set_weights(weights)
    assert int(optimizer.iterations.numpy()) == 0


def test_run_eagerly_set_later_takes_effect():
    calls = []

    class Counting(layers.Layer):
        def call(self, inputs):
            calls.append(1)
            return inputs

    model = dlrs.Sequential([dlrs.Input((6,)), Counting(), layers.Dense(1)])
    model.compile("sgd", losses.MeanSquaredError())
    for _ in range(2):
        model.train_on_batch(X, X[:, :1])
    model.run_eagerly = True
    calls.clear()
    model.train_on_batch(X, X[:, :1])
    assert calls


def test_evaluate_refuses_unknown_names(make_classifier):
    model = make_classifier()
    model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"'batchsize'\. Did you mean 'batch_size'\?"):
        model.evaluate(X, Y, verbose=0, batchsize=4)
    expected = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, _use_cached_eval_dataset=True) == expected


def test_a_loss_of_none_is_named():
    def forgot_to_return(y_true, y_pred):
        y_true - y_pred

    model = dlrs.Sequential([dlrs.Input((2,)), dlrs.layers.Dense(1)])
    model.compile("sgd", forgot_to_return)
    with pytest.raises(TypeError, match="The loss 'forgot_to_return' returned None"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)


def test_a_dataset_that_was_not_batched():
    model = dlrs.Sequential([dlrs.Input((2,)), dlrs.layers.Dense(1)])
    model.compile("sgd", "mse")
    dataset = dlrs.data.Dataset.from_tensor_slices((np.ones((4, 2), "float32"), np.ones(4, "float32")))
    with pytest.raises(ValueError, match=r"`Dataset\.batch` makes batches"):
        model.fit(dataset, verbose=0)
