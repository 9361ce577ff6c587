"""Every optimizer against its rule in NumPy, in all the ways of running it."""

import copy
import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

import dlrs
from dlrs import _dlrs, callbacks, layers, optimizers
from dlrs.backend import Variable
from harness.optimizer_rules import RULES, optimizer_classes

RNG = np.random.default_rng(0)
SHAPES = [(3, 2), (5,), (2, 3, 4), ()]
START = [RNG.normal(size=shape) + 0.5 for shape in SHAPES]
GRADIENTS = [[RNG.normal(size=shape) for shape in SHAPES] for _ in range(10)]


def of_type(arrays, dtype):
    return [array.astype(dtype) for array in map(np.asarray, arrays)]


def variables_of(dtype="float32"):
    return [Variable(w, name=f"w{i}") for i, w in enumerate(of_type(START, dtype))]


def expected_after(name, gradients):
    row = RULES[name]
    weights, states = [np.asarray(w) for w in START], [{} for _ in START]
    for t, step in enumerate(gradients, 1):
        weights = [row.rule(w, g, s, t, **row.options) for w, g, s in zip(weights, step, states, strict=True)]
    return weights


def digest(variables):
    sha = hashlib.sha256()
    for variable in variables:
        sha.update(variable.numpy().tobytes())
    return sha.hexdigest()


def test_every_optimizer_has_a_row():
    assert {type(row.make()) for row in RULES.values()} == optimizer_classes()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 3e-4)])
def test_ten_steps(name, dtype, tolerance):
    optimizer, variables = RULES[name].make(), variables_of(dtype)
    for gradients in GRADIENTS:
        optimizer.apply(of_type(gradients, dtype), variables)
    for variable, w in zip(variables, expected_after(name, GRADIENTS), strict=True):
        assert variable.dtype == dtype
        np.testing.assert_allclose(variable.numpy(), w, rtol=tolerance, atol=tolerance)
    assert int(np.asarray(optimizer.iterations)) == len(GRADIENTS)
    slots = [v for v in optimizer.variables if v.ndim]
    assert all(v.dtype == dtype for v in slots)
    assert len({v.path for v in optimizer.variables}) == len(optimizer.variables)


@pytest.mark.parametrize("name", RULES)
def test_accumulated_gradients_count_as_their_mean(name):
    optimizer, variables = RULES[name].make(gradient_accumulation_steps=2), variables_of("float64")
    for gradients in GRADIENTS:
        optimizer.apply(gradients, variables)
    means = [
        [(a + b) / 2 for a, b in zip(x, y, strict=True)] for x, y in zip(GRADIENTS[::2], GRADIENTS[1::2], strict=True)
    ]
    for variable, w in zip(variables, expected_after(name, means), strict=True):
        np.testing.assert_allclose(variable.numpy(), w, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_eager_and_traced_updates_give_the_same_bits(name):
    def run(traced):
        optimizer, variables = RULES[name].make(use_ema=True, ema_overwrite_frequency=3), variables_of()
        optimizer.build(variables)
        trace = _dlrs.Trace()
        with trace:
            inputs = [trace.input(w.shape, "float32") for w in variables]
            optimizer.apply(inputs, variables)
            program = trace.finish([])
        for gradients in GRADIENTS:
            gradients = of_type(gradients, "float32")
            program(*gradients) if traced else optimizer.apply(gradients, variables)
        return digest([*variables, *optimizer.variables])

    assert run(True) == run(False)


@pytest.mark.parametrize("name", RULES)
def test_values_without_state(name):
    stateful, variables = RULES[name].make(), variables_of()
    other, placeholders = RULES[name].make(), variables_of()
    other.build(placeholders)
    before = digest([*placeholders, *other.variables])
    weights, state = [v.value for v in placeholders], [v.value for v in other.variables]
    for gradients in GRADIENTS[:3]:
        gradients = of_type(gradients, "float32")
        stateful.apply(gradients, variables)
        weights, state = other.stateless_apply(state, gradients, weights)
    assert digest([*placeholders, *other.variables]) == before
    assert digest([*variables, *stateful.variables]) == digest([*weights, *state])


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_copies_go_on_alike(name, duplicate):
    optimizer, variables = RULES[name].make(), variables_of()
    for gradients in GRADIENTS[:2]:
        optimizer.apply(of_type(gradients, "float32"), variables)
    again, copies = duplicate((optimizer, variables))
    for pair in ((optimizer, variables), (again, copies)):
        pair[0].apply(of_type(GRADIENTS[2], "float32"), pair[1])
    assert digest([*copies, *again.variables]) == digest([*variables, *optimizer.variables])


@pytest.mark.parametrize("name", RULES)
def test_configuration_round_trip(name):
    optimizer = RULES[name].make()
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    plain = {cls.__name__.lower(): cls for cls in optimizer_classes()}
    if name in plain:
        assert type(optimizers.get(name)) is plain[name]


def classifier(optimizer, **options):
    dlrs.utils.set_random_seed(7)
    model = dlrs.Sequential([dlrs.Input((6,)), layers.Dense(9, activation="tanh"), layers.Dense(3)])
    model.compile(optimizer, dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
    return model


def blobs():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 50)
    return (rng.normal(size=(50, 6)) + 2 * np.eye(3, 6)[y]).astype("float32"), y


@pytest.mark.filterwarnings("error")  # a step that cannot be compiled would say so
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("accumulated", [False, True])
def test_fit_gives_the_same_bits_on_every_rung(name, accumulated):
    def run(spy=None, **options):
        more = {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2, "clipnorm": 1.0}
        more = {**more, "gradient_accumulation_steps": 3} if accumulated else more
        model = classifier(RULES[name].make(**more), **options)
        model.fit(*blobs(), batch_size=16, epochs=3, verbose=0, callbacks=spy)
        return digest([*model.variables, *model.optimizer.variables])

    reference = run()
    assert run(callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)) == reference
    assert run(run_eagerly=True) == reference


SCRIPT = """
import sys
sys.path[:0] = ["tests", "tests/optimizers"]
from harness.optimizer_rules import RULES
from test_rules import blobs, classifier, digest
for name, row in RULES.items():
    model = classifier(row.make(global_clipnorm=1.0))
    model.fit(*blobs(), batch_size=16, epochs=2, verbose=0)
    print(name, digest([*model.variables, *model.optimizer.variables]))
"""


def test_threads_give_the_same_bits(pytestconfig):
    def run(threads):
        code = f"import os; os.environ['DLRS_NUM_THREADS'] = '{threads}'\n" + SCRIPT
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=pytestconfig.rootpath
        )
        return done.stdout

    reference = run(1)
    assert len(reference.splitlines()) == len(RULES)
    assert run(2) == reference
    assert run(3) == reference


@pytest.mark.parametrize("name", RULES)
def test_saved_and_loaded_models_train_on_alike(name, tmp_path):
    def make():
        return classifier(RULES[name].make(use_ema=True, gradient_accumulation_steps=3, clipvalue=0.5))

    def fit(model, first, last):
        model.fit(*blobs(), batch_size=16, initial_epoch=first, epochs=last, shuffle=False, verbose=0)

    def state(model):
        return digest([*model.variables, *model.optimizer.variables])

    model = make()
    fit(model, 0, 2)
    model.save(tmp_path / "model.dlrs")
    again = dlrs.models.load_model(tmp_path / "model.dlrs")
    assert type(again.optimizer) is type(model.optimizer)
    assert state(again) == state(model)
    fit(model, 2, 3)
    fit(again, 2, 3)
    assert state(again) == state(model)
