"""What all optimizers share: clipping, decay, averages, learning rates, checks."""

import inspect

import numpy as np
import pytest

from dlrs import constraints, optimizers
from dlrs.backend import Variable
from dlrs.optimizers.schedules import ExponentialDecay
from harness.optimizer_rules import optimizer_classes

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
    with pytest.raises(ValueError, match="`clipnorm` must be a finite number"):
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
    with pytest.raises(TypeError, match="created with a `LearningRateSchedule`"):
        optimizer.learning_rate = 0.5


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
        optimizers.Adam(rate=0.1)


def test_a_norm_that_is_not_finite_spares_no_variable():
    w, v = Variable(np.zeros(1, "float32")), Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(1.0, global_clipnorm=1.0)
    optimizer.apply([np.full(1, np.inf, "float32"), np.ones(1, "float32")], [w, v])
    assert np.isnan([w.numpy()[0], v.numpy()[0]]).all()


def test_dampened_momentum_is_an_exponentially_weighted_average():
    w, average, beta = Variable(START[0].astype("float64")), np.zeros((3, 2)), 0.75
    optimizer = optimizers.SGD(0.5, momentum=beta, dampening=beta)
    for rate, gradients in zip((0.5, 0.25, 1.0, 0.125), GRADIENTS, strict=True):
        before = w.numpy()
        optimizer.learning_rate = rate
        optimizer.apply([gradients[0].astype("float64")], [w])
        average = beta * average + (1 - beta) * gradients[0]
        np.testing.assert_allclose(w.numpy(), before - rate * average, rtol=1e-12)
    for argument in ("momentum", "dampening"):
        for value in (-0.1, 1.5, "0.9", None, float("nan")):
            with pytest.raises(ValueError, match=rf"`{argument}` must be a float between \[0, 1\]"):
                optimizers.SGD(0.5, **{argument: value})


def test_a_function_as_learning_rate_is_asked_at_each_eager_update():
    rates = [0.5, 0.25]
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(lambda: rates[0])
    for _ in range(2):
        optimizer.apply([np.ones(1, "float32")], [w])
        rates.pop(0)
        rates = rates or [0.0]
    assert w.numpy()[0] == -0.75
    assert len(optimizer.variables) == 1


def test_accumulation_waits_and_forgets():
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    seen = []
    for g in (1.0, 3.0, 5.0):
        optimizer.apply([np.full(1, g, "float32")], [w])
        seen.append((w.numpy()[0], optimizer._accumulated_gradients[0].numpy()[0], int(optimizer.iterations)))
    assert seen == [(0.0, 1.0, 0), (-2.0, 0.0, 1), (-2.0, 5.0, 1)]
    for steps in (1, 0, 2.0, True):
        with pytest.raises(ValueError, match="`gradient_accumulation_steps` must be an integer of at least 2"):
            optimizers.SGD(gradient_accumulation_steps=steps)


def test_a_variable_may_be_overwritten_by_its_gradient():
    w, v = Variable(np.zeros(1, "float32")), Variable(np.zeros(1, "float32"))
    v.overwrite_with_gradient = True
    optimizer = optimizers.Adam(1.0, loss_scale_factor=4.0, clipnorm=0.1, use_ema=True)
    optimizer.apply([np.ones(1, "float32"), np.full(1, 7.0, "float32")], [w, v])
    assert v.numpy()[0] == 7.0
    assert w.numpy()[0] == pytest.approx(-1.0, rel=1e-4)
    assert len(optimizer.variables) == 2 + 3


def test_loss_scale_halves_skips_and_doubles():
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(1.0), initial_scale=4.0, dynamic_growth_steps=2)
    scales = []
    for g in (np.inf, 1.0, np.nan, 1.0, 1.0, 1.0):
        optimizer.apply([np.full(1, g, "float32")], [w])
        scales.append(float(optimizer.scale_loss(1.0)))
    assert scales == [2.0, 2.0, 1.0, 1.0, 2.0, 2.0]
    assert int(optimizer.iterations.numpy()) == 4
    assert np.isfinite(w.numpy()).all()
    assert [v.name for v in optimizer.variables][:4] == ["iteration", "learning_rate", "step_counter", "dynamic_scale"]
    for arguments, pattern in (
        ({"dynamic": False}, "loss_scale_factor"),
        ({"clipnorm": 1.0}, "`clipnorm` on the `inner_optimizer`"),
        ({"speed": 1}, "arguments: `speed`"),
        ({"initial_scale": 0.0}, "`initial_scale`"),
    ):
        with pytest.raises(ValueError, match=pattern):
            optimizers.LossScaleOptimizer(optimizers.SGD(), **arguments)


def test_multi_optimizer_leaves_each_variable_to_its_own():
    w, v = Variable(np.zeros(1, "float32"), name="kernel"), Variable(np.zeros(1, "float32"), name="bias")
    fast, slow = optimizers.SGD(1.0), optimizers.SGD(0.5, momentum=0.5, use_ema=True, ema_momentum=0.5)
    optimizer = optimizers.MultiOptimizer(optimizers.OptimizerMap(fast, {"bias": slow}))
    for _ in range(2):
        optimizer.apply([np.ones(1, "float32")] * 2, [w, v])
    assert (w.numpy()[0], v.numpy()[0]) == (-2.0, -1.25)
    optimizer.finalize_variable_values([w, v])
    assert (w.numpy()[0], v.numpy()[0]) == (-2.0, -0.875)
    assert optimizer.optimizers == [slow, fast]
    assert optimizer.variables == [*optimizer.variables[:2], *slow.variables, *fast.variables]
    with pytest.raises(AttributeError, match="each of its `optimizers`"):
        _ = optimizer.learning_rate
    with pytest.raises(ValueError, match="several keys match variable 'kernel'"):
        optimizers.OptimizerMap(fast, {"k.*": slow, ".*l": slow})["kernel"]


def test_values_without_state_are_counted():
    w = Variable(np.zeros(1, "float32"))
    optimizer = optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="must be built"):
        optimizer.stateless_apply([], [], [])
    optimizer.build([w])
    with pytest.raises(ValueError, match="`optimizer_variables` has 1 values for 2"):
        optimizer.stateless_apply([0], [w.value], [w.value])
    with pytest.raises(ValueError, match="`trainable_variables` has 0 values for 1"):
        optimizer.stateless_apply([0, 1.0], [w.value], [])
    with pytest.raises(ValueError, match=r"\(2,\)"):
        optimizer.stateless_apply([5, 0.5], [np.ones(2, "float32")], [np.ones(1, "float32")])
    assert [v.numpy().tolist() for v in (w, *optimizer.variables)] == [[0.0], 0, 1.0]


def test_state_is_assigned_all_or_nothing():
    w = Variable(np.zeros(2, "float32"))
    optimizer = optimizers.SGD(1.0, momentum=0.5)
    with pytest.raises(ValueError, match=r"You are calling `set_weights\(\)`.*has not been built"):
        optimizer.set_weights([0, 1.0])
    optimizer.build([w])
    with pytest.raises(ValueError, match=r"shape \(2,\), the array \(3,\)"):
        optimizer.set_weights([7, 0.5, np.zeros(3)])
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == ["0", "1", "2"]
    store["0"] = np.int32(7)
    optimizer.load_own_variables(store)
    assert [v.numpy().tolist() for v in optimizer.variables] == [7, 1.0, [0.0, 0.0]]


def constructors():
    """Every optimizer and schedule with each of its numeric arguments, those of `Optimizer` with one class."""
    required = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "first_decay_steps": 10}
    every = [*optimizer_classes(), *(cls for cls in vars(optimizers.schedules).values() if isinstance(cls, type))]
    for cls in sorted(every, key=lambda cls: cls.__name__):
        parameters = inspect.signature(cls).parameters
        fixed = {name: required[name] for name in parameters if name in required}
        if cls is optimizers.LossScaleOptimizer:
            fixed = {"inner_optimizer": optimizers.SGD()}
        if cls in (optimizers.schedules.LearningRateSchedule, optimizers.MultiOptimizer) or "values" in parameters:
            continue
        for name, parameter in parameters.items():
            if name in required or type(parameter.default) in (int, float):
                yield pytest.param(cls, fixed, name, id=f"{cls.__name__}-{name}")
    for name in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "ema_momentum", "ema_overwrite_frequency",
                 "loss_scale_factor", "gradient_accumulation_steps"):  # fmt: skip
        yield pytest.param(optimizers.Adagrad, {}, name, id=f"Optimizer-{name}")


@pytest.mark.parametrize(("cls", "fixed", "name"), list(constructors()))
@pytest.mark.parametrize("value", ["0.1", float("nan"), float("inf"), -float("inf"), [0.5], {"a": 1}, 1j, object()])
def test_bad_numbers_are_refused_by_name(cls, fixed, name, value):
    with pytest.raises((ValueError, TypeError), match=rf"`{name}`"):
        cls(**{**fixed, name: value})


def clipped(gradients, clipnorm=None, clipvalue=None, global_clipnorm=None):
    """What NumPy makes of gradients under a limit."""
    if clipvalue is not None:
        return [np.clip(g, -clipvalue, clipvalue) for g in gradients]
    norms = [np.sqrt(np.sum(g * g)) for g in gradients]
    if global_clipnorm is not None:
        norms, limit = [np.sqrt(sum(n * n for n in norms))] * len(gradients), global_clipnorm
    else:
        limit = clipnorm
    return [g * min(1.0, limit / n) for g, n in zip(gradients, norms, strict=True)]


CLIPPING = [cls for cls in optimizer_classes() if "clipnorm" in inspect.signature(cls).parameters]


@pytest.mark.parametrize("limit", ["clipnorm", "clipvalue", "global_clipnorm"])
@pytest.mark.parametrize("cls", CLIPPING, ids=lambda cls: cls.__name__)
def test_every_optimizer_clips_as_numpy_does(cls, limit):
    rng = np.random.default_rng(1)
    start = [rng.normal(size=shape) for shape in ((3, 4), (4,))]
    # The first gradient is beyond every limit, the second within all but that of the global norm.
    steps = [[rng.normal(size=(3, 4)), rng.normal(size=4) * 0.01] for _ in range(3)]

    def trained(options, transform):
        variables = [Variable(value, dtype="float64") for value in start]
        optimizer = cls(learning_rate=0.1, **options)
        for gradients in steps:
            optimizer.apply(transform(gradients), variables)
        return [variable.numpy() for variable in variables]

    with_limit = trained({limit: 0.2}, lambda gradients: gradients)
    by_numpy = trained({}, lambda gradients: clipped(gradients, **{limit: 0.2}))
    for a, b in zip(with_limit, by_numpy, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
