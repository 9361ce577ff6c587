"""Linear algebra beside the op table: refusals by value, complete bases, derivatives in a direction."""

import numpy as np
import pytest

import dlrs
from dlrs import ops
from dlrs.backend import KerasTensor

RNG = np.random.default_rng(5)


def test_matrices_that_are_not_positive_definite_are_refused_everywhere() -> None:
    x = ops.array([[1.0, 2.0], [2.0, 1.0]])
    for cholesky in (ops.cholesky, dlrs.function(ops.cholesky)):
        with pytest.raises(ValueError, match="not positive definite: its leading minor of order 2"):
            cholesky(x)
    with pytest.raises(ValueError, match="order 1"):
        ops.cholesky([[np.nan]])


def test_singular_matrices() -> None:
    x = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert ops.det(x).item() == 0.0
    assert [y.item() for y in ops.slogdet(x)] == [0.0, -np.inf]
    assert ops.matrix_rank(x).item() == 1
    with pytest.raises(ValueError, match="solve: a is singular: pivot 2 is zero"):
        ops.inv(x)


def test_upper_factors() -> None:
    x = RNG.normal(size=(2, 3, 3))
    x = x @ np.swapaxes(x, -1, -2) + np.eye(3)
    upper = ops.cholesky(x, upper=True).numpy()
    np.testing.assert_array_equal(upper, np.triu(upper))
    np.testing.assert_allclose(np.swapaxes(upper, -1, -2) @ upper, x)
    np.testing.assert_allclose(ops.cholesky_inverse(upper, upper=True).numpy(), np.linalg.inv(x), rtol=1e-8)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3)])
def test_complete_bases(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    q, r = (y.numpy() for y in ops.qr(x, mode="complete"))
    for mine, numpys in zip((q, r), np.linalg.qr(x, mode="complete"), strict=True):
        np.testing.assert_allclose(mine, numpys, atol=1e-12)
    u, s, v = (y.numpy() for y in ops.svd(x))
    k = min(shape[-2:])
    np.testing.assert_allclose((u[..., :k] * s[..., None, :]) @ v[..., :k, :], x, atol=1e-12)
    for basis in (u, v):
        np.testing.assert_allclose(basis @ np.swapaxes(basis, -1, -2), np.eye(basis.shape[-1]) + 0 * basis, atol=1e-12)
    with dlrs.GradientTape() as tape:
        tensor = ops.convert_to_tensor(x)
        tape.watch(tensor)
        first = ops.svd(tensor)[0]
    if shape[-2] > shape[-1]:
        with pytest.raises(ValueError, match="full_matrices"):
            tape.gradient(first, tensor)
    else:
        assert shape[-2] == shape[-1] or k == shape[-2]


@pytest.mark.parametrize("order", [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
def test_norms_of_matrices_in_any_axes(order: object) -> None:
    x = RNG.normal(size=(3, 4, 2))
    for axis in ((0, 1), (2, 0), (-1, -2)):
        expected = np.linalg.norm(x, order, axis, True)
        np.testing.assert_allclose(ops.norm(x, order, axis, True).numpy(), expected, rtol=1e-12)


def test_the_gradient_of_a_norm_at_zero_is_zero() -> None:
    x = ops.zeros((3,))
    with dlrs.GradientTape() as tape:
        tape.watch(x)
        y = ops.norm(x)
    assert tape.gradient(y, x).tolist() == [0.0, 0.0, 0.0]


def test_eig() -> None:
    x = np.array([[2.0, 1.0], [0.0, 3.0]])
    w, v = (y.numpy() for y in ops.eig(x))
    np.testing.assert_allclose(x @ v, v * w, atol=1e-12)
    with pytest.raises(ValueError, match="not real"):
        ops.eig([[0.0, -1.0], [1.0, 0.0]])
    with pytest.raises(TypeError, match="eig"):
        dlrs.function(ops.eig)(ops.array(x))
    assert [y.shape for y in ops.eig(KerasTensor((None, 3, 3)))] == [(None, 3), (None, 3, 3)]


def test_derivatives_in_a_direction() -> None:
    x, t = RNG.normal(size=(3,)), RNG.normal(size=(3,))
    result, slope, aux = ops.jvp(lambda x: ((ops.sin(x), x * 2.0), "aux"), (x,), (t,), has_aux=True)
    assert aux == "aux"
    np.testing.assert_allclose(result[0].numpy(), np.sin(x))
    np.testing.assert_allclose(slope[0].numpy(), np.cos(x) * t)
    np.testing.assert_allclose(slope[1].numpy(), 2 * t)
    with pytest.raises(ValueError, match="same shapes"):
        ops.jvp(ops.sin, (x,), (t[:2],))


def test_sizes_of_matrices_must_be_known() -> None:
    for fn in (ops.cholesky, ops.inv, ops.det, ops.qr, ops.eigh):
        with pytest.raises(ValueError, match="fully-defined"):
            fn(KerasTensor((None, 3)))
    with pytest.raises(ValueError, match="fully-defined"):
        ops.solve(KerasTensor((None, 3, 3)), KerasTensor((None, None, 2)))
    assert ops.solve(KerasTensor((None, 3, 3)), KerasTensor((None, 3))).shape == (None, 3)


def test_transforms_of_every_length() -> None:
    """Fourier transforms of lengths with small factors, with large prime factors, and of one."""
    for n in (1, 2, 7, 12, 37, 74, 128, 211):
        x = RNG.normal(size=(2, n))
        real, imaginary = ops.fft((x, x[::-1]))
        np.testing.assert_allclose(real.numpy() + 1j * imaginary.numpy(), np.fft.fft(x + 1j * x[::-1]), atol=1e-11)
