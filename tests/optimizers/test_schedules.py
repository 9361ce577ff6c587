"""Learning rates as functions of the step, against their formulas in Python."""

import math

import numpy as np
import pytest

from dlrs import _dlrs, ops, optimizers
from dlrs.backend import Variable
from dlrs.optimizers import schedules


def exponential(step, staircase=False):
    return 0.1 * 0.5 ** (step // 10 if staircase else step / 10)


def inverse_time(step, staircase=False):
    return 0.1 / (1 + 0.5 * (step // 10 if staircase else step / 10))


def polynomial(step, cycle=False):
    length = 10 * max(math.ceil(step / 10), 1) if cycle else 10
    return 0.01 + 0.09 * (1 - min(step, length) / length) ** 2


def piecewise(step):
    return [0.1, 0.05, 0.02][sum(step > boundary for boundary in (7, 14))]


def half_cosine(step, steps, alpha):
    return alpha + (1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))


def cosine(step):
    return 0.1 * half_cosine(step, 10, 0.2)


def warm_cosine(step):
    return 0.1 + 0.4 * step / 5 if step < 5 else 0.5 * half_cosine(step - 5, 10, 0.2)


def restarts(step, t=2.0):
    length, height = 6.0, 1.0
    while step >= length:
        step, length, height = step - length, length * t, height * 0.5
    return 0.1 * (0.2 + 0.8 * height * 0.5 * (1 + math.cos(math.pi * step / length)))


CASES = {
    "exponential": (schedules.ExponentialDecay(0.1, 10, 0.5), exponential),
    "exponential_stairs": (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), lambda s: exponential(s, True)),
    "inverse_time": (schedules.InverseTimeDecay(0.1, 10, 0.5), inverse_time),
    "inverse_time_stairs": (schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True), lambda s: inverse_time(s, True)),
    "polynomial": (schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0), polynomial),
    "polynomial_cycle": (schedules.PolynomialDecay(0.1, 10, 0.01, 2.0, cycle=True), lambda s: polynomial(s, True)),
    "piecewise": (schedules.PiecewiseConstantDecay([7, 14], [0.1, 0.05, 0.02]), piecewise),
    "cosine": (schedules.CosineDecay(0.1, 10, alpha=0.2), cosine),
    "cosine_warmup": (schedules.CosineDecay(0.1, 10, 0.2, warmup_target=0.5, warmup_steps=5), warm_cosine),
    "restarts": (schedules.CosineDecayRestarts(0.1, 6, m_mul=0.5, alpha=0.2), restarts),
    "restarts_equal": (schedules.CosineDecayRestarts(0.1, 6, 1.0, 0.5, 0.2), lambda s: restarts(s, 1.0)),
}


def test_every_schedule_has_a_case():
    every = {
        cls
        for cls in vars(schedules).values()
        if isinstance(cls, type) and cls.__module__.endswith(("decay", "cosine"))
    }
    assert {type(schedule) for schedule, _ in CASES.values()} == every


@pytest.mark.parametrize("name", CASES)
def test_formula_of_numbers_tensors_variables_and_traces(name):
    schedule, rule = CASES[name]
    variable = Variable(np.int32(0), trainable=False)
    trace = _dlrs.Trace()
    with trace:
        program = trace.finish([schedule(trace.input((), "int32"))])
    for step in range(32):
        expected = pytest.approx(rule(step), rel=2e-5, abs=1e-7)
        variable.assign(step)
        eager = schedule(ops.convert_to_tensor(step))
        assert float(schedule(step)) == expected
        assert float(eager) == expected
        assert float(schedule(variable)) == expected
        assert program(np.int32(step))[0].tolist() == eager.tolist()


@pytest.mark.parametrize("name", CASES)
def test_configuration_round_trip(name):
    schedule, _ = CASES[name]
    copy = schedules.deserialize(schedules.serialize(schedule))
    assert type(copy) is type(schedule)
    assert copy.get_config() == schedule.get_config()
    optimizer = optimizers.SGD(schedule)
    again = optimizers.SGD.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == float(schedule(0))


def test_bad_arguments_are_named():
    for make in (
        lambda steps: schedules.ExponentialDecay(0.1, steps, 0.5),
        lambda steps: schedules.InverseTimeDecay(0.1, steps, 0.5),
        lambda steps: schedules.PolynomialDecay(0.1, steps),
        lambda steps: schedules.CosineDecay(0.1, steps),
        lambda steps: schedules.CosineDecayRestarts(0.1, steps),
    ):
        for steps in (0, -1, float("nan"), "10", None, True):
            with pytest.raises(ValueError, match=r"decay_steps` must be a finite number in \(0, inf\)"):
                make(steps)
    with pytest.raises(ValueError, match="`values` must be one more"):
        schedules.PiecewiseConstantDecay([1], [0.1])
    with pytest.raises(ValueError, match="`boundaries` must increase"):
        schedules.PiecewiseConstantDecay([2, 2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"`t_mul` must be a finite number in \[1, inf\)"):
        schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5)
