"""Mixed policies: layers compute in the narrow type and keep, save and train their weights in float32."""

import numpy as np

from dlrs import Input, Sequential, layers, ops
from dlrs.backend import KerasTensor

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def test_weights_are_read_in_the_compute_type_within_the_call_only():
    seen = []

    class Probe(layers.Layer):
        def __init__(self, autocast_weight=True, **kwargs):
            super().__init__(**kwargs)
            self.v = self.add_weight(shape=(), initializer="ones", autocast=autocast_weight)

        def call(self, x):
            seen.append((self.v.dtype, self.v.value.dtype, ops.multiply(x, self.v).dtype))
            return x * self.v

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__(dtype="mixed_float16")
            self.inner = [Probe(dtype="mixed_float16"), Probe(dtype="float32"), Probe(False, dtype="mixed_float16")]

        def call(self, x):
            for layer in self.inner:
                x = layer(x)
            return x

    outer = Outer()
    outer(X)
    half, single = ("float16",) * 3, ("float32",) * 3
    assert seen == [half, single, single]
    assert all(v.dtype == "float32" for v in outer.weights)


def test_outputs_and_placeholders_have_the_compute_type():
    for policy, dtype in (("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16")):
        layer = layers.Dense(2, dtype=policy, kernel_regularizer="l2")
        assert layer(X).dtype == dtype
        assert layer(KerasTensor((None, 3))).dtype == dtype
        assert layer.kernel.dtype == layer.losses[0].dtype == "float32"


def test_a_mixed_model_trains():
    model = Sequential([Input((3,)), layers.Dense(4, "tanh", dtype="mixed_float16"), layers.Dense(1, dtype="float32")])
    model.compile("adam", "mse")
    history = model.fit(X, X[:, :1], epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float32")}
