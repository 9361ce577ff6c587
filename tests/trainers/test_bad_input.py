"""What bad input gets: an exception of the fitting type that names the argument, and no change of state."""

import warnings

import numpy as np
import pytest

import dlrs
from dlrs import errors, layers, losses, ops

X = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
Y = (np.arange(20) % 3).astype("int64")


def regression(units=1):
    model = dlrs.Sequential([dlrs.Input((6,)), layers.Dense(units, name="head")])
    model.compile("adam", "mse")
    return model


def put(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


CLASSIFIER_CASES = [
    ("unequal lengths", X, Y[:-1], r"same number of examples.*`x` \(20, 6\), `y` \(19,\)"),
    ("empty data", X[:0], Y[:0], r"data is empty: `x` \(0, 6\), `y` \(0,\)"),
    ("label too large", X, put(Y, 3, 3), r"`y`.*sparse_categorical_crossentropy.*\[0, 3\), got values from 0 to 3"),
    ("negative label", X, put(Y, 3, -1), r"\[0, 3\), got values from -1 to 2"),
    ("NaN label", X, put(Y.astype("float32"), 0, np.nan), r"\[0, 3\), got values from nan to nan"),
    (
        "one-hot labels",
        X,
        np.eye(3)[Y],
        r"integer labels of shape \(n,\).*\(n, 3\), got \(20, 3\).*categorical_crossent",
    ),
    ("object array", np.array([[1, None]] * 20, dtype=object), Y, r"`x` holds object values.*None"),
    ("strings", np.array([["a"] * 6] * 20), Y, r"`x` holds <U1 values.*integers first"),
    ("complex", X.astype("complex64"), Y, r"`x` holds complex64 values.*real and imaginary"),
    ("dates", np.zeros((20, 6), "datetime64[s]"), Y, r"`x` holds datetime64\[s\] values"),
    ("ragged", [[1.0, 2.0], [3.0]] * 10, Y, r"`x` is not a rectangular array"),
    ("scalar", np.float32(3.0), Y, r"`x` is the single number 3.0"),
    ("no targets", X, None, r"compiled with a loss.*give `y`"),
    ("wrong width", X[:, :5], Y, r"expected shape=\(None, 6\), found shape=\((None|20), 5\)"),
    ("wrong rank", X[:, :, None], Y, None),
    ("object labels", X, np.array([0, "b"] * 10, dtype=object), r"`y` holds object values"),
]


@pytest.mark.parametrize(("x", "y", "pattern"), [c[1:] for c in CLASSIFIER_CASES], ids=[c[0] for c in CLASSIFIER_CASES])
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_classifier(x, y, pattern, method, make_classifier, digest):
    model = make_classifier()
    before = digest(model)
    options = {} if method.endswith("batch") else {"verbose": 0}
    if pattern is None:  # a superfluous last axis of size 1 is dropped, as in Keras
        getattr(model, method)(x, y, **options)
        return
    with pytest.raises(ValueError, match=pattern):
        getattr(model, method)(x, y, **options)
    assert digest(model) == before
    getattr(model, method)(X, Y, **options)  # the model is as good as before


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_targets_with_and_without_a_last_axis_of_one_mean_the_same(method):
    y = X[:, 0]
    options = {} if method.endswith("batch") else {"verbose": 0}

    def result(model, targets):
        model.set_weights([np.full(w.shape, 0.1) for w in model.get_weights()])
        found = getattr(model, method)(X, targets, **options)
        return found.history["loss"][-1] if method == "fit" else found

    model = regression()
    assert result(model, y) == result(regression(), y[:, None])
    flat = dlrs.Sequential([dlrs.Input((6,)), layers.Dense(1), FlattenAll()])
    flat.compile("sgd", "mse")
    assert np.isfinite(result(flat, y[:, None]))
    with pytest.raises(ValueError, match=r"targets of shape \(20, 2\) do not fit outputs of shape \(n, 1\)"):
        getattr(model, method)(X, X[:, :2], **options)
    categorical = regression(3)
    categorical.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match=r"\(20,\) do not fit outputs of shape \(n, 3\).*to_categorical"):
        getattr(categorical, method)(X, Y, **options)


class FlattenAll(layers.Layer):
    def call(self, inputs):
        return ops.reshape(inputs, (-1,))


def test_validation_data_is_named(make_classifier, digest):
    model = make_classifier()
    before = digest(model)
    with pytest.raises(ValueError, match=r"validation_data: .*\[0, 3\), got values from 0 to 7"):
        model.fit(X, Y, validation_data=(X, put(Y, 0, 7)), verbose=0)
    with pytest.raises(ValueError, match=r"validation_data: .*same number of examples"):
        model.fit(X, Y, validation_data=(X, Y[:-1]), verbose=0)
    assert digest(model) == before


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"batch_size": 0}, "`batch_size` must be a positive integer, got 0"),
        ({"batch_size": -4}, "`batch_size` must be a positive integer, got -4"),
        ({"batch_size": 2.5}, "`batch_size` must be a positive integer, got 2.5"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` must be an integer of at least 1"),
        ({"validation_split": 1.5}, "`validation_split`"),
        ({"validation_split": 0.001}, "leaves 19 for training|leaves 20"),
        ({"sample_weight": np.ones(19)}, "same number of examples.*`sample_weight`"),
        ({"sample_weight": np.array(["heavy"] * 20)}, "`sample_weight` holds"),
    ],
)
def test_options_of_fit(options, pattern, make_classifier, digest):
    model = make_classifier()
    before = digest(model)
    if options == {"validation_split": 0.001}:
        assert model.fit(X, Y, verbose=0, **options)  # floor(20 * 0.999) = 19: one example for validation
        return
    with pytest.raises(ValueError, match=pattern):
        model.fit(X, Y, verbose=0, **options)
    assert digest(model) == before


def test_iterators_that_give_nothing_or_the_wrong_thing(make_classifier):
    model = make_classifier()
    with pytest.raises(ValueError, match="the iterator gave no batch"):
        model.fit(iter([]), verbose=0)
    with pytest.raises(ValueError, match="`y` must not be given"):
        model.fit(iter([(X, Y)]), Y, verbose=0)
    with pytest.raises(ValueError, match="a tuple of 4"):
        model.fit(iter([(X, Y, Y, Y)]), verbose=0)
    with pytest.raises(ValueError, match=r"\[0, 3\), got values from 0 to 9"):
        model.fit(iter([(X, put(Y, 0, 9))]), verbose=0)


def test_unknown_names_and_missing_compile():
    model = dlrs.Sequential([dlrs.Input((6,)), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"Call `compile\(\)`.*before `fit`"):
        model.fit(X, X[:, :1])
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adma'.*'[aA]dam'"):
        model.compile("adma", "mse")
    with pytest.raises(ValueError, match=r"Unknown loss 'mean_square_error'.*'mean_squared_error'"):
        model.compile("adam", "mean_square_error")
    with pytest.raises(ValueError, match=r"Unknown metric 'acuracy'.*'accuracy'"):
        model.compile("adam", "mse", metrics=["acuracy"])
    with pytest.raises(ValueError, match=r"`metrics` must hold names.*got 3"):
        model.compile("adam", "mse", metrics=[3])
    with pytest.raises(TypeError, match="`callbacks` must hold instances"):
        regression().fit(X, X[:, :1], callbacks=[print], verbose=0)
    model.compile("adam")
    with pytest.raises(ValueError, match="has no loss to compute"):
        model.fit(X, X[:, :1], verbose=0)
    several = dlrs.Model(x := dlrs.Input((6,)), [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    several.compile("sgd", {"a": "mse", "c": "mse"})
    with pytest.raises(ValueError, match=r"Expected keys \['a', 'b'\].*`loss`.*'c'"):
        several.fit(X, [X[:, :1]] * 2, verbose=0)
    several.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"targets `y`.*nested"):
        several.fit(X, X[:, :1], verbose=0)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("hooked", [False, True])
def test_non_finite_loss_names_the_first_layer(eager, hooked):
    class Logarithm(layers.Layer):
        def call(self, inputs):
            return ops.log(inputs)

    model = dlrs.Sequential(
        [dlrs.Input((6,)), layers.Dense(4, name="fine"), Logarithm(name="culprit"), layers.Dense(1, name="after")]
    )
    model.compile("sgd", "mse", check_numerics=True, run_eagerly=eager)
    before = [w.tobytes() for w in model.get_weights()]
    callback = [dlrs.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)] if hooked else None
    with pytest.raises(errors.NonFiniteError, match=r"epoch 1, step 0.*'culprit' \(Logarithm\)"):
        model.fit(X, X[:, :1], verbose=0, callbacks=callback)
    assert [w.tobytes() for w in model.get_weights()] == before
    assert int(model.optimizer.iterations.numpy()) == 0


def test_non_finite_data_and_later_steps():
    model = regression()
    model.compile("sgd", "mse", check_numerics=True)
    bad = put(X, (13, 2), np.inf)
    with pytest.raises(errors.NonFiniteError, match="step 3: argument `x` holds non-finite values"):
        model.fit(bad, X[:, :1], batch_size=4, shuffle=False, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 3
    with pytest.raises(errors.NonFiniteError, match="argument `x`"):
        model.train_on_batch(bad, X[:, :1])
    regression().fit(bad, X[:, :1], verbose=0)  # without the option training goes on


def test_bool_of_a_traced_value_falls_back_to_eager_with_one_warning():
    class Branching(layers.Layer):
        def call(self, inputs):
            if ops.sum(inputs) > 1e9:  # the line to be named
                return inputs * 2.0
            return inputs

    model = dlrs.Sequential([dlrs.Input((6,)), layers.Dense(1)])
    model.add(Branching())
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match=r"runs eagerly(.|\n)*the line to be named") as caught:
        model.fit(X, X[:, :1], epochs=2, batch_size=10, verbose=0)
    assert sum("runs eagerly" in str(w.message) for w in caught) == 1
    assert int(model.optimizer.iterations.numpy()) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, X[:, :1], epochs=1, batch_size=10, verbose=0)


def test_huge_layers_are_a_memory_error():
    with pytest.raises(MemoryError):
        layers.Dense(2**40).build((None, 2**20))
    with pytest.raises(ValueError, match=r"negative|positive"):
        layers.Dense(-1)


def test_a_loss_that_needs_classes():
    model = dlrs.Sequential([dlrs.Input((6,)), layers.Dense(3), FlattenAll()])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match="must have an axis of classes"):
        model.fit(X, Y, verbose=0)
