"""Architectures out of the ordinary that Keras and dlrs make from the same code: nested, shared, of own classes."""

from collections.abc import Callable
from typing import Any

import numpy as np

Made = tuple[Any, list[tuple[int, ...]]]


def _functional_in_sequential(k: Any) -> Made:
    layers = k.layers
    x = k.Input((4,))
    y = layers.Dense(3, activation="tanh")(x)
    inner = k.Model(x, layers.Concatenate()([y, layers.Dense(2)(x)]), name="inner")
    deeper = k.Sequential([k.Input((5,)), layers.Dense(6), k.Sequential([k.Input((6,)), layers.Dense(2)])])
    return k.Sequential([k.Input((4,)), inner, layers.ReLU(), deeper, layers.Dense(1)]), [(4,)]


def _shared_across_models(k: Any) -> Made:
    """One layer in two models, and both of them, and the layer, in a third."""
    layers = k.layers
    dense = layers.Dense(4, activation="tanh", name="both")
    a, b = k.Input((4,)), k.Input((4,))
    one = k.Model(a, layers.Dense(3, name="one_end")(dense(a)), name="one")
    other = k.Model(b, layers.Dense(3, name="other_end")(dense(dense(b))), name="other")
    x = k.Input((4,))
    y = layers.Add()([one(x), other(x), one(dense(x))])
    return k.Model(x, layers.Dense(2, name="end")(y)), [(4,)]


def _outputs_of_inner_models(k: Any) -> Made:
    """Outputs that are calls of a functional model: Keras counts those from 1, as outputs alone."""
    layers = k.layers
    x = k.Input((4,))
    inner = k.Model(x, layers.Dense(4, activation="tanh")(x), name="inner")
    a, b = k.Input((4,)), k.Input((4,))
    return k.Model([a, b], [inner(a), inner(inner(b)), layers.Dense(2)(inner(b))]), [(4,), (4,)]


def _outputs_by_name(k: Any) -> Made:
    layers = k.layers
    inputs = {"left": k.Input((3,), name="left"), "right": k.Input((2,), name="right")}
    y = layers.Concatenate()([inputs["right"], inputs["left"]])
    hidden = layers.Dense(4, activation="elu")(y)
    outputs = {"wide": layers.Dense(3, name="wide")(hidden), "narrow": layers.Dense(1, name="narrow")(y)}
    return k.Model(inputs, outputs), [(3,), (2,)]


def classes_of(k: Any) -> dict[str, Any]:
    """Classes and functions of one's own, which are registered in the library `k`."""
    found: dict[str, Any] = getattr(k, "classes_of_tests", {})
    if found:
        return found
    register = k.saving.register_keras_serializable("own")

    @register
    class Scaled(k.layers.Layer):  # type: ignore[name-defined,misc]
        """A layer with a layer, a weight and a state of its own, and an argument that is an object."""

        def __init__(self, units: int, first: Any = "ones", **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units, self.first = units, k.initializers.get(first)
            self.inner = k.layers.Dense(units, use_bias=False)

        def build(self, shape: Any) -> None:
            self.inner.build(shape)
            self.factor = self.add_weight(shape=(self.units,), initializer=self.first, name="factor")
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")
            self.built = True

        def call(self, x: Any) -> Any:
            return self.inner(x) * self.factor + self.seen

        def get_config(self) -> Any:
            return {
                **super().get_config(),
                "units": self.units,
                "first": k.initializers.serialize(self.first),
            }

    @register
    def shifted(x: Any) -> Any:
        return k.ops.tanh(x + 0.25)

    @register
    class Own(k.Model):  # type: ignore[name-defined,misc]
        """A subclassed model with lists and dicts of layers."""

        def __init__(self, width: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.width = width
            self.stack = [k.layers.Dense(width, activation=shifted), Scaled(width)]
            self.ends = {"a": k.layers.Dense(2), "b": k.layers.Dense(2, use_bias=False)}
            self.norm = k.layers.BatchNormalization()

        def call(self, x: Any, training: bool = False) -> Any:
            for layer in self.stack:
                x = layer(x)
            x = self.norm(x, training=training)
            return self.ends["a"](x) + self.ends["b"](x)

        def get_config(self) -> Any:
            return {**super().get_config(), "width": self.width}

    k.classes_of_tests = {"Scaled": Scaled, "shifted": shifted, "Own": Own}
    return dict(k.classes_of_tests)


def _own_layers(k: Any) -> Made:
    own, layers = classes_of(k), k.layers
    return k.Sequential(
        [
            k.Input((4,)),
            own["Scaled"](5, k.initializers.Constant(0.5)),
            layers.Dense(3, activation=own["shifted"]),
            own["Scaled"](2),
        ]
    ), [(4,)]


def _own_model(k: Any) -> Made:
    model = classes_of(k)["Own"](4)
    model(np.zeros((2, 3), "float32"))
    return model, [(3,)]


def _partly_trained(k: Any) -> Made:
    layers = k.layers
    base = k.Sequential([k.Input((6,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(4)], name="base")
    base.layers[0].trainable = False
    x = k.Input((6,))
    frozen = layers.Dense(4, name="frozen", trainable=False)
    return k.Model(x, layers.Dense(2)(frozen(base(x)))), [(6,)]


def _statistics(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [
            k.Input((6, 6, 2)),
            layers.BatchNormalization(momentum=0.8, epsilon=1e-2),
            layers.Conv2D(4, 3, strides=2),
            layers.BatchNormalization(scale=False, center=False, momentum=0.5),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    ), [(6, 6, 2)]


def _both_ways(k: Any) -> Made:
    layers = k.layers
    x = k.Input((5, 3))
    forward = layers.LSTM(4, return_sequences=True, name="there")
    backward = layers.GRU(4, return_sequences=True, go_backwards=True, name="back")
    y = layers.Bidirectional(forward, backward_layer=backward, merge_mode="mul")(x)
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True, unit_forget_bias=False))(y)
    whole, *states = layers.LSTM(3, return_state=True)(y)
    return k.Model(x, [layers.Concatenate()([whole, states[1]]), y]), [(5, 3)]


def _over_time(k: Any) -> Made:
    layers = k.layers
    inner = k.Sequential([k.Input((4, 4, 1)), layers.Conv2D(2, 2), layers.Flatten(), layers.Dense(3)], name="frame")
    return k.Sequential(
        [
            k.Input((3, 4, 4, 1)),
            layers.TimeDistributed(inner),
            layers.TimeDistributed(layers.Dense(2, activation="relu")),
            layers.SimpleRNN(2),
        ]
    ), [(3, 4, 4, 1)]


def _cross_attention(k: Any) -> Made:
    layers = k.layers
    q, v = k.Input((3, 6)), k.Input((5, 4))
    attention = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=5, use_bias=False)
    y, scores = attention(q, v, return_attention_scores=True)
    return k.Model([q, v], [y, scores]), [(3, 6), (5, 4)]


def _groups(k: Any) -> Made:
    layers = k.layers
    x = k.Input((7, 6))
    y = layers.SeparableConv1D(8, 3, depth_multiplier=2, padding="same", activation="relu")(x)
    y = layers.GroupNormalization(groups=-1)(layers.GroupNormalization(4, center=False)(y))
    y = layers.DepthwiseConv1D(2, strides=2)(y)
    return k.Model(x, layers.SpatialDropout1D(0.5)(y)), [(7, 6)]


def _prepared(k: Any) -> Made:
    """Layers that have learned from data, or were told what to do with it."""
    layers = k.layers
    normal = layers.Normalization(axis=-1)
    normal.adapt(np.linspace(-3, 5, 24).reshape(6, 4).astype("float32"))
    x = k.Input((4,))
    y = layers.Rescaling(0.5, offset=1.0)(normal(x))
    given = layers.Normalization(mean=[0.0, 1.0, 2.0, 3.0], variance=[1.0, 2.0, 3.0, 4.0])(x)
    return k.Model(x, layers.Dense(2)(layers.Concatenate()([y, given]))), [(4,)]


def _operations(k: Any) -> Made:
    """Functions of tensors, indices and arithmetic in a graph."""
    layers, ops = k.layers, k.ops
    x = k.Input((4, 6))
    y = ops.concatenate([x[:, 1:, ::2] * 2.0, ops.sin(x[:, :3, 3:]) / (1.0 + ops.abs(x[:, :3, :3]))], axis=-1)
    y = ops.reshape(y, (-1, 18)) - ops.max(x, axis=(1, 2))[:, None]
    return k.Model(x, layers.Dense(2)(y)), [(4, 6)]


def _mixed(k: Any) -> Made:
    """Layers that have types of their own."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((4,)),
            layers.Dense(5, dtype=k.DTypePolicy("mixed_float16")),
            layers.Dense(3, dtype="float64"),
            layers.Dense(2, dtype="float32"),
        ]
    ), [(4,)]


UNUSUAL: dict[str, Callable[[Any], Made]] = {
    function.__name__[1:]: function
    for function in (
        _functional_in_sequential, _shared_across_models, _outputs_of_inner_models, _outputs_by_name, _own_layers,
        _own_model, _partly_trained,
        _statistics, _both_ways, _over_time, _cross_attention, _groups, _prepared, _operations, _mixed,
    )
}  # fmt: skip


def compiled(k: Any, name: str) -> tuple[Any, Any]:
    """A model with an optimizer, trained for two steps, and its inputs."""
    k.utils.set_random_seed(3)
    model, shapes = UNUSUAL[name](k)
    optimizers = k.optimizers
    optimizer = {
        0: lambda: optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.02, 3, 0.5), amsgrad=True),
        1: lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True, clipnorm=1.0),
        2: lambda: optimizers.RMSprop(0.003, momentum=0.5, centered=True),
        3: lambda: optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True, ema_momentum=0.9),
    }[list(UNUSUAL).index(name) % 4]()
    model.compile(optimizer, k.losses.MeanSquaredError(), run_eagerly=True)
    generator = np.random.default_rng(7)
    inputs: Any = [generator.normal(size=(4, *shape)).astype("float32") for shape in shapes]
    if name == "outputs_by_name":
        inputs = dict(zip(("left", "right"), inputs, strict=True))
    inputs = inputs[0] if len(inputs) == 1 else inputs
    losses_of(model, inputs, 2)
    return model, inputs


def outputs_of(model: Any, inputs: Any) -> list[Any]:
    """The outputs as arrays, those of dicts in the order of their names."""
    outputs = model.predict(inputs, verbose=0)
    if isinstance(outputs, dict):
        outputs = [outputs[name] for name in sorted(outputs)]
    return [np.asarray(x, "float64") for x in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def losses_of(model: Any, inputs: Any, steps: int) -> list[float]:
    """Losses of so many steps of training without random draws, on targets that depend on the shapes alone."""
    for layer in model._flatten_layers():
        if "Dropout" in type(layer).__name__:
            layer.rate = 0.0
    outputs = model.predict(inputs, verbose=0)
    targets = (
        {name: np.full_like(x, 0.5) for name, x in outputs.items()}
        if isinstance(outputs, dict)
        else [np.full_like(x, 0.5) for x in (outputs if isinstance(outputs, list | tuple) else [outputs])]
    )
    targets = targets[0] if isinstance(targets, list) and len(targets) == 1 else targets
    history = model.fit(inputs, targets, batch_size=2, epochs=steps, shuffle=False, verbose=0)
    return [float(loss) for loss in history.history["loss"]]
