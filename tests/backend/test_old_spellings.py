"""Spellings of Keras 1 and 2 work, and warn with the present one."""

import inspect
import warnings

import numpy as np
import pytest

import dlrs
from dlrs import backend as K
from dlrs import layers, models, ops, optimizers
from dlrs.backend import legacy
from dlrs.layers.old_arguments import OLD_ARGUMENTS


def old(spelling):
    """Expects a warning that shows `spelling`."""
    return pytest.warns(DeprecationWarning, match=f"old spelling of Keras's. Write .*{spelling}")


def test_learning_rates_of_optimizers():
    for cls in (optimizers.Adam, optimizers.SGD, optimizers.RMSprop, optimizers.Adagrad, optimizers.Nadam):
        with old("learning_rate=...") as caught:
            made = cls(lr=0.125)
        assert float(made.learning_rate) == 0.125
        assert len(caught) == 1
        assert caught[0].filename == __file__
    with pytest.raises(TypeError, match="Adam: `learning_rate` is given, and `lr`, its old name, too"), old("learning"):
        optimizers.Adam(0.1, lr=0.1)


def test_decay_is_a_schedule():
    with old("learning_rate=..."), old(r"InverseTimeDecay\(learning_rate, 1, decay\)"):
        made = optimizers.SGD(decay=0.5, lr=1.0)  # the rate comes first, wherever it stands
    w = dlrs.Variable(np.zeros(1, "float32"))
    steps = []
    for _ in range(3):
        before = w.numpy()
        made.apply([np.ones(1, "float32")], [w])
        steps.append(float((before - w.numpy())[0]))
    np.testing.assert_allclose(steps, [1.0, 1 / 1.5, 1 / 2], rtol=1e-6)
    with old("InverseTimeDecay"):
        assert float(optimizers.Adam(0.25, 0.9, decay=0.0).learning_rate) == 0.25
    with old("InverseTimeDecay"):
        assert float(optimizers.Adam(0.25, decay=1.0).learning_rate) == 0.25  # at iteration 0


def test_every_old_argument_of_layers_leads_to_one_that_there_is():
    for name, renamed in OLD_ARGUMENTS.items():
        bases = [base for base in getattr(layers, name).__mro__ if "__init__" in vars(base)]
        present = {parameter for base in bases for parameter in inspect.signature(base.__init__).parameters}
        for old_name, argument in renamed.items():
            assert old_name not in inspect.signature(getattr(layers, name)).parameters, (name, old_name)
            assert argument.new in present, (name, argument.new)


@pytest.mark.parametrize(
    ("make", "spelling", "expected"),
    [
        (lambda: layers.LeakyReLU(alpha=0.125), "negative_slope", {"negative_slope": 0.125}),
        (lambda: layers.Dense(output_dim=3, init="he_normal"), "units|kernel_initializer", {"units": 3}),
        (lambda: layers.Dropout(p=0.25), "rate", {"rate": 0.25}),
        (
            lambda: layers.Conv2D(nb_filter=4, kernel_size=3, border_mode="same", subsample=2),
            "filters|padding|strides",
            {"filters": 4, "padding": "same", "strides": (2, 2)},
        ),
        (
            lambda: layers.MaxPooling2D(dim_ordering="th", border_mode="same"),
            "data_format|padding",
            {"data_format": "channels_first", "padding": "same"},
        ),
        (
            lambda: layers.LSTM(output_dim=3, inner_activation="relu", dropout_U=0.5),
            "units|recurrent",
            {"units": 3, "recurrent_dropout": 0.5},
        ),
        (lambda: layers.Embedding(5, 3, init="zeros"), "embeddings_initializer", {"output_dim": 3}),
    ],
)
def test_old_arguments_of_layers(make, spelling, expected):
    with old(f"({spelling})"):
        layer = make()
    config = layer.get_config()
    assert {
        name: tuple(config[name]) if isinstance(config[name], list) else config[name] for name in expected
    } == expected
    assert type(layer).from_config(config).get_config() == config


def test_an_argument_of_ones_own_is_not_old():
    class Leak(layers.LeakyReLU):
        def __init__(self, alpha, **kwargs):
            super().__init__(negative_slope=alpha, **kwargs)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Leak(alpha=0.5).negative_slope == 0.5
        assert layers.ELU(alpha=0.5)(np.ones(1)).shape == (1,)
    with pytest.raises(TypeError, match="alpha"):
        layers.Dense(3, alpha=0.5)


def model():
    made = dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def batches():
    while True:
        yield np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


def test_methods_of_models():
    made = model()
    with old("epochs=..."):
        history = made.fit(np.ones((4, 2)), np.ones((4, 1)), nb_epoch=3, verbose=0)
    assert len(history.epoch) == 3
    with old(r"model.fit\(generator"):
        history = made.fit_generator(batches(), steps_per_epoch=2, epochs=2, verbose=0, workers=2, max_queue_size=4)
    assert len(history.epoch) == 2
    with old(r"model.evaluate\(generator"):
        assert made.evaluate_generator(batches(), steps=2) >= 0
    with old(r"model.predict\(generator"):
        assert made.predict_generator(batches(), steps=3).shape == (12, 1)


def test_modules():
    with old("dlrs.utils.to_categorical"):
        assert dlrs.utils.np_utils.to_categorical([1], 2).tolist() == [[0.0, 1.0]]
    with old("dlrs.layers.Embedding"):
        from dlrs.layers.embeddings import Embedding
    assert Embedding is layers.Embedding
    with old("dlrs.utils.model_to_dot"):
        from dlrs.utils.vis_utils import model_to_dot
    assert model_to_dot is dlrs.utils.model_to_dot
    with old("dlrs.layers.RandomFlip"):
        assert dlrs.layers.experimental.preprocessing.RandomFlip is layers.RandomFlip
    with pytest.raises(AttributeError, match=r"'dlrs\.utils\.np_utils' has no attribute 'nothing'"):
        _ = dlrs.utils.np_utils.nothing
    with pytest.raises(AttributeError, match=r"'dlrs\.layers' has no attribute 'Nothing'"):
        _ = layers.Nothing


X = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -0.5]], "float32")

# What each function of the older back end gives for `X`.
RESULTS = {
    "abs": (lambda f: f(X), np.abs(X)),
    "all": (lambda f: f(X > -2), True),
    "any": (lambda f: f(X > 5), False),
    "arange": (lambda f: f(1, stop=4), np.arange(1, 4, dtype="int32")),
    "argmax": (lambda f: f(X), [2, 0]),
    "argmin": (lambda f: f(X), [1, 2]),
    "batch_flatten": (lambda f: f(X[None]), X.reshape(1, 6)),
    "bias_add": (lambda f: f(X, np.float32([1, 2, 3])), X + np.float32([1, 2, 3])),
    "binary_crossentropy": (lambda f: f(np.float32([1.0]), np.float32([0.5])), [np.log(2)]),
    "cast_to_floatx": (lambda f: f(np.array([1, 2])), np.float32([1, 2])),
    "categorical_crossentropy": (lambda f: f(np.float32([[0, 1]]), np.float32([[0.5, 0.5]])), [np.log(2)]),
    "clip": (lambda f: f(X, 0.0, 1.0), np.clip(X, 0, 1)),
    "concatenate": (lambda f: f([X, X]), np.concatenate([X, X], -1)),
    "constant": (lambda f: f(2.0, shape=(2, 2)), np.full((2, 2), 2.0)),
    "cos": (lambda f: f(X), np.cos(X)),
    "count_params": (lambda f: f(X), 6),
    "cumprod": (lambda f: f(X, 0), np.cumprod(X, 0)),
    "cumsum": (lambda f: f(X, 0), np.cumsum(X, 0)),
    "dot": (lambda f: f(X, X.T), X @ X.T),
    "dropout": (lambda f: f(X, 0.0), X),
    "dtype": (lambda f: f(ops.convert_to_tensor(X)), "float32"),
    "elu": (lambda f: f(X), np.where(X > 0, X, np.expm1(X))),
    "equal": (lambda f: f(X, X), np.full((2, 3), True)),
    "eval": (lambda f: f(ops.convert_to_tensor(X)), X),
    "exp": (lambda f: f(X), np.exp(X)),
    "expand_dims": (lambda f: f(X), X[..., None]),
    "eye": (lambda f: f(2), np.eye(2)),
    "flatten": (lambda f: f(X), X.ravel()),
    "gather": (lambda f: f(X, [1, 0]), X[[1, 0]]),
    "get_value": (lambda f: f(dlrs.Variable(X)), X),
    "greater": (lambda f: f(X, 0.0), X > 0),
    "greater_equal": (lambda f: f(X, 0.5), X >= 0.5),
    "hard_sigmoid": (lambda f: f(X), np.clip(0.2 * X + 0.5, 0, 1)),
    "int_shape": (lambda f: f(dlrs.Input((3,))), (None, 3)),
    "l2_normalize": (lambda f: f(X, axis=1), X / np.linalg.norm(X, axis=1, keepdims=True)),
    "learning_phase": (lambda f: f(), 0),
    "less": (lambda f: f(X, 0.0), X < 0),
    "less_equal": (lambda f: f(X, 0.5), X <= 0.5),
    "log": (lambda f: f(np.abs(X)), np.log(np.abs(X))),
    "max": (lambda f: f(X, axis=-1, keepdims=True), X.max(-1, keepdims=True)),
    "maximum": (lambda f: f(X, 0.0), np.maximum(X, 0)),
    "mean": (lambda f: f(X), X.mean()),
    "min": (lambda f: f(X, 0), X.min(0)),
    "minimum": (lambda f: f(X, 0.0), np.minimum(X, 0)),
    "ndim": (lambda f: f(X), 2),
    "not_equal": (lambda f: f(X, X), np.full((2, 3), False)),
    "one_hot": (lambda f: f(np.array([1]), 3), [[0, 1, 0]]),
    "ones": (lambda f: f((2,)), np.ones(2)),
    "ones_like": (lambda f: f(X), np.ones_like(X)),
    "permute_dimensions": (lambda f: f(X, (1, 0)), X.T),
    "pow": (lambda f: f(X, 2), X**2),
    "prod": (lambda f: f(X), X.prod()),
    "relu": (lambda f: f(X, alpha=0.5, max_value=1.0), np.minimum(np.where(X >= 0, X, 0.5 * X), 1)),
    "repeat_elements": (lambda f: f(X, 2, 1), X.repeat(2, 1)),
    "reshape": (lambda f: f(X, (3, 2)), X.reshape(3, 2)),
    "reverse": (lambda f: f(X, 1), X[:, ::-1]),
    "round": (lambda f: f(X), np.round(X)),
    "set_learning_phase": (lambda f: f(1), None),
    "sigmoid": (lambda f: f(X), 1 / (1 + np.exp(-X))),
    "sign": (lambda f: f(X), np.sign(X)),
    "sin": (lambda f: f(X), np.sin(X)),
    "softmax": (lambda f: f(X, axis=-1), np.exp(X) / np.exp(X).sum(-1, keepdims=True)),
    "softplus": (lambda f: f(X), np.log1p(np.exp(X))),
    "softsign": (lambda f: f(X), X / (1 + np.abs(X))),
    "sparse_categorical_crossentropy": (lambda f: f(np.array([1]), np.float32([[0.5, 0.5]])), [np.log(2)]),
    "sqrt": (lambda f: f(np.abs(X)), np.sqrt(np.abs(X))),
    "square": (lambda f: f(X), X**2),
    "squeeze": (lambda f: f(X[None], 0), X),
    "stack": (lambda f: f([X, X]), np.stack([X, X])),
    "std": (lambda f: f(X, axis=0), X.std(0)),
    "stop_gradient": (lambda f: f(X), X),
    "sum": (lambda f: f(X, axis=1), X.sum(1)),
    "switch": (lambda f: f(X > 0, lambda: X, -X), np.abs(X)),
    "tanh": (lambda f: f(X), np.tanh(X)),
    "tile": (lambda f: f(X, (2, 1)), np.tile(X, (2, 1))),
    "transpose": (lambda f: f(X), X.T),
    "update": (lambda f: f(dlrs.Variable(X), X + 1), X + 1),
    "update_add": (lambda f: f(dlrs.Variable(X), X), X + X),
    "update_sub": (lambda f: f(dlrs.Variable(X), X), X - X),
    "moving_average_update": (lambda f: f(dlrs.Variable(X), X + 1, 0.5), X + 0.5),
    "var": (lambda f: f(X), X.var()),
    "variable": (lambda f: f([1, 2]), np.float32([1, 2])),
    "zeros": (lambda f: f((2,)), np.zeros(2)),
    "zeros_like": (lambda f: f(X), np.zeros_like(X)),
}
OTHERS = {
    "batch_get_value", "batch_set_value", "get_session", "gradients", "random_normal", "random_uniform", "set_value",
    "truncated_normal",
}  # fmt: skip


def test_every_function_of_the_older_back_end_is_tried():
    assert set(RESULTS) | OTHERS == set(legacy.SPELLINGS)


@pytest.mark.parametrize("name", RESULTS)
def test_functions_of_the_older_back_end(name):
    call, expected = RESULTS[name]
    with pytest.warns(DeprecationWarning) as caught:
        function = getattr(K, name)
    assert (
        str(caught[0].message) == f"dlrs.backend.{name} is an old spelling of Keras's. Write {legacy.SPELLINGS[name]}."
    )
    assert caught[0].filename == __file__
    result = call(function)
    if expected is None or isinstance(expected, str | tuple | int):
        assert result == expected
    else:
        result = result.value if isinstance(result, dlrs.Variable) else result
        np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_draws_assignments_and_what_cannot_be():
    for draw in (K.random_normal, K.random_uniform, K.truncated_normal):
        np.testing.assert_array_equal(draw((2, 3), seed=1), draw(shape=(2, 3), seed=1))
    v, w = dlrs.Variable(X), dlrs.Variable(X)
    K.set_value(v, X + 1)
    K.batch_set_value([(w, X + 2)])
    np.testing.assert_array_equal(K.batch_get_value([v, w]), [X + 1, X + 2])
    with pytest.raises(RuntimeError, match="there are no sessions"):
        K.get_session()
    with pytest.raises(RuntimeError, match="GradientTape"):
        K.gradients(1, [v])
    with pytest.raises(AttributeError, match=r"module 'dlrs\.backend' has no attribute 'nothing'"):
        _ = K.nothing
    made = dlrs.Sequential([dlrs.Input((3,)), layers.Lambda(lambda x: K.l2_normalize(x, axis=-1))])
    np.testing.assert_allclose(np.linalg.norm(made.predict(X, verbose=0), axis=1), 1.0, rtol=1e-6)


def test_tokenizer():
    with old("TextVectorization"):
        tokenizer = dlrs.preprocessing.text.Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(["The cat sat.", "the cat, the mat!", ["The", "dog"]])
    assert tokenizer.word_index == {"?": 1, "the": 2, "cat": 3, "sat": 4, "mat": 5, "dog": 6}
    assert (tokenizer.document_count, tokenizer.word_counts["the"], tokenizer.word_docs["the"]) == (3, 4, 3)
    assert tokenizer.texts_to_sequences(["the cat sat", "a dog"]) == [[2, 3, 1], [1, 1]]
    assert tokenizer.sequences_to_texts([[2, 3, 4]]) == ["the cat ?"]
    assert tokenizer.texts_to_matrix(["the the cat"], "count").tolist() == [[0, 0, 2, 1]]
    assert tokenizer.texts_to_matrix(["the the cat"]).tolist() == [[0, 0, 1, 1]]
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["the the cat"], "freq"), [[0, 0, 2 / 3, 1 / 3]])
    weight = (1 + np.log(2)) * np.log(1 + 3 / 4)
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["the the"], "tfidf"), [[0, 0, weight, 0]])
    with pytest.raises(ValueError, match="texts_to_matrix: Unknown mode 'counts'"):
        tokenizer.texts_to_matrix([], "counts")
    with old("TextVectorization"):
        letters = dlrs.preprocessing.text.Tokenizer(char_level=True)
    letters.fit_on_texts(["aab"])
    assert letters.texts_to_sequences(["ba?"]) == [[2, 1]]


def test_images_under_their_older_names():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = dlrs.preprocessing.image
        assert image.smart_resize(np.zeros((4, 8, 3), "float32"), (2, 2)).shape == (2, 2, 3)
        assert image.load_img is dlrs.utils.load_img
        assert models.Model is dlrs.Model
