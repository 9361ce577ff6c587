"""What all optimizers share: clipping, decay, averages, learning rates, checks."""

import numpy as np
import pytest

from dlrs import constraints, optimizers
from dlrs.backend import Variable
from dlrs.optimizers.schedules import ExponentialDecay

RNG = np.random.default_rng(0)
START = [RNG.normal(size=(3, 2)).astype("float32"), RNG.normal(size=(5,)).astype("float32")]
GRADIENTS = [[RNG.normal(size=w.shape).astype("float32") for w in START] for _ in range(4)]


def test_clipping():
    g = np.array([3.0, -4.0], "float32")
    for options, expected in (
        ({"clipnorm": 1.0}, [0.6, -0.8]),
        ({"clipvalue": 0.5}, [0.5, -0.5]),
        ({"global_clipnorm": 10.0}, [3.0, -4.0]),
    ):
        w = Variable(np.zeros(2, "float32"))
        optimizers.SGD(1.0, **options).apply([g], [w])
        np.testing.assert_allclose(-w.numpy(), expected, rtol=1e-6)
    a, b = Variable(np.zeros(1, "float32")), Variable(np.zeros(1, "float32"))
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([g[:1], g[1:]], [a, b])
    np.testing.assert_allclose([-a.numpy()[0], -b.numpy()[0]], [0.6, -0.8], rtol=1e-6)
    with pytest.raises(ValueError, match="Only one of"):
        optimizers.SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="`clipnorm` must be positive"):
        optimizers.SGD(clipnorm=-1.0)


def test_weight_decay_and_exclusion():
    w, b = Variable(np.ones(1, "float32"), name="kernel"), Variable(np.ones(1, "float32"), name="bias")
    optimizer = optimizers.SGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([np.zeros(1, "float32")] * 2, [w, b])
    assert w.numpy()[0] == pytest.approx(0.95)
    assert b.numpy()[0] == 1.0


def test_moving_average():
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([-np.ones(1, "float32")], [w])
    assert w.numpy()[0] == 2.0
    optimizer.finalize_variable_values([w])
    assert w.numpy()[0] == 1.5


def test_constraint_is_applied():
    w = Variable(np.array([1.0, -1.0], "float32"))
    w.constraint = constraints.get("non_neg")
    optimizers.SGD(0.1).apply([np.zeros(2, "float32")], [w])
    assert w.numpy().tolist() == [1.0, 0.0]


def test_learning_rate_may_change_between_updates():
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(1.0)
    one = np.ones(1, "float32")
    optimizer.apply([one], [w])
    optimizer.learning_rate = 0.5
    optimizer.apply([one], [w])
    assert w.numpy()[0] == -1.5
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = ExponentialDecay(1.0, 1, 0.5)
    optimizer.apply([one], [w])  # iteration 2: 0.25
    assert w.numpy()[0] == -1.75
    for value in (-1.0, float("nan"), "fast"):
        with pytest.raises(ValueError):
            optimizer.learning_rate = value


def test_a_hyperparameter_may_change_between_updates():
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(1.0, momentum=0.5)
    one = np.ones(1, "float32")
    optimizer.apply([one], [w])
    optimizer.momentum = 0.0
    optimizer.apply([one], [w])
    assert w.numpy()[0] == -2.0


def test_gradients_that_do_not_fit():
    w = Variable(np.zeros(2, "float32"), name="kernel")
    optimizer = optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="1 gradients for 2 variables"):
        optimizer.apply([np.zeros(2, "float32")], [w, w])
    with pytest.raises(ValueError, match=r"'kernel'.*\(3,\).*\(2,\)"):
        optimizer.apply([np.zeros(3, "float32")], [w])
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply([None], [w])
    with pytest.raises(ValueError, match="is not one the optimizer was built"):
        optimizer.apply([np.zeros(2, "float32")], [Variable(np.zeros(2, "float32"))])
    assert w.numpy().tolist() == [0.0, 0.0]
    other = Variable(np.zeros(2, "float32"), name="other")
    both = optimizers.SGD(1.0)
    with pytest.warns(UserWarning, match="no gradient for .*'other'"):
        both.apply([np.ones(2, "float32"), None], [w, other])
    assert w.numpy().tolist() == [-1.0, -1.0]


def test_apply_gradients_takes_pairs():
    w = Variable(np.zeros(2, "float32"))
    optimizer = optimizers.SGD(1.0)
    optimizer.apply_gradients(zip([np.ones(2, "float32")], [w], strict=True))
    assert w.numpy().tolist() == [-1.0, -1.0]


def test_state_round_trip():
    def trained():
        optimizer = optimizers.Adam(0.1)
        w = Variable(START[0])
        for gradients in GRADIENTS[:2]:
            optimizer.apply([gradients[0]], [w])
        return optimizer, w

    optimizer, w = trained()
    resumed, v = optimizers.Adam(0.5), Variable(w.numpy())
    resumed.build([v])
    resumed.set_weights([variable.numpy() for variable in optimizer.variables])
    for gradients in GRADIENTS[2:]:
        optimizer.apply([gradients[0]], [w])
        resumed.apply([gradients[0]], [v])
    assert w.numpy().tobytes() == v.numpy().tobytes()


def test_names():
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adan'.*'[aA]dam'"):
        optimizers.get("adan")
    with pytest.raises(TypeError):
        optimizers.Adam(lr=0.1)
