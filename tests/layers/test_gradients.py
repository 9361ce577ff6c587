"""Gradients of layers with weights, and of models in which layers without sit, against differences in float64."""

import numpy as np
import pytest

from dlrs import Input, Model, Sequential, layers
from dlrs.utils import gradient_check

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5))
IDS = RNG.integers(0, 6, (3, 4))

STACKS = {
    "Dense": [layers.Dense(3, "tanh")],
    "BatchNormalization": [layers.Dense(3), layers.BatchNormalization()],
    "EinsumDense": [layers.EinsumDense("...b,bc->...c", (3,), bias_axes="c", activation="sigmoid")],
    "Masking": [layers.Masking(0.0), layers.Dense(3)],
    "Lambda": [layers.Dense(3), layers.Lambda(lambda x: x * x)],
    "Identity": [layers.Dense(3), layers.Identity()],
    "Flatten": [layers.Dense(2), layers.Flatten(), layers.Dense(3)],
    "Activation": [layers.Dense(3), layers.Activation("softplus")],
}


@pytest.mark.parametrize("name", list(STACKS))
def test_stacks(name):
    model = Sequential([Input((4, 5)), *STACKS[name]])
    model.compile("sgd", "mse")
    check = gradient_check(model, X, RNG.normal(size=(3, *model.output_shape[1:])))
    assert check, check


@pytest.mark.parametrize("tie_weights", [True, False])
def test_embeddings_and_back(tie_weights):
    ids = Input((4,), dtype="int32")
    embedding = layers.ReversibleEmbedding(
        6, 3, tie_weights=tie_weights, embeddings_regularizer="l2", logit_soft_cap=4.0
    )
    model = Model(ids, embedding(layers.Dense(3, "tanh")(embedding(ids)), reverse=True))
    model.compile("sgd", "mse")
    check = gradient_check(model, IDS, RNG.normal(size=(3, 4, 6)))
    assert check, check
