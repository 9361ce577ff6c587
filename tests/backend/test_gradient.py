"""Tapes and gradient functions."""

import numpy as np
import pytest

import dlrs
from dlrs import ops

X = np.linspace(-1.5, 1.4, 7)


def central_difference(f, x: np.ndarray, eps: float = 1e-6) -> np.ndarray:
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += eps
        down[i] -= eps
        g[i] = (f(up) - f(down)) / (2 * eps)
    return g


COMPOSITES = {
    "gelu": ops.gelu,
    "gelu_exact": lambda x: ops.gelu(x, approximate=False),
    "silu": ops.silu,
    "mish": ops.mish,
    "elu": ops.elu,
    "selu": ops.selu,
    "celu": lambda x: ops.celu(x, 0.7),
    "leaky_relu": ops.leaky_relu,
    "softsign": ops.softsign,
    "log_sigmoid": ops.log_sigmoid,
    "hard_sigmoid": lambda x: ops.hard_sigmoid(x * 1.1),
    "tan": ops.tan,
    "sinh": ops.sinh,
    "cosh": ops.cosh,
    "log10": lambda x: ops.log10(x + 3.0),
    "logaddexp": lambda x: ops.logaddexp(x, ops.flip(x)),
    "divide_no_nan": lambda x: ops.divide_no_nan(x, ops.array(np.array([0.0, 1, 2, 3, 4, 0, 5]))),
    "var": lambda x: ops.var(x, keepdims=True),
    "std": lambda x: ops.std(x, keepdims=True),
    "logsumexp": lambda x: ops.logsumexp(x),
    "normalize": lambda x: ops.normalize(x),
    "layer_normalization": lambda x: ops.layer_normalization(x, epsilon=1e-3),
    "rms_normalization": lambda x: ops.rms_normalization(x, epsilon=1e-3),
    "clip": lambda x: ops.clip(x, -0.7, 0.8),
    "roll": lambda x: ops.roll(x, 2),
    "flip": lambda x: ops.flip(x),
    "repeat": lambda x: ops.repeat(x, 2),
    "tile": lambda x: ops.tile(x, 3),
    "pad": lambda x: ops.pad(x, (2, 1), mode="reflect"),
    "stack": lambda x: ops.stack([x, x * x]),
    "split": lambda x: ops.concatenate([p * float(i) for i, p in enumerate(ops.split(x, [2, 5]))]),
    "take_along_axis": lambda x: ops.take_along_axis(x, ops.array(np.array([1, 1, 6]))),
    "slice_update": lambda x: ops.slice_update(x, (2,), x[:2] * 3.0),
    "scatter_update": lambda x: ops.scatter_update(x, ops.array([[1], [4]]), x[:2] * 3.0),
    "diag": lambda x: ops.diag(x, 1),
    "outer": lambda x: ops.outer(x, x),
    "norm3": lambda x: ops.norm(x, 3),
    "binary_crossentropy": lambda x: ops.binary_crossentropy(ops.array(np.linspace(0, 1, 7)), x, from_logits=True),
    "categorical_crossentropy": lambda x: ops.categorical_crossentropy(
        ops.array(np.full((1, 7), 1 / 7)), ops.expand_dims(ops.softmax(x), 0)
    ),
    "sparse_from_logits": lambda x: ops.sparse_categorical_crossentropy([2], ops.expand_dims(x, 0), from_logits=True),
    "sparse": lambda x: ops.sparse_categorical_crossentropy([2], ops.expand_dims(ops.softmax(x), 0)),
}


@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_against_central_differences(name: str) -> None:
    f = COMPOSITES[name]
    weights = np.cos(np.arange(f(ops.array(X)).size)).reshape(f(ops.array(X)).shape)

    def loss(x):
        return ops.sum(f(x) * weights)

    expected = central_difference(lambda x: loss(ops.array(x)).item(), X)
    taped = dlrs.grad(loss)(ops.array(X))
    np.testing.assert_allclose(taped.numpy(), expected, rtol=1e-6, atol=1e-8)
    compiled = dlrs.function(dlrs.grad(loss))(ops.array(X))
    np.testing.assert_allclose(compiled.numpy(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("f", [ops.elu, ops.celu, ops.sinh, ops.silu, ops.mish, ops.softsign])
def test_smooth_functions_have_their_slope_at_0(f) -> None:
    slope = (f(ops.array(np.float64(1e-5))).item() - f(ops.array(np.float64(-1e-5))).item()) / 2e-5
    assert dlrs.grad(f)(ops.array(np.float64(0.0))).item() == pytest.approx(slope, abs=1e-4)


def test_second_derivative() -> None:
    x = np.linspace(-1.0, 1.0, 5)

    def energy(x):
        return ops.sum(ops.tanh(x) * ops.exp(x))

    expected = np.exp(x) * (np.tanh(x) + 2 / np.cosh(x) ** 2 - 2 * np.tanh(x) / np.cosh(x) ** 2)

    def sum_of_slopes(x):
        return ops.sum(dlrs.grad(energy)(x))

    np.testing.assert_allclose(dlrs.grad(sum_of_slopes)(ops.array(x)).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(dlrs.function(dlrs.grad(sum_of_slopes))(ops.array(x)).numpy(), expected, rtol=1e-12)
    tensor = ops.array(x)
    with dlrs.GradientTape() as outer:
        outer.watch(tensor)
        with dlrs.GradientTape() as inner:
            inner.watch(tensor)
            y = energy(tensor)
        slope = inner.gradient(y, tensor)
    np.testing.assert_allclose(outer.gradient(slope, tensor).numpy(), expected, rtol=1e-12)


def test_second_derivative_of_a_network() -> None:
    """The gradient of a gradient's squared norm, against central differences of the gradient."""
    rng = np.random.default_rng(2)
    x, w1, w2 = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=(5, 2))

    def loss(w1, w2):
        h = ops.sigmoid(ops.matmul(x, w1))
        return ops.mean(ops.sparse_categorical_crossentropy([0, 1, 1, 0], ops.matmul(h, w2), from_logits=True))

    def penalty(w1, w2):
        return ops.sum(ops.square(dlrs.grad(loss)(w1, w2)))

    expected = central_difference(lambda w: penalty(ops.array(w), ops.array(w2)).item(), w1)
    np.testing.assert_allclose(dlrs.grad(penalty)(ops.array(w1), ops.array(w2)).numpy(), expected, rtol=1e-5, atol=1e-8)
    compiled = dlrs.function(dlrs.grad(penalty))(ops.array(w1), ops.array(w2))
    np.testing.assert_allclose(compiled.numpy(), expected, rtol=1e-5, atol=1e-8)


def test_third_derivative() -> None:
    assert dlrs.grad(dlrs.grad(dlrs.grad(lambda x: x * x * x * x)))(2.0).item() == 48.0


def test_nested_sources_and_targets() -> None:
    a, b, c = ops.array(2.0), ops.array(3.0), ops.array(5.0)
    with dlrs.GradientTape() as tape:
        tape.watch([a, {"b": b}, c])
        y = a * b
        z = a + 1.0
    grads = tape.gradient([y, {"z": z}], {"a": a, "rest": (b, c)})
    assert grads["a"].item() == 4.0
    assert grads["rest"][0].item() == 2.0
    assert grads["rest"][1] is None


def test_unconnected_gradients() -> None:
    x, y = ops.array([1.0, 2.0]), ops.array(1.0)
    with dlrs.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = y * 2.0
    assert tape.gradient(z, x) is None
    assert tape.gradient(z, x, unconnected_gradients="zero").tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="unconnected_gradients"):
        tape.gradient(z, x, unconnected_gradients="None")


def test_output_gradients() -> None:
    x = ops.array([1.0, 2.0, 3.0])
    with dlrs.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x, output_gradients=ops.array([1.0, 0.0, 10.0])).tolist() == [2.0, 0.0, 60.0]


def test_a_tape_is_used_once_unless_persistent() -> None:
    x = ops.array(3.0)
    for persistent in (False, True):
        with dlrs.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = x * x
        assert tape.gradient(y, x).item() == 6.0
        if persistent:
            assert tape.gradient(y, x).item() == 6.0
        else:
            with pytest.raises(RuntimeError, match="persistent"):
                tape.gradient(y, x)


def test_stop_recording_and_stop_gradient() -> None:
    x = ops.array(3.0)
    with dlrs.GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tape.stop_recording():
            hidden = x * x
        y = x * hidden
        z = x * ops.stop_gradient(x)
    assert tape.gradient(y, x).item() == 9.0
    assert tape.gradient(z, x).item() == 3.0
    assert tape.gradient(hidden, x) is None


def test_variables_are_watched_when_trainable() -> None:
    v = dlrs.Variable([1.0, 2.0])
    frozen = dlrs.Variable([1.0, 2.0], trainable=False)
    with dlrs.GradientTape() as tape:
        y = ops.sum(v * v + frozen * frozen)
    grads = tape.gradient(y, [v, frozen])
    assert grads[0].tolist() == [2.0, 4.0]
    assert grads[1] is None
    with dlrs.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(frozen)
        y = ops.sum(v * v + frozen * frozen)
    grads = tape.gradient(y, [v, frozen])
    assert grads[0] is None
    assert grads[1].tolist() == [2.0, 4.0]


def test_value_before_an_assignment_keeps_its_gradient() -> None:
    v = dlrs.Variable(2.0)
    with dlrs.GradientTape() as tape:
        y = v * v
        v.assign(10.0)
    assert tape.gradient(y, v).item() == 4.0


def test_wrong_arguments() -> None:
    x = ops.array(1.0)
    with dlrs.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    for call in (
        lambda: tape.gradient(1.0, x),
        lambda: tape.gradient(y, 1.0),
        lambda: tape.watch(1.0),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ValueError, match="scalar"):
        dlrs.grad(lambda x: x * 2.0)(ops.array([1.0, 2.0]))
    with pytest.raises(IndexError, match="argument 2"):
        dlrs.grad(lambda x: x, argnums=2)(ops.array(1.0))


def test_value_and_grad_forms() -> None:
    def f(params, scale):
        loss = ops.sum(params["w"] * params["w"]) * scale
        return loss, {"twice": loss * 2.0}

    params = {"w": ops.array([1.0, 2.0])}
    (loss, aux), grads = dlrs.value_and_grad(f, has_aux=True)(params, ops.array(3.0))
    assert (loss.item(), aux["twice"].item(), grads["w"].tolist()) == (15.0, 30.0, [6.0, 12.0])
    grads, aux = dlrs.grad(f, argnums=(0, 1), has_aux=True)(params, ops.array(3.0))
    assert (grads[0]["w"].tolist(), grads[1].item()) == ([6.0, 12.0], 5.0)
    v = dlrs.Variable([1.0, 2.0])
    assert dlrs.grad(lambda v: ops.sum(v * v))(v).tolist() == [2.0, 4.0]


def test_a_variable_that_is_assigned_while_recording_counts_with_every_content():
    def gradient():
        v = dlrs.Variable(2.0)
        with dlrs.GradientTape() as tape:
            y = v * v
            v.assign(3.0)
            z = y + v * v
        return tape.gradient(z, v)

    assert float(gradient()) == 10.0
    assert float(dlrs.function(gradient)()) == 10.0


def test_assigning_cuts_the_gradient_off():
    def gradient():
        v = dlrs.Variable(3.0)
        with dlrs.GradientTape() as tape:
            v.assign(v * 2.0)
            z = v * 5.0
        return tape.gradient(z, v)

    assert float(gradient()) == 5.0
    assert float(dlrs.function(gradient)()) == 5.0


def test_an_update_by_a_program_is_another_content():
    v = dlrs.Variable(2.0)
    optimizer = dlrs.optimizers.SGD(1.0)
    with dlrs.GradientTape() as tape:
        y = v * v
        optimizer.apply([dlrs.ops.convert_to_tensor(1.0)], [v])
        z = y + v * v * v
    assert float(v.numpy()) == 1.0
    assert float(tape.gradient(z, v)) == 2 * 2.0 + 3 * 1.0


def test_a_persistent_tape_records_its_own_gradients():
    x = dlrs.ops.convert_to_tensor(3.0)
    with dlrs.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x * x
        first = tape.gradient(y, x)
    assert float(first) == 27.0
    assert float(tape.gradient(first, x)) == 18.0
