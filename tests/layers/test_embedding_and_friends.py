"""Embedding, Masking, Lambda, Identity, Wrapper, InputLayer."""

import numpy as np
import pytest

from dlrs import GradientTape, Input, Model, Sequential, layers, ops, saving
from dlrs.backend import KerasTensor, get_keras_mask

TABLE = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]], "float32")


def test_embedding_equals_the_product_with_one_hot_vectors():
    layer = layers.Embedding(3, 2, weights=TABLE)
    ids = np.array([[2, 1, 1], [0, 2, 0]])
    np.testing.assert_array_equal(layer(ids), ops.matmul(ops.one_hot(ids, 3), TABLE))
    with GradientTape() as tape:
        loss = ops.sum(ops.square(layer(ids)))
    expected = np.zeros_like(TABLE)
    np.add.at(expected, ids, 2 * TABLE[ids])
    np.testing.assert_allclose(tape.gradient(loss, layer.embeddings), expected)


def test_embedding_masks_zero_and_refuses_what_is_out_of_range():
    layer = layers.Embedding(3, 2, mask_zero=True)
    assert get_keras_mask(layer(np.array([[2, 0]]))).tolist() == [[True, False]]
    assert layers.Embedding(3, 2).compute_mask(np.array([0])) is None
    with pytest.raises(IndexError, match=r"layer 'words', lookup: id 3 at position \(0, 1\).*\[0, 3\)"):
        layers.Embedding(3, 2, name="words")(np.array([[1, 3]]))
    for bad in (0, -1, 2.0, "3", True, None):
        with pytest.raises(ValueError, match="`input_dim` must be a positive integer"):
            layers.Embedding(bad, 2)


def test_embedding_trains_in_fit():
    ids = np.random.default_rng(0).integers(0, 5, (64, 3))
    model = Sequential([Input((3,), dtype="int32"), layers.Embedding(5, 4), layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    before = model.layers[0].embeddings.numpy()
    history = model.fit(ids, ids.sum(axis=1, keepdims=True).astype("float32"), epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert (model.layers[0].embeddings.numpy() != before).all()


def test_reversible_embedding():
    layer = layers.ReversibleEmbedding(3, 2, weights=TABLE, logit_soft_cap=5.0)
    scores = layer(np.ones((1, 2), "float32"), reverse=True)
    np.testing.assert_allclose(scores, 5 * np.tanh(TABLE.sum(axis=1)[None] / 5), rtol=1e-6)
    untied = layers.ReversibleEmbedding(3, 2, tie_weights=False)
    assert untied(np.ones((4, 2), "float32"), reverse=True).shape == (4, 3)
    assert [v.name for v in untied.weights] == ["embeddings", "reverse_embeddings"]


def test_masking_sets_steps_to_zero_and_its_mask_travels_in_models():
    x = np.array([[[5.0, 5.0], [1.0, 5.0]]], "float32")
    seen = []

    class Probe(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = True

        def call(self, inputs, mask=None):
            seen.append(mask)
            return inputs

    model = Sequential([layers.Masking(5.0), layers.Dense(2), Probe()])
    model(x)
    assert seen[-1].tolist() == [[False, True]]
    assert layers.Masking(5.0)(x).tolist() == [[[0.0, 0.0], [1.0, 5.0]]]


def test_lambda_gives_its_function_what_it_takes():
    def scaled(x, factor, training=None):
        return x * (factor if training else 1.0)

    layer = layers.Lambda(scaled, arguments={"factor": 3.0})
    assert layer(np.ones((1, 1), "float32"), training=True).tolist() == [[3.0]]
    assert layer(np.ones((1, 1), "float32")).tolist() == [[1.0]]
    doubled = layers.Lambda(lambda x: ops.concatenate([x, x], axis=-1), output_shape=(6,))
    assert doubled(KerasTensor((None, 3))).shape == (None, 6)
    with pytest.raises(ValueError, match="`function` must be callable"):
        layers.Lambda(3)


def test_lambda_is_loaded_by_name_only():
    def cube(x):
        return x * x * x

    config = layers.Lambda(cube).get_config()
    with saving.custom_object_scope({"cube": cube}):
        assert layers.Lambda.from_config(config)(np.full((1, 1), 2.0, "float32")).tolist() == [[8.0]]
    with pytest.warns(UserWarning, match="lambda"):
        config = layers.Lambda(lambda x: x).get_config()
    with pytest.raises(ValueError, match="Lambda"):
        layers.Lambda.from_config(config)


def test_identity_takes_nests():
    x = [np.ones(2, "float32"), {"a": np.ones(3, "int32")}]
    out = layers.Identity()(x)
    assert out[0].shape == (2,) and out[1]["a"].dtype == "int32"
    assert layers.Identity()(KerasTensor((None, 2), "int32")).dtype == "int32"


def test_wrapper_builds_and_holds_its_layer():
    class Doubled(layers.Wrapper):
        def call(self, inputs):
            return 2.0 * self.layer(inputs)

    layer = Doubled(layers.Dense(2, activity_regularizer="l2"))
    layer(np.ones((1, 3), "float32"))
    assert len(layer.weights) == 2 and len(layer.losses) == 1
    copy = Doubled.from_config(layer.get_config())
    assert copy.layer.units == 2
    with pytest.raises(ValueError, match="isn't a supported layer type"):
        layers.Wrapper("dense")


def test_input_layer_checks_what_it_is_given():
    tensor = KerasTensor((2, 3))
    assert layers.InputLayer(input_tensor=tensor).output is tensor
    for arguments, match in (
        ({"shape": (1,), "batch_shape": (1, 1)}, "both `shape` and `batch_shape`"),
        ({"batch_size": 1, "batch_shape": (1, 1)}, "both `batch_size` and `batch_shape`"),
        ({}, "`shape`"),
        ({"shape": (4,), "input_tensor": tensor}, "incompatible `shape`"),
        ({"dtype": "int32", "input_tensor": tensor}, "incompatible `dtype`"),
        ({"input_tensor": 3}, "must be a KerasTensor"),
        ({"shape": (3,), "sparse": True}, "`sparse=True` is not supported"),
    ):
        with pytest.raises(ValueError, match=match):
            layers.InputLayer(**arguments)


def test_own_variables_go_through_a_store():
    first, second = layers.Dense(2), layers.Dense(2)
    for layer in (first, second):
        layer.build((None, 3))
    store = {}
    first.save_own_variables(store)
    second.load_own_variables({key: value.numpy() for key, value in store.items()})
    np.testing.assert_array_equal(first.kernel.numpy(), second.kernel.numpy())
    with pytest.raises(ValueError, match="expected 2 variables, but received 1"):
        second.load_own_variables({"0": np.zeros((3, 2))})


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Embedding(3, 2, mask_zero=True, embeddings_constraint="non_neg"),
        lambda: layers.ReversibleEmbedding(3, 2, tie_weights=False),
        lambda: layers.Masking(2.0),
        lambda: layers.Identity(),
        lambda: layers.Lambda(ops.square),
    ],
)
def test_round_trip_of_configurations(make):
    layer = make()
    with saving.custom_object_scope({"square": ops.square}):
        copy = layers.deserialize(layers.serialize(layer))
    assert type(copy) is type(layer) and copy.get_config() == layer.get_config()


def test_functional_model_of_masked_sequences():
    ids = Input((4,), dtype="int32")
    hidden = layers.Embedding(6, 3, mask_zero=True)(ids)
    assert get_keras_mask(hidden).shape == (None, 4)
    model = Model(ids, layers.Dense(2)(hidden))
    out = model(np.array([[1, 2, 0, 0]]))
    assert get_keras_mask(out).tolist() == [[True, True, False, False]]
