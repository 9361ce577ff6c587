"""Gradient checks: models whose gradients are right, one whose are not, what is refused."""

import numpy as np
import pytest

import dlrs
from dlrs import layers, ops
from dlrs.utils import gradient_check

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3))
Y = RNG.normal(size=(6, 1))
LABELS = RNG.integers(0, 4, 6)


class Planted(layers.Layer):
    """Squares its weight, but hides half of that from the gradient."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale * ops.stop_gradient(self.scale.value)


class Penalized(layers.Layer):
    def call(self, x):
        self.add_loss(0.1 * ops.sum(ops.square(x)))
        return x


def regression(*inner, loss="mse"):
    model = dlrs.Sequential([dlrs.Input((3,)), *inner, layers.Dense(1)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: regression(),
        lambda: regression(layers.Dense(4, "tanh", kernel_regularizer="l2", bias_regularizer="l1")),
        lambda: regression(layers.Dense(4), layers.BatchNormalization(), layers.Activation("sigmoid")),
        lambda: regression(layers.Dense(4, "softplus", activity_regularizer="l2"), Penalized()),
        lambda: regression(layers.Dropout(0.0), loss=dlrs.losses.Huber()),
    ],
)
def test_right_gradients_agree_and_the_model_stays(make):
    model = make()
    before = model.get_weights()
    check = gradient_check(model, X, Y)
    assert check.passed, check
    assert set(check.errors) == {v.path for v in model.trainable_variables}
    assert dlrs.config.floatx() == "float32"
    for old, new in zip(before, model.get_weights(), strict=True):
        assert old.dtype == new.dtype == "float32"
        np.testing.assert_array_equal(old, new)
    model.fit(X, Y, verbose=0)


def test_a_model_that_was_trained_before():
    for loss in ("mse", [dlrs.losses.MeanSquaredError()]):
        model = regression(layers.Dense(4, activation="tanh"), loss=loss)
        model.fit(X, Y, verbose=0)
        assert gradient_check(model, X, Y), loss


def test_functional_and_subclassed_models_and_samples():
    x = dlrs.Input((3,))
    a, b = layers.Dense(4, "tanh", name="a")(x), layers.Dense(4, name="b")(x)
    functional = dlrs.Model(x, [layers.Dense(4, name="c")(a * b), b])
    functional.compile("adam", [dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"])
    assert gradient_check(functional, X, [LABELS, RNG.normal(size=(6, 4))], samples=3)

    class Custom(dlrs.Model):
        def __init__(self):
            super().__init__()
            self.inner = [layers.Dense(2, "tanh"), layers.Dense(1)]

        def call(self, x):
            for layer in self.inner:
                x = layer(x)
            return x

    custom = Custom()
    custom.compile("sgd", "mse")
    assert gradient_check(custom, X, Y, sample_weight=np.arange(6.0))


def test_a_planted_error_is_found_where_it_is():
    model = regression(layers.Dense(2, "tanh"), Planted(name="planted"))
    check = gradient_check(model, X, Y)
    assert not check
    assert check.worst.endswith("planted/scale")
    assert check.numeric == pytest.approx(2 * check.analytic, rel=1e-6)
    assert "Gradients differ" in str(check) and "planted/scale[" in str(check)
    assert max(error for path, error in check.errors.items() if "planted" not in path) < 1e-6


def test_what_is_refused():
    model = regression(layers.Dropout(0.5, name="noise"))
    with pytest.raises(ValueError, match=r"'noise' \(Dropout\) is random"):
        gradient_check(model, X, Y)
    with pytest.raises(ValueError, match=r"`compile\(\)`"):
        gradient_check(dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1)]), X, Y)
    with pytest.raises(ValueError, match="`epsilon` must be a positive number"):
        gradient_check(regression(), X, Y, epsilon=0.0)
    frozen = regression()
    frozen.trainable = False
    with pytest.raises(ValueError, match="nothing to train"):
        gradient_check(frozen, X, Y)
