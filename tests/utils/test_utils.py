"""Helpers on labels and seeds."""

import random as python_random

import numpy as np
import pytest

from dlrs import function, layers, ops, random, utils


def test_to_categorical():
    np.testing.assert_array_equal(utils.to_categorical([[1], [0]]), [[0, 1], [1, 0]])
    assert utils.to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    assert utils.to_categorical([], 3).shape == (0, 3)
    for bad in ([3], [-1], [0.5], ["a"]):
        with pytest.raises(ValueError, match="to_categorical"):
            utils.to_categorical(bad, 3)


def test_to_categorical_of_tensors():
    labels = ops.array([[2], [0]])
    rows = utils.to_categorical(labels, 3)
    traced = function(lambda x: utils.to_categorical(x, 3))(labels)
    assert rows.tolist() == traced.tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(ValueError, match="to_categorical"):
        utils.to_categorical(labels, 2)


def test_normalize_of_tensors():
    x = np.float32([[3.0, 4.0], [0.0, 0.0]])
    for order in (1, 2, 3):
        rows = utils.normalize(ops.array(x), order=order)
        np.testing.assert_allclose(rows.numpy(), utils.normalize(x, order=order), atol=1e-6)


def test_normalize():
    rows = utils.normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, 0.0]])


def test_set_random_seed_reaches_all_generators():
    def draws():
        utils.set_random_seed(5)
        dense = layers.Dense(3)
        dense.build((None, 4))
        return (
            python_random.random(),
            np.random.rand(),
            random.uniform((2,)).numpy().tobytes(),
            dense.get_weights()[0].tobytes(),
        )

    assert draws() == draws()
    for bad in (-1, 2**32, 1.5, True, "1"):
        with pytest.raises(ValueError, match="seed"):
            utils.set_random_seed(bad)
