"""EinsumDense against NumPy's einsum, its shapes and its refusals."""

import numpy as np
import pytest

from dlrs import Input, Sequential, layers
from dlrs.backend import KerasTensor
from dlrs.layers.einsum_dense import einsum_shapes
from dlrs.utils import gradient_check

RNG = np.random.default_rng(0)

CASES = [
    ("ab,b->a", (2, 5), (), None, (5,), None),
    ("ab,bc->ac", (2, 5), 3, "c", (5, 3), (3,)),
    ("abc,cde->abde", (2, 1, 2), (1, 3, 4), "e", (2, 3, 4), (4,)),
    ("abc,cde->abde", (2, 7, 2), (7, 3, 4), "be", (2, 3, 4), (7, 1, 4)),
    ("BFNH,NHD->BFD", (2, 1, 2, 3), (1, 4), None, (2, 3, 4), None),
    ("...b,bc->...c", (2, 3, 5), (4,), "c", (5, 4), (4,)),
    ("...bc,bc->...b", (2, 3, 4), (3,), None, (3, 4), None),
    ("ab...,bc->ac...", (2, 5, 3), (4,), "c", (5, 4), (4, 1)),
]


@pytest.mark.parametrize(("equation", "shape", "output", "bias_axes", "kernel", "bias"), CASES)
def test_against_numpy(equation, shape, output, bias_axes, kernel, bias):
    layer = layers.EinsumDense(equation, output, bias_axes=bias_axes, bias_initializer="random_normal")
    x = RNG.normal(size=shape).astype("float32")
    out = layer(x)
    assert layer.kernel.shape == kernel
    assert (layer.bias is None) == (bias is None)
    expected = np.einsum(equation, x, layer.kernel.numpy())
    if bias is not None:
        assert layer.bias.shape == bias
        expected = expected + layer.bias.numpy()
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    spec = layer.compute_output_spec(KerasTensor((None, *shape[1:])))
    assert spec.shape == (None, *out.shape[1:])


def test_open_sizes_are_those_of_the_input():
    assert einsum_shapes("abc,cd->abd", (None, 3, 8), (None, 4), None).output == (None, 3, 4)


@pytest.mark.parametrize(
    ("equation", "shape", "output", "bias_axes", "match"),
    [
        ("ab->a", (2, 3), (), None, "`equation` must be of the form"),
        ("ab,bc->ac", (2, 3, 4), (5,), None, "does not fit"),
        ("abc,cd->abd", (2, 3, 4), (5, 6), None, "has size 3 in the input and 5 in the output"),
        ("ab,bc->ad", (2, 3), (5,), None, "neither input nor kernel"),
        ("ab,bd->ac", (2, 3), (5,), None, "neither"),
        ("ab,bc->ac", (2, 3), (5,), "x", "`bias_axes` 'x'"),
        ("ab,bc->ac", (2, None), (5,), None, "must be known"),
    ],
)
def test_refusals(equation, shape, output, bias_axes, match):
    with pytest.raises(ValueError, match=match):
        layers.EinsumDense(equation, output, bias_axes=bias_axes).build(shape)


def test_gradients():
    layer = layers.EinsumDense("abc,cd->abd", (None, 2), activation="tanh", bias_axes="d", kernel_regularizer="l2")
    model = Sequential([Input((3, 4)), layer])
    model.compile("sgd", "mse")
    assert gradient_check(model, RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 2)))


def test_round_trip_of_configurations():
    layer = layers.EinsumDense("abc,cd->abd", (None, 2), activation="relu", bias_axes="d")
    assert layers.deserialize(layers.serialize(layer)).get_config() == layer.get_config()


def test_fans_are_the_axes_summed_over_and_made() -> None:
    layer = layers.EinsumDense("abc,cde->abde", (None, 8, 64), kernel_initializer="lecun_normal")
    layer.build((None, 10, 32))
    assert abs(layer.kernel.numpy().std() - 32**-0.5) < 0.01
