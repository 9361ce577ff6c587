"""Every optimizer and schedule agrees with Keras on JAX: variables after each of ten steps on the same gradients."""

import inspect
from typing import Any

import numpy as np
import pytest

from dlrs import optimizers
from dlrs.backend import Variable
from harness.keras_on_jax import TRIALS, assert_close, draws, jax, keras
from harness.optimizer_rules import LR, RULES, optimizer_classes

STEPS = 10
SHAPES = [(3, 2), (5,), ()]

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weight_decay": {"weight_decay": 0.03},
    "clipnorm": {"clipnorm": 0.8},
    "clipvalue": {"clipvalue": 0.5},
    "global_clipnorm": {"global_clipnorm": 1.5},
    "ema": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 4},
    "accumulation": {"gradient_accumulation_steps": 2},
    "schedule": {"learning_rate": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.8}},
}

# Where float32 alone is coarser than 1e-5 of the largest element, and why.
TOLERANCE = {
    "muon": 1e-4,  # five steps of an iteration that triples the distance of singular values from 1
}

# Keras's SGD has no `dampening`.
OURS_ALONE = {"dampening", "dampened_nesterov"}

# Optimizers around others are compared below.
AROUND_OTHERS = {"loss_scale", "multi"}

CASES = [
    pytest.param(name, variant, id=f"{name}-{variant}")
    for name in RULES
    if name not in OURS_ALONE | AROUND_OTHERS
    for variant in (VARIANTS if name == "adam" or TRIALS > 1 else ("weight_decay",))
]


def test_every_optimizer_has_a_case() -> None:
    compared = {RULES[name].cls for name in RULES if name not in OURS_ALONE | AROUND_OTHERS}
    assert compared | {optimizers.LossScaleOptimizer, optimizers.MultiOptimizer} == optimizer_classes()


def test_every_schedule_has_a_case() -> None:
    exported = {name for name, value in vars(optimizers.schedules).items() if inspect.isclass(value) and name[0] != "_"}
    assert {name for name, _ in SCHEDULES} == exported & set(optimizers.schedules.__all__) - {"LearningRateSchedule"}


class Stateful:
    """Calls Keras's optimizer as a user does."""

    def __init__(self, optimizer: Any, variables: list[Any]) -> None:
        self.optimizer, self.variables = optimizer, variables

    def apply(self, gradients: list[Any]) -> None:
        self.optimizer.apply([jax.numpy.asarray(g) for g in gradients], self.variables)

    def values(self) -> list[np.ndarray]:
        return [np.asarray(v.value) for v in self.variables]


class Stateless(Stateful):
    """Calls Keras's optimizer without side effects, as it must be on JAX where it branches."""

    def __init__(self, optimizer: Any, variables: list[Any]) -> None:
        super().__init__(optimizer, variables)
        optimizer.build(variables)
        self.state, self.current = [v.value for v in optimizer.variables], super().values()

    def apply(self, gradients: list[Any]) -> None:
        self.current, self.state = self.optimizer.stateless_apply(self.state, gradients, self.current)

    def values(self) -> list[np.ndarray]:
        return [np.asarray(v) for v in self.current]


def run(ours: Any, theirs: Any, tolerance: float, peer: type[Stateful] = Stateful, finite: bool = True) -> None:
    """Ten steps of both on the same variables, which are of order 1, and gradients."""
    rng = draws(type(ours).__name__)
    start = [(rng.normal(size=shape) + 0.5).astype("float32") for shape in SHAPES]
    mine = [Variable(w, name=f"w{i}") for i, w in enumerate(start)]
    other = peer(theirs, [keras.Variable(w, name=f"w{i}") for i, w in enumerate(start)])
    for step in range(STEPS):
        gradients = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
        if not finite and step == 3:
            gradients[0][0] = np.inf
        ours.apply(gradients, mine)
        other.apply(gradients)
        for a, b in zip(mine, other.values(), strict=True):
            assert_close(a.numpy(), b, tolerance, f"{a.name} after step {step}", least=1.0)
    if peer is Stateful:
        assert int(np.asarray(ours.iterations)) == int(np.asarray(theirs.iterations))
        ours.finalize_variable_values(mine)
        theirs.finalize_variable_values(other.variables)
        for a, b in zip(mine, other.values(), strict=True):
            assert_close(a.numpy(), b, tolerance, f"{a.name} at the end", least=1.0)


def made(module: Any, name: str, variant: dict[str, Any]) -> Any:
    """The optimizer of a row of the rules, from either `optimizers` module."""
    arguments = {"learning_rate": LR, **RULES[name].arguments, **variant}
    if isinstance(arguments["learning_rate"], dict):
        arguments["learning_rate"] = module.schedules.ExponentialDecay(**arguments["learning_rate"])
    return getattr(module, RULES[name].cls.__name__)(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), CASES)
def test_optimizers(name: str, variant: str) -> None:
    options = VARIANTS[variant]
    run(made(optimizers, name, options), made(keras.optimizers, name, options), TOLERANCE.get(name, 1e-5))


@pytest.mark.slow
@pytest.mark.parametrize("finite", [True, False])
def test_loss_scale(finite: bool) -> None:
    ours, theirs = (
        module.LossScaleOptimizer(module.Adam(LR), initial_scale=4.0, dynamic_growth_steps=3)
        for module in (optimizers, keras.optimizers)
    )
    run(ours, theirs, 1e-5, Stateless, finite)


@pytest.mark.slow
def test_an_optimizer_for_each_variable() -> None:
    def several(module: Any) -> Any:
        kinds = module.OptimizerMap(module.SGD(LR, momentum=0.9))
        kinds["w1"] = module.Adam(LR)
        kinds["w2"] = module.RMSprop(0.01, clipnorm=0.5)
        return module.MultiOptimizer(kinds)

    run(several(optimizers), several(keras.optimizers), 1e-5)


SCHEDULES = [
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.0, "decay_steps": 20, "warmup_target": 0.3, "warmup_steps": 7}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5, "m_mul": 0.8, "alpha": 0.01}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.0}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 11], "values": [1.0, 0.5, 0.25, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 13, "end_learning_rate": 0.01, "power": 2.0}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 13, "cycle": True}),
]


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules(name: str, arguments: dict[str, Any]) -> None:
    ours, theirs = (getattr(module.schedules, name)(**arguments) for module in (optimizers, keras.optimizers))
    for step in (0, 3, 5, 7, 11, 13, 21, 50):
        np.testing.assert_allclose(np.asarray(ours(step)), np.asarray(theirs(step)), rtol=1e-5, atol=1e-8)
