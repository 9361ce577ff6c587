"""Twenty architectures that Keras and dlrs make from the same code."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

Made = tuple[Any, list[tuple[int, ...]]]


def _mlp(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [k.Input((6,)), layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(3, activation="softmax")]
    ), [(6,)]


def _regularized(k: Any) -> Made:
    layers = k.layers
    x = k.Input((6,))
    y = layers.Dense(5, kernel_regularizer=k.regularizers.L2(0.01), kernel_constraint=k.constraints.MaxNorm(2.0))(x)
    y = layers.LeakyReLU(0.1)(layers.LayerNormalization()(y))
    return k.Model(x, layers.Dense(1, activation="sigmoid")(layers.PReLU()(y))), [(6,)]


def _lenet(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [k.Input((12, 12, 1)), layers.Conv2D(4, 3, activation="tanh"), layers.AveragePooling2D(2),
         layers.Conv2D(6, 3, activation="tanh"), layers.Flatten(), layers.Dense(10, activation="softmax")]
    ), [(12, 12, 1)]  # fmt: skip


def _block(k: Any, x: Any, filters: int, strides: int) -> Any:
    layers = k.layers
    y = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
    if strides > 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides, use_bias=False)(x)
    return layers.ReLU()(layers.Add()([x, y]))


def _resnet20(k: Any) -> Made:
    layers = k.layers
    x = k.Input((8, 8, 3))
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False)(x)))
    for filters in (4, 8, 16):
        for number in range(3):
            y = _block(k, y, filters, 2 if number == 0 and filters > 4 else 1)
    return k.Model(x, layers.Dense(10)(layers.GlobalAveragePooling2D()(y))), [(8, 8, 3)]


def _mobilenet(k: Any) -> Made:
    layers = k.layers
    x = k.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, 2, padding="same")(layers.ZeroPadding2D(1)(x))
    for filters in (6, 8):
        y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(y)))
        y = layers.Conv2D(filters, 1)(y)
    y = layers.SeparableConv2D(5, 3)(y)
    return k.Model(x, layers.GlobalMaxPooling2D(keepdims=True)(y)), [(8, 8, 3)]


def _bilstm(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [k.Input((7,)), layers.Embedding(10, 4), layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
         layers.Bidirectional(layers.LSTM(2), merge_mode="sum"), layers.Dense(1)]
    ), [(7,)]  # fmt: skip


def _gru(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [
            k.Input((5, 3)),
            layers.Masking(0.0),
            layers.GRU(4, return_sequences=True),
            layers.SimpleRNN(3),
            layers.Dense(2),
        ]
    ), [(5, 3)]


def _gru_before(k: Any) -> Made:
    layers = k.layers
    return k.Sequential([k.Input((5, 3)), layers.GRU(4, reset_after=False, go_backwards=True)]), [(5, 3)]


def _stacked_cells(k: Any) -> Made:
    layers = k.layers
    cells = [layers.LSTMCell(3), layers.GRUCell(2)]
    return k.Sequential([k.Input((5, 3)), layers.RNN(cells), layers.Dense(2)]), [(5, 3)]


def _attention(k: Any) -> Made:
    layers = k.layers
    x = k.Input((5, 6))
    y = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x)]))
    y = layers.Add()([y, layers.Dense(6)(layers.Dense(9, activation="gelu")(y))])
    return k.Model(x, layers.GlobalAveragePooling1D()(y)), [(5, 6)]


def _additive(k: Any) -> Made:
    layers = k.layers
    q, v = k.Input((3, 4)), k.Input((5, 4))
    y = layers.Concatenate()([layers.AdditiveAttention()([q, v]), layers.Attention(use_scale=True)([q, v])])
    return k.Model([q, v], layers.TimeDistributed(layers.Dense(2))(y)), [(3, 4), (5, 4)]


def _multi_input(k: Any) -> Made:
    layers = k.layers
    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    y = layers.Concatenate()([layers.Dense(5)(a), layers.Dense(2)(b)])
    return k.Model([a, b], [layers.Dense(2, name="first")(y), layers.Dense(1, name="second")(y)]), [(4,), (3,)]


def _nested(k: Any) -> Made:
    layers = k.layers
    inner = k.Sequential([k.Input((6,)), layers.Dense(4, use_bias=False), layers.BatchNormalization()], name="inner")
    x = k.Input((4,))
    deep = k.Model(x, layers.Dense(3)(layers.Reshape((2, 2))(x)), name="deep")
    y = k.Input((6,))
    return k.Model(y, layers.Flatten()(deep(inner(y)))), [(6,)]


def _shared(k: Any) -> Made:
    layers = k.layers
    a, b = k.Input((4,)), k.Input((4,))
    dense = layers.Dense(3, activation="tanh")
    y = layers.Subtract()([dense(a), dense(b)])
    return k.Model([a, b], layers.Dense(1)(layers.Multiply()([y, dense(a)]))), [(4,), (4,)]


def _frozen(k: Any) -> Made:
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((4,)),
            layers.Dense(5, activation="selu"),
            layers.BatchNormalization(),
            layers.Dense(2),
            layers.Softmax(),
        ]
    )
    model.layers[0].trainable = False
    return model, [(4,)]


def _conv1d(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [k.Input((10, 3)), layers.Conv1D(4, 3, padding="causal", dilation_rate=2), layers.MaxPooling1D(2),
         layers.Conv1DTranspose(3, 2, strides=2), layers.GlobalMaxPooling1D()]
    ), [(10, 3)]  # fmt: skip


def _autoencoder(k: Any) -> Made:
    layers = k.layers
    x = k.Input((8, 8, 1))
    y = layers.MaxPooling2D(2)(layers.Conv2D(3, 3, padding="same", activation="relu")(x))
    y = layers.UpSampling2D(2)(layers.Conv2DTranspose(3, 3, padding="same")(y))
    return k.Model(x, layers.Concatenate()([x, layers.Cropping2D(0)(y)])), [(8, 8, 1)]


def _normalizations(k: Any) -> Made:
    layers = k.layers
    x = k.Input((4, 4, 6))
    y = layers.GroupNormalization(3)(layers.Conv2D(6, 3, groups=2, padding="same")(x))
    y = layers.UnitNormalization()(layers.Permute((2, 1, 3))(y))
    return k.Model(x, layers.EinsumDense("abcd,de->abce", (None, None, 5), bias_axes="e")(y)), [(4, 4, 6)]


def _conv3d(k: Any) -> Made:
    layers = k.layers
    return k.Sequential(
        [k.Input((4, 4, 4, 2)), layers.Conv3D(3, 2), layers.ELU(), layers.AveragePooling3D(2), layers.Flatten()]
    ), [(4, 4, 4, 2)]


def _transformer(k: Any) -> Made:
    layers = k.layers
    x = k.Input((6,))
    y = layers.Embedding(10, 8)(x)
    y = layers.Add()([y, layers.GroupQueryAttention(4, 4, 2)(y, y, use_causal_mask=True)])
    return k.Model(x, layers.Dense(10)(layers.RMSNormalization()(y))), [(6,)]


ARCHITECTURES: dict[str, Callable[[Any], Made]] = {
    function.__name__[1:]: function
    for function in (
        _mlp, _regularized, _lenet, _resnet20, _mobilenet, _bilstm, _gru, _gru_before, _stacked_cells, _attention,
        _additive, _multi_input, _nested, _shared, _frozen, _conv1d, _autoencoder, _normalizations, _conv3d,
        _transformer,
    )
}  # fmt: skip


# Keras compiles for minutes on all of them: `DLRS_KERAS_FILES=all` asks for it, else these stand for the others.
CHOSEN = list(ARCHITECTURES) if os.environ.get("DLRS_KERAS_FILES") == "all" else ["mlp", "lenet", "shared", "nested"]
# The architectures that are trained for a step, on both sides: Adam and SGD with momentum.
TRAINED = ("mlp", "lenet", "gru", "shared", "frozen")


def compiled(k: Any, name: str) -> tuple[Any, list[Any]]:
    """A model with its optimizer, trained for a step if it is one of `TRAINED`, and inputs to predict."""
    model, shapes = ARCHITECTURES[name](k)
    optimizer = k.optimizers.SGD(0.01, momentum=0.9) if len(name) % 2 else k.optimizers.Adam(0.01)
    model.compile(optimizer, k.losses.MeanSquaredError(), run_eagerly=True)
    generator = np.random.default_rng(len(name))
    inputs = [generator.integers(0, 10, (4, *shape)).astype("float32") for shape in shapes]
    if name not in ("bilstm", "transformer"):
        inputs = [x / 5 - 1 for x in inputs]
    if name in TRAINED:
        step(model, inputs)
    else:
        model.optimizer.build(model.trainable_variables)
    return model, inputs


def outputs_of(model: Any, inputs: list[Any]) -> list[Any]:
    """The outputs for `inputs` as arrays."""
    outputs = model(given(inputs), training=False)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def step(model: Any, inputs: list[Any]) -> None:
    """A step of training without random draws."""
    for layer in model.layers:
        if type(layer).__name__ == "Dropout":
            layer.rate = 0.0
    targets = [np.zeros_like(output) for output in outputs_of(model, inputs)]
    model.fit(given(inputs), targets if len(targets) > 1 else targets[0], batch_size=4, shuffle=False, verbose=0)


def given(inputs: list[Any]) -> Any:
    """One input as it is, several as a list."""
    return inputs if len(inputs) > 1 else inputs[0]
