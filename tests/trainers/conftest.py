"""Data and networks shared by the tests of training."""

import hashlib

import numpy as np
import pytest

import dlrs
from dlrs import layers


@pytest.fixture
def blobs():
    """Three classes of points, 103 of them: a last batch of its own size for every usual batch size."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 103)
    x = rng.normal(size=(103, 6)) + 2.0 * np.eye(3, 6)[y]
    return x.astype("float32"), y.astype("int32")


@pytest.fixture
def make_classifier():
    """A function that makes the same compiled network every time."""

    def make(optimizer="adam", dropout=0.2, batch_norm=True, metrics=("accuracy",), **compile_options):
        dlrs.utils.set_random_seed(7)
        parts = [dlrs.Input((6,)), layers.Dense(16, activation="relu")]
        parts += [layers.BatchNormalization()] if batch_norm else []
        parts += [layers.Dropout(dropout)] if dropout else []
        model = dlrs.Sequential([*parts, layers.Dense(3)])
        loss = dlrs.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=list(metrics), **compile_options)
        return model

    return make


@pytest.fixture
def digest():
    """A function that hashes all the state of a model: weights, seeds, optimizer."""

    def state(model):
        sha = hashlib.sha256()
        for variable in [*model.variables, *model.optimizer.variables]:
            sha.update(np.ascontiguousarray(variable.numpy()).tobytes())
        return sha.hexdigest()

    return state
